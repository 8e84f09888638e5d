"""Refunds add up to what was really given back, in every order of the same news."""

from __future__ import annotations

from sqlalchemy import Connection

from overseer_payment.provider import (
    CheckoutPaymentState,
    DisputeKind,
    DisputeStatus,
    SubscriptionStatus,
)
from tests.ledger.telling import (
    CANCELED,
    FAILED,
    PENDING,
    SUCCEEDED,
    Ledger,
    charge,
    every_order,
    refund,
)

UNPAID, PAID, BANK_SAID_NO = (
    CheckoutPaymentState.UNPAID,
    CheckoutPaymentState.PAID,
    CheckoutPaymentState.FAILED,
)
ACTIVE, ENDED = SubscriptionStatus.ACTIVE, SubscriptionStatus.CANCELED
INQUIRY = DisputeKind.INQUIRY
OPEN, LOST, WON = DisputeStatus.NEEDS_RESPONSE, DisputeStatus.LOST, DisputeStatus.WON


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


def test_the_release_of_an_authorisation_gives_nothing_back(fresh: Connection) -> None:
    """Told as a refund that succeeded, of all or of what was not captured: nothing is taken off."""
    release = refund(20, SUCCEEDED, 400, made=20, booked=False)
    for ledger in every_order(fresh, [charge(20, amount=600, amount_released=400), release]):
        assert (ledger.payment()["status"], ledger.sums()) == ("succeeded", (600, 0, 0, 600))
        assert ledger.row("transaction", "re_1")["status"] == "canceled"
    for ledger in every_order(fresh, [charge(20, CANCELED, amount=400, amount_released=400), release]):
        assert (ledger.payment()["amount_refunded"], ledger.sums()) == (0, (0, 0, 0, 0))


def test_a_refund_of_just_what_was_released_is_one(fresh: Connection) -> None:
    """The balance tells of it, or it has not got that far: neither is a release."""
    paid = charge(20, amount=600, amount_released=400)
    for ledger in every_order(fresh, [paid, refund(30, SUCCEEDED, 400, made=30)]):
        assert ledger.sums() == (600, 400, 0, 200)
    for ledger in every_order(fresh, [paid, refund(30, PENDING, 400, made=30, booked=False)]):
        assert ledger.payment()["amount_refundable"] == 200


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
