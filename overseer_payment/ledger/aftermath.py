"""What became of a payment: refunds and disputes, as sums of their rows."""

from __future__ import annotations

from datetime import datetime, timedelta

from overseer_payment.ledger.component import Component
from overseer_payment.ledger.payment import Payment
from overseer_payment.provider import (
    OPEN_DISPUTE,
    ChargeSnapshot,
    DisputeKind,
    DisputeStatus,
    RefundSnapshot,
    Source,
    TransactionStatus,
)

_LIVE = frozenset({TransactionStatus.PENDING, TransactionStatus.SUCCEEDED})
# A read speaks of the moment it began; what was refunded until the answer came may be in it.
_READING = timedelta(minutes=2)


def settle(payment: Payment, component: Component) -> None:
    """Sum up refunds, disputes, and what the charge says was refunded beyond the refunds that are known."""
    refunds = payment.refunds = component.refunds_of.get(payment.root, [])
    disputes = payment.disputes = component.disputes_of.get(payment.root, [])
    payment.references |= {item.id for item in (*refunds, *disputes)}
    charges = component.charges_of.get(payment.root, ())
    payment.refunded_untold = sum(_untold(charge, refunds) for charge in charges)
    payment.refunded = payment.refunded_untold + _sum(refunds, TransactionStatus.SUCCEEDED)
    payment.refund_pending = _sum(refunds, TransactionStatus.PENDING)
    backs = [d for d in disputes if d.dispute_kind is DisputeKind.CHARGEBACK]
    payment.frozen = any(d.status in OPEN_DISPUTE for d in backs)
    ours = [d for d in backs if d.currency == payment.currency]
    payment.lost = sum(d.amount for d in ours if d.status is DisputeStatus.LOST)
    payment.disputed = payment.lost + sum(d.amount for d in ours if d.status in OPEN_DISPUTE)


def _sum(refunds: list[RefundSnapshot], status: TransactionStatus) -> int:
    return sum(refund.amount for refund in refunds if refund.status is status)


def _untold(charge: ChargeSnapshot, refunds: list[RefundSnapshot]) -> int:
    """What the charge says was refunded and no refund that we know accounts for.

    Where it can't be told whether a known refund is in the charge's figure, it is taken to be: once all
    refunds are known nothing may remain, while too small a figure before is mended by the next refund.
    """
    told = charge.amount_refunded
    if not told:
        return 0
    heard = charge.as_of.moment
    slack = _READING if charge.as_of.source is Source.READ else timedelta(0)
    for refund in refunds:
        if refund.charge not in (None, charge.id) or refund.occurred_at > heard + slack:
            continue
        # A refund that failed before the charge was heard of is no longer in its figure.
        if refund.status in _LIVE or _second(refund.as_of.moment) >= _second(heard):
            told -= refund.amount
    return max(0, told)


def _second(moment: datetime) -> datetime:
    return moment.replace(microsecond=0)
