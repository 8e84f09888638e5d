"""Does a row still say what is told of it? Pure."""

from __future__ import annotations

from datetime import datetime

from overseer_payment.provider import AWAITS_RESPONSE, InvoiceStatus, SubscriptionStatus
from overseer_payment.schemas import CheckoutRow, DisputeRow, InvoiceRow, SubscriptionRow, TransactionRow

AnyRow = CheckoutRow | TransactionRow | InvoiceRow | SubscriptionRow | DisputeRow

_OVER = frozenset({SubscriptionStatus.CANCELED, SubscriptionStatus.INCOMPLETE_EXPIRED})
_UNPAID = frozenset({SubscriptionStatus.PAST_DUE, SubscriptionStatus.UNPAID})


def holds(topic: str, mark: str, row: AnyRow) -> bool:
    """Is it still so? What only ever happens (a payment that succeeded) is."""
    match row:
        case TransactionRow():
            return _of_payment(topic, row)
        case InvoiceRow():
            return topic != "invoice.payment_failed" or row.status is not InvoiceStatus.PAID
        case SubscriptionRow():
            return _of_subscription(topic, mark, row)
        case DisputeRow():
            return _of_dispute(topic, mark, row)
        case CheckoutRow():
            return True


def _of_payment(topic: str, row: TransactionRow) -> bool:
    wanted = {"payment.failed": "failed", "refund.succeeded": "succeeded"}.get(topic)
    return wanted is None or row.status == wanted


def _of_subscription(topic: str, mark: str, row: SubscriptionRow) -> bool:
    match topic:
        case "subscription.started":
            return row.status not in _OVER
        case "subscription.trial_ending":
            return row.status is SubscriptionStatus.TRIALING and _is(row.trial_end, mark)
        case "subscription.past_due":
            return row.status in _UNPAID
        case "subscription.cancellation_scheduled":
            end = (row.cancel_at or row.current_period_end) if row.cancel_at_period_end else row.cancel_at
            return row.status not in _OVER and _is(end, mark)
        case _:
            return True


def _of_dispute(topic: str, mark: str, row: DisputeRow) -> bool:
    match topic:
        case "dispute.due_soon":
            return row.status in AWAITS_RESPONSE and _is(row.evidence_due_by, mark)
        case "dispute.closed":
            return row.status.value == mark
        case _:
            return True


def _is(moment: datetime | None, mark: str) -> bool:
    return moment is not None and moment.isoformat(timespec="seconds") == mark
