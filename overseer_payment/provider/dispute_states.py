"""What sorts of disputes there are, and whose turn it is in them."""

from __future__ import annotations

from enum import StrEnum


class DisputeKind(StrEnum):
    CHARGEBACK = "chargeback"
    INQUIRY = "inquiry"
    FRAUD_WARNING = "fraud_warning"


class DisputeStatus(StrEnum):
    """Provider-neutral: OPEN states need or await an answer, the rest are final.

    Stripe's `warning_*` states map onto the same words with kind INQUIRY; `appeal_*` likewise.
    """

    NEEDS_RESPONSE = "needs_response"
    UNDER_REVIEW = "under_review"
    APPEAL_NEEDS_RESPONSE = "appeal_needs_response"
    APPEAL_UNDER_REVIEW = "appeal_under_review"
    WON = "won"
    LOST = "lost"
    CLOSED = "closed"
    PREVENTED = "prevented"


OPEN_DISPUTE = frozenset(
    {
        DisputeStatus.NEEDS_RESPONSE,
        DisputeStatus.UNDER_REVIEW,
        DisputeStatus.APPEAL_NEEDS_RESPONSE,
        DisputeStatus.APPEAL_UNDER_REVIEW,
    }
)


AWAITS_RESPONSE = frozenset({DisputeStatus.NEEDS_RESPONSE, DisputeStatus.APPEAL_NEEDS_RESPONSE})
"""States in which it is our turn."""
