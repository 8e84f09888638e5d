"""What one snapshot says has happened. Pure: no database, no clock, nothing of what was said before.

This is why order means nothing. Each fact follows from one snapshot alone, so what is known to have
happened is a union over all that was ever told, and a union has no order and no repetition. A later state
implies the earlier ones (what ended had started), in the order in which they came about.
"""

from __future__ import annotations

from collections.abc import Iterator
from datetime import datetime, timedelta
from typing import NamedTuple

from overseer_payment.provider import (
    AWAITS_RESPONSE,
    OPEN_DISPUTE,
    ChargeSnapshot,
    CheckoutPaymentState,
    CheckoutSnapshot,
    CheckoutStatus,
    DisputeKind,
    DisputeSnapshot,
    InvoiceSnapshot,
    InvoiceStatus,
    PaymentSnapshot,
    RefundSnapshot,
    Snapshot,
    SubscriptionSnapshot,
    SubscriptionStatus,
    TransactionStatus,
)

AHEAD = timedelta(days=3)
"""How long before an end or a deadline we remind of it."""

_NEVER_STARTED = frozenset({SubscriptionStatus.INCOMPLETE, SubscriptionStatus.INCOMPLETE_EXPIRED})
_UNPAID = frozenset({SubscriptionStatus.PAST_DUE, SubscriptionStatus.UNPAID})
_PAID = frozenset({CheckoutPaymentState.PAID, CheckoutPaymentState.NOT_REQUIRED})


class Fact(NamedTuple):
    """One thing that happened. Topic, id and mark name it; the rest may be said differently by others."""

    topic: str
    id: str
    """The provider's id of what it happened to; a payment's is its root."""
    mark: str
    """Which one, where it can happen to one object again."""
    at: datetime | None
    """When, if the object itself says so. Of a reminder: when to tell it."""
    since: datetime | None = None
    """Where it does not: before then it can't have been. None: not before the object was made."""

    @property
    def key(self) -> tuple[str, str, str]:
        return self.id, self.topic, self.mark


def facts(snapshot: Snapshot) -> Iterator[Fact]:
    """What this snapshot says has happened, in the order in which it came about."""
    match snapshot:
        case PaymentSnapshot():
            return _payment(snapshot)
        case ChargeSnapshot():
            return _charge(snapshot)
        case RefundSnapshot():
            return _refund(snapshot)
        case CheckoutSnapshot():
            return _checkout(snapshot)
        case InvoiceSnapshot():
            return _invoice(snapshot)
        case SubscriptionSnapshot():
            return _subscription(snapshot)
        case DisputeSnapshot():
            return _dispute(snapshot)
        case _:
            return iter(())


def _payment(said: PaymentSnapshot) -> Iterator[Fact]:
    if said.status is TransactionStatus.FAILED:
        # The same mark as the failed charge's own word; an attempt that got no charge counts once.
        yield Fact("payment.failed", said.id, said.latest_charge or "", None)
    elif said.status is TransactionStatus.SUCCEEDED:
        yield Fact("payment.succeeded", said.id, "", None)
    elif said.status is TransactionStatus.CANCELED:
        yield Fact("payment.canceled", said.id, "", None)


def _charge(said: ChargeSnapshot) -> Iterator[Fact]:
    root = said.payment or said.id
    if said.status is TransactionStatus.FAILED:
        yield Fact("payment.failed", root, said.id, said.occurred_at)
    elif said.status is TransactionStatus.SUCCEEDED:
        yield Fact("payment.succeeded", root, "", said.occurred_at)
    elif said.status is TransactionStatus.CANCELED and said.payment is None:
        yield Fact("payment.canceled", root, "", None)


def _refund(said: RefundSnapshot) -> Iterator[Fact]:
    if said.status is TransactionStatus.SUCCEEDED:
        yield Fact("refund.succeeded", said.id, "", None)
    elif said.status in {TransactionStatus.FAILED, TransactionStatus.CANCELED}:
        yield Fact("refund.failed", said.id, "", None)


def _checkout(said: CheckoutSnapshot) -> Iterator[Fact]:
    if said.status is CheckoutStatus.COMPLETE:
        yield Fact("checkout.completed", said.id, "", None)
        if said.payment_state in _PAID:
            yield Fact("checkout.paid", said.id, "", None)
    elif said.status is CheckoutStatus.EXPIRED:
        yield Fact("checkout.expired", said.id, "", None)


def _invoice(said: InvoiceSnapshot) -> Iterator[Fact]:
    if said.status is InvoiceStatus.PAID:
        yield Fact("invoice.paid", said.id, "", said.paid_at)
    elif said.attempt_failed:
        yield Fact("invoice.payment_failed", said.id, str(said.attempt_count), None)


def _subscription(said: SubscriptionSnapshot) -> Iterator[Fact]:
    if said.status in _NEVER_STARTED:
        return
    yield Fact("subscription.started", said.id, "", said.occurred_at)
    if said.status is SubscriptionStatus.CANCELED:
        yield Fact("subscription.ended", said.id, "", said.ended_at or said.canceled_at)
        return
    if said.status is SubscriptionStatus.TRIALING and said.trial_end is not None:
        yield Fact("subscription.trial_ending", said.id, _mark(said.trial_end), said.trial_end - AHEAD)
    if said.status in _UNPAID:
        unpaid = said.current_period_start
        yield Fact("subscription.past_due", said.id, _mark(unpaid), None, since=unpaid)
    if end := end_of(said):
        asked = said.canceled_at
        yield Fact("subscription.cancellation_scheduled", said.id, _mark(end), None, since=asked)


def end_of(said: SubscriptionSnapshot) -> datetime | None:
    """When a subscription that goes on will end, if that is decided."""
    if said.cancel_at_period_end:
        return said.cancel_at or said.current_period_end
    return said.cancel_at


def _dispute(said: DisputeSnapshot) -> Iterator[Fact]:
    yield Fact("dispute.opened", said.id, "", said.occurred_at)
    if said.status not in OPEN_DISPUTE:
        yield Fact("dispute.closed", said.id, said.status.value, None)
    elif (
        said.evidence_due_by is not None
        and said.status in AWAITS_RESPONSE
        and said.dispute_kind is not DisputeKind.FRAUD_WARNING
    ):
        due = said.evidence_due_by
        yield Fact("dispute.due_soon", said.id, _mark(due), due - AHEAD)


def _mark(moment: datetime | None) -> str:
    return "" if moment is None else moment.isoformat(timespec="seconds")
