"""What can be sold."""

from __future__ import annotations

from datetime import datetime

from pydantic import Field

from overseer_payment.provider import PriceScheme
from overseer_payment.schemas.base import Identifier, ListQuery, Row, UnitPricedRow


class PriceOptionRow(UnitPricedRow):
    """The same price in another currency, in its minor units."""

    currency: str


class PriceRow(UnitPricedRow):
    """One way to buy one product, in minor units of `currency`."""

    id: str
    product_id: str
    product_name: str
    nickname: str | None = None
    currency: str
    interval: str | None = None
    interval_count: int = 1
    scheme: PriceScheme = Field(
        default=PriceScheme.FLAT,
        description="How the sum comes about: only a `flat` one is the same for each piece.",
    )
    package: int = Field(default=1, description="For how many pieces at once the amount is.")
    currencies: list[PriceOptionRow] = Field(
        default_factory=list, description="Other currencies in which it can be paid."
    )


class ProductRow(Row):
    """What is sold, by the provider's id."""

    id: str
    name: str
    description: str | None = None


class Catalog(Row):
    """Prices that are on sale, newest first, with their products; `next_cursor` null: there are no more."""

    provider: str
    prices: list[PriceRow]
    products: list[ProductRow] = Field(default_factory=list)
    next_cursor: str | None = None
    read_at: datetime | None = Field(
        default=None, description="When all of it was last read from the provider; news since then is in it."
    )
    note: str | None = Field(default=None, description="For people: why this may not be the newest state.")


class CatalogQuery(ListQuery):
    limit: int = Field(default=100, ge=1, le=100)
    product_id: Identifier | None = Field(default=None, description="Only this product's, by its id.")
    provider: Identifier | None = Field(default=None, description="Instead of the default provider.")
