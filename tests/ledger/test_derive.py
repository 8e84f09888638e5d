"""Payments as a pure function of objects: no database, each rule by itself."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest

from overseer_payment.ledger import merge, progress
from overseer_payment.ledger.component import Component, collects
from overseer_payment.ledger.derive import derive
from overseer_payment.ledger.payment import Payment
from overseer_payment.provider import (
    CheckoutMode,
    CheckoutPaymentState,
    CheckoutStatus,
    DisputeKind,
    DisputeStatus,
    InvoiceStatus,
    Kind,
    Snapshot,
)
from tests.ledger.telling import (
    CANCELED,
    FAILED,
    PENDING,
    SUCCEEDED,
    charge,
    checkout,
    dispute,
    invoice,
    link,
    moment,
    payment,
    refund,
)

PAID, OPEN = InvoiceStatus.PAID, InvoiceStatus.OPEN


def one(*told: Snapshot) -> Payment:
    """The one payment that these are about."""
    (found,) = derive(Component.of(told))
    return found


# -- the attempt that counts ---------------------------------------------------------------------------


def test_of_attempts_at_one_moment_the_one_that_the_payment_names_counts() -> None:
    """Not the greatest id."""
    named = payment(1, FAILED, latest_charge="ch_1")
    assert one(named, charge(1, FAILED, "ch_1"), charge(1, FAILED, "ch_2")).charge == "ch_1"


def test_a_success_that_no_attempt_known_explains_is_of_the_attempt_it_names() -> None:
    """The failed one that is known says neither how nor by whom it was paid."""
    found = one(payment(9, SUCCEEDED, latest_charge="ch_2"), charge(1, FAILED, "ch_1", method="visa"))
    assert (found.status, found.charge, found.method) == (SUCCEEDED, "ch_2", None)


def test_a_failure_is_told_by_its_newest_word_that_gives_a_reason() -> None:
    """Whether that is the payment's or the attempt's; a word without one says nothing."""
    early, late = {"failure_code": "early"}, {"failure_code": "late"}
    assert one(payment(2, FAILED, **late), charge(1, FAILED, **early)).failure_code == "late"
    assert one(payment(1, FAILED, **early), charge(2, FAILED, **late)).failure_code == "late"
    assert one(payment(1, FAILED, **early), charge(2, FAILED)).failure_code == "early"
    assert one(payment(1, FAILED, **early)).failure_code == "early"


def test_an_attempt_s_own_word_comes_first_and_the_payment_s_fills_in() -> None:
    """E-mail, description and customer."""
    attempt = charge(1, email="a@example.com")
    intent = payment(1, SUCCEEDED, email="b@example.com", description="B", customer="cus_1")
    found = one(intent, attempt)
    assert (found.email, found.description, found.customer) == ("a@example.com", "B", "cus_1")


def test_a_charge_without_an_intent_is_its_own_root() -> None:
    """And one that names an intent makes that the root, though nobody described it."""
    assert (one(charge(1, payment=None)).root, one(charge(1, payment=None)).kind) == ("ch_1", Kind.CHARGE)
    assert (one(charge(1)).root, one(charge(1)).kind) == ("pi_1", Kind.PAYMENT)


@pytest.mark.parametrize(
    ("status", "made", "told"), [(PENDING, 5, PENDING), (PENDING, 4, FAILED), (FAILED, 5, FAILED)]
)
def test_another_attempt_made_in_the_second_of_a_failure_goes_on(status: Any, made: int, told: Any) -> None:
    """One made before it, of which the payment doesn't speak, says nothing of what it did since."""
    attempt = charge(6, status, "ch_2", made=made)
    assert one(payment(5, FAILED, latest_charge="ch_1"), attempt).status is told


# -- what is only named --------------------------------------------------------------------------------


def test_what_only_hangs_on_a_payment_makes_a_placeholder_that_all_its_names_find() -> None:
    """Of no sum; its currency is what hangs on it has."""
    found = one(refund(3, SUCCEEDED, 100, made=2))
    assert (found.placeholder, found.amount, found.currency) == (True, 0, "usd")
    assert (found.charge, found.occurred_at) == ("ch_1", moment(2))
    assert found.references == {"pi_1", "ch_1", "re_1"}
    warned = one(dispute(3, DisputeStatus.CLOSED, amount=0, currency="", charge=None))
    assert (warned.currency, warned.charge, warned.references) == ("", None, {"pi_1", "du_1"})


