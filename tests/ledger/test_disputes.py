"""Disputes find their payment, block refunds while they are open, and stay decided."""

from __future__ import annotations

from sqlalchemy import Connection

from overseer_payment.ledger import reports
from overseer_payment.provider import (
    CheckoutPaymentState,
    DisputeKind,
    DisputeStatus,
    SubscriptionStatus,
)
from tests.ledger.telling import (
    SUCCEEDED,
    charge,
    dispute,
    every_order,
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
        assert reports.gauges(fresh, [ledger.account_id])["open_disputes"] == 0
        assert ledger.sums() == (1000, 0, 1000, 0)


def test_money_that_was_reinstated_is_revenue_again(fresh: Connection) -> None:
    """Won and reinstated in one second: the sum is no longer withdrawn, whichever event came last."""
    told = [charge(10), dispute(20, OPEN, funds_withdrawn=1000)]
    told += [dispute(40, WON, funds_withdrawn=1000), dispute(40, WON, funds_withdrawn=0)]
    for ledger in every_order(fresh, told):
        assert ledger.sums() == (1000, 0, 0, 1000)
        assert "doubt" not in ledger.wanted.values()
