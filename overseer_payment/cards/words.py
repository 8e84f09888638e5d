"""The words and tones for states. Amber and red are kept for what needs a person."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

from markupsafe import Markup

from overseer_payment.cards.formatting import Formatter
from overseer_payment.provider import DisputeKind, DisputeStatus, InvoiceStatus, SubscriptionStatus
from overseer_payment.schemas import (
    DisputeRow,
    EventState,
    InvoiceRow,
    OperationState,
    ProviderState,
    StatusView,
    SubscriptionRow,
    TransactionState,
    TransactionType,
)

Tone = Literal["ok", "open", "part", "off", "neutral", "warn", "danger"]
"""Drawn as a dot of its own shape: full, ring, half, cross, grey, amber, red."""


@dataclass(frozen=True, slots=True)
class Word:
    """A state, as a person reads it."""

    text: str
    tone: Tone


TRANSACTION: dict[TransactionState, Word] = {
    TransactionState.SUCCEEDED: Word("Succeeded", "ok"),
    TransactionState.PENDING: Word("Pending", "open"),
    TransactionState.FAILED: Word("Failed", "off"),
    TransactionState.CANCELED: Word("Canceled", "off"),
    TransactionState.REFUNDED: Word("Refunded", "neutral"),
    TransactionState.PARTIALLY_REFUNDED: Word("Partly refunded", "part"),
}
TYPE: dict[TransactionType, str] = {
    TransactionType.CHARGE: "One-off",
    TransactionType.SUBSCRIPTION: "Subscription",
    TransactionType.REFUND: "Refund",
}
SUBSCRIPTION: dict[SubscriptionStatus, Word] = {
    SubscriptionStatus.ACTIVE: Word("Active", "ok"),
    SubscriptionStatus.TRIALING: Word("Trial", "part"),
    SubscriptionStatus.PAST_DUE: Word("Past due", "warn"),
    SubscriptionStatus.UNPAID: Word("Unpaid", "warn"),
    SubscriptionStatus.INCOMPLETE: Word("Incomplete", "open"),
    SubscriptionStatus.PAUSED: Word("Paused", "neutral"),
    SubscriptionStatus.CANCELED: Word("Canceled", "off"),
    SubscriptionStatus.INCOMPLETE_EXPIRED: Word("Never started", "off"),
}
DISPUTE: dict[DisputeStatus, Word] = {
    DisputeStatus.NEEDS_RESPONSE: Word("Needs an answer", "danger"),
    DisputeStatus.APPEAL_NEEDS_RESPONSE: Word("Appeal needs an answer", "danger"),
    DisputeStatus.UNDER_REVIEW: Word("Under review", "open"),
    DisputeStatus.APPEAL_UNDER_REVIEW: Word("Appeal under review", "open"),
    DisputeStatus.WON: Word("Won", "ok"),
    DisputeStatus.LOST: Word("Lost", "off"),
    DisputeStatus.CLOSED: Word("Closed", "neutral"),
    DisputeStatus.PREVENTED: Word("Prevented", "neutral"),
}
DISPUTE_KIND: dict[DisputeKind, str] = {
    DisputeKind.CHARGEBACK: "Chargeback",
    DisputeKind.INQUIRY: "Inquiry",
    DisputeKind.FRAUD_WARNING: "Fraud warning",
}
INVOICE: dict[InvoiceStatus, Word] = {
    InvoiceStatus.DRAFT: Word("Draft", "open"),
    InvoiceStatus.OPEN: Word("Open", "open"),
    InvoiceStatus.PAID: Word("Paid", "ok"),
    InvoiceStatus.UNCOLLECTIBLE: Word("Written off", "off"),
    InvoiceStatus.VOID: Word("Void", "neutral"),
}
EVENT: dict[EventState, Word] = {
    EventState.PENDING: Word("Waiting", "open"),
    EventState.APPLIED: Word("Applied", "ok"),
    EventState.IGNORED: Word("Ignored", "neutral"),
    EventState.FAILED: Word("Failed, tried again", "warn"),
    EventState.DEAD: Word("Dead", "danger"),
}
OPERATION: dict[OperationState, Word] = {
    OperationState.SENDING: Word("Under way", "open"),
    OperationState.SUCCEEDED: Word("Done", "ok"),
    OperationState.PENDING: Word("Provider decides", "part"),
    OperationState.FAILED: Word("Refused", "off"),
    OperationState.UNKNOWN: Word("Outcome unknown", "warn"),
}
PROVIDER: dict[ProviderState, Word] = {
    ProviderState.READY: Word("Ready", "ok"),
    ProviderState.NOT_CONFIGURED: Word("Not configured", "neutral"),
    ProviderState.BROKEN: Word("Broken", "danger"),
    ProviderState.BLOCKED: Word("Blocked", "warn"),
}
FINDING: dict[str, Word] = {
    "ok": Word("Good", "ok"),
    "warning": Word("Warning", "warn"),
    "error": Word("Error", "danger"),
}
REASON: dict[str, str] = {
    "requested_by_customer": "Requested by the customer",
    "duplicate": "Duplicate payment",
    "fraudulent": "Fraudulent",
}

Mode = Literal["live", "test", "demo", "example", "off"]


def mode_of(status: StatusView) -> Mode:
    """Whose money this is: nobody's in all modes but `live`."""
    if not status.enabled:
        return "off"
    if status.livemode:
        return "live"
    if status.account in ("demo", "example"):
        return "demo" if status.account == "demo" else "example"
    return "test"


