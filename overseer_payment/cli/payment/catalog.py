"""`payment catalog`: what can be sold."""

from __future__ import annotations

import click

from overseer_payment.cli.payment.options import json_option


@click.command()
@click.option("--provider", metavar="KEY", help="Of this provider instead of the default one.")
@json_option
def catalog(provider: str | None, as_json: bool) -> None:
    """List products and prices that can be sold; a price's ID is what `checkout --price` takes."""
    from overseer_payment.cli import output
    from overseer_payment.cli.session import session
    from overseer_payment.cli.words import Amounts, cadence

    with session() as desk:
        found = desk.run(desk.payments.catalog(desk.viewer, provider))
        amounts = Amounts(desk.payments, [found.provider])
    if as_json:
        output.write_json(found)
        return
    if not found.prices:
        output.note(f"{found.provider} has no active price. Create a product there first.")
        return
    columns = (
        output.Column("Product", shrink=True),
        output.Column("Amount", right=True),
        output.Column("Every"),
        output.Column("Note", shrink=True, rank=1),
        output.Column("Price ID"),
    )
    output.table(
        columns,
        (
            (
                price.product_name,
                output.Cell("varies", "dim")
                if price.amount is None
                else amounts.cell(found.provider, price.amount, price.currency),
                cadence(price.interval, price.interval_count) or "once",
                output.Cell(price.nickname or "", "dim"),
                price.id,
            )
            for price in found.prices
        ),
    )
