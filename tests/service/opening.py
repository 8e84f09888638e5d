"""Opening checkouts in a shop."""

from __future__ import annotations

from typing import Any

from overseer_payment.provider import CheckoutMode
from overseer_payment.schemas import CheckoutBody, CheckoutCreated, Viewer
from tests.service.shop import OPERATOR, Shop


async def checkout_body(shop: Shop, **more: Any) -> CheckoutBody:
    return CheckoutBody(**{"price_id": await shop.price(), "mode": CheckoutMode.PAYMENT, **more})


async def open_checkout(
    shop: Shop, viewer: Viewer = OPERATOR, key: str | None = None, **more: Any
) -> CheckoutCreated:
    return await shop.payments.create_checkout(viewer, await checkout_body(shop, **more), idempotency_key=key)
