"""Stripe's own events, in both generations of its API and mixed: the same rows, in any order."""

from __future__ import annotations

import random
from collections.abc import Callable
from datetime import timedelta
from functools import partial
from typing import Any

import pytest
from sqlalchemy import Connection

from overseer_payment.ledger import reports
from overseer_payment.provider import Event, Snapshot
from overseer_payment.provider_plugins.stripe.events import parse
from tests.ledger.telling import Ledger
from tests.provider_plugins.stripe import payloads as p

Json = dict[str, Any]
Choose = Callable[[], str]

_ORDERS = 12


def told(type: str, obj: Json, version: str, *, after: int = 0) -> list[Snapshot]:
    """What one event says, `after` seconds later than the first."""
    event: Event = p.event(type, obj, version, created=p.NOW + after)
    assert event.occurred_at == p.at() + timedelta(seconds=after)
    return list(parse(event).snapshots)


def renewal(version: Choose) -> list[list[Snapshot]]:
    """A renewal that is declined, paid later, partly refunded and disputed. Each event in some dialect.

    From Basil on an event of its own joins invoice and payment; the others may be silent about it.
    """
    declined: Json = {"status": "failed", "amount_refunded": 0, "failure_code": "card_declined"}
    unpaid: Json = {"status": "open", "amount_paid": 0, "amount_remaining": 2000, "paid": False}
    events: list[tuple[str, Callable[[str], Json], int]] = [
        ("customer.created", lambda _: p.customer(), 0),
        ("customer.subscription.created", lambda v: p.subscription(v), 0),
        (
            "charge.failed",
            lambda v: p.charge(v, id="ch_0", **declined, created=p.NOW),
            1,
        ),
        (
            "invoice.payment_failed",
            lambda v: p.invoice(v, **unpaid, payments=None, charge=None),
            1,
        ),
        ("payment_intent.succeeded", lambda v: p.payment_intent(v), 60),
        ("charge.succeeded", lambda v: p.charge(v, amount_refunded=0, created=p.NOW + 60), 60),
        ("invoice.paid", lambda v: p.invoice(v), 60),
        ("invoice.payment_succeeded", lambda v: p.invoice(v), 60),
        ("invoice_payment.paid", lambda _: p.invoice_payment(), 60),
        ("charge.refunded", lambda v: p.charge(v, created=p.NOW + 60), 90),
        ("refund.created", lambda _: p.refund(created=p.NOW + 90), 90),
        ("charge.refund.updated", lambda _: p.refund(created=p.NOW + 90), 90),
        ("charge.dispute.created", lambda _: p.dispute(created=p.NOW + 120), 120),
        ("charge.dispute.closed", lambda _: p.dispute(created=p.NOW + 120, status="lost"), 900),
    ]
    chosen = [(version(), event) for event in events]
    joined = any(not p.is_old(version) for version, _ in chosen)
    return [
        told(type, make(version), version, after=after)
        for version, (type, make, after) in chosen
        if joined or type != "invoice_payment.paid"
    ]


def _recorded(connection: Connection, account: int, events: list[list[Snapshot]]) -> Ledger:
    ledger = Ledger(connection, account)
    for snapshots in events:
        ledger.tell(*snapshots)
    return ledger


def _rows(ledger: Ledger) -> dict[str, Any]:
    """All rows but sessions' and links' own: those have other names in another dialect."""
    return {key: row for key, row in ledger.books.items() if not key.startswith("reference/inpay")}


DIALECTS = [p.OLD, "2024-09-30.acacia", p.BASIL, "2025-09-30.clover", "2026-03-25.dahlia", p.NEW]


@pytest.mark.parametrize("version", DIALECTS)
def test_a_renewal_reads_the_same_in_every_dialect(fresh: Connection, version: str) -> None:
    """One payment of a subscription, its failed attempt, refund and lost dispute, whatever the dialect."""
    ledger = _recorded(fresh, 1, renewal(lambda: version))
    row = ledger.payment()
    assert (row["type"], row["status"], row["amount"]) == ("subscription", "partially_refunded", 2000)
    assert (row["subscription_id"], row["invoice_id"]) == ("sub_1", "in_1")
    assert (row["customer_id"], row["method"]) == ("cus_1", "visa •••• 4242")
    assert ledger.sums() == (2000, 500, 2000, -500)
    assert ledger.row("transaction", "re_1")["parent_id"] == "pi_1"
    assert ledger.row("dispute", "dp_1")["transaction_id"] == "pi_1"
    assert ledger.wanted == {"prod_1": "unknown"}  # no event of a renewal names the product


