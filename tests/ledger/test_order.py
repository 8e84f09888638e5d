"""Late, repeated and same-second news; nothing is dropped for lack of a parent."""

from __future__ import annotations

from typing import Any

import pytest
from sqlalchemy import Connection

from overseer_payment.ledger import references, reports
from overseer_payment.provider import (
    CheckoutPaymentState,
    DisputeKind,
    DisputeStatus,
    InvoiceStatus,
    Kind,
    SubscriptionStatus,
)
from tests.ledger import books
from tests.ledger.telling import (
    CANCELED,
    FAILED,
    PENDING,
    SUCCEEDED,
    Ledger,
    charge,
    checkout,
    customer,
    dispute,
    every_order,
    invoice,
    link,
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
INQUIRY = DisputeKind.INQUIRY
OPEN, LOST, WON = DisputeStatus.NEEDS_RESPONSE, DisputeStatus.LOST, DisputeStatus.WON


def test_a_canceled_subscription_is_not_revived_by_old_news(fresh: Connection) -> None:
    """Created, deleted, then a late `active`: canceled, in every order."""
    told = [subscription(100, ACTIVE), subscription(200, ACTIVE, plan="Pro"), subscription(300, ENDED)]
    for ledger in every_order(fresh, told):
        assert ledger.row("subscription", "sub_1")["status"] == "canceled"


def test_the_later_of_two_updates_stands(fresh: Connection) -> None:
    """Enterprise and cancelling at t=300 is not undone by Growth at t=200 arriving late."""
    told = [
        subscription(200, ACTIVE, plan="Growth"),
        subscription(300, ACTIVE, plan="Enterprise", cancel_at_period_end=True),
    ]
    for ledger in every_order(fresh, told):
        row = ledger.row("subscription", "sub_1")
        assert (row["plan_name"], row["cancel_at_period_end"]) == ("Enterprise", True)


def test_two_updates_in_one_second_are_asked_about(fresh: Connection) -> None:
    """Events can't tell which came last: the same row stands in each order until a read settles it."""
    told = [subscription(200, ACTIVE, plan="Growth"), subscription(200, ACTIVE, plan="Enterprise")]
    guesses = set()
    for ledger in every_order(fresh, told):
        assert ledger.wanted["sub_1"] == "doubt"
        guesses.add(ledger.row("subscription", "sub_1")["plan_name"])
        ledger.tell(subscription(201, ACTIVE, plan="Growth", read=True))
        assert ledger.row("subscription", "sub_1")["plan_name"] == "Growth"
        assert "sub_1" not in ledger.wanted
    assert len(guesses) == 1


def test_a_read_within_the_doubtful_second_settles_nothing(ledger: Ledger) -> None:
    """It may have begun between the two updates: only what is surely later counts."""
    ledger.tell(subscription(200, ACTIVE, plan="Growth"), subscription(200, ACTIVE, plan="Enterprise"))
    standing = ledger.row("subscription", "sub_1")["plan_name"]
    ledger.tell(subscription(200.4, ACTIVE, plan=standing, read=True))
    assert ledger.wanted["sub_1"] == "doubt"


def test_a_later_event_settles_a_doubt(fresh: Connection) -> None:
    """What was contradictory in one second is moot once a later second is known, in every order."""
    told = [subscription(200, ACTIVE, plan="A"), subscription(200, ACTIVE, plan="B")]
    for ledger in every_order(fresh, [*told, subscription(201, ACTIVE, plan="C")]):
        assert ledger.row("subscription", "sub_1")["plan_name"] == "C"
        assert "sub_1" not in ledger.wanted


INCOMPLETE = SubscriptionStatus.INCOMPLETE
ONE_WAY: dict[str, tuple[list[Any], tuple[str, str, str]]] = {
    "an invoice is paid": (
        [invoice(10, InvoiceStatus.OPEN), invoice(10, InvoiceStatus.PAID), payment(10, SUCCEEDED), link(10)],
        ("invoice", "in_1", "paid"),
    ),
    "a payment succeeds": (
        [payment(10, PENDING), payment(10, SUCCEEDED, latest_charge="ch_1"), charge(10)],
        ("transaction", "pi_1", "succeeded"),
    ),
    "a payment fails": (
        [payment(10, PENDING), payment(10, FAILED, latest_charge="ch_1"), charge(10, FAILED)],
        ("transaction", "pi_1", "failed"),
    ),
    "a refund comes back": (
        [charge(9), refund(10, PENDING, 500), refund(10, SUCCEEDED, 500), refund(10, FAILED, 500)],
        ("transaction", "re_1", "failed"),
    ),
    "a dispute is lost": (
        [charge(9), dispute(10, OPEN), dispute(10, LOST, funds_withdrawn=1000)],
        ("dispute", "du_1", "lost"),
    ),
    "an inquiry becomes a chargeback": (
        [charge(9), dispute(10, DisputeStatus.UNDER_REVIEW, dispute_kind=INQUIRY), dispute(10, OPEN)],
        ("dispute", "du_1", "needs_response"),
    ),
    "a subscription ends": (
        [customer(9), subscription(10, INCOMPLETE), subscription(10, ENDED)],
        ("subscription", "sub_1", "canceled"),
    ),
}


@pytest.mark.parametrize("name", ONE_WAY)
def test_within_one_second_the_further_state_stands_unasked(fresh: Connection, name: str) -> None:
    """Where states only go forward no provider is needed to tell which came last."""
    told, (table, id, status) = ONE_WAY[name]
    for ledger in every_order(fresh, told):
        assert ledger.row(table, id)["status"] == status
        assert "doubt" not in ledger.wanted.values()


def test_an_attempt_that_goes_on_in_the_second_of_a_failed_one_is_asked_about(fresh: Connection) -> None:
    """Failed and then tried again, or the other way round: one second can't tell."""
    told = [payment(10, FAILED, latest_charge="ch_1"), payment(10, PENDING, latest_charge="ch_2")]
    for ledger in every_order(fresh, told):
        assert ledger.wanted == {"pi_1": "doubt"}


def test_a_failed_attempt_that_is_read_late_does_not_undo_a_cancellation(fresh: Connection) -> None:
    """The intent was given up at t=200; its last attempt, read at t=300, still says that it failed."""
    told = [
        payment(200, CANCELED, latest_charge="ch_1"),
        charge(300, FAILED, read=True),
    ]
    for ledger in every_order(fresh, told):
        assert ledger.payment()["status"] == "canceled"


def test_a_refund_and_a_dispute_before_their_charge_are_linked_in_the_end(fresh: Connection) -> None:
    """Both name only the charge; the payment's row is another's name. All are one payment at the end."""
    told = [
        refund(20, SUCCEEDED, 300, made=20, payment=None),
        dispute(30, OPEN, payment=None, funds_withdrawn=1000),
        charge(10),
        payment(10, SUCCEEDED),
    ]
    for ledger in every_order(fresh, told):
        assert ledger.row("transaction", "re_1")["parent_id"] == "pi_1"
        assert ledger.row("dispute", "du_1")["transaction_id"] == "pi_1"
        assert ledger.payment()["amount_disputed"] == 1000
        assert ledger.sums() == (1000, 300, 1000, -300)


def test_a_refund_of_an_unknown_charge_is_kept_and_the_charge_asked_for(ledger: Ledger) -> None:
    """The refund is listed and counts, for the money did move; its payment is a placeholder."""
    ledger.tell(refund(20, SUCCEEDED, 300, payment=None))
    assert ledger.payments == {}
    assert ledger.row("transaction", "ch_1")["placeholder"] is True
    assert ledger.sums() == (0, 300, 0, -300)
    assert ledger.wanted == {"ch_1": "unknown"}
    assert [ref.kind for ref in books.wants(ledger.connection, 1)] == [Kind.CHARGE]


def test_everything_about_an_unknown_customer_is_kept_and_linked(fresh: Connection) -> None:
    """Customer, subscription and invoice are rows that name each other, with the customer asked for."""
    told = [
        subscription(10, ACTIVE),
        invoice(10, InvoiceStatus.PAID, customer="cus_1", subscription="sub_1"),
        link(10),
        payment(10, SUCCEEDED, customer="cus_1"),
    ]
    for ledger in every_order(fresh, told):
        assert ledger.row("customer", "cus_1")["placeholder"] is True
        assert ledger.row("subscription", "sub_1")["customer_id"] == "cus_1"
        assert ledger.row("invoice", "in_1")["subscription_id"] == "sub_1"
        assert ledger.payment()["customer_id"] == "cus_1"
        assert ledger.wanted == {"cus_1": "unknown"}


def test_a_guests_address_and_name_are_kept(fresh: Connection) -> None:
    """Without a customer at the provider the row itself says who paid."""
    told = [
        checkout(10, PAID, payment="pi_1", email="guest@example.com", name="Bea"),
        payment(10, SUCCEEDED),
        charge(10),
    ]
    for ledger in every_order(fresh, told):
        row = ledger.payment()
        assert (row["customer_email"], row["customer_name"]) == ("guest@example.com", "Bea")
        assert row["customer_id"] is None


def test_an_unknown_subscription_is_linked_and_not_listed(ledger: Ledger) -> None:
    """Its payments point to it, it is asked for, and it doesn't count as active."""
    ledger.tell(invoice(10, InvoiceStatus.PAID, subscription="sub_1"), link(10), payment(10, SUCCEEDED))
    assert ledger.payment()["subscription_id"] == "sub_1"
    assert ledger.row("subscription", "sub_1")["placeholder"] is True
    assert reports.gauges(ledger.connection, [1])["active_subscriptions"] == 0
    assert ledger.wanted == {"sub_1": "unknown"}


def test_a_repeated_deletion_is_told_once(ledger: Ledger) -> None:
    """Of three deliveries of one deletion only the first changes a row."""
    ledger.tell(subscription(100, ACTIVE))
    told = [ledger.tell(subscription(300, ENDED)).changes for _ in range(3)]
    assert [len(changes) for changes in told] == [1, 0, 0]


def test_accounts_and_modes_are_kept_apart(fresh: Connection) -> None:
    """The same ids in two accounts are two payments, and neither is in the other's sum."""
    test, live = Ledger(fresh, 1), Ledger(fresh, 2)
    test.tell(payment(10, SUCCEEDED))
    live.tell(payment(10, SUCCEEDED, amount=7))
    assert (test.sums()[0], live.sums()[0]) == (1000, 7)
    assert references.resolve(fresh, [1], "pi_1") != references.resolve(fresh, [2], "pi_1")
