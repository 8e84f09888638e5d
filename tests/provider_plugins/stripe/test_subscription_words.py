"""What Stripe says of subscriptions and customers, in our words."""

from __future__ import annotations

from decimal import Decimal

import pytest

from overseer_payment.provider import (
    CustomerSnapshot,
    Kind,
    SubscriptionItem,
    SubscriptionSnapshot,
    SubscriptionStatus,
)
from overseer_payment.provider_plugins.stripe.events import parse
from tests.provider_plugins.stripe import payloads as p
from tests.provider_plugins.stripe.telling import first


def test_subscription_fields() -> None:
    """Items carry price, quantity and interval; the period is theirs."""
    subscription = first("customer.subscription.created", p.subscription())
    assert isinstance(subscription, SubscriptionSnapshot)
    assert subscription.items == (
        SubscriptionItem(
            id="si_1",
            price="price_1",
            product="prod_1",
            name="Growth",
            quantity=3,
            amount=2000,
            interval="month",
        ),
    )
    assert subscription.current_period_end == p.at(p.NOW + 2_600_000)
    assert subscription.status is SubscriptionStatus.ACTIVE


def test_the_period_spans_all_items() -> None:
    """Earliest start, latest end."""
    items = [
        {"id": "si_1", "price": "price_1", "current_period_start": p.NOW, "current_period_end": p.NOW + 10},
        {
            "id": "si_2",
            "price": "price_2",
            "current_period_start": p.NOW - 5,
            "current_period_end": p.NOW + 9,
        },
    ]
    found = first("customer.subscription.updated", p.subscription(items=p.listed(*items)))
    assert (found.current_period_start, found.current_period_end) == (p.at(p.NOW - 5), p.at(p.NOW + 10))
    assert [item.price for item in found.items] == ["price_1", "price_2"]


@pytest.mark.parametrize(
    ("price", "expected"),
    [
        ({"unit_amount": None, "unit_amount_decimal": "0.5"}, ("flat", Decimal("0.5"), 2)),
        ({"unit_amount": None, "unit_amount_decimal": "0.50"}, ("flat", Decimal("0.5"), 2)),
        ({"unit_amount": 5, "unit_amount_decimal": "5.0"}, ("flat", 5, 15)),
        ({"unit_amount_decimal": "5.0"}, ("flat", 5, 15)),
        ({"unit_amount": None, "unit_amount_decimal": None}, ("flat", None, None)),
        ({"unit_amount": None, "unit_amount_decimal": "NaN"}, ("flat", None, None)),
        ({"unit_amount": None, "unit_amount_decimal": "-1"}, ("flat", None, None)),
        ({"unit_amount": None, "unit_amount_decimal": "1e999999999"}, ("flat", None, None)),
        ({"unit_amount": 0}, ("flat", 0, 0)),
        ({"unit_amount": None, "billing_scheme": "tiered"}, ("tiered", None, None)),
        ({"unit_amount": 7, "recurring": {"interval": "month", "usage_type": "licensed"}}, ("flat", 7, 21)),
        ({"unit_amount": 7, "recurring": {"usage_type": "metered"}}, ("metered", 7, None)),
        ({"amount": 7, "interval": "month", "usage_type": "metered"}, ("metered", 7, None)),
        ({"amount": None, "amount_decimal": "0.25", "interval": "month"}, ("flat", Decimal("0.25"), 1)),
        ({"unit_amount": 7, "transform_quantity": {"divide_by": 2, "round": "up"}}, ("flat", 7, 14)),
        ({"unit_amount": 7, "transform_quantity": {"divide_by": 2, "round": "down"}}, ("flat", 7, 7)),
        ({"amount": 7, "transform_usage": {"divide_by": 2, "round": "up"}}, ("flat", 7, 14)),
    ],
)
def test_what_three_pieces_of_unusual_prices_come_to(
    price: p.Json, expected: tuple[str, Decimal | int | None, int | None]
) -> None:
    """Fractions of a cent stay exact until they are multiplied; of tiers and usage only the bill tells."""
    items = p.listed({"id": "si_1", "quantity": 3, "price": {"id": "price_1", **price}})
    (item,) = first("customer.subscription.updated", p.subscription(items=items)).items
    assert (item.scheme, item.amount, item.total) == expected


def test_pausing_a_collection_is_told_apart_from_the_status() -> None:
    """An active subscription whose collection pauses stays active."""
    paused = p.subscription(pause_collection={"behavior": "void", "resumes_at": p.NOW + 99})
    found = first("customer.subscription.updated", paused)
    assert (found.status, found.collection_paused) == (SubscriptionStatus.ACTIVE, True)
    assert found.collection_resumes_at == p.at(p.NOW + 99)


def test_an_unknown_subscription_status_grants_nothing() -> None:
    """A new word of Stripe's is incomplete, except that a deletion is a cancellation."""
    odd = p.subscription(status="novel")
    assert first("customer.subscription.updated", odd).status is SubscriptionStatus.INCOMPLETE
    assert first("customer.subscription.deleted", odd).status is SubscriptionStatus.CANCELED


def test_a_subscription_whose_items_are_cut_off_is_asked_for() -> None:
    """Half of the items would tell a wrong price."""
    parsed = parse(p.event("customer.subscription.updated", p.subscription(items=p.listed(has_more=True))))
    assert not parsed.snapshots
    assert [(ref.kind, ref.id) for ref in parsed.fetch] == [(Kind.SUBSCRIPTION, "sub_1")]


def test_a_deleted_customer_keeps_what_the_event_tells() -> None:
    """The event carries the customer as it was; a tombstone only its id."""
    gone = first("customer.deleted", p.customer())
    assert isinstance(gone, CustomerSnapshot)
    assert (gone.deleted, gone.email) == (True, "ada@example.com")
    stone = first("customer.deleted", {"id": "cus_1", "object": "customer", "deleted": True})
    assert (stone.deleted, stone.email, stone.occurred_at) == (True, None, p.at())
