"""Which of two snapshots of one object is the newer word.

The decision this module owns: a total order over snapshots of one object, so that recording a set of
them in any order, any number of times, leaves the same one standing.

1. The later moment wins; at the same moment a read of the API beats an event (`AsOf.version`).
2. Events tell time in whole seconds. Within one second the further state wins where states only go
   forward (a paid invoice was not unpaid afterwards), then the content's digest: arbitrary, but the
   same everywhere. Where that would be a guess, the object is *doubtful* and is asked for. So it is where
   a read loses by less than the clocks of two processes may differ.
"""

from __future__ import annotations

import hashlib
from datetime import UTC, datetime, timedelta

from overseer_payment.provider import (
    AsOf,
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
    Kind,
    PaymentSnapshot,
    PriceSnapshot,
    ProductSnapshot,
    RefundSnapshot,
    Snapshot,
    Source,
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
_INVOICE = {
    InvoiceStatus.DRAFT: 0,
    InvoiceStatus.OPEN: 1,
    InvoiceStatus.UNCOLLECTIBLE: 2,
    InvoiceStatus.VOID: 3,
    InvoiceStatus.PAID: 4,
}
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
_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)
# In versions, two a millisecond. A `Date` tells whole seconds, so that the clocks of two processes may each
# agree with all of them and yet be a second apart; and a call began up to a second before it took effect.
_APART = 2 * 2000
_ENDED = frozenset({SubscriptionStatus.CANCELED, SubscriptionStatus.INCOMPLETE_EXPIRED})


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


def tie(snapshot: Snapshot, data: str) -> str:
    """Orders snapshots of the same version: progress first, then a digest of the content."""
    digest = hashlib.blake2b(data.encode(), digest_size=12).hexdigest()
    return f"{progress(snapshot):020d}.{digest}"


def doubtful(kind: Kind, winner: tuple[int, str], loser: tuple[int, str], *, late: bool = False) -> bool:
    """Do two snapshots (version, tie) of one moment contradict each other so that no rule settles it?

    Also when a read beats an event of the same second that is no less far along: it may have come after
    the read. Also when a read comes `late`, after the winner was recorded, and loses narrowly: what dates
    it is the clock of the process that read. Never for the link between an invoice and its payment: each
    payload tells another part of it.
    """
    if kind is Kind.INVOICE_PAYMENT or winner[1] == loser[1]:
        return False
    narrowly = late and loser[0] % 2 == 1 and winner[0] - loser[0] < _APART
    if not narrowly and winner[0] // 2000 != loser[0] // 2000:
        return False
    return loser[1].partition(".")[0] >= winner[1].partition(".")[0]


def as_of(version: int) -> AsOf:
    """The `AsOf` that `AsOf.version` made this number from, in whole milliseconds."""
    moment = _EPOCH + timedelta(milliseconds=version // 2)
    return AsOf(moment, Source.READ if version % 2 else Source.EVENT)


def settled_from(version: int) -> datetime:
    """From which moment on news is surely later than everything of the second of `version`."""
    return _EPOCH + timedelta(seconds=version // 2000 + 1)
