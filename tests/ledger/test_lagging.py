"""A replica that lags behind answers a read with an older state: the row keeps the further one."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import pytest
from sqlalchemy import Connection

from overseer_payment.provider import (
    AsOf,
    CheckoutPaymentState,
    CheckoutStatus,
    DisputeKind,
    DisputeStatus,
    InvoiceStatus,
    Snapshot,
    Source,
    SubscriptionStatus,
)
from tests.ledger.telling import (
    CANCELED,
    FAILED,
    PENDING,
    SUCCEEDED,
    charge,
    checkout,
    customer,
    dispute,
    every_order,
    invoice,
    link,
    moment,
    payment,
    refund,
    subscription,
)

UNPAID, PAID, BANK_SAID_NO = (
    CheckoutPaymentState.UNPAID,
    CheckoutPaymentState.PAID,
    CheckoutPaymentState.FAILED,
)
ACTIVE, ENDED = SubscriptionStatus.ACTIVE, SubscriptionStatus.CANCELED
EXPIRED, INCOMPLETE = SubscriptionStatus.INCOMPLETE_EXPIRED, SubscriptionStatus.INCOMPLETE
INQUIRY = {"dispute_kind": DisputeKind.INQUIRY}
OPEN, REVIEWED, APPEALED = (
    DisputeStatus.NEEDS_RESPONSE,
    DisputeStatus.UNDER_REVIEW,
    DisputeStatus.APPEAL_UNDER_REVIEW,
)
LOST, WON, CLOSED = DisputeStatus.LOST, DisputeStatus.WON, DisputeStatus.CLOSED
DRAFT, UNCOLLECTIBLE, VOID = InvoiceStatus.DRAFT, InvoiceStatus.UNCOLLECTIBLE, InvoiceStatus.VOID
VISIT = {"payment": "pi_1", "currency": "usd"}

AT, LATER = 100, 105


def _read(told: Snapshot, began: float = LATER) -> Snapshot:
    """The same, as a read that began later finds it."""
    return replace(told, as_of=AsOf(moment(began), Source.READ))


# What was told at t=100, what a read of t=105 says, and where the end shows: table, id, column.
ENDS: dict[str, tuple[Snapshot, Snapshot, tuple[str, str, str, Any]]] = {
    "subscription canceled, active": (
        subscription(AT, ENDED),
        subscription(AT, ACTIVE),
        ("subscription", "sub_1", "status", "canceled"),
    ),
    "subscription expired, incomplete": (
        subscription(AT, EXPIRED),
        subscription(AT, INCOMPLETE),
        ("subscription", "sub_1", "status", "incomplete_expired"),
    ),
    "subscription active, incomplete": (
        subscription(AT, ACTIVE),
        subscription(AT, INCOMPLETE),
        ("subscription", "sub_1", "status", "active"),
    ),
    "payment succeeded, pending": (
        payment(AT, SUCCEEDED),
        payment(AT, PENDING),
        ("transaction", "pi_1", "status", "succeeded"),
    ),
    "payment succeeded, failed before": (
        payment(AT, SUCCEEDED),
        payment(AT, FAILED),
        ("transaction", "pi_1", "status", "succeeded"),
    ),
    "payment canceled, pending": (
        payment(AT, CANCELED),
        payment(AT, PENDING),
        ("transaction", "pi_1", "status", "canceled"),
    ),
    "charge succeeded, pending": (
        charge(AT, payment=None),
        charge(AT, PENDING, payment=None),
        ("transaction", "ch_1", "status", "succeeded"),
    ),
    "charge failed, pending": (
        charge(AT, FAILED, payment=None),
        charge(AT, PENDING, payment=None),
        ("transaction", "ch_1", "status", "failed"),
    ),
    "authorisation released, pending": (
        charge(AT, CANCELED, payment=None),
        charge(AT, PENDING, payment=None),
        ("transaction", "ch_1", "status", "canceled"),
    ),
    "refund succeeded, pending": (
        refund(AT, SUCCEEDED, 500),
        refund(AT, PENDING, 500),
        ("transaction", "re_1", "status", "succeeded"),
    ),
    "refund canceled, pending": (
        refund(AT, CANCELED, 500),
        refund(AT, PENDING, 500),
        ("transaction", "re_1", "status", "canceled"),
    ),
    "refund failed, pending": (
        refund(AT, FAILED, 500),
        refund(AT, PENDING, 500),
        ("transaction", "re_1", "status", "failed"),
    ),
    "refund that came back, succeeded": (
        refund(AT, FAILED, 500),
        refund(AT, SUCCEEDED, 500),
        ("transaction", "re_1", "status", "failed"),
    ),
    "dispute lost, under review": (
        dispute(AT, LOST),
        dispute(AT, REVIEWED),
        ("dispute", "du_1", "status", "lost"),
    ),
    "dispute won, open": (dispute(AT, WON), dispute(AT, OPEN), ("dispute", "du_1", "status", "won")),
    "dispute prevented, open": (
        dispute(AT, DisputeStatus.PREVENTED),
        dispute(AT, OPEN),
        ("dispute", "du_1", "status", "prevented"),
    ),
    "dispute appealed, open": (
        dispute(AT, APPEALED),
        dispute(AT, REVIEWED),
        ("dispute", "du_1", "status", "appeal_under_review"),
    ),
    "inquiry closed, open": (
        dispute(AT, CLOSED, **INQUIRY),
        dispute(AT, REVIEWED, **INQUIRY),
        ("dispute", "du_1", "status", "closed"),
    ),
    "chargeback, an inquiry before": (
        dispute(AT, OPEN),
        dispute(AT, REVIEWED, **INQUIRY),
        ("dispute", "du_1", "kind", "chargeback"),
    ),
    "invoice open, draft": (
        invoice(AT, InvoiceStatus.OPEN),
        invoice(AT, DRAFT),
        ("invoice", "in_1", "status", "open"),
    ),
    "invoice paid, open": (
        invoice(AT, InvoiceStatus.PAID),
        invoice(AT, InvoiceStatus.OPEN),
        ("invoice", "in_1", "status", "paid"),
    ),
    "invoice paid, written off before": (
        invoice(AT, InvoiceStatus.PAID),
        invoice(AT, UNCOLLECTIBLE),
        ("invoice", "in_1", "status", "paid"),
    ),
    "invoice void, open": (
        invoice(AT, VOID),
        invoice(AT, InvoiceStatus.OPEN),
        ("invoice", "in_1", "status", "void"),
    ),
    "invoice void, written off before": (
        invoice(AT, VOID),
        invoice(AT, UNCOLLECTIBLE),
        ("invoice", "in_1", "status", "void"),
    ),
    "invoice written off, open": (
        invoice(AT, UNCOLLECTIBLE),
        invoice(AT, InvoiceStatus.OPEN),
        ("invoice", "in_1", "status", "uncollectible"),
    ),
    "payment of an invoice, open": (
        link(AT, payment="pi_2"),
        link(AT, "open", payment="pi_2"),
        ("transaction", "pi_2", "status", "succeeded"),
    ),
    "session paid, unpaid": (
        checkout(AT, PAID, **VISIT),
        checkout(AT, UNPAID, **VISIT),
        ("checkout", "cs_1", "payment_state", "paid"),
    ),
    "session whose bank said no, unpaid": (
        checkout(AT, BANK_SAID_NO, **VISIT),
        checkout(AT, UNPAID, **VISIT),
        ("checkout", "cs_1", "payment_state", "failed"),
    ),
    "session complete, open": (
        checkout(AT, UNPAID, **VISIT),
        checkout(AT, UNPAID, **VISIT, status=CheckoutStatus.OPEN),
        ("checkout", "cs_1", "status", "complete"),
    ),
    "session expired, open": (
        checkout(AT, UNPAID, status=CheckoutStatus.EXPIRED),
        checkout(AT, UNPAID, status=CheckoutStatus.OPEN),
        ("checkout", "cs_1", "status", "expired"),
    ),
}


@pytest.mark.parametrize("name", ENDS)
def test_what_has_ended_is_not_taken_back_by_a_read(fresh: Connection, name: str) -> None:
    """No state is left that can't be left, whichever comes first, and nobody needs to be asked."""
    told, lagging, (table, id, column, ended) = ENDS[name]
    for ledger in every_order(fresh, [told, _read(lagging)]):
        assert ledger.row(table, id)[column] == ended
        assert "doubt" not in ledger.wanted.values()


