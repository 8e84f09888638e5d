"""Everything that happened to one payment, in order: from the provider's objects and our operations."""

from __future__ import annotations

from collections.abc import Collection, Iterable, Iterator, Sequence
from datetime import datetime

from sqlalchemy import Connection, or_, select

from overseer_payment import tables
from overseer_payment.ledger import objects
from overseer_payment.provider import (
    OPEN_DISPUTE,
    ChargeSnapshot,
    CheckoutSnapshot,
    CheckoutStatus,
    DisputeKind,
    DisputeSnapshot,
    DisputeStatus,
    InvoiceSnapshot,
    Kind,
    PaymentSnapshot,
    Ref,
    RefundSnapshot,
    Snapshot,
    Source,
    TransactionStatus,
)
from overseer_payment.schemas import TimelineEntry

_ATTEMPT = {
    TransactionStatus.SUCCEEDED: "Payment succeeded",
    TransactionStatus.FAILED: "Payment attempt failed",
    TransactionStatus.PENDING: "Payment is processing",
    TransactionStatus.CANCELED: "Authorisation released",
}
_REFUND = {
    TransactionStatus.SUCCEEDED: "Refunded",
    TransactionStatus.FAILED: "Refund failed, the money came back",
    TransactionStatus.PENDING: "Refund is pending",
    TransactionStatus.CANCELED: "Refund was canceled",
}
_DISPUTE = {
    DisputeKind.CHARGEBACK: "Chargeback opened",
    DisputeKind.INQUIRY: "Bank inquiry opened",
    DisputeKind.FRAUD_WARNING: "Early fraud warning",
}
_DECIDED = {
    DisputeStatus.WON: "Dispute won",
    DisputeStatus.LOST: "Dispute lost",
    DisputeStatus.PREVENTED: "Dispute prevented",
}
_CLOSED = {
    DisputeKind.CHARGEBACK: "Dispute closed",
    DisputeKind.INQUIRY: "Inquiry closed",
    DisputeKind.FRAUD_WARNING: "Warning closed",
}
_OR_BEFORE = "by then: the provider doesn't tell when"
# Providers tell whole seconds: what belongs to one moment is shown in the order in which it comes about.
_RANK = {
    "checkout": 0,
    "invoice": 1,
    "payment": 2,
    "attempt": 3,
    "operation": 4,
    "refund": 5,
    "dispute": 6,
    "event": 7,
}
_OPERATION = {
    "refund": "Refund requested",
    "checkout": "Checkout opened",
    "dispute_evidence": "Evidence staged",
    "dispute_submission": "Evidence submitted",
    "dispute_acceptance": "Dispute accepted",
    "dispute_file": "Evidence file uploaded",
}


def references(connection: Connection, account_id: int, transaction_id: int) -> list[str]:
    """The provider ids by which a payment is known."""
    reference = tables.reference
    query = select(reference.c.provider_id).where(
        reference.c.account_id == account_id, reference.c.transaction_id == transaction_id
    )
    return sorted(connection.execute(query).scalars())


def snapshots(connection: Connection, account_id: int, ids: Iterable[str]) -> list[Snapshot]:
    """The provider objects behind `ids`."""
    refs = {Ref(kind, id) for id in ids for kind in Kind}
    return list(objects.by_id(connection, account_id, refs).values())


def is_warning(snapshot: Snapshot) -> bool:
    """Is it an early fraud warning: a bank's suspicion, nothing that the buyer was told?"""
    return isinstance(snapshot, DisputeSnapshot) and snapshot.dispute_kind is DisputeKind.FRAUD_WARNING


def timeline(
    connection: Connection,
    account_id: int,
    transaction_id: int,
    found: Collection[Snapshot],
    *,
    operations: bool = True,
) -> list[TimelineEntry]:
    """Oldest first; with `operations` also what was sent to the provider, and by whom."""
    entries = [entry for snapshot in found for entry in _told(snapshot)]
    entries += _ends(connection, account_id, found)
    if operations:
        entries += _operations(connection, transaction_id)
    return sorted(entries, key=_order)


def _order(entry: TimelineEntry) -> tuple[datetime, int, str]:
    return entry.at.replace(microsecond=0), _RANK[entry.kind], entry.title


