"""`payment customers`: who pays."""

from __future__ import annotations

from typing import TYPE_CHECKING

import click

from overseer_payment.cli.payment.listing import show_list
from overseer_payment.cli.payment.options import (
    CUSTOMER_STATES,
    build,
    list_options,
    provider_option,
    status_option,
)

if TYPE_CHECKING:
    from collections.abc import Sequence

    from overseer_payment.cli.output import Cell
    from overseer_payment.schemas import CustomerRow


@click.command()
@status_option(CUSTOMER_STATES)
@click.option(
    "--query",
    "-q",
    metavar="TEXT",
    help="An id, or the beginning of an address or name; of recent ones any part.",
)
@provider_option
@list_options
def customers(
    status: str | None, query: str | None, provider: str | None, limit: int, cursor: str | None, as_json: bool
) -> None:
    """List or search customers, newest first."""
    from overseer_payment.schemas import CustomerQuery

    show_list(
        lambda payments, viewer, asked: payments.customers(viewer, asked),
        build(CustomerQuery, status=status, q=query, provider=provider, cursor=cursor),
        limit=limit,
        as_json=as_json,
        noun="customers",
        table=lambda rows, _: _show_all(rows),
        none="No customers yet. They come with their first checkout.",
        unfit="No customer fits.",
    )


def _show_all(rows: Sequence[CustomerRow]) -> None:
    from overseer_payment.cli.output import Cell, Column, table
    from overseer_payment.cli.words import moment

    columns = (
        Column("ID", right=True),
        Column("Since"),
        Column("Name", shrink=True, least=10),
        Column("E-mail", shrink=True, least=16),
        Column("User", shrink=True, least=8, rank=2),
        Column("At provider", rank=1),
    )
    table(
        columns,
        (
            (
                str(row.id),
                moment(row.occurred_at or row.created_at),
                row.name or _gone(row),
                row.email or "",
                row.user_id or "",
                Cell(row.provider_customer_id, "dim"),
            )
            for row in rows
        ),
    )


def _gone(row: CustomerRow) -> Cell:
    """Why there is no name."""
    from overseer_payment.cli.output import Cell

    return Cell("erased" if row.erased_at else "deleted" if row.deleted else "", "dim")
