"""One payment is one row, whichever objects tell of it and in every order of the same news."""

from __future__ import annotations

from sqlalchemy import Connection, insert, select

from overseer_payment import tables
from overseer_payment.ledger import references
from overseer_payment.ledger.record import record
from overseer_payment.provider import (
    CheckoutMode,
    CheckoutPaymentState,
    DisputeKind,
    DisputeStatus,
    InvoiceStatus,
    SubscriptionStatus,
)
from tests.ledger.telling import (
    CANCELED,
    FAILED,
    PENDING,
    SUCCEEDED,
    Ledger,
    charge,
    checkout,
    every_order,
    invoice,
    link,
    moment,
    payment,
)

UNPAID, PAID, BANK_SAID_NO = (
    CheckoutPaymentState.UNPAID,
    CheckoutPaymentState.PAID,
    CheckoutPaymentState.FAILED,
)
ACTIVE, ENDED = SubscriptionStatus.ACTIVE, SubscriptionStatus.CANCELED
INQUIRY = DisputeKind.INQUIRY
OPEN, LOST, WON = DisputeStatus.NEEDS_RESPONSE, DisputeStatus.LOST, DisputeStatus.WON


def test_a_completed_but_unpaid_checkout_is_pending(ledger: Ledger) -> None:
    """A session that completed unpaid is a pending payment and no revenue, known by the session alone."""
    ledger.tell(checkout(10, UNPAID, payment="pi_1"))
    assert (ledger.payment()["status"], ledger.payment()["amount"]) == ("pending", 1000)
    assert ledger.sums() == (0, 0, 0, 0)


def test_a_bank_debit_settles(fresh: Connection) -> None:
    """Unpaid at first, paid days later: succeeded and counted once, in every order."""
    told = [checkout(10, UNPAID, payment="pi_1"), checkout(900, PAID, payment="pi_1"), payment(10, PENDING)]
    for ledger in every_order(fresh, [*told, charge(10, PENDING, made=10)]):
        assert ledger.payment()["status"] == "succeeded"
        assert ledger.sums() == (1000, 0, 0, 1000)


def test_a_bank_debit_fails(fresh: Connection) -> None:
    """The session's own failure event makes it failed, though no later read of the session tells of it."""
    told = [checkout(10, UNPAID, payment="pi_1"), checkout(900, BANK_SAID_NO, payment="pi_1")]
    for ledger in every_order(fresh, [*told, payment(10, PENDING)]):
        assert ledger.payment()["status"] == "failed"
        assert ledger.sums() == (0, 0, 0, 0)


def test_the_payments_own_word_beats_an_older_document(fresh: Connection) -> None:
    """A session told of failure; the payment, heard of later, succeeded after all."""
    for ledger in every_order(fresh, [checkout(10, BANK_SAID_NO, payment="pi_1"), payment(20, SUCCEEDED)]):
        assert ledger.payment()["status"] == "succeeded"


def test_a_failed_attempt_then_success_is_one_payment(fresh: Connection) -> None:
    """An invoice that failed and was then paid is one payment, succeeded, reached by either attempt's id."""
    failed = charge(10, FAILED, failure_code="card_declined", made=10)
    told = [failed, invoice(10, InvoiceStatus.OPEN, attempt_count=1, attempt_failed=True)]
    told += [charge(90, id="ch_2", made=90), invoice(90, InvoiceStatus.PAID, attempt_count=2), link(90)]
    for ledger in every_order(fresh, told):
        row = ledger.payment()
        assert (row["status"], row["failure_code"], row["charge_ref"]) == ("succeeded", None, "ch_2")
        assert ledger.sums() == (1000, 0, 0, 1000)
        for id in ("ch_1", "ch_2", "in_1", "pi_1"):
            assert len(references.resolve(fresh, [ledger.account_id], id)) == 1


