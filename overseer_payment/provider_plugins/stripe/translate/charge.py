"""A charge: one attempt that reached the card network or bank."""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import replace

from overseer_payment.errors import PayloadInvalid
from overseer_payment.provider import ChargeSnapshot, RefundSnapshot, Snapshot, TransactionStatus
from overseer_payment.provider_plugins.stripe.translate import fields as f
from overseer_payment.provider_plugins.stripe.translate.links import of_charge
from overseer_payment.provider_plugins.stripe.translate.refund import refund
from overseer_payment.provider_plugins.stripe.translate.released import captured, is_release, uncaptured

_LAST4 = re.compile(r"[0-9]{4}\Z")


def charge(obj: f.Json, ctx: f.Context) -> Iterator[Snapshot]:
    """The charge, the refunds embedded in it, and the invoice it pays where the payload names one."""
    status, billing = _status(obj, ctx), f.inner(obj, "billing_details")
    succeeded = status is TransactionStatus.SUCCEEDED
    snapshot = ChargeSnapshot(
        **f.common(obj, ctx),
        status=status,
        amount=captured(obj) if succeeded else f.amount(obj, "amount"),
        amount_refunded=max(0, f.whole(obj, "amount_refunded") - uncaptured(obj)) if succeeded else 0,
        amount_released=uncaptured(obj) if succeeded or status is TransactionStatus.CANCELED else 0,
        currency=f.currency(obj),
        payment=f.reference(obj, "payment_intent"),
        customer=f.reference(obj, "customer"),
        description=f.text(obj, "description"),
        email=f.text(billing, "email") or f.text(obj, "receipt_email"),
        name=f.text(billing, "name"),
        method=_method(f.inner(obj, "payment_method_details")),
        disputed=f.flag(obj, "disputed") or f.reference(obj, "dispute") is not None,
        failure_code=f.text(obj, "failure_code"),
        failure_message=f.text(obj, "failure_message"),
        receipt_url=f.text(obj, "receipt_url"),
    )
    yield snapshot
    yield from refunds_of(obj, f.rows(obj, "refunds"), ctx)
    if invoice := f.reference(obj, "invoice"):
        yield of_charge(invoice, snapshot, ctx)


def refunds_of(obj: f.Json, listed: Iterator[f.Json], ctx: f.Context) -> Iterator[RefundSnapshot]:
    """The refunds of a charge, told apart from releases of what was never captured."""
    links = {"charge": obj.get("id"), "payment_intent": obj.get("payment_intent")}
    for row in listed:
        try:
            found = [item for item in refund({**links, **row}, ctx) if isinstance(item, RefundSnapshot)]
        except PayloadInvalid:
            continue  # one unreadable refund is no reason to refuse the charge
        for item in found:
            yield replace(item, status=TransactionStatus.CANCELED) if is_release(row, obj) else item


def _status(obj: f.Json, ctx: f.Context) -> TransactionStatus:
    match f.text(obj, "status"):
        case "failed":
            return TransactionStatus.FAILED
        case "succeeded" if obj.get("captured") is not False:
            return TransactionStatus.SUCCEEDED
        case "succeeded" if f.flag(obj, "refunded") or ctx.event_type == "charge.expired":
            # An authorisation that was released looks like a refund of money that was never taken.
            return TransactionStatus.CANCELED
    return TransactionStatus.PENDING


def _method(details: f.Json) -> str | None:
    """For a person: brand and last four digits of a card, else the method's name."""
    type = f.text(details, "type")
    if type is None:
        return None
    card = f.inner(details, type)
    brand, last4 = f.text(card, "brand"), f.text(card, "last4")
    return f"{brand} •••• {last4}" if brand and last4 and _LAST4.match(last4) else type
