"""Prices by tiers and by usage: what they are billed at, and how they are told."""

from __future__ import annotations

from typing import Any

import pytest
import stripe

from overseer_payment.simulator import World

pytestmark = pytest.mark.anyio

TIERS: list[Any] = [
    {"up_to": 5, "unit_amount": 500},
    {"up_to": 10, "unit_amount": 400, "flat_amount": 1000},
    {"up_to": "inf", "unit_amount_decimal": "0.5", "flat_amount": 107},
]


async def customer(sdk: stripe.StripeClient) -> str:
    made = await sdk.v1.customers.create_async({"email": "ada@example.com"})
    method = await sdk.v1.payment_methods.attach_async("pm_card_visa", {"customer": made.id})
    settings: Any = {"default_payment_method": method.id}
    await sdk.v1.customers.update_async(made.id, {"invoice_settings": settings})
    return made.id


async def price(sdk: stripe.StripeClient, **params: Any) -> stripe.Price:
    base: Any = {
        "currency": "usd",
        "recurring": {"interval": "month"},
        "product_data": {"name": "Calls"},
        **params,
    }
    return await sdk.v1.prices.create_async(base)


async def billed(world: World, sdk: stripe.StripeClient, price: str, quantity: int | None) -> list[int]:
    """What the first invoice's lines come to."""
    item: Any = {"price": price} if quantity is None else {"price": price, "quantity": quantity}
    made = await sdk.v1.subscriptions.create_async({"customer": await customer(sdk), "items": [item]})
    assert made.status == "active"
    invoice = world.get("invoice", str(made.latest_invoice))
    assert (invoice["status"], invoice["amount_paid"]) == ("paid", invoice["total"])
    return [line["amount"] for line in invoice["lines"]["data"]]


@pytest.mark.parametrize(
    ("mode", "quantity", "expected"),
    [
        ("graduated", 5, 2500),
        ("graduated", 6, 2500 + 400 + 1000),
        ("graduated", 10, 2500 + 2000 + 1000),
        ("graduated", 13, 2500 + 2000 + 1000 + 109),  # 1.5 and 107
        ("volume", 5, 2500),
        ("volume", 6, 2400 + 1000),
        ("volume", 10, 4000 + 1000),
        ("volume", 13, 114),  # 6.5 and 107, rounded up once
    ],
)
async def test_tiers_bill_exactly(
    world: World, sdk: stripe.StripeClient, mode: str, quantity: int, expected: int
) -> None:
    """Each piece by its own tier, or all by the tier of the whole; flat amounts once, rounded once."""
    made = await price(sdk, billing_scheme="tiered", tiers_mode=mode, tiers=TIERS)
    assert await billed(world, sdk, made.id, quantity) == [expected]


async def test_tiers_are_told_where_they_are_asked_for(sdk: stripe.StripeClient) -> None:
    """A price has no amount and no tiers of its own; expanded it has each as it was given."""
    made = await price(sdk, billing_scheme="tiered", tiers_mode="volume", tiers=TIERS)
    assert (made.unit_amount, made.tiers_mode, "tiers" in made) == (None, "volume", False)
    told = (await sdk.v1.prices.retrieve_async(made.id, {"expand": ["tiers"]})).tiers
    assert told is not None
    assert [(tier.up_to, tier.unit_amount, tier.flat_amount) for tier in told] == [
        (5, 500, None),
        (10, 400, 1000),
        (None, None, 107),
    ]


@pytest.mark.parametrize("tiers", [TIERS[:2], [TIERS[1], TIERS[0], TIERS[2]], [TIERS[2], TIERS[2]]])
async def test_tiers_that_leave_a_gap_are_refused(sdk: stripe.StripeClient, tiers: list[Any]) -> None:
    """They ascend, and the last one has no end."""
    with pytest.raises(stripe.InvalidRequestError, match="inf"):
        await price(sdk, billing_scheme="tiered", tiers_mode="graduated", tiers=tiers)


async def test_usage_that_nobody_reported_costs_nothing(world: World, sdk: stripe.StripeClient) -> None:
    """A metered price has no quantity, and bills 0 at the beginning and at each renewal."""
    metered = {"interval": "month", "usage_type": "metered", "meter": "mtr_1"}
    made = await price(sdk, unit_amount_decimal="0.5", recurring=metered)
    assert await billed(world, sdk, made.id, None) == [0]
    (subscription,) = world.find("subscription")
    (item,) = subscription["items"]["data"]
    assert (item["quantity"], item["plan"]["usage_type"], item["plan"]["meter"]) == (None, "metered", "mtr_1")
    world.clock.advance(32 * 86_400)
    assert [invoice["total"] for invoice in world.find("invoice")] == [0, 0]