def test_the_newest_attempt_tells_why_it_failed(fresh: Connection) -> None:
    """Of several failed attempts the last one made counts, also when an older one is read again later."""
    first = charge(60, FAILED, made=10, failure_code="old", read=True)
    second = charge(20, FAILED, "ch_2", made=20, failure_code="new")
    for ledger in every_order(fresh, [first, second, payment(5, PENDING)]):
        assert (ledger.payment()["status"], ledger.payment()["failure_code"]) == ("failed", "new")


def test_an_old_attempt_does_not_fail_a_payment_that_is_tried_again(fresh: Connection) -> None:
    """A read of an attempt that failed says nothing about the attempt that is under way now."""
    old = charge(60, FAILED, made=10, read=True)
    for ledger in every_order(fresh, [old, payment(30, PENDING, latest_charge="ch_2")]):
        assert ledger.payment()["status"] == "pending"


def test_a_subscription_checkout_is_one_payment_and_one_subscription(fresh: Connection) -> None:
    """Session, invoice, payment intent, charge and link give one payment of the type `subscription`."""
    session = checkout(
        10, PAID, mode=CheckoutMode.SUBSCRIPTION, invoice="in_1", subscription="sub_1", customer="cus_1"
    )
    told = [session, invoice(10, InvoiceStatus.PAID, subscription="sub_1"), link(10), payment(10, SUCCEEDED)]
    for ledger in every_order(fresh, [*told, charge(10)]):
        row = ledger.payment()
        assert (row["type"], row["subscription_id"], row["invoice_id"]) == ("subscription", "sub_1", "in_1")
        assert row["customer_id"] == "cus_1"
        assert ledger.sums() == (1000, 0, 0, 1000)
        assert [key for key in ledger.books if key.startswith("payment_subscription/")] == [
            "payment_subscription/sub_1"
        ]
        assert ledger.row("checkout", "cs_1")["transaction_id"] == "pi_1"


def test_a_document_alone_stands_in_for_its_payment(ledger: Ledger) -> None:
    """A paid invoice counts at once, and by which payment it was paid is asked for."""
    ledger.tell(invoice(10, InvoiceStatus.PAID))
    assert ledger.sums() == (1000, 0, 0, 1000)
    assert ledger.wanted == {"in_1": "link"}


def test_a_stand_in_gives_way_to_the_payment(ledger: Ledger) -> None:
    """The row keeps our id and takes the payment's name when the link is known: no money is added."""
    ledger.tell(invoice(10, InvoiceStatus.PAID))
    before = references.resolve(ledger.connection, [1], "in_1")
    ledger.tell(payment(10, SUCCEEDED))
    assert ledger.sums() == (2000, 0, 0, 2000), "two payments, for all that is known"
    ledger.tell(link(10))
    assert ledger.sums() == (1000, 0, 0, 1000)
    assert references.resolve(ledger.connection, [1], "pi_1") == before
    assert ledger.wanted == {}


def test_what_we_sent_follows_the_row_it_was_about(ledger: Ledger) -> None:
    """An operation on a stand-in is on the payment's own row once both turn out to be one."""
    ledger.tell(payment(10, SUCCEEDED))
    ledger.tell(invoice(10, InvoiceStatus.PAID))
    (stand_in,) = references.resolve(ledger.connection, [1], "in_1")
    sent = {"account_id": 1, "kind": "refund", "status": "succeeded", "actor": "cli", "request": "{}"}
    ledger.connection.execute(
        insert(tables.operation).values(
            **sent, transaction_id=stand_in, idempotency_key="k1", created_at=moment(10)
        )
    )
    ledger.tell(link(10))
    (kept,) = references.resolve(ledger.connection, [1], "in_1")
    assert kept != stand_in
    assert ledger.connection.execute(select(tables.operation.c.transaction_id)).scalars().all() == [kept]


