"""Each field of a price, and what a session is when it doesn't say so itself."""

from __future__ import annotations

from dataclasses import asdict
from typing import Any

import pytest

from overseer_payment.provider import (
    AsOf,
    CheckoutMode,
    CheckoutStatus,
    PriceOption,
    PriceScheme,
    Source,
)
from overseer_payment.provider_plugins.stripe.events import parse
from overseer_payment.provider_plugins.stripe.translate import Context, translate
from tests.provider_plugins.stripe import payloads as p

PRICE: p.Json = {
    "id": "price_1",
    "object": "price",
    "created": p.NOW - 7,
    "product": "prod_1",
    "currency": "usd",
    "unit_amount": 2000,
    "billing_scheme": "per_unit",
    "recurring": {"interval": "month", "interval_count": 3, "usage_type": "licensed"},
    "transform_quantity": {"divide_by": 12, "round": "up"},
    "nickname": "Growth",
    "active": True,
    "currency_options": {
        "usd": {"unit_amount": 2000},
        "eur": {"unit_amount": 1900},
        "chf": {"unit_amount": 1950},
    },
}


def price(**changes: Any) -> Any:
    (told,) = translate("price", {**PRICE, **changes}, Context(AsOf(p.at(), Source.READ), False))
    return told


def test_a_price_is_told_whole() -> None:
    """Its other currencies sorted, its own not among them."""
    told = asdict(price()) | {"options": price().options}
    expected = {
        "id": "price_1",
        "occurred_at": p.at(p.NOW - 7),
        "product": "prod_1",
        "currency": "usd",
        "amount": 2000,
        "scheme": PriceScheme.FLAT,
        "package": 12,
        "options": (PriceOption(currency="chf", amount=1950), PriceOption(currency="eur", amount=1900)),
        "interval": "month",
        "interval_count": 3,
        "nickname": "Growth",
        "active": True,
    }
    assert {name: told[name] for name in expected} == expected


@pytest.mark.parametrize(("changes", "active"), [({"active": False}, False), ({"deleted": True}, False)])
def test_a_price_put_away_or_deleted_is_not_active(changes: dict[str, Any], active: bool) -> None:
    """One that doesn't say is."""
    assert price(**changes).active is active
    assert price(active=None).active


@pytest.mark.parametrize(
    ("changes", "scheme"),
    [
        ({"billing_scheme": "tiered"}, PriceScheme.TIERED),
        ({"custom_unit_amount": {"minimum": 100}}, PriceScheme.CUSTOM),
        ({"recurring": {"interval": "month", "usage_type": "metered"}}, PriceScheme.METERED),
        ({"recurring": None}, PriceScheme.FLAT),
    ],
)
def test_how_a_price_comes_about(changes: dict[str, Any], scheme: PriceScheme) -> None:
    """By what it says of itself."""
    assert price(**changes).scheme is scheme


@pytest.mark.parametrize(
    ("changes", "mode"),
    [
        ({"mode": "setup"}, CheckoutMode.SETUP),
        ({"mode": None, "subscription": "sub_1"}, CheckoutMode.SUBSCRIPTION),
        ({"mode": None, "setup_intent": "seti_1"}, CheckoutMode.SETUP),
        ({"mode": None}, CheckoutMode.PAYMENT),
    ],
)
def test_a_session_that_does_not_say_its_mode_is_of_what_it_names(
    changes: dict[str, Any], mode: CheckoutMode
) -> None:
    """A subscription, a set-up, else a payment."""
    told: Any = parse(p.event("checkout.session.completed", p.checkout(**changes))).snapshots[0]
    assert told.mode is mode


@pytest.mark.parametrize(
    ("type", "status"),
    [
        ("checkout.session.expired", CheckoutStatus.EXPIRED),
        ("checkout.session.completed", CheckoutStatus.COMPLETE),
        ("checkout.session.async_payment_succeeded", CheckoutStatus.COMPLETE),
        ("checkout.session.async_payment_failed", CheckoutStatus.COMPLETE),
    ],
)
def test_a_session_that_does_not_say_its_state_is_as_its_event_says(
    type: str, status: CheckoutStatus
) -> None:
    """And its sum and address of e-mail may be missing."""
    bare = p.checkout(status=None, amount_total=None, customer_details=None, customer_email="b@example.com")
    told: Any = parse(p.event(type, bare)).snapshots[0]
    assert (told.status, told.amount_total, told.email) == (status, None, "b@example.com")
