"""What every answer, question and body is made of."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import UTC, datetime
from typing import Annotated, Any, Generic, TypeVar

from pydantic import (
    AfterValidator,
    BaseModel,
    BeforeValidator,
    ConfigDict,
    Field,
    StringConstraints,
    WithJsonSchema,
)

from overseer_payment.errors import Invalid
from overseer_payment.money import UnitAmount, iso_exponent, unit_amount

RowT = TypeVar("RowT", bound=BaseModel)


def _listed_currency(code: str) -> str:
    try:
        iso_exponent(code.upper())
    except Invalid as error:
        raise ValueError(error.detail) from None
    return code


Currency = Annotated[
    str,
    StringConstraints(pattern=r"^[A-Za-z]{3}$", to_lower=True),
    AfterValidator(_listed_currency),
]


_PRINTABLE = r"^[\x21-\x7e]+$"

Identifier = Annotated[str, StringConstraints(min_length=1, max_length=255, pattern=_PRINTABLE)]


def _number_as_text(value: object) -> object:
    return str(value) if type(value) is int and value > 0 else value


RowIdentifier = Annotated[
    Identifier,
    BeforeValidator(_number_as_text),
    WithJsonSchema(
        {
            "anyOf": [
                {"type": "string", "minLength": 1, "maxLength": 255, "pattern": _PRINTABLE},
                {"type": "integer", "minimum": 1, "maximum": 2**63 - 1},
            ]
        }
    ),
]
"""A row in a body: our id, as the number that rows tell or as text, or the provider's id."""


Metadata = dict[
    Annotated[str, StringConstraints(min_length=1, max_length=40, pattern=r"^[^\[\]\x00-\x1f]+$")],
    Annotated[str, StringConstraints(max_length=500)],
]


EmailText = Annotated[str, StringConstraints(max_length=512, pattern=r"^[^\s@]+@[^\s@]+$")]


def _in_utc(moment: datetime) -> datetime:
    return moment.replace(tzinfo=UTC) if moment.tzinfo is None else moment.astimezone(UTC)


Moment = Annotated[datetime, AfterValidator(_in_utc)]
"""Without an offset it is meant as UTC."""


class Row(BaseModel):
    """Base of everything that is answered."""

    model_config = ConfigDict(frozen=True)


class UnitPricedRow(Row):
    """What has a price for one piece."""

    amount: int | None = Field(
        default=None,
        description="For one piece, in minor units; null where it depends, or is a fraction of a minor unit.",
    )
    amount_decimal: str | None = Field(
        default=None, description="The same exactly, as in `0.5`; null where it depends."
    )

    @property
    def each(self) -> UnitAmount | None:
        """What one piece costs, exactly, in minor units; None where it depends."""
        return self.amount if self.amount_decimal is None else unit_amount(self.amount_decimal)


class Body(BaseModel):
    """Base of everything that is asked: an unknown field is an error, not silence."""

    model_config = ConfigDict(frozen=True, extra="forbid", hide_input_in_errors=True)


class Page(Row, Generic[RowT]):
    """Some rows, newest first, and where to go on."""

    rows: list[RowT]
    next_cursor: str | None = None
    searched_since: datetime | None = None
    """Of a search for a text: older rows were looked up by ids, addresses and names only. None: all."""

    # A page is its rows; pydantic's own way through a model's fields is `model_dump`.
    def __iter__(self) -> Iterator[RowT]:  # type: ignore[override]
        return iter(self.rows)


class ListQuery(Body):
    limit: int = Field(default=20, ge=1, le=100)
    cursor: Annotated[str, StringConstraints(max_length=200)] | None = None


ONE_PROVIDER = "Of this provider alone, by its key, instead of all that are configured."


class LedgerQuery(ListQuery):
    """A list of the ledger's rows, over the accounts that are looked at."""

    provider: Identifier | None = Field(default=None, description=ONE_PROVIDER)


JsonObject = dict[str, Any]