# What may follow what, as two events: the second is believed.
GOES_ON: dict[str, tuple[Snapshot, Snapshot, tuple[str, str, str, Any]]] = {
    "a refund comes back": (
        refund(AT, SUCCEEDED, 500),
        refund(LATER, FAILED, 500),
        ("transaction", "re_1", "status", "failed"),
    ),
    "what was taken for released is a refund": (
        refund(AT, CANCELED, 500),
        refund(LATER, SUCCEEDED, 500),
        ("transaction", "re_1", "status", "succeeded"),
    ),
    "a payment is tried again": (
        payment(AT, FAILED),
        payment(LATER, PENDING),
        ("transaction", "pi_1", "status", "pending"),
    ),
    "a bank debit that had succeeded bounces": (
        charge(AT, payment=None),
        charge(LATER, FAILED, payment=None),
        ("transaction", "ch_1", "status", "failed"),
    ),
    "a lost dispute is appealed": (
        dispute(AT, LOST),
        dispute(LATER, APPEALED),
        ("dispute", "du_1", "status", "appeal_under_review"),
    ),
    "an appeal is won": (dispute(AT, APPEALED), dispute(LATER, WON), ("dispute", "du_1", "status", "won")),
    "an appeal is lost": (dispute(AT, APPEALED), dispute(LATER, LOST), ("dispute", "du_1", "status", "lost")),
    "a closed inquiry becomes a chargeback": (
        dispute(AT, CLOSED, **INQUIRY),
        dispute(LATER, OPEN),
        ("dispute", "du_1", "status", "needs_response"),
    ),
    "a chargeback that was closed is opened again": (
        dispute(AT, CLOSED),
        dispute(LATER, OPEN),
        ("dispute", "du_1", "status", "needs_response"),
    ),
    "a warning is of use again": (
        dispute(AT, CLOSED, dispute_kind=DisputeKind.FRAUD_WARNING),
        dispute(LATER, OPEN, dispute_kind=DisputeKind.FRAUD_WARNING),
        ("dispute", "du_1", "status", "needs_response"),
    ),
    "what was written off is paid": (
        invoice(AT, UNCOLLECTIBLE),
        invoice(LATER, InvoiceStatus.PAID),
        ("invoice", "in_1", "status", "paid"),
    ),
    "what was written off is voided": (
        invoice(AT, UNCOLLECTIBLE),
        invoice(LATER, VOID),
        ("invoice", "in_1", "status", "void"),
    ),
    "what was voided is paid": (
        invoice(AT, VOID),
        invoice(LATER, InvoiceStatus.PAID),
        ("invoice", "in_1", "status", "paid"),
    ),
    "a subscription can't be charged": (
        subscription(AT, ACTIVE),
        subscription(LATER, SubscriptionStatus.PAST_DUE),
        ("subscription", "sub_1", "status", "past_due"),
    ),
    "a customer who wasn't found is there": (
        customer(AT, deleted=True),
        customer(LATER),
        ("customer", "cus_1", "deleted", False),
    ),
}


