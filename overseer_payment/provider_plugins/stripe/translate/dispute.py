"""Chargebacks, inquiries and early fraud warnings."""

from __future__ import annotations

from collections.abc import Iterator

from overseer_payment.provider import OPEN_DISPUTE, DisputeKind, DisputeSnapshot, DisputeStatus, Snapshot
from overseer_payment.provider_plugins.stripe.translate import fields as f

_STATUS = {status.value: status for status in DisputeStatus} | {
    "warning_needs_response": DisputeStatus.NEEDS_RESPONSE,
    "warning_under_review": DisputeStatus.UNDER_REVIEW,
    "warning_closed": DisputeStatus.CLOSED,
    "charge_refunded": DisputeStatus.CLOSED,
}


def dispute(obj: f.Json, ctx: f.Context) -> Iterator[Snapshot]:
    """The dispute. A state we don't know is shown as open, so that a person looks at it."""
    kind, evidence = _kind(obj), f.inner(obj, "evidence_details")
    status = _STATUS.get(f.text(obj, "status") or "", DisputeStatus.UNDER_REVIEW)
    yield DisputeSnapshot(
        **f.common(obj, ctx),
        dispute_kind=kind,
        status=status,
        amount=f.amount(obj, "amount"),
        currency=f.currency(obj),
        charge=f.reference(obj, "charge"),
        payment=f.reference(obj, "payment_intent"),
        reason=f.text(obj, "reason"),
        evidence_due_by=f.moment(evidence, "due_by"),
        has_evidence=f.flag(evidence, "has_evidence"),
        submission_count=max(0, f.whole(evidence, "submission_count")),
        refundable=f.flag(obj, "is_charge_refundable"),
        funds_withdrawn=_funds_withdrawn(obj, kind, status, ctx),
    )


def early_fraud_warning(obj: f.Json, ctx: f.Context) -> Iterator[Snapshot]:
    """A card network's hint. It names a charge but no sum: amount 0, and the currency only if expanded."""
    actionable = f.flag(obj, "actionable")
    yield DisputeSnapshot(
        **f.common(obj, ctx),
        dispute_kind=DisputeKind.FRAUD_WARNING,
        status=DisputeStatus.NEEDS_RESPONSE if actionable else DisputeStatus.CLOSED,
        amount=0,
        currency=f.currency_or_none(f.inner(obj, "charge")) or "",
        charge=f.reference(obj, "charge"),
        payment=f.reference(obj, "payment_intent"),
        reason=f.text(obj, "fraud_type"),
        refundable=actionable,
    )


def _kind(obj: f.Json) -> DisputeKind:
    details = f.inner(obj, "payment_method_details")
    case_type = f.text(f.inner(details, f.text(details, "type") or "card"), "case_type")
    warning = (f.text(obj, "status") or "").startswith("warning_")
    return DisputeKind.INQUIRY if warning or case_type == "inquiry" else DisputeKind.CHARGEBACK


def _funds_withdrawn(obj: f.Json, kind: DisputeKind, status: DisputeStatus, ctx: f.Context) -> int:
    """What the balance lost so far, best source first: its own entries, the event's type, the status."""
    currency, disputed = f.currency(obj), f.amount(obj, "amount")
    entries = list(f.rows(obj, "balance_transactions"))
    if entries and all(f.currency_or_none(entry) == currency for entry in entries):
        return max(0, -sum(f.whole(entry, "amount") for entry in entries))
    match ctx.event_type:
        case "charge.dispute.funds_withdrawn":
            return disputed
        case "charge.dispute.funds_reinstated":
            return 0
    if kind is DisputeKind.INQUIRY:
        return 0
    return disputed if status in OPEN_DISPUTE or status is DisputeStatus.LOST else 0