def _told(snapshot: Snapshot) -> Iterator[TimelineEntry]:
    match snapshot:
        case ChargeSnapshot():
            detail = (
                snapshot.failure_message if snapshot.status is TransactionStatus.FAILED else snapshot.method
            )
            yield _entry(
                snapshot, "attempt", _ATTEMPT[snapshot.status], detail, snapshot.status, snapshot.amount
            )
        case PaymentSnapshot() if snapshot.latest_charge is None:
            title = "Payment canceled" if snapshot.status is TransactionStatus.CANCELED else "Payment started"
            yield _entry(
                snapshot, "payment", title, snapshot.failure_message, snapshot.status, snapshot.amount
            )
        case RefundSnapshot():
            detail = snapshot.failure_reason or snapshot.reason
            yield _entry(
                snapshot, "refund", _REFUND[snapshot.status], detail, snapshot.status, snapshot.amount
            )
        case DisputeSnapshot():
            title = _DISPUTE[snapshot.dispute_kind]
            # Its moment is when it was opened: what became of it since was not so then.
            opened = snapshot.status if snapshot.status is DisputeStatus.NEEDS_RESPONSE else None
            yield _entry(snapshot, "dispute", title, snapshot.reason, opened, snapshot.amount)
        case InvoiceSnapshot():
            number = snapshot.number or snapshot.id
            yield _entry(snapshot, "invoice", f"Invoice {number}", None, snapshot.status, snapshot.total)
        case CheckoutSnapshot():
            then = {
                CheckoutStatus.COMPLETE: "completed later",
                CheckoutStatus.EXPIRED: "expired later",
                CheckoutStatus.OPEN: None,
            }[snapshot.status]
            # Its moment is when it was opened: the provider doesn't tell when a buyer was done.
            state, amount = snapshot.payment_state, snapshot.amount_total
            yield _entry(snapshot, "checkout", "Checkout opened", then, state, amount)


def _ends(connection: Connection, account_id: int, found: Iterable[Snapshot]) -> Iterator[TimelineEntry]:
    """How disputes ended. Their objects don't say when: an event that told of it does, a read by when."""
    over = [said for said in found if isinstance(said, DisputeSnapshot) and said.status not in OPEN_DISPUTE]
    told = _told_at(connection, account_id, [said.id for said in over]) if over else {}
    for said in over:
        heard, at = said.as_of.moment, told.get((said.id, said.status.value))
        if at is not None and at <= said.occurred_at:  # what only a read told is noted as of the opening
            at = None
        title = _DECIDED.get(said.status, _CLOSED[said.dispute_kind])
        exact = at is not None or said.as_of.source is Source.EVENT
        entry = _entry(said, "dispute", title, None if exact else _OR_BEFORE, said.status, said.amount)
        yield entry.model_copy(update={"at": min(at or heard, heard)})


def _told_at(
    connection: Connection, account_id: int, disputes: Sequence[str]
) -> dict[tuple[str, str], datetime]:
    """The moments of events that told of these ends, by the dispute's id and how it ended."""
    news = tables.news
    query = select(news.c.provider_id, news.c.mark, news.c.occurred_at).where(
        news.c.account_id == account_id,
        news.c.provider_id.in_(disputes),
        news.c.topic == "dispute.closed",
        # Else it is noted as of when a read last denied it, which was before.
        or_(news.c.denied_at.is_(None), news.c.denied_at < news.c.occurred_at),
    )
    return {(id, mark): at for id, mark, at in connection.execute(query)}


def _entry(
    snapshot: Snapshot, kind: str, title: str, detail: str | None, status: str | None, amount: int | None
) -> TimelineEntry:
    currency = getattr(snapshot, "currency", None) or None
    return TimelineEntry.model_validate(
        {
            "at": snapshot.occurred_at,
            "kind": kind,
            "title": title,
            "detail": detail.replace("_", " ") if detail else None,
            "status": str(status) if status else None,
            "amount": amount if currency else None,
            "currency": currency,
        }
    )


def _operations(connection: Connection, transaction_id: int) -> Iterator[TimelineEntry]:
    table = tables.operation
    query = select(table).where(table.c.transaction_id == transaction_id).order_by(table.c.id)
    for row in connection.execute(query):
        yield TimelineEntry(
            at=row.created_at,
            kind="operation",
            title=_OPERATION.get(row.kind, row.kind),
            detail=row.error,
            status=row.status,
            amount=row.amount,
            currency=row.currency,
            actor=row.actor,
        )
