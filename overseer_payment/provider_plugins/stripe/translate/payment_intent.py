"""A payment intent: one sum to collect, in one attempt or several."""

from __future__ import annotations

from collections.abc import Iterator

from overseer_payment.provider import PaymentSnapshot, Snapshot, TransactionStatus
from overseer_payment.provider_plugins.stripe.translate import fields as f
from overseer_payment.provider_plugins.stripe.translate.links import of_payment


def payment_intent(obj: f.Json, ctx: f.Context) -> Iterator[Snapshot]:
    """The payment, and the invoice it pays where the payload names one."""
    status, failure = _status(obj), f.inner(obj, "last_payment_error")
    succeeded = status is TransactionStatus.SUCCEEDED
    snapshot = PaymentSnapshot(
        **f.common(obj, ctx),
        status=status,
        amount=f.amount(obj, "amount"),
        amount_received=f.whole(obj, "amount_received"),
        currency=f.currency(obj),
        customer=f.reference(obj, "customer"),
        latest_charge=f.reference(obj, "latest_charge"),
        description=f.text(obj, "description"),
        email=f.text(obj, "receipt_email"),
        failure_code=None if succeeded else f.text(failure, "code"),
        failure_message=None if succeeded else f.text(failure, "message"),
    )
    yield snapshot
    if invoice := _invoice(obj):
        yield of_payment(invoice, snapshot, ctx)


def _status(obj: f.Json) -> TransactionStatus:
    match f.text(obj, "status"):
        case "succeeded":
            return TransactionStatus.SUCCEEDED
        case "canceled":
            return TransactionStatus.CANCELED
        case "requires_payment_method" if obj.get("last_payment_error"):
            # Without an error nobody has tried to pay yet; with one, the attempt failed and may be repeated.
            return TransactionStatus.FAILED
    return TransactionStatus.PENDING


def _invoice(obj: f.Json) -> str | None:
    """Until Acacia `invoice`; since Basil only an order reference, where the invoice set one."""
    reference = f.reference(f.inner(obj, "payment_details"), "order_reference")
    return f.reference(obj, "invoice") or (reference if reference and reference.startswith("in_") else None)
