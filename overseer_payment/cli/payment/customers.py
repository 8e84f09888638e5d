"""`payment customers` and `payment customer`."""

from __future__ import annotations

from typing import TYPE_CHECKING

import click

from overseer_payment.cli.payment.options import build, collect, continuation, json_option, list_options

if TYPE_CHECKING:
    from overseer_payment.cli.output import Cell
    from overseer_payment.cli.words import Amounts
    from overseer_payment.schemas import CustomerDetail, CustomerRow


@click.command()
@click.option("--query", "-q", metavar="TEXT", help="Part of an id, e-mail address or name.")
@list_options
def customers(query: str | None, limit: int, cursor: str | None, as_json: bool) -> None:
    """List or search customers, newest first."""
    from overseer_payment.cli import output
    from overseer_payment.cli.session import session
    from overseer_payment.schemas import CustomerQuery

    asked = build(CustomerQuery, q=query, cursor=cursor)
    with session() as desk:
        rows, following = desk.run(collect(lambda q: desk.payments.customers(desk.viewer, q), asked, limit))
    if as_json:
        output.write_json({"customers": rows, "next_cursor": following})
        return
    if not rows:
        output.note(
            "No customer fits." if query else "No customers yet. They come with their first checkout."
        )
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
                Cell("deleted", "dim") if row.deleted and not row.name else row.name or "",
                row.email or "",
                row.user_id or "",
                Cell(row.provider_customer_id, "dim"),
            )
            for row in rows
        ),
    )


@click.command()
@click.argument("id")
@json_option
def customer(id: str, as_json: bool) -> None:
    """Show one customer with lifetime value and subscriptions.

    ID is the number from the list, or the provider's (cus_…).
    """
    from overseer_payment.cli import output
    from overseer_payment.cli.session import session
    from overseer_payment.cli.words import Amounts

    with session() as desk:
        detail = desk.run(desk.payments.customer(desk.viewer, id))
        amounts = Amounts(desk.payments, [detail.provider])
    if as_json:
        output.write_json(detail)
    else:
        _show(detail, amounts)


def _show(detail: CustomerDetail, amounts: Amounts) -> None:
    from overseer_payment.cli.output import Cell, facts, heading, line
    from overseer_payment.cli.payment.subscriptions import show
    from overseer_payment.cli.words import exact, mode, person

    line(Cell(f"Customer {detail.id}", "bold"), "  ", person(detail.name, detail.email))
    facts(
        (
            ("Since", exact(detail.occurred_at or detail.created_at)),
            ("User", detail.user_id),
            ("At provider", detail.provider_customer_id),
            ("Provider", detail.provider),
            ("Mode", mode(detail.livemode)),
            ("Deleted", "yes, at the provider" if detail.deleted else None),
        )
    )
    _value(detail, amounts)
    if detail.subscriptions:
        heading("Subscriptions")
        show(detail.subscriptions, amounts, indent=2)


def _value(detail: CustomerDetail, amounts: Amounts) -> None:
    from overseer_payment.cli.output import Column, heading, table

    if not detail.value:
        return
    heading("Lifetime value")
    titles = ("Payments", "Gross", "Refunded", "Disputed", "Net")
    columns = [Column(title, right=True) for title in titles]
    rows: list[list[Cell | str]] = []
    for value in detail.value:
        sums = (value.gross, -value.refunded, -value.disputed)
        shown = [amounts.cell(detail.provider, amount, value.currency) for amount in sums]
        net = amounts.cell(detail.provider, value.net, value.currency, "bold")
        rows.append([str(value.payments), *shown, net])
    table(columns, rows, indent=2)
