"""A refund: a row of its own, whose success may be taken back days later."""

from __future__ import annotations

from collections.abc import Iterator

from overseer_payment.provider import RefundSnapshot, Snapshot, TransactionStatus
from overseer_payment.provider_plugins.stripe.translate import fields as f
from overseer_payment.provider_plugins.stripe.translate.released import is_booked, is_release

_STATUS = {
    "succeeded": TransactionStatus.SUCCEEDED,
    "failed": TransactionStatus.FAILED,
    "canceled": TransactionStatus.CANCELED,
}


def refund(obj: f.Json, ctx: f.Context) -> Iterator[Snapshot]:
    """The refund. Anything but a known end (`requires_action`, a new word) is pending."""
    reason = f.text(obj, "reason")
    status = _STATUS.get(f.text(obj, "status") or "", TransactionStatus.PENDING)
    if reason == "expired_uncaptured_charge" or is_release(obj, f.inner(obj, "charge")):
        # Stripe's own word for an authorisation that ran out, or what its charge shows to be one that was
        # given up: no money came, so none goes back.
        status = TransactionStatus.CANCELED
    yield RefundSnapshot(
        **f.common(obj, ctx),
        status=status,
        amount=f.amount(obj, "amount"),
        currency=f.currency(obj),
        charge=f.reference(obj, "charge"),
        payment=f.reference(obj, "payment_intent"),
        reason=reason,
        failure_reason=f.text(obj, "failure_reason"),
        booked=is_booked(obj),
    )
