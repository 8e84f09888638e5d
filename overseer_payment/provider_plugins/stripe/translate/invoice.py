"""An invoice: a document that asks for money, and the payments it knows of."""

from __future__ import annotations

from collections.abc import Iterator

from overseer_payment.provider import InvoiceSnapshot, InvoiceStatus, Snapshot
from overseer_payment.provider_plugins.stripe.translate import fields as f
from overseer_payment.provider_plugins.stripe.translate.links import of_invoice

_STATUS = {status.value: status for status in InvoiceStatus}
_UNPAID = frozenset({InvoiceStatus.OPEN, InvoiceStatus.UNCOLLECTIBLE})


def invoice(obj: f.Json, ctx: f.Context) -> Iterator[Snapshot]:
    """The invoice and its links to payments, from the fields of any dialect."""
    status, due = _status(obj, ctx), f.amount(obj, "amount_due")
    snapshot = InvoiceSnapshot(
        **f.common(obj, ctx),
        status=status,
        currency=f.currency(obj),
        total=f.whole(obj, "total", due),
        amount_due=due,
        amount_paid=f.whole(obj, "amount_paid"),
        amount_remaining=f.whole(obj, "amount_remaining"),
        number=f.text(obj, "number"),
        customer=f.reference(obj, "customer"),
        subscription=_subscription(obj),
        email=f.text(obj, "customer_email"),
        name=f.text(obj, "customer_name"),
        description=f.text(obj, "description"),
        billing_reason=f.text(obj, "billing_reason"),
        attempt_count=max(0, f.whole(obj, "attempt_count")),
        attempt_failed=_attempt_failed(obj, status, ctx),
        paid_out_of_band=_paid_out_of_band(obj, status),
        next_attempt_at=f.moment(obj, "next_payment_attempt"),
        due_at=f.moment(obj, "due_date"),
        paid_at=f.moment(f.inner(obj, "status_transitions"), "paid_at"),
        period_start=f.moment(obj, "period_start"),
        period_end=f.moment(obj, "period_end"),
        hosted_url=f.text(obj, "hosted_invoice_url"),
        pdf_url=f.text(obj, "invoice_pdf"),
    )
    yield snapshot
    yield from of_invoice(obj, snapshot, ctx.nested())


def _status(obj: f.Json, ctx: f.Context) -> InvoiceStatus:
    if ctx.event_type == "invoice.deleted":
        return InvoiceStatus.VOID  # only a draft can be deleted; it will never ask for money
    if f.flag(obj, "paid"):
        return InvoiceStatus.PAID
    return _STATUS.get(f.text(obj, "status") or "", InvoiceStatus.DRAFT)


def _subscription(obj: f.Json) -> str | None:
    """Since Basil under `parent`, which may also be a quote."""
    parent = f.inner(obj, "parent")
    if f.text(parent, "type") == "subscription_details":
        return f.reference(f.inner(parent, "subscription_details"), "subscription")
    return f.reference(obj, "subscription")


def _attempt_failed(obj: f.Json, status: InvoiceStatus, ctx: f.Context) -> bool:
    if ctx.event_type == "invoice.payment_failed":
        return status is not InvoiceStatus.PAID
    if ctx.event_type == "invoice.payment_action_required":
        return False  # an attempt that waits for the customer has not failed
    if status is InvoiceStatus.OPEN and obj.get("next_payment_attempt", 0) is None:
        # Any attempt counts as soon as it is made (page "The Invoice object"), also a bank debit, which takes
        # days. Where no other is planned, this one may be under way: only its own event tells that it failed.
        return False
    return status in _UNPAID and f.whole(obj, "attempt_count") > 0


def _paid_out_of_band(obj: f.Json, status: InvoiceStatus) -> bool:
    """Until Acacia a flag; since Basil a paid invoice whose payments moved no money through Stripe."""
    if status is not InvoiceStatus.PAID:
        return False
    if isinstance(told := obj.get("paid_out_of_band"), bool):
        return told
    if f.whole(obj, "amount_paid_off_stripe") > 0:
        return f.whole(obj, "amount_paid_off_stripe") >= f.whole(obj, "amount_paid")
    if not f.is_complete_list(obj, "payments") or f.whole(obj, "amount_due") <= 0:
        return False
    paid = [row for row in f.rows(obj, "payments") if row.get("status") == "paid"]
    return all(f.text(f.inner(row, "payment"), "type") == "payment_record" for row in paid)
