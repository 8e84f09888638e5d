"""`payment customers`: who pays."""

from __future__ import annotations

from typing import TYPE_CHECKING

import click

from overseer_payment.cli.payment.options import (
    CUSTOMER_STATES,
    build,
    collect,
    continuation,
    list_options,
    provider_option,
    status_option,
)

if TYPE_CHECKING:
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
    from overseer_payment.cli import output
    from overseer_payment.cli.session import session
    from overseer_payment.schemas import CustomerQuery

    asked = build(CustomerQuery, status=status, q=query, provider=provider, cursor=cursor)
    with session() as desk:
        rows, following = desk.run(collect(lambda q: desk.payments.customers(desk.viewer, q), asked, limit))
    if as_json:
        output.write_json({"customers": rows, "next_cursor": following})
        return
    if not rows:
        none = "No customers yet. They come with their first checkout."
        output.note("No customer fits." if query or status or provider else none)
        return
    _show_all(rows)
    if following:
        output.note(f"More: {continuation(following)}")


def _show_all(rows: list[CustomerRow]) -> None:
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
