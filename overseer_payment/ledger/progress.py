"""How far along its road an object is: what tells old news from new where clocks can't.

The decision this module owns: which states are never left for which. It knows of two numbers:

* The **stage** only ever grows. A word of an earlier stage is old news, whatever its date: a replica that
  lags behind answers a read with what was true before. So a stage holds together all states between which
  an object may still go back and forth: a lost dispute may be appealed, and lost again.
* The **progress** orders words of one moment, where states usually go forward.
"""

from __future__ import annotations

from overseer_payment.provider import (
    ChargeSnapshot,
    CheckoutPaymentState,
    CheckoutSnapshot,
    CheckoutStatus,
    CustomerSnapshot,
    DisputeKind,
    DisputeSnapshot,
    DisputeStatus,
    InvoicePaymentSnapshot,
    InvoiceSnapshot,
    InvoiceStatus,
    PaymentSnapshot,
    PriceSnapshot,
    ProductSnapshot,
    RefundSnapshot,
    Snapshot,
    SubscriptionSnapshot,
    SubscriptionStatus,
    TransactionStatus,
)

_PAYMENT = {
    TransactionStatus.PENDING: 0,
    TransactionStatus.FAILED: 1,
    TransactionStatus.CANCELED: 2,
    TransactionStatus.SUCCEEDED: 3,
}
# A refund that succeeded can still fail; a failed one stays so.
_REFUND = {
    TransactionStatus.PENDING: 0,
    TransactionStatus.SUCCEEDED: 1,
    TransactionStatus.CANCELED: 2,
    TransactionStatus.FAILED: 3,
}
# What is released instead of given back may be told as succeeded, too: neither takes the other back.
_STAGE_OF_REFUND = {
    TransactionStatus.PENDING: 0,
    TransactionStatus.SUCCEEDED: 1,
    TransactionStatus.CANCELED: 1,
    TransactionStatus.FAILED: 2,
}
_INVOICE = {
    InvoiceStatus.DRAFT: 0,
    InvoiceStatus.OPEN: 1,
    InvoiceStatus.UNCOLLECTIBLE: 2,
    InvoiceStatus.VOID: 3,
    InvoiceStatus.PAID: 4,
}
# Stripe, "Status transitions and finalization": what was written off can still be paid or voided.
_STAGE_OF_INVOICE = _INVOICE | {InvoiceStatus.PAID: _INVOICE[InvoiceStatus.VOID]}
_CHECKOUT = {CheckoutStatus.OPEN: 0, CheckoutStatus.EXPIRED: 1, CheckoutStatus.COMPLETE: 2}
_CHECKOUT_PAYMENT = {
    CheckoutPaymentState.UNPAID: 0,
    CheckoutPaymentState.NOT_REQUIRED: 1,
    CheckoutPaymentState.FAILED: 2,
    CheckoutPaymentState.PAID: 3,
}
_DISPUTE = {
    DisputeStatus.NEEDS_RESPONSE: 0,
    DisputeStatus.UNDER_REVIEW: 1,
    DisputeStatus.CLOSED: 2,
    DisputeStatus.PREVENTED: 2,
    DisputeStatus.LOST: 3,
    DisputeStatus.APPEAL_NEEDS_RESPONSE: 4,
    DisputeStatus.APPEAL_UNDER_REVIEW: 5,
    DisputeStatus.WON: 6,
}
_LINK = {"open": 0, "canceled": 1, "paid": 2}
_ENDED = frozenset({SubscriptionStatus.CANCELED, SubscriptionStatus.INCOMPLETE_EXPIRED})
_OVER = frozenset({TransactionStatus.CANCELED, TransactionStatus.SUCCEEDED})
_TOLD = frozenset({CheckoutPaymentState.FAILED, CheckoutPaymentState.PAID})
_UNDECIDED = frozenset({DisputeStatus.NEEDS_RESPONSE, DisputeStatus.UNDER_REVIEW})


def stage(snapshot: Snapshot) -> int:
    """How many times an object has passed a point from which it never comes back."""
    match snapshot:
        case PaymentSnapshot():
            return int(snapshot.status in _OVER)  # one that failed may be tried again
        case ChargeSnapshot():
            return int(snapshot.status is not TransactionStatus.PENDING)
        case RefundSnapshot():
            return _STAGE_OF_REFUND[snapshot.status]
        case InvoiceSnapshot():
            return _STAGE_OF_INVOICE[snapshot.status]
        case InvoicePaymentSnapshot():
            return int(snapshot.status in {"canceled", "paid"})
        case CheckoutSnapshot():
            if snapshot.status is not CheckoutStatus.COMPLETE:
                return _CHECKOUT[snapshot.status]
            return 1 + (snapshot.payment_state in _TOLD)
        case SubscriptionSnapshot():
            return progress(snapshot)
        case DisputeSnapshot():
            return _stage_of_dispute(snapshot)
        case CustomerSnapshot() | ProductSnapshot() | PriceSnapshot():
            return 0  # put away and taken up again; what wasn't found once may be found again


def _stage_of_dispute(dispute: DisputeSnapshot) -> int:
    """Open, decided, and the same as a chargeback, which an inquiry may become also after it was closed."""
    match dispute.dispute_kind:
        case DisputeKind.FRAUD_WARNING:
            return 0  # a refund that fails makes it actionable again
        case DisputeKind.INQUIRY:
            return int(dispute.status not in _UNDECIDED)
    return 1 if dispute.status in _UNDECIDED | {DisputeStatus.CLOSED} else 2


def progress(snapshot: Snapshot) -> int:
    """How far along its one-way road an object is. Equal numbers with other content: can't be told."""
    match snapshot:
        case PaymentSnapshot():
            # An attempt that goes on may come before or after one that failed: only a read can tell.
            attempted = snapshot.status is TransactionStatus.PENDING and snapshot.latest_charge is not None
            return 1 if attempted else _PAYMENT[snapshot.status]
        case ChargeSnapshot():
            return _PAYMENT[snapshot.status] * 10**18 + snapshot.amount_refunded * 2 + snapshot.disputed
        case RefundSnapshot():
            return _REFUND[snapshot.status]
        case InvoiceSnapshot():
            attempts = min(snapshot.attempt_count, 400) * 2 + snapshot.attempt_failed
            return _INVOICE[snapshot.status] * 1000 + attempts
        case InvoicePaymentSnapshot():
            told = bool(snapshot.payment) * 2 + bool(snapshot.charge)
            return _LINK.get(snapshot.status, 0) * 4 + told
        case CheckoutSnapshot():
            return _CHECKOUT[snapshot.status] * 10 + _CHECKOUT_PAYMENT[snapshot.payment_state]
        case SubscriptionSnapshot():
            if snapshot.status in _ENDED:
                return 2
            return int(snapshot.status is not SubscriptionStatus.INCOMPLETE)
        case DisputeSnapshot():
            return _progress_of_dispute(snapshot)
        case PriceSnapshot():
            return 0  # it may be put away and taken up again
        case CustomerSnapshot() | ProductSnapshot():
            return int(snapshot.deleted)


def _progress_of_dispute(dispute: DisputeSnapshot) -> int:
    """An inquiry may become a chargeback; the sum is taken when one opens, and returned after it is won."""
    ours = dispute.status in {DisputeStatus.WON, DisputeStatus.CLOSED, DisputeStatus.PREVENTED}
    moved = bool(dispute.funds_withdrawn) is not ours
    level = (dispute.dispute_kind is DisputeKind.CHARGEBACK) * 10 + _DISPUTE[dispute.status]
    return level * 1000 + min(dispute.submission_count, 400) * 2 + moved
