"""A checkout session: the visit to the hosted page."""

from __future__ import annotations

from collections.abc import Iterator

from overseer_payment.provider import (
    CheckoutMode,
    CheckoutPaymentState,
    CheckoutSnapshot,
    CheckoutStatus,
    Snapshot,
)
from overseer_payment.provider_plugins.stripe.translate import fields as f
from overseer_payment.provider_plugins.stripe.translate.links import of_checkout

_MODE = {mode.value: mode for mode in CheckoutMode}
_STATUS = {status.value: status for status in CheckoutStatus}
_STATUS_OF_EVENT = {
    "checkout.session.expired": CheckoutStatus.EXPIRED,
    "checkout.session.completed": CheckoutStatus.COMPLETE,
    "checkout.session.async_payment_succeeded": CheckoutStatus.COMPLETE,
    "checkout.session.async_payment_failed": CheckoutStatus.COMPLETE,
}
_PAYMENT = {
    "paid": CheckoutPaymentState.PAID,
    "no_payment_required": CheckoutPaymentState.NOT_REQUIRED,
}


def checkout_session(obj: f.Json, ctx: f.Context) -> Iterator[Snapshot]:
    """The session, and the link when it names both a payment and an invoice."""
    buyer = f.inner(obj, "customer_details")
    yield CheckoutSnapshot(
        **f.common(obj, ctx),
        mode=_mode(obj),
        status=_status(obj, ctx),
        payment_state=_payment_state(obj, ctx),
        amount_total=f.whole(obj, "amount_total", -1) if f.whole(obj, "amount_total", -1) >= 0 else None,
        currency=f.currency_or_none(obj),
        url=f.text(obj, "url"),
        customer=f.reference(obj, "customer"),
        payment=f.reference(obj, "payment_intent"),
        invoice=f.reference(obj, "invoice"),
        subscription=f.reference(obj, "subscription"),
        email=f.text(buyer, "email") or f.text(obj, "customer_email"),
        name=f.text(buyer, "name"),
        client_reference=f.text(obj, "client_reference_id"),
        expires_at=f.moment(obj, "expires_at"),
    )
    yield from of_checkout(obj, ctx)


def _mode(obj: f.Json) -> CheckoutMode:
    told = _MODE.get(f.text(obj, "mode") or "")
    if told is not None:
        return told
    if f.reference(obj, "subscription"):
        return CheckoutMode.SUBSCRIPTION
    return CheckoutMode.SETUP if f.reference(obj, "setup_intent") else CheckoutMode.PAYMENT


def _status(obj: f.Json, ctx: f.Context) -> CheckoutStatus:
    told = _STATUS.get(f.text(obj, "status") or "")
    return told or _STATUS_OF_EVENT.get(ctx.event_type, CheckoutStatus.OPEN)


def _payment_state(obj: f.Json, ctx: f.Context) -> CheckoutPaymentState:
    # The session itself stays `unpaid` for good: only this event tells that the bank said no.
    if ctx.event_type == "checkout.session.async_payment_failed":
        return CheckoutPaymentState.FAILED
    return _PAYMENT.get(f.text(obj, "payment_status") or "", CheckoutPaymentState.UNPAID)
