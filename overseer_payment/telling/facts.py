"""What one snapshot says has happened. Pure: no database, no clock, nothing of what was said before.

This is why order means nothing. Each fact follows from one snapshot alone, so what is known to have
happened is a union over all that was ever told, and a union has no order and no repetition. A later state
implies the earlier ones (what ended had started), in the order in which they came about.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
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
    Source,
    SubscriptionSnapshot,
    SubscriptionStatus,
    TransactionStatus,
)

AHEAD = timedelta(days=3)
"""How long before an end or a deadline we remind of it."""
HISTORY = timedelta(days=3)
"""What had happened this long before we first heard of its object is history rather than news."""

_NEVER_STARTED = frozenset({SubscriptionStatus.INCOMPLETE, SubscriptionStatus.INCOMPLETE_EXPIRED})
_UNPAID = frozenset({SubscriptionStatus.PAST_DUE, SubscriptionStatus.UNPAID})
_PAID = frozenset({CheckoutPaymentState.PAID, CheckoutPaymentState.NOT_REQUIRED})


class Fact(NamedTuple):
    """One thing that happened. Topic, id and mark name it; the rest may be told differently by others."""

    topic: str
    id: str
    """The provider's id of what it happened to; a payment's is its root."""
    mark: str
    at: datetime
    due: datetime | None = None
    """Of a reminder: when to tell it."""
    history: bool = False
    """Long over when this was said."""

    @property
    def key(self) -> tuple[str, str, str]:
        return self.id, self.topic, self.mark


def facts_of(snapshots: Iterable[Snapshot]) -> list[Fact]:
    """What these snapshots say has happened, each once, earlier words first."""
    found: dict[tuple[str, str, str], Fact] = {}
    for snapshot in sorted(snapshots, key=lambda s: (s.as_of.moment, s.kind, s.id)):
        for fact in facts(snapshot):
            late = snapshot.as_of.moment - fact.at > HISTORY
            found.setdefault(fact.key, fact._replace(history=late) if late else fact)
    return list(found.values())


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


def _when(snapshot: Snapshot) -> datetime:
    """An event tells of its own moment; a read may tell of anything since the object was made."""
    return snapshot.as_of.moment if snapshot.as_of.source is Source.EVENT else snapshot.occurred_at


def _payment(said: PaymentSnapshot) -> Iterator[Fact]:
    if said.status is TransactionStatus.FAILED:
        # The same mark as the failed charge's own word; an attempt that got no charge counts once.
        yield Fact("payment.failed", said.id, said.latest_charge or "", _when(said))
    elif said.status is TransactionStatus.SUCCEEDED:
        yield Fact("payment.succeeded", said.id, "", _when(said))
    elif said.status is TransactionStatus.CANCELED:
        yield Fact("payment.canceled", said.id, "", _when(said))


def _charge(said: ChargeSnapshot) -> Iterator[Fact]:
    root = said.payment or said.id
    if said.status is TransactionStatus.FAILED:
        yield Fact("payment.failed", root, said.id, said.occurred_at)
    elif said.status is TransactionStatus.SUCCEEDED:
        yield Fact("payment.succeeded", root, "", said.occurred_at)
    elif said.status is TransactionStatus.CANCELED and said.payment is None:
        yield Fact("payment.canceled", root, "", _when(said))


def _refund(said: RefundSnapshot) -> Iterator[Fact]:
    if said.status is TransactionStatus.SUCCEEDED:
        yield Fact("refund.succeeded", said.id, "", _when(said))
    elif said.status in {TransactionStatus.FAILED, TransactionStatus.CANCELED}:
        yield Fact("refund.failed", said.id, "", _when(said))


def _checkout(said: CheckoutSnapshot) -> Iterator[Fact]:
    if said.status is CheckoutStatus.COMPLETE:
        yield Fact("checkout.completed", said.id, "", _when(said))
        if said.payment_state in _PAID:
            yield Fact("checkout.paid", said.id, "", _when(said))
    elif said.status is CheckoutStatus.EXPIRED:
        yield Fact("checkout.expired", said.id, "", _when(said))


def _invoice(said: InvoiceSnapshot) -> Iterator[Fact]:
    if said.status is InvoiceStatus.PAID:
        yield Fact("invoice.paid", said.id, "", said.paid_at or _when(said))
    elif said.attempt_failed:
        yield Fact("invoice.payment_failed", said.id, str(said.attempt_count), _when(said))


def _subscription(said: SubscriptionSnapshot) -> Iterator[Fact]:
    if said.status in _NEVER_STARTED:
        return
    yield Fact("subscription.started", said.id, "", said.occurred_at)
    if said.status is SubscriptionStatus.CANCELED:
        yield Fact("subscription.ended", said.id, "", said.ended_at or said.canceled_at or _when(said))
        return
    if said.status is SubscriptionStatus.TRIALING and said.trial_end is not None:
        due = said.trial_end - AHEAD
        yield Fact("subscription.trial_ending", said.id, _mark(said.trial_end), _when(said), due)
    if said.status in _UNPAID:
        yield Fact("subscription.past_due", said.id, _mark(said.current_period_start), _when(said))
    if end := end_of(said):
        yield Fact("subscription.cancellation_scheduled", said.id, _mark(end), _when(said))


def end_of(said: SubscriptionSnapshot) -> datetime | None:
    """When a subscription that goes on will end, if that is decided."""
    if said.cancel_at_period_end:
        return said.cancel_at or said.current_period_end
    return said.cancel_at


def _dispute(said: DisputeSnapshot) -> Iterator[Fact]:
    yield Fact("dispute.opened", said.id, "", said.occurred_at)
    if said.status not in OPEN_DISPUTE:
        yield Fact("dispute.closed", said.id, said.status.value, _when(said))
    elif (
        said.evidence_due_by is not None
        and said.status in AWAITS_RESPONSE
        and said.dispute_kind is not DisputeKind.FRAUD_WARNING
    ):
        due = said.evidence_due_by - AHEAD
        yield Fact("dispute.due_soon", said.id, _mark(said.evidence_due_by), _when(said), due)


def _mark(moment: datetime | None) -> str:
    return "" if moment is None else moment.isoformat(timespec="seconds")
