"""Stripe's prices and products as what can be sold."""

from __future__ import annotations

from collections.abc import AsyncIterator
from typing import TYPE_CHECKING, Any

from overseer_payment.provider import Price
from overseer_payment.provider_plugins.stripe.translate import fields as f
from overseer_payment.provider_plugins.stripe.translate.price import amount_of, package_of, scheme_of

if TYPE_CHECKING:
    from stripe.params import PriceListParams

    from overseer_payment.provider_plugins.stripe.client import Client


async def active_prices(client: Client) -> AsyncIterator[Price]:
    """Every active price of an active product, newest first."""

    def call(stripe: Any, after: str | None) -> Any:
        params: PriceListParams = {"active": True, "limit": 100, "expand": ["data.product"]}
        if after:
            params["starting_after"] = after
        return stripe.v1.prices.list_async(params)

    async for answer in client.pages(call):
        if (found := price(answer.data)) is not None:
            yield found


def price(obj: f.Json) -> Price | None:
    """A price with its product expanded; None for what can't be sold (archived, deleted, unreadable)."""
    product, recurring = f.inner(obj, "product"), f.inner(obj, "recurring")
    id, product_id, currency = f.reference(obj, "id"), f.reference(obj, "product"), f.currency_or_none(obj)
    if id is None or product_id is None or currency is None or f.flag(product, "deleted"):
        return None
    if product.get("active") is False or obj.get("active") is False:
        return None
    return Price(
        id=id,
        product=product_id,
        product_name=f.text(product, "name") or product_id,
        amount=amount_of(obj),
        currency=currency,
        scheme=scheme_of(obj),
        package=package_of(obj),
        interval=f.text(recurring, "interval"),
        interval_count=max(1, f.whole(recurring, "interval_count", 1)),
        nickname=f.text(obj, "nickname"),
    )
