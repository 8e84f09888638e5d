"""`payment catalog`: what can be sold."""

from __future__ import annotations

from typing import TYPE_CHECKING

import click

from overseer_payment.cli.payment.options import build, continuation, json_option

if TYPE_CHECKING:
    from overseer_payment.cli.output import Cell
    from overseer_payment.cli.words import Amounts
    from overseer_payment.schemas import Catalog, PriceRow


@click.command()
@click.option("--provider", metavar="KEY", help="Of this provider instead of the default one.")
@click.option("--product", metavar="ID", help="Only this product's prices, by the provider's id.")
@click.option(
    "--limit", "-n", type=click.IntRange(1, 100), default=100, show_default=True, help="At most so many."
)
@click.option("--cursor", metavar="CURSOR", help="Go on where an earlier list ended.")
@json_option
def catalog(provider: str | None, product: str | None, limit: int, cursor: str | None, as_json: bool) -> None:
    """List products and prices that can be sold; a price's ID is what `checkout --price` takes."""
    from overseer_payment.cli import output
    from overseer_payment.cli.session import session
    from overseer_payment.cli.words import Amounts
    from overseer_payment.schemas import CatalogQuery

    query = build(CatalogQuery, provider=provider, product_id=product, limit=limit, cursor=cursor)
    with session() as desk:
        found = desk.run(desk.payments.catalog(desk.viewer, query=query))
        amounts = Amounts(desk.payments, [found.provider])
    if found.note:
        output.note(found.note)
    if as_json:
        output.write_json(found)
    elif found.prices:
        _show(found, amounts)
    else:
        output.note(f"{found.provider} has no active price. Create a product there first.")
    if found.next_cursor:
        output.note(f"More: {continuation(found.next_cursor)}")


def _show(found: Catalog, amounts: Amounts) -> None:
    from overseer_payment.cli.output import Cell, Column, table
    from overseer_payment.cli.words import cadence

    columns = (
        Column("Product", shrink=True),
        Column("Amount", right=True),
        Column("Every"),
        Column("Also in", shrink=True, rank=2),
        Column("Note", shrink=True, rank=1),
        Column("Price ID"),
    )
    table(
        columns,
        (
            (
                price.product_name,
                _amount(found.provider, price, amounts),
                cadence(price.interval, price.interval_count) or "once",
                _others(found.provider, price, amounts),
                Cell(price.nickname or "", "dim"),
                price.id,
            )
            for price in found.prices
        ),
    )


def _amount(provider: str, price: PriceRow, amounts: Amounts) -> Cell:
    from overseer_payment.cli.words import sum_cell

    return sum_cell(amounts.price(provider, price, price.currency), "dim" if price.each is None else "")


def _others(provider: str, price: PriceRow, amounts: Amounts) -> str:
    return ", ".join(
        one.currency.upper() if one.each is None else amounts.option(provider, price, one)
        for one in price.currencies
    )