def test_a_refund_that_names_only_a_charge_is_of_the_payment_that_names_it_too() -> None:
    """One payment, not one for each name of it."""
    found = one(payment(5, SUCCEEDED, latest_charge="ch_1"), refund(6, SUCCEEDED, 300, payment=None))
    assert (found.root, found.refunded) == ("pi_1", 300)


def test_an_open_link_or_session_names_a_payment_too() -> None:
    """Neither says that money moved."""
    linked = one(link(1, "open", currency="eur"))
    unpaid = checkout(1, CheckoutPaymentState.UNPAID, status=CheckoutStatus.OPEN, payment="pi_1")
    assert (linked.placeholder, linked.root, linked.currency) == (True, "pi_1", "eur")
    assert (one(unpaid).placeholder, one(unpaid).root) == (True, "pi_1")


# -- documents -----------------------------------------------------------------------------------------


def test_a_paid_link_tells_of_its_payment_until_that_is_known() -> None:
    """By hearsay: a canceled or an open one doesn't, nor one without a sum."""
    found = one(link(1, amount_paid=700))
    assert (found.status, found.amount, found.hearsay, found.placeholder) == (SUCCEEDED, 700, True, False)
    by_charge = one(link(1, payment=None, charge="ch_9"))
    assert (by_charge.kind, by_charge.charge) == (Kind.CHARGE, "ch_9")
    assert one(link(1, amount_paid=0)).placeholder
    assert one(link(1, "open", amount_paid=700)).placeholder
    assert derive(Component.of([link(1, "canceled")])) == []


@pytest.mark.parametrize(
    "paid",
    [link, lambda t: checkout(t, CheckoutPaymentState.PAID, payment="pi_1")],
    ids=["link", "session"],
)
def test_a_later_document_is_believed_over_a_payment_s_older_word_and_an_earlier_one_is_not(
    paid: Callable[[float], Snapshot],
) -> None:
    """In the same second too: a success that was told isn't taken back."""
    pending = payment(5, PENDING)
    assert [one(pending, paid(t)).status for t in (4, 5, 6)] == [PENDING, SUCCEEDED, SUCCEEDED]
    assert one(pending, paid(6)).hearsay
    assert one(payment(5, CANCELED), paid(6)).status is CANCELED


@pytest.mark.parametrize(
    ("told", "expected"),
    [
        (invoice(9, PAID), SUCCEEDED),
        (invoice(9, PAID, paid_out_of_band=True), PENDING),
        (invoice(9, OPEN, attempt_failed=True), PENDING),
    ],
    ids=["paid", "paid outside", "failed before"],
)
def test_a_paid_invoice_proves_the_one_payment_that_tried(told: Snapshot, expected: Any) -> None:
    """Whose link is still open. Not if it was paid outside; and what failed may be an older attempt."""
    assert one(payment(5, PENDING), link(5, "open"), told).status is expected


@pytest.mark.parametrize(
    ("told", "expected"),
    [
        (invoice(1, PAID, amount_paid=1), (SUCCEEDED, 1)),
        (invoice(1, PAID, amount_paid=900), (SUCCEEDED, 900)),
        (invoice(1, OPEN, attempt_failed=True, amount_due=1), (FAILED, 1)),
        (invoice(1, OPEN, attempt_failed=True, amount_paid=300), (FAILED, 1000)),
        (invoice(1, InvoiceStatus.VOID, attempt_failed=True), (CANCELED, 1000)),
        (invoice(1, PAID, amount_paid=0), None),
        (invoice(1, OPEN, amount_due=0, attempt_failed=True), None),
        (invoice(1, OPEN), None),
        (invoice(1, PAID, paid_out_of_band=True), None),
    ],
)
def test_an_invoice_stands_in_for_a_payment_that_nobody_described(told: Snapshot, expected: Any) -> None:
    """If it says that money moved, or failed to; what was paid outside was none."""
    found = derive(Component.of([told]))
    assert [(one.status, one.amount) for one in found] == ([expected] if expected else [])


def test_of_those_who_say_it_was_paid_the_nearest_knows_the_sum() -> None:
    """A link tells of just this one, an invoice of others that paid it, a session of what was set off."""
    near = link(1, amount_paid=800)
    whole = invoice(2, PAID, amount_due=2000)
    bought = checkout(
        3, CheckoutPaymentState.PAID, mode=CheckoutMode.SUBSCRIPTION, invoice="in_1", amount_total=2500
    )
    assert one(near, whole, bought).amount == 800
    assert one(link(1, "open"), whole, bought).amount == 2000


