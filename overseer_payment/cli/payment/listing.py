"""What every list command does once its options are a query: ask page by page, and write what was found."""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Sequence
from typing import TYPE_CHECKING, TypeAlias, TypeVar

from overseer_payment.cli.payment.options import collect, continuation

if TYPE_CHECKING:
    from overseer_payment.cli.words import Amounts
    from overseer_payment.schemas import ListQuery, Page, Row, Viewer
    from overseer_payment.service import Payments

QueryT = TypeVar("QueryT", bound="ListQuery")
RowT = TypeVar("RowT", bound="Row")
Question: TypeAlias = "Callable[[Payments, Viewer, QueryT], Awaitable[Page[RowT]]]"


def show_list(
    question: Question[QueryT, RowT],
    asked: QueryT,
    *,
    limit: int,
    as_json: bool,
    noun: str,
    table: Callable[[Sequence[RowT], Amounts], None],
    none: str,
    unfit: str,
) -> None:
    """Write up to `limit` rows as a table, or with `as_json` as REST answers them under `noun`.

    `none` is said where there is nothing at all, `unfit` where nothing fits the filters.
    """
    from overseer_payment.cli import output
    from overseer_payment.cli.session import session
    from overseer_payment.cli.words import Amounts

    with session() as desk:
        fetch = collect(lambda query: question(desk.payments, desk.viewer, query), asked, limit)
        rows, following = desk.run(fetch)
        amounts = Amounts(desk.payments, (getattr(row, "provider", "") for row in rows))
    if as_json:
        output.write_json({noun: rows, "next_cursor": following})
    elif not rows:
        for remark in (unfit if asked.model_dump(exclude_defaults=True) else none).splitlines():
            output.note(remark)
    else:
        table(rows, amounts)
        if following:
            output.note(f"More: {continuation(following)}")
