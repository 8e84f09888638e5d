"""What is on sale: prices with their products."""

from __future__ import annotations

import json
from collections.abc import Sequence
from typing import Any

from sqlalchemy import Connection, Row, select

from overseer_payment import tables
from overseer_payment.ledger.paging import page
from overseer_payment.schemas import CatalogQuery, PriceOptionRow, PriceRow, ProductRow

_price, _product = tables.price, tables.product


def prices(
    connection: Connection, account_id: int, query: CatalogQuery
) -> tuple[list[PriceRow], list[ProductRow], str | None]:
    """Active prices of active products, newest first, with those products; and where to go on."""
    same = (_product.c.account_id == _price.c.account_id) & (
        _product.c.provider_product_id == _price.c.product_ref
    )
    named = _product.c.name.label("product_name"), _product.c.description
    statement = select(_price, *named).outerjoin(_product, same)
    # A product that nobody described yet may be sold: its name is asked for already.
    sold = _product.c.active.is_(True) | _product.c.id.is_(None)
    statement = statement.where(_price.c.account_id == account_id, _price.c.active.is_(True), sold)
    if query.product_id is not None:
        statement = statement.where(_price.c.product_ref == query.product_id)
    rows, cursor = page(connection, statement, _price, limit=query.limit, cursor=query.cursor)
    return [_price_row(row) for row in rows], _products(rows), cursor


def _price_row(row: Row[Any]) -> PriceRow:
    return PriceRow(
        id=row.provider_price_id,
        product_id=row.product_ref,
        product_name=row.product_name or row.product_ref,
        nickname=row.nickname,
        amount=row.amount,
        amount_decimal=row.amount_decimal,
        package=row.package,
        currency=row.currency,
        interval=row.interval,
        interval_count=row.interval_count,
        scheme=row.scheme,
        currencies=[PriceOptionRow.model_validate(option) for option in json.loads(row.options)],
    )


def _products(rows: Sequence[Row[Any]]) -> list[ProductRow]:
    found = {
        row.product_ref: ProductRow(
            id=row.product_ref, name=row.product_name or row.product_ref, description=row.description
        )
        for row in rows
    }
    return list(found.values())


def on_sale(connection: Connection, account_id: int) -> list[str]:
    """The provider's ids of every price that is active here."""
    query = select(_price.c.provider_price_id).where(
        _price.c.account_id == account_id, _price.c.active.is_(True)
    )
    return list(connection.execute(query).scalars())
