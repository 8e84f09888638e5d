"""What can be sold."""

from __future__ import annotations

from overseer_payment.schemas.base import Row


class PriceRow(Row):
    id: str
    product_id: str
    product_name: str
    nickname: str | None = None
    amount: int | None = None
    currency: str
    interval: str | None = None
    interval_count: int = 1


class Catalog(Row):
    provider: str
    prices: list[PriceRow]
