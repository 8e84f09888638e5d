"""`payment operations`: who did what, and what came of it."""

from __future__ import annotations

from typing import TYPE_CHECKING

import click

from overseer_payment.cli.payment.options import (
    OPERATION_STATES,
    build,
    collect,
    continuation,
    list_options,
    status_option,
)

if TYPE_CHECKING:
    from collections.abc import Sequence

    from overseer_payment.cli.output import Cell
    from overseer_payment.cli.words import Amounts
    from overseer_payment.schemas import OperationRow


@click.command()
@status_option(OPERATION_STATES)
@list_options
def operations(status: str | None, limit: int, cursor: str | None, as_json: bool) -> None:
    """List what was sent to the provider, by whom, with what outcome; newest first."""
    from overseer_payment.cli import output
    from overseer_payment.cli.session import session
    from overseer_payment.cli.words import Amounts
    from overseer_payment.schemas import OperationQuery
    from overseer_payment.shown import operations as shown

    asked = build(OperationQuery, status=status, cursor=cursor)
    with session() as desk:
        rows, following = desk.run(
            collect(lambda q: shown.operations(desk.payments, desk.viewer, q), asked, limit)
        )
        amounts = Amounts(desk.payments, (row.provider for row in rows))
    if as_json:
        output.write_json({"operations": rows, "next_cursor": following})
        return
    if not rows:
        output.note("No operation fits." if status or cursor else "Nothing was sent to a provider yet.")
        return
    _table(rows, amounts)
    if following:
        output.note(f"More: {continuation(following)}")


def _table(rows: Sequence[OperationRow], amounts: Amounts) -> None:
    from overseer_payment.cli.output import Column, table
    from overseer_payment.cli.words import moment, state

    columns = (
        Column("ID", right=True),
        Column("When"),
        Column("Kind"),
        Column("Status"),
        Column("Amount", right=True, rank=1),
        Column("Who", shrink=True, least=10),
        Column("Target", shrink=True, least=10, rank=3),
        Column("Result", shrink=True, least=12, rank=2),
    )
    table(
        columns,
        (
            (
                str(row.id),
                moment(row.created_at),
                row.kind,
                state(row.status),
                _amount(row, amounts),
                row.actor,
                row.target or "",
                row.error or row.result or "",
            )
            for row in rows
        ),
    )


def _amount(row: OperationRow, amounts: Amounts) -> Cell | str:
    if row.amount is None or row.currency is None:
        return ""
    return amounts.cell(row.provider, row.amount, row.currency)
