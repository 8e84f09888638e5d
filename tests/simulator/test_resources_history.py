"""The demo's history: plausible, the same for a seed, and true to the last cent."""

from __future__ import annotations

import json
from collections import Counter
from datetime import UTC, datetime

import pytest

from overseer_payment.simulator import World, assert_contract
from overseer_payment.simulator.scenario import play_history
from tests.simulator.resources_kit import DAY, assert_conserved

START = datetime(2026, 6, 1, 12, tzinfo=UTC)


@pytest.fixture(scope="module")
def business() -> World:
    """Ninety days of it, every object and event checked against Stripe's types."""
    world = World(start=START)
    world.clock.freeze()
    play_history(world, days=90)
    assert_contract(world)
    return world


def test_it_ends_ninety_days_later(business: World) -> None:
    """The clock stands exactly there, and every event lies between start and end."""
    start = int(START.timestamp())
    assert business.now() == start + 90 * DAY
    moments = [event["created"] for event in business.events]
    assert moments == sorted(moments)
    assert start <= moments[0] <= moments[-1] <= business.now()
    assert 2000 <= len(business.events) <= 3300


def test_the_books_balance(business: World) -> None:
    """Captured − refunded − disputed is the balance, in each currency."""
    assert_conserved(business)


def test_it_is_a_business_in_three_currencies(business: World) -> None:
    """Mostly dollars, some euros, a few yen; about five payments a day."""
    paid = Counter(c["currency"] for c in business.find("charge") if c["status"] == "succeeded")
    assert set(paid) == {"usd", "eur", "jpy"}
    assert paid["usd"] > paid["eur"] > paid["jpy"] > 5
    assert 4 <= sum(paid.values()) / 90 <= 7


def test_something_waits_for_a_person(business: World) -> None:
    """Disputes in every state, one due soon; past-due, paused and ending subscriptions; a pending debit."""
    disputes = {d["status"]: d for d in business.find("dispute")}
    assert set(disputes) == {"needs_response", "under_review", "won", "lost", "warning_needs_response"}
    awaited = business.find("dispute", status="needs_response")
    due = sorted(dispute["evidence_details"]["due_by"] - business.now() for dispute in awaited)
    assert DAY < due[0] < 3 * DAY < due[-1]
    assert business.find("radar.early_fraud_warning", actionable=True)
    statuses = Counter(s["status"] for s in business.find("subscription"))
    assert statuses["active"] >= 15
    assert statuses["past_due"] >= 1
    assert statuses["trialing"] >= 2
    assert statuses["paused"] == 1
    assert sum(bool(s["pause_collection"]) for s in business.find("subscription", status="active")) == 2
    assert any(s["cancel_at_period_end"] for s in business.find("subscription", status="active"))
    assert statuses["canceled"] >= 2
    assert any(i["status"] == "processing" for i in business.find("payment_intent"))
    assert {"succeeded", "failed"} <= {r["status"] for r in business.find("refund")}


def test_nobody_in_it_exists(business: World) -> None:
    """All addresses are at domains that are reserved for examples."""
    emails = [c["email"] for c in business.find("customer")]
    assert emails
    assert all(email.endswith(("@example.com", "@example.org")) for email in emails)


def test_a_seed_gives_the_same_history_again(business: World) -> None:
    """Event for event; another seed gives another one."""

    def played(seed: int, days: int) -> str:
        world = World(start=START, check="off")
        world.clock.freeze()
        play_history(world, days=days, seed=seed)
        return json.dumps(world.events)

    assert played(7, 20) == played(7, 20)
    assert played(7, 20) != played(8, 20)


def test_months_after_it_go_on_by_themselves(business: World) -> None:
    """Renewals, retries and deadlines of the following month happen, and the books still balance."""
    before = len(business.events)
    business.clock.advance(31 * DAY)
    kinds = {event["type"] for event in business.events[before:]}
    assert {"invoice.paid", "customer.subscription.deleted", "charge.dispute.closed"} <= kinds
    assert_conserved(business)
    assert_contract(business)
