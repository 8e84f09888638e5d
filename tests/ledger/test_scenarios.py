"""What met running payment back ends, as the ledger must answer it: in every order of the same news."""

from __future__ import annotations

from typing import Any

import pytest
from sqlalchemy import Connection

from overseer_payment.ledger import references, reports
from overseer_payment.ledger.record import record
from overseer_payment.provider import (
    CheckoutMode,
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
INQUIRY = DisputeKind.INQUIRY
OPEN, LOST, WON = DisputeStatus.NEEDS_RESPONSE, DisputeStatus.LOST, DisputeStatus.WON

# -- delayed methods -------------------------------------------------------------------------------


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


# -- one payment, one row --------------------------------------------------------------------------


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


# -- refunds ---------------------------------------------------------------------------------------


def test_a_partial_refund_leaves_the_rest(fresh: Connection) -> None:
    """100 paid, 1 refunded: gross 100, refunded 1, net 99, partially refunded."""
    paid = charge(10, amount=10_000)
    told = [paid, charge(20, amount=10_000, amount_refunded=100), refund(20, SUCCEEDED, 100, made=20)]
    for ledger in every_order(fresh, told):
        assert ledger.payment()["status"] == "partially_refunded"
        assert ledger.sums() == (10_000, 100, 0, 9_900)


def test_two_partial_refunds_that_reach_the_total_are_a_full_one(fresh: Connection) -> None:
    """Refunds add up to `refunded`, and nothing is left to refund."""
    told = [charge(10), refund(20, SUCCEEDED, 600, made=20), refund(30, SUCCEEDED, 400, "re_2", made=30)]
    for ledger in every_order(fresh, [*told, charge(30, amount_refunded=1000)]):
        row = ledger.payment()
        assert (row["status"], row["amount_refunded"], row["amount_refundable"]) == ("refunded", 1000, 0)
        assert ledger.sums() == (1000, 1000, 0, 0)


def test_a_charge_tells_of_refunds_before_their_own_events_do(ledger: Ledger) -> None:
    """What the charge says was refunded counts at once; by which refunds is asked for."""
    ledger.tell(charge(20, amount_refunded=400))
    assert ledger.sums() == (1000, 400, 0, 600)
    assert ledger.wanted == {"ch_1": "untold"}


def test_a_refund_is_counted_once_when_its_own_event_follows(ledger: Ledger) -> None:
    """The refund's row takes the place of the charge's figure."""
    ledger.tell(charge(20, amount_refunded=400))
    ledger.tell(refund(20, SUCCEEDED, 400, made=20))
    assert ledger.sums() == (1000, 400, 0, 600)
    assert ledger.wanted == {}


def test_a_refund_made_while_its_charge_was_read_is_counted_once(ledger: Ledger) -> None:
    """A read speaks of the moment it began; its answer may hold what was refunded until it came."""
    ledger.tell(charge(10.9, amount_refunded=400, read=True), refund(11, SUCCEEDED, 400, made=11))
    assert ledger.sums() == (1000, 400, 0, 600)


def test_a_refund_that_failed_in_the_second_of_a_read_is_not_counted(ledger: Ledger) -> None:
    """The charge was read just before the refund failed: its figure still holds it, and that is seen."""
    ledger.tell(charge(50.3, amount_refunded=400, read=True), refund(50, FAILED, 400, made=11))
    assert ledger.sums() == (1000, 0, 0, 1000)


def test_a_pending_refund_is_not_refunded_yet(fresh: Connection) -> None:
    """A pending refund counts nowhere, but can't be promised to anybody else."""
    told = [charge(10), refund(20, PENDING, 400, made=20), charge(20, amount_refunded=400)]
    for ledger in every_order(fresh, told):
        row = ledger.payment()
        assert (row["status"], row["amount_refunded"], row["amount_refundable"]) == ("succeeded", 0, 600)
        assert ledger.sums() == (1000, 0, 0, 1000)


def test_a_refund_that_fails_days_later_gives_the_money_back(fresh: Connection) -> None:
    """Net revenue holds the amount again; the refund stays as a failed row."""
    told = [
        charge(10),
        charge(20, amount_refunded=400),
        refund(20, SUCCEEDED, 400, made=20),
        refund(900, FAILED, 400, made=20, failure_reason="lost_or_stolen_card"),
    ]
    for ledger in every_order(fresh, told):
        assert ledger.payment()["status"] == "succeeded"
        assert ledger.sums() == (1000, 0, 0, 1000)
        row = ledger.row("transaction", "re_1")
        assert (row["status"], row["failure_code"]) == ("failed", "lost_or_stolen_card")


def test_refunds_made_in_the_providers_dashboard_appear_one_by_one(ledger: Ledger) -> None:
    """Each refund is a row with its amount and its parent, the second partial one too."""
    ledger.tell(charge(10))
    ledger.tell(refund(20, SUCCEEDED, 300, "re_1", made=20), charge(20, amount_refunded=300))
    ledger.tell(refund(30, SUCCEEDED, 200, "re_2", made=30), charge(30, amount_refunded=500))
    rows = [ledger.row("transaction", id) for id in ("re_1", "re_2")]
    assert [(row["type"], row["amount"], row["parent_id"]) for row in rows] == [
        ("refund", 300, "pi_1"),
        ("refund", 200, "pi_1"),
    ]
    assert ledger.payment()["amount_refunded"] == 500


# -- currencies ------------------------------------------------------------------------------------


def test_currencies_are_never_summed(ledger: Ledger) -> None:
    """Dollars, euros and yen are three totals, each in its own minor units."""
    ledger.tell(
        payment(10, SUCCEEDED, "pi_1"),
        payment(10, SUCCEEDED, "pi_2", currency="eur"),
        payment(10, SUCCEEDED, "pi_3", currency="jpy", amount=500_000),
    )
    assert [ledger.sums(code)[0] for code in ("usd", "eur", "jpy")] == [1000, 1000, 500_000]


# -- order -----------------------------------------------------------------------------------------


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


# -- nothing is dropped for lack of a parent -------------------------------------------------------


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
    assert reports.gauge(ledger.connection, [1], "active_subscriptions") == 0
    assert ledger.wanted == {"sub_1": "unknown"}


# -- repetition ------------------------------------------------------------------------------------


def test_a_repeated_deletion_is_told_once(ledger: Ledger) -> None:
    """Of three deliveries of one deletion only the first changes a row."""
    ledger.tell(subscription(100, ACTIVE))
    told = [ledger.tell(subscription(300, ENDED)).changes for _ in range(3)]
    assert [len(changes) for changes in told] == [1, 0, 0]


# -- accounts --------------------------------------------------------------------------------------


def test_accounts_and_modes_are_kept_apart(fresh: Connection) -> None:
    """The same ids in two accounts are two payments, and neither is in the other's sum."""
    test, live = Ledger(fresh, 1), Ledger(fresh, 2)
    test.tell(payment(10, SUCCEEDED))
    live.tell(payment(10, SUCCEEDED, amount=7))
    assert (test.sums()[0], live.sums()[0]) == (1000, 7)
    assert references.resolve(fresh, [1], "pi_1") != references.resolve(fresh, [2], "pi_1")


# -- disputes --------------------------------------------------------------------------------------


def test_a_dispute_is_linked_by_whatever_name_it_knows(fresh: Connection) -> None:
    """Chargebacks and fraud warnings find the payment by charge or by intent."""
    warning = dispute(
        20, OPEN, "issfr_1", dispute_kind=DisputeKind.FRAUD_WARNING, amount=0, currency="", payment=None
    )
    told = [dispute(20, OPEN, charge=None, funds_withdrawn=1000), warning, charge(10), payment(10, SUCCEEDED)]
    for ledger in every_order(fresh, told):
        assert {ledger.row("dispute", id)["transaction_id"] for id in ("du_1", "issfr_1")} == {"pi_1"}
        row = ledger.row("dispute", "issfr_1")
        assert (row["amount"], row["currency"]) == (1000, "usd"), "a warning is about the whole payment"


def test_an_open_chargeback_blocks_refunds(fresh: Connection) -> None:
    """While it is open nothing is refundable; an inquiry blocks nothing; once won it may be given back."""
    for told, left in (
        ([dispute(20, OPEN)], 0),
        ([dispute(20, DisputeStatus.UNDER_REVIEW)], 0),
        ([dispute(20, OPEN, dispute_kind=INQUIRY)], 1000),
        ([dispute(20, OPEN), dispute(30, WON)], 1000),
        ([dispute(20, OPEN), dispute(30, LOST)], 0),
        ([dispute(20, LOST, amount=400)], 600),
    ):
        for ledger in every_order(fresh, [charge(10), *told]):
            assert ledger.payment()["amount_refundable"] == left


def test_a_closed_dispute_is_not_reopened(fresh: Connection) -> None:
    """Created, updated with evidence, lost: in every order it ends lost and its sum is withdrawn."""
    told = [
        charge(10),
        dispute(20, OPEN, evidence_due_by=moment(99), funds_withdrawn=1000),
        dispute(30, DisputeStatus.UNDER_REVIEW, has_evidence=True, funds_withdrawn=1000),
        dispute(40, LOST, has_evidence=True, funds_withdrawn=1000),
    ]
    for ledger in every_order(fresh, told):
        assert ledger.row("dispute", "du_1")["status"] == "lost"
        assert reports.gauge(fresh, [ledger.account_id], "open_disputes") == 0
        assert ledger.sums() == (1000, 0, 1000, 0)


def test_money_that_was_reinstated_is_revenue_again(fresh: Connection) -> None:
    """Won and reinstated in one second: the sum is no longer withdrawn, whichever event came last."""
    told = [charge(10), dispute(20, OPEN, funds_withdrawn=1000)]
    told += [dispute(40, WON, funds_withdrawn=1000), dispute(40, WON, funds_withdrawn=0)]
    for ledger in every_order(fresh, told):
        assert ledger.sums() == (1000, 0, 0, 1000)
        assert "doubt" not in ledger.wanted.values()


# -- what providers write --------------------------------------------------------------------------


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
