"""`payment operations`: who did what, and what came of it."""

from __future__ import annotations

from typing import TYPE_CHECKING

import click

from overseer_payment.cli.payment.listing import show_list
from overseer_payment.cli.payment.options import (
    OPERATION_STATES,
    build,
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
    from overseer_payment.schemas import OperationQuery
    from overseer_payment.shown import operations as shown

    show_list(
        shown.operations,
        build(OperationQuery, status=status, cursor=cursor),
        limit=limit,
        as_json=as_json,
        noun="operations",
        table=_table,
        none="Nothing was sent to a provider yet.",
        unfit="No operation fits.",
    )


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
