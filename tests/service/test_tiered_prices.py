"""Subscriptions whose price is no sum, as the ledger shows and counts them: by tiers, by usage."""

from __future__ import annotations

import pytest

from overseer_payment import pricing
from overseer_payment.money import UnitAmount
from overseer_payment.provider_plugins.stripe.currencies import CURRENCIES
from overseer_payment.schemas import MetricsQuery, SubscriptionQuery
from overseer_payment.shown import metrics
from tests.service.shop import OPERATOR, Shop

pytestmark = [pytest.mark.anyio, pytest.mark.parametrize("database_url", ["sqlite"], indirect=True)]

GRADUATED = {
    "billing_scheme": "tiered",
    "tiers_mode": "graduated",
    "tiers[0][up_to]": "2",
    "tiers[0][unit_amount]": "1000",
    "tiers[1][up_to]": "inf",
    "tiers[1][unit_amount]": "800",
}
METERED = {"unit_amount_decimal": "0.5", "recurring[usage_type]": "metered", "recurring[meter]": "mtr_1"}


async def test_they_are_shown_as_what_they_are_and_billed_as_they_say(shop: Shop) -> None:
    """No sum is made up, and no recurring revenue; what the bill came to is the payment's amount."""
    customer = (await shop.post("customers", email="ada@example.com"))["id"]
    method = (await shop.post("payment_methods/pm_card_visa/attach", customer=customer))["id"]
    found = {}
    for name, terms, quantity in (
        ("tiered", GRADUATED, {"items[0][quantity]": "5"}),
        ("metered", METERED, {}),
    ):
        fixed = {"currency": "usd", "recurring[interval]": "month", "product_data[name]": name}
        price = (await shop.post("prices", **fixed, **terms))["id"]
        made = {"customer": customer, "default_payment_method": method, "items[0][price]": price, **quantity}
        await shop.post("subscriptions", **made)
    await shop.settle()

    def write(amount: UnitAmount) -> str:
        return CURRENCIES.unit(amount, "usd")

    for row in (await shop.payments.subscriptions(OPERATOR, SubscriptionQuery())).rows:
        (item,) = row.items
        found[row.plan_name] = (row.status, item.total, pricing.each(item, write), pricing.total(row, write))
    assert found == {
        "tiered": ("active", None, "tiered", "tiered"),
        "metered": ("active", None, "0.005 USD / unit, metered", "metered"),
    }
    assert await shop.revenue() == {"usd": (2 * 1000 + 3 * 800, 0, 0, 4400)}
    (usd,) = (await metrics.metrics(shop.payments, OPERATOR, MetricsQuery(days=365))).metrics
    assert (usd.mrr, usd.subscriptions, usd.gross) == (0, 0, 4400)