@pytest.mark.parametrize("name", GOES_ON)
def test_what_may_go_on_goes_on(fresh: Connection, name: str) -> None:
    """The later of two states between which an object may go back and forth stands, in either order."""
    before, after, (table, id, column, stands) = GOES_ON[name]
    for ledger in every_order(fresh, [before, after]):
        assert ledger.row(table, id)[column] == stands
        assert "doubt" not in ledger.wanted.values()


# A read that takes a step back which the object may have taken.
STEPS_BACK: dict[str, tuple[Snapshot, Snapshot]] = {
    "a failed payment": (payment(AT, FAILED), payment(AT, PENDING)),
    "a failed attempt": (
        payment(AT, FAILED, latest_charge="ch_1"),
        payment(AT, PENDING, latest_charge="ch_1"),
    ),
    "what was refunded": (charge(AT, amount_refunded=500), charge(AT)),
    "an appeal that was won": (dispute(AT, WON), dispute(AT, APPEALED)),
    "a deleted customer": (customer(AT, deleted=True), customer(AT)),
}


@pytest.mark.parametrize("name", STEPS_BACK)
def test_a_step_back_that_a_read_finds_is_asked_about(fresh: Connection, name: str) -> None:
    """It is believed for the moment, in either order; the next read settles it."""
    told, older = STEPS_BACK[name]
    for ledger in every_order(fresh, [told, _read(older)]):
        assert ledger.wanted[told.id] == "doubt"
        ledger.tell(_read(told, 106))
        assert "doubt" not in ledger.wanted.values()


@pytest.mark.parametrize("name", STEPS_BACK)
def test_a_step_back_that_is_found_a_minute_later_is_believed(fresh: Connection, name: str) -> None:
    """No replica is behind by as much."""
    told, older = STEPS_BACK[name]
    for ledger in every_order(fresh, [told, _read(older, AT + 60)]):
        assert "doubt" not in ledger.wanted.values()


def test_a_step_forward_that_a_read_finds_is_believed(fresh: Connection) -> None:
    """Only steps back are asked about, and no other news of what goes neither way."""
    for told, later in (
        (payment(AT, PENDING), payment(AT, FAILED)),
        (payment(AT, PENDING), payment(AT, PENDING, description="Poster")),
        (payment(AT, SUCCEEDED), payment(AT, SUCCEEDED, description="Poster")),
        (charge(AT), charge(AT, amount_refunded=500)),
        (subscription(AT, ACTIVE), subscription(AT, ACTIVE, plan="Enterprise")),
    ):
        for ledger in every_order(fresh, [told, _read(later)]):
            assert "doubt" not in ledger.wanted.values()
