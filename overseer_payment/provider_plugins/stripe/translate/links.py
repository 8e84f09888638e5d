"""Which payment pays which invoice: one row of its own, because each API dialect tells it elsewhere.

Since Basil (2025-03-31) there is an invoice payment with an id of its own. Before, invoice and charge
named each other; the id is then made of both, so that every payload makes the same one.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

from overseer_payment.errors import PayloadInvalid
from overseer_payment.provider import (
    ChargeSnapshot,
    InvoicePaymentSnapshot,
    InvoiceSnapshot,
    InvoiceStatus,
    PaymentSnapshot,
    Snapshot,
    TransactionStatus,
)
from overseer_payment.provider_plugins.stripe.translate import fields as f

_STATUS = {TransactionStatus.SUCCEEDED: "paid", TransactionStatus.CANCELED: "canceled"}
_CANCELED_WITH = frozenset({InvoiceStatus.VOID})
_STATUSES = frozenset({"open", "paid", "canceled"})


def invoice_payment(obj: f.Json, ctx: f.Context) -> Iterator[Snapshot]:
    """Stripe's invoice payment. Says nothing when it names a payment without telling which."""
    payment, status = f.inner(obj, "payment"), f.text(obj, "status")
    snapshot = InvoicePaymentSnapshot(
        **f.common(obj, ctx),
        invoice=f.required_id(obj, "invoice"),
        payment=f.reference(payment, "payment_intent"),
        charge=f.reference(payment, "charge"),
        status=status if status in _STATUSES else "open",
        amount_paid=f.whole(obj, "amount_paid"),
        currency=f.currency_or_none(obj) or "",
    )
    # A payment record is what was paid elsewhere; any other type without an id is a gap in the payload.
    if snapshot.payment or snapshot.charge or f.text(payment, "type") == "payment_record":
        yield snapshot


def of_payment(invoice: str, payment: PaymentSnapshot, ctx: f.Context) -> InvoicePaymentSnapshot:
    """The link that a payment intent tells of."""
    status = _STATUS.get(payment.status, "open")
    return _made(
        invoice,
        payment.id,
        ctx,
        occurred_at=payment.occurred_at,
        payment=payment.id,
        status=status,
        amount_paid=payment.amount_received if status == "paid" else 0,
        currency=payment.currency,
    )


def of_charge(invoice: str, charge: ChargeSnapshot, ctx: f.Context) -> InvoicePaymentSnapshot:
    """The link that a charge tells of. A failed charge is not the end of its payment: still open."""
    status = "paid" if charge.status is TransactionStatus.SUCCEEDED else "open"
    return _made(
        invoice,
        charge.payment or charge.id,
        ctx,
        occurred_at=charge.occurred_at,
        payment=charge.payment,
        charge=charge.id,
        status=status,
        amount_paid=charge.amount if status == "paid" else 0,
        currency=charge.currency,
    )


def of_invoice(obj: f.Json, invoice: InvoiceSnapshot, ctx: f.Context) -> Iterator[InvoicePaymentSnapshot]:
    """The links that an invoice tells of, in whichever dialect."""
    for row in f.rows(obj, "payments"):
        yield from _listed(row, invoice, ctx)
    payment, charge = f.reference(obj, "payment_intent"), f.reference(obj, "charge")
    if payment or charge:
        paid = invoice.status is InvoiceStatus.PAID and not invoice.paid_out_of_band
        gone = invoice.status in _CANCELED_WITH or invoice.paid_out_of_band
        yield _made(
            invoice.id,
            payment or charge or "",
            ctx,
            occurred_at=invoice.occurred_at,
            payment=payment,
            charge=charge,
            status="paid" if paid else "canceled" if gone else "open",
            amount_paid=invoice.amount_paid if paid else 0,
            currency=invoice.currency,
        )


def _listed(row: f.Json, invoice: InvoiceSnapshot, ctx: f.Context) -> Iterator[InvoicePaymentSnapshot]:
    try:
        for snapshot in invoice_payment({"invoice": invoice.id, "currency": invoice.currency, **row}, ctx):
            if isinstance(snapshot, InvoicePaymentSnapshot):
                yield snapshot
    except PayloadInvalid:
        return  # one unreadable line is no reason to refuse the invoice


def of_checkout(obj: f.Json, ctx: f.Context) -> Iterator[InvoicePaymentSnapshot]:
    """A session in payment mode may write an invoice for its payment: then it names both."""
    invoice, payment = f.reference(obj, "invoice"), f.reference(obj, "payment_intent")
    if invoice and payment:
        paid = f.text(obj, "payment_status") == "paid"
        yield _made(
            invoice,
            payment,
            ctx,
            occurred_at=f.moment(obj, "created") or ctx.as_of.moment,
            payment=payment,
            status="paid" if paid else "open",
            amount_paid=f.whole(obj, "amount_total") if paid else 0,
            currency=f.currency_or_none(obj) or "",
        )


def _made(invoice: str, other: str, ctx: f.Context, **told: Any) -> InvoicePaymentSnapshot:
    return InvoicePaymentSnapshot(
        id=f"{invoice}:{other}", invoice=invoice, as_of=ctx.as_of, livemode=ctx.livemode, **told
    )