def test_what_was_paid_outside_is_no_revenue(fresh: Connection) -> None:
    """An invoice paid out of band moved no money at the provider: its stand-in disappears."""
    told = [invoice(10, InvoiceStatus.PAID), link(20, id="in_1:outside", payment=None, read=True)]
    for ledger in every_order(fresh, told):
        assert ledger.payments == {}
        assert ledger.sums() == (0, 0, 0, 0)
        assert ledger.wanted == {}


def test_payments_outside_of_checkout_appear(fresh: Connection) -> None:
    """A bare payment intent, a bare charge, failed and pending ones: each is a row."""
    told = [
        payment(10, PENDING, "pi_1"),
        payment(10, FAILED, "pi_2"),
        payment(10, CANCELED, "pi_3"),
        charge(10, id="ch_9", payment=None),
    ]
    for ledger in every_order(fresh, told):
        states = {id: row["status"] for id, row in ledger.payments.items()}
        assert states == {"pi_1": "pending", "pi_2": "failed", "pi_3": "canceled", "ch_9": "succeeded"}
        assert ledger.sums() == (1000, 0, 0, 1000)


def test_invoice_paid_beside_payment_succeeded_is_one_payment(ledger: Ledger) -> None:
    """Two events that say the same of one invoice in one second change nothing and ask for nothing."""
    ledger.tell(invoice(10, InvoiceStatus.PAID), link(10), payment(10, SUCCEEDED))
    again = ledger.tell(invoice(10, InvoiceStatus.PAID))
    assert again.changes == []
    assert again.wanted == set()
    assert ledger.sums() == (1000, 0, 0, 1000)


def test_currencies_are_never_summed(ledger: Ledger) -> None:
    """Dollars, euros and yen are three totals, each in its own minor units."""
    ledger.tell(
        payment(10, SUCCEEDED, "pi_1"),
        payment(10, SUCCEEDED, "pi_2", currency="eur"),
        payment(10, SUCCEEDED, "pi_3", currency="jpy", amount=500_000),
    )
    assert [ledger.sums(code)[0] for code in ("usd", "eur", "jpy")] == [1000, 1000, 500_000]


def test_a_paid_invoice_proves_a_payment_that_only_told_of_failure(fresh: Connection) -> None:
    """Where success events of intents aren't subscribed to, the invoice's word counts, and it is checked."""
    told = [payment(10, FAILED), invoice(90, InvoiceStatus.PAID), link(5, "open")]
    for ledger in every_order(fresh, told):
        assert ledger.payment()["status"] == "succeeded"
        assert ledger.wanted == {"pi_1": "unknown"}


def test_a_canceled_intent_is_not_revived_by_its_invoice(fresh: Connection) -> None:
    """The invoice was paid some other way after the intent was canceled: that payment stays canceled."""
    told = [payment(80, CANCELED), invoice(90, InvoiceStatus.PAID), link(5, "open")]
    for ledger in every_order(fresh, told):
        assert ledger.payments["pi_1"]["status"] == "canceled"


def test_a_session_without_payment_or_invoice_stands_for_itself(ledger: Ledger) -> None:
    """A completed session is shown though nothing tells by what it was paid; the session is asked for."""
    ledger.tell(checkout(10, PAID))
    assert ledger.payment()["status"] == "succeeded"
    assert ledger.wanted == {"cs_1": "link"}


def test_a_session_names_an_invoice_that_nobody_described(ledger: Ledger) -> None:
    """The payment is known by the invoice's id, linked to it, and the invoice is asked for."""
    ledger.tell(checkout(10, PAID, mode=CheckoutMode.SUBSCRIPTION, invoice="in_1", subscription="sub_1"))
    assert ledger.payment()["invoice_id"] == "in_1"
    assert ledger.wanted == {"in_1": "link", "sub_1": "unknown"}


def test_nothing_given_is_nothing_recorded(ledger: Ledger) -> None:
    """An empty set of snapshots is fine."""
    recorded = record(ledger.connection, 1, [], now=moment(0))
    assert (recorded.changes, recorded.wanted) == ([], set())
