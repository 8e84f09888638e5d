"""What Stripe says of disputes, inquiries and warnings, in our words."""

from __future__ import annotations

import pytest

from overseer_payment.provider import DisputeKind, DisputeSnapshot, DisputeStatus, Kind
from tests.provider_plugins.stripe import payloads as p
from tests.provider_plugins.stripe.telling import first, told


@pytest.mark.parametrize(
    ("status", "kind", "expected"),
    [
        ("warning_needs_response", DisputeKind.INQUIRY, DisputeStatus.NEEDS_RESPONSE),
        ("warning_under_review", DisputeKind.INQUIRY, DisputeStatus.UNDER_REVIEW),
        ("warning_closed", DisputeKind.INQUIRY, DisputeStatus.CLOSED),
        ("needs_response", DisputeKind.CHARGEBACK, DisputeStatus.NEEDS_RESPONSE),
        ("under_review", DisputeKind.CHARGEBACK, DisputeStatus.UNDER_REVIEW),
        ("appeal_needs_response", DisputeKind.CHARGEBACK, DisputeStatus.APPEAL_NEEDS_RESPONSE),
        ("appeal_under_review", DisputeKind.CHARGEBACK, DisputeStatus.APPEAL_UNDER_REVIEW),
        ("won", DisputeKind.CHARGEBACK, DisputeStatus.WON),
        ("lost", DisputeKind.CHARGEBACK, DisputeStatus.LOST),
        ("prevented", DisputeKind.CHARGEBACK, DisputeStatus.PREVENTED),
        ("novel", DisputeKind.CHARGEBACK, DisputeStatus.UNDER_REVIEW),
    ],
)
def test_dispute_states(status: str, kind: DisputeKind, expected: DisputeStatus) -> None:
    """Inquiries share the words of chargebacks; what we don't know is shown as open."""
    dispute = first("charge.dispute.updated", p.dispute(status=status))
    assert isinstance(dispute, DisputeSnapshot)
    assert (dispute.dispute_kind, dispute.status) == (kind, expected)
    assert (dispute.charge, dispute.payment, dispute.reason) == ("ch_1", "pi_1", "fraudulent")


_TAKEN = {"amount": -2000, "currency": "usd", "fee": 1500, "net": -3500}

_GIVEN = {"amount": 2000, "currency": "usd", "fee": 0, "net": 2000}


@pytest.mark.parametrize(
    ("type", "changes", "withdrawn"),
    [
        ("charge.dispute.created", {"balance_transactions": [_TAKEN]}, 2000),
        ("charge.dispute.closed", {"balance_transactions": [_TAKEN, _GIVEN], "status": "won"}, 0),
        ("charge.dispute.closed", {"balance_transactions": [{"amount": -1800, "currency": "eur"}]}, 2000),
        ("charge.dispute.funds_withdrawn", {"status": "warning_under_review"}, 2000),
        ("charge.dispute.funds_reinstated", {"status": "under_review"}, 0),
        ("charge.dispute.created", {}, 2000),
        ("charge.dispute.closed", {"status": "lost"}, 2000),
        ("charge.dispute.closed", {"status": "won"}, 0),
        ("charge.dispute.updated", {"status": "prevented"}, 0),
        ("charge.dispute.created", {"status": "warning_needs_response"}, 0),
        ("charge.dispute.closed", {"status": "warning_closed"}, 0),
    ],
)
def test_what_a_dispute_has_taken(type: str, changes: p.Json, withdrawn: int) -> None:
    """Its balance entries say it best, then the event's type, then the state."""
    assert first(type, p.dispute(**changes)).funds_withdrawn == withdrawn


@pytest.mark.parametrize("due_by", [0, None])
def test_no_deadline_where_no_answer_is_possible(due_by: int | None) -> None:
    """Stripe writes 0 for a dispute that can't be answered."""
    assert (
        first("charge.dispute.created", p.dispute(evidence_details={"due_by": due_by})).evidence_due_by
        is None
    )


def test_a_case_type_makes_an_inquiry() -> None:
    """The network's case type counts where the status doesn't say."""
    details = {"type": "card", "card": {"case_type": "inquiry"}}
    odd = p.dispute(status="under_review", payment_method_details=details)
    assert first("charge.dispute.updated", odd).dispute_kind is DisputeKind.INQUIRY


def test_an_early_fraud_warning_is_a_dispute_without_a_sum() -> None:
    """It names the charge; its currency is known only when that is expanded."""
    warning = first("radar.early_fraud_warning.created", p.early_fraud_warning())
    assert (warning.dispute_kind, warning.status) == (DisputeKind.FRAUD_WARNING, DisputeStatus.NEEDS_RESPONSE)
    assert (warning.amount, warning.currency, warning.charge, warning.funds_withdrawn) == (0, "", "ch_1", 0)
    over = p.early_fraud_warning(actionable=False, charge=p.charge())
    snapshots = told("radar.early_fraud_warning.updated", over)
    assert (snapshots[0].status, snapshots[0].currency) == (DisputeStatus.CLOSED, "usd")
    assert snapshots[1].kind is Kind.CHARGE