def test_dialects_may_be_mixed_in_any_order(fresh: Connection) -> None:
    """Endpoints of several generations deliver at once and late: the rows are those of one dialect."""
    expected = _rows(_recorded(fresh, 1, renewal(lambda: p.NEW)))
    for seed in range(_ORDERS):
        dice = random.Random(seed)
        events = renewal(partial(dice.choice, (p.OLD, p.BASIL, p.NEW)))
        events += dice.sample(events, 4)
        dice.shuffle(events)
        ledger = _recorded(fresh, 2 + seed, events)
        assert _rows(ledger) == expected
        assert "doubt" not in ledger.wanted.values(), (
            "the same content in another dialect is no contradiction"
        )


@pytest.mark.parametrize("version", [p.OLD, p.NEW])
def test_a_delayed_checkout_in_events(fresh: Connection, version: str) -> None:
    """`completed` but unpaid is pending; the async event decides, though the session itself stays silent."""
    pending = {"status": "processing", "amount_received": 0, "latest_charge": None}
    first = [
        told("checkout.session.completed", p.checkout(payment_status="unpaid"), version),
        told("payment_intent.processing", p.payment_intent(version, **pending), version),
    ]
    for account, (ending, paid, state, gross) in enumerate(
        [
            ("checkout.session.async_payment_succeeded", "paid", "succeeded", 2000),
            ("checkout.session.async_payment_failed", "unpaid", "failed", 0),
        ],
        start=1,
    ):
        last = told(ending, p.checkout(payment_status=paid), version, after=900)
        before = _recorded(fresh, account, first)
        assert (before.payment()["status"], before.sums()[0]) == ("pending", 0)
        before.tell(*last)
        assert (before.payment()["status"], before.sums()[0]) == (state, gross)
        backwards = _recorded(fresh, 10 + account, [last, *reversed(first)])
        assert (backwards.payment()["status"], backwards.sums()[0]) == (state, gross)


@pytest.mark.parametrize("version", [p.OLD, p.NEW])
def test_a_late_update_does_not_revive_a_deleted_subscription(fresh: Connection, version: str) -> None:
    """Deleted at t=300, then a late `updated` of t=200 that says active: canceled."""
    events = [
        told("customer.subscription.created", p.subscription(version), version, after=100),
        told("customer.subscription.deleted", p.subscription(version, status="canceled"), version, after=300),
        told("customer.subscription.updated", p.subscription(version), version, after=200),
    ]
    for account, order in enumerate(([0, 1, 2], [1, 0, 2], [2, 1, 0], [1, 2, 0]), start=1):
        ledger = _recorded(fresh, account, [events[index] for index in order])
        assert ledger.row("subscription", "sub_1")["status"] == "canceled"
        assert reports.gauges(fresh, [account])["active_subscriptions"] == 0


@pytest.mark.parametrize("version", [p.OLD, p.NEW])
def test_a_refund_that_fails_later_in_events(fresh: Connection, version: str) -> None:
    """refund.created, then refund.failed days later with the charge's figure gone down: revenue is whole."""
    events = [
        told("charge.succeeded", p.charge(version, amount_refunded=0), version),
        told("refund.created", p.refund(created=p.NOW + 5), version, after=5),
        told("charge.refunded", p.charge(version), version, after=5),
        told("refund.failed", p.refund(created=p.NOW + 5, status="failed"), version, after=9000),
        told("charge.updated", p.charge(version, amount_refunded=0), version, after=9000),
    ]
    for seed in range(_ORDERS):
        order = random.Random(seed).sample(events, len(events))
        ledger = _recorded(fresh, 1 + seed, order)
        assert ledger.sums() == (2000, 0, 0, 2000)
        assert ledger.payment()["status"] == "succeeded"


def test_a_fraud_warning_and_a_dispute_find_the_payment_by_its_charge(fresh: Connection) -> None:
    """Both name `ch_…`; an older warning doesn't name the intent at all."""
    events = [
        told("radar.early_fraud_warning.created", p.early_fraud_warning(payment_intent=None), p.OLD, after=9),
        told("charge.dispute.created", p.dispute(payment_intent=None), p.OLD, after=10),
        told("charge.succeeded", p.charge(p.OLD, amount_refunded=0), p.OLD),
    ]
    for account, order in enumerate((events, events[::-1]), start=1):
        ledger = _recorded(fresh, account, order)
        assert {ledger.row("dispute", id)["transaction_id"] for id in ("issfr_1", "dp_1")} == {"pi_1"}
        assert ledger.payment()["amount_refundable"] == 0