def test_a_session_whose_invoice_was_paid_outside_has_no_payment() -> None:
    """Else the invoice is its payment, until that is known."""
    session = checkout(1, CheckoutPaymentState.PAID, mode=CheckoutMode.SUBSCRIPTION, invoice="in_1")
    outside = link(1, payment=None)
    assert Component.of([session]).root_of_checkout(session) == "in_1"
    assert Component.of([session, outside]).root_of_checkout(session) is None
    assert Component.of([session, outside, invoice(1, PAID)]).root_of_checkout(session) is None


def test_who_paid_an_invoice_comes_before_who_tried() -> None:
    """Whatever their names; a payment known by its charge alone counts as well, a canceled one doesn't."""
    tried, paid = link(1, "open", "inpay_1"), link(1, "paid", "inpay_2", payment="pi_2")
    by_charge = link(1, "paid", "inpay_3", payment=None, charge="ch_3")
    gone = link(1, "canceled", "inpay_4", payment="pi_4")
    found = Component.of([tried, paid, by_charge, gone])
    assert found.roots_of_invoice("in_1") == ["ch_3", "pi_2", "pi_1"]


def test_of_two_payments_of_one_invoice_it_tells_neither_s_part() -> None:
    """Each is as its own word and its own link say."""
    both = [link(1, "open"), link(1, "open", "inpay_2", payment="pi_2")]
    found = derive(Component.of([*both, invoice(9, PAID), payment(1, PENDING), payment(1, PENDING, "pi_2")]))
    assert [each.status for each in found] == [PENDING, PENDING]


@pytest.mark.parametrize(
    "without",
    [
        {"status": CheckoutStatus.OPEN},
        {"status": CheckoutStatus.EXPIRED},
        {"mode": CheckoutMode.SETUP},
        {"amount_total": 0},
        {"amount_total": None},
        {"currency": None},
    ],
)
def test_a_session_collects_only_when_it_is_complete_and_of_a_sum(without: dict[str, Any]) -> None:
    """Each of these alone keeps it from standing in for a payment."""
    session = checkout(1, CheckoutPaymentState.PAID, **without)
    assert collects(checkout(1, CheckoutPaymentState.PAID))
    assert not collects(checkout(1, CheckoutPaymentState.NOT_REQUIRED))
    assert not collects(session)
    assert derive(Component.of([session])) == []
    assert Component.of([session]).root_of_checkout(session) is None


# -- refunds -------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("read", "made", "untold"), [(False, 10, 0), (False, 11, 400), (True, 130, 0), (True, 131, 400)]
)
def test_a_refund_made_after_its_charge_was_heard_of_is_not_in_its_figure(
    read: bool, made: int, untold: int
) -> None:
    """A read may hold what happened until its answer came; an event can't."""
    heard = charge(10, amount_refunded=400, read=read)
    later = refund(made, SUCCEEDED, 400, made=made)
    assert one(heard, later).refunded_untold == untold


def test_each_charge_s_figure_is_held_against_its_own_refunds() -> None:
    """One of another charge, or made later, keeps no other from being counted."""
    heard = charge(10, amount_refunded=400)
    other = refund(5, SUCCEEDED, 400, "re_1", charge="ch_2")
    later, mine = refund(20, SUCCEEDED, 50, "re_2", made=20), refund(5, SUCCEEDED, 300, "re_3")
    assert one(payment(1, SUCCEEDED), heard, other).refunded_untold == 400
    assert one(payment(1, SUCCEEDED), heard, later, mine).refunded_untold == 100


# -- the order of words --------------------------------------------------------------------------------


def test_a_dispute_goes_forward_by_state_then_by_what_was_sent_then_by_its_money() -> None:
    """Each weighs more than all that comes after it."""
    inquiry = {"dispute_kind": DisputeKind.INQUIRY}
    road = [
        dispute(1, DisputeStatus.NEEDS_RESPONSE, submission_count=5, **inquiry),
        dispute(1, DisputeStatus.CLOSED, **inquiry),
        dispute(1, DisputeStatus.NEEDS_RESPONSE),
        dispute(1, DisputeStatus.NEEDS_RESPONSE, funds_withdrawn=1000),
        dispute(1, DisputeStatus.NEEDS_RESPONSE, submission_count=1),
        dispute(1, DisputeStatus.UNDER_REVIEW),
        dispute(1, DisputeStatus.WON, funds_withdrawn=1000),
        dispute(1, DisputeStatus.WON),
    ]
    ranks = [progress.progress(snapshot) for snapshot in road]
    assert ranks == sorted(set(ranks))


def test_news_is_surely_later_from_the_next_whole_second_on() -> None:
    """However late within its second the word before was."""
    late = payment(5.999, PENDING, read=True)
    assert merge.settled_from(late.as_of.version) == moment(6)