READ_ONLY = (
    "Nothing new is recorded and nothing can be changed until this process may write to the database, or "
    "OVERSEER_DATABASE_URL names the primary. Then it goes on by itself."
)
"""What a database that takes no writes means, and its cure."""


def health_of(status: StatusView) -> Word:
    """One word about whether payments work."""
    if not status.enabled:
        return Word("Not configured", "neutral")
    if status.read_only:
        return Word("Read-only", "danger")
    return Word("Healthy", "ok") if status.healthy else Word("Needs attention", "danger")


def phrase(code: str) -> str:
    """A provider's code as words: `product_not_received` → `Product not received`."""
    words = code.replace("_", " ").strip()
    return words[:1].upper() + words[1:]


def interval(unit: str | None, count: int) -> str:
    """`"per month"`, `"every 3 months"`; nothing for a one-off."""
    if unit is None:
        return ""
    return f"per {unit}" if count == 1 else f"every {count} {unit}s"


def _dated(words: str, moment: Markup) -> Markup:
    return Markup("{} {}").format(words, moment)


def next_date(row: SubscriptionRow, fmt: Formatter) -> Markup:
    """What comes next for a subscription, in words that are true today."""
    said = _ending(row, fmt) or _standing(row, fmt)
    return said or Markup("\u2014")


def _ending(row: SubscriptionRow, fmt: Formatter) -> Markup | None:
    if row.status is SubscriptionStatus.CANCELED:
        ended = row.ended_at or row.canceled_at
        return _dated("Ended", fmt.on(ended)) if ended else Markup("Ended")
    if row.status is SubscriptionStatus.INCOMPLETE_EXPIRED:
        return Markup("First payment never made")
    ends = row.cancel_at or (row.current_period_end if row.cancel_at_period_end else None)
    if ends is None:
        return None
    # The end may have passed while the news of it is still under way.
    return _dated("Ends" if ends > fmt.now else "Was to end", fmt.on(ends))


def _standing(row: SubscriptionRow, fmt: Formatter) -> Markup | None:
    match row.status:
        case SubscriptionStatus.PAST_DUE:
            return _since("Past due", row, fmt)
        case SubscriptionStatus.UNPAID:
            return _since("Unpaid", row, fmt)
        case SubscriptionStatus.INCOMPLETE:
            return Markup("Waits for its first payment")
        case SubscriptionStatus.PAUSED:
            return Markup("Paused until resumed")
        case SubscriptionStatus.TRIALING if row.trial_end is not None:
            return _dated("Trial ends" if row.trial_end > fmt.now else "Trial ended", fmt.on(row.trial_end))
    return _renewal(row, fmt)


def _since(word: str, row: SubscriptionRow, fmt: Formatter) -> Markup:
    start = row.current_period_start
    return _dated(f"{word} since", fmt.on(start)) if start else Markup("{}").format(word)


def _renewal(row: SubscriptionRow, fmt: Formatter) -> Markup | None:
    end = row.current_period_end
    if row.collection_paused:
        until = row.collection_resumes_at
        return _dated("Paused until", fmt.on(until)) if until else Markup("Paused until resumed")
    if end is None:
        return None
    return _dated("Renews" if end > fmt.now else "Was due", fmt.on(end))


def payable(row: InvoiceRow, fmt: Formatter) -> Markup:
    """When an invoice was paid, or what comes next for it."""
    if row.status is InvoiceStatus.PAID and row.paid_at:
        return _dated("Paid", fmt.on(row.paid_at))
    if row.status is not InvoiceStatus.OPEN:
        return _dated("Made", fmt.on(row.occurred_at))
    if row.next_attempt_at and row.next_attempt_at > fmt.now:
        return _dated("Tried again", fmt.when(row.next_attempt_at))
    if row.due_at:
        return _dated("Due" if row.due_at > fmt.now else "Overdue since", fmt.on(row.due_at))
    return _dated("Open since", fmt.on(row.occurred_at))


def deadline(row: DisputeRow, fmt: Formatter) -> Markup | None:
    """By when a dispute must be answered, or that it is too late."""
    if row.evidence_due_by is None or not row.status.value.endswith("needs_response"):
        return None
    verb = "Answer due" if row.evidence_due_by > fmt.now else "Answer was due"
    return _dated(verb, fmt.when(row.evidence_due_by))
