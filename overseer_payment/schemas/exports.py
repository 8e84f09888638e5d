"""What exports are asked for: the filters of the list, and a format. Paging is the export's own."""

from __future__ import annotations

from typing import Any, Literal

from pydantic import Field, create_model

from overseer_payment.schemas.base import Body, ListQuery

ExportFormat = Literal["csv", "jsonl"]


class ExportQuery(Body):
    """A format, and in each noun's own model the filters of its list."""

    format: ExportFormat = Field(
        default="csv", description="`csv` with a header line, or `jsonl`: one JSON object on each line."
    )


def export_of(query: type[ListQuery]) -> type[ExportQuery]:
    """The model of an export that takes every filter that a list's `query` takes."""
    filters: dict[str, Any] = {
        name: (field.annotation, field)
        for name, field in query.model_fields.items()
        if name not in ListQuery.model_fields
    }
    name = f"{query.__name__.removesuffix('Query')}Export"
    return create_model(name, __base__=ExportQuery, __module__=__name__, **filters)
