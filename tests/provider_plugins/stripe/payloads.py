"""The same objects as two generations of Stripe's API tell them: 2024-06-20 and 2026-10-28.endive."""

from __future__ import annotations

import hashlib
import hmac
import json
from collections.abc import Iterable
from dataclasses import replace
from datetime import UTC, datetime
from typing import Any

from overseer_payment.provider import Event, Snapshot
from overseer_payment.provider_plugins.stripe.settings import StripeSettings
from overseer_payment.provider_plugins.stripe.webhook import envelope

Json = dict[str, Any]

OLD = "2024-06-20"
NEW = "2026-10-28.endive"
BASIL = "2025-03-31.basil"
NOW = 1_793_000_000
SECRET = "whsec_3f9aB27cD1e84560"
KEY = "sk_test_51MadeUpForTests"


def settings(**changes: Any) -> StripeSettings:
    """Usable settings for test mode, with changes by variable name."""
    return StripeSettings.model_validate(
        {"STRIPE_SECRET_KEY": KEY, "STRIPE_WEBHOOK_SECRET": SECRET, **changes}
    )


def is_old(version: str) -> bool:
    """Before Basil, which moved what invoices, payments and subscriptions say of each other."""
    return version < BASIL


def at(seconds: int = NOW) -> datetime:
    return datetime.fromtimestamp(seconds, UTC)


def wrapped(type: str, obj: Json, version: str | None = NEW, **changes: Any) -> Json:
    """An event's JSON around one object."""
    return {
        "id": "evt_1",
        "object": "event",
        "type": type,
        "created": NOW,
        "livemode": False,
        "api_version": version,
        "data": {"object": obj},
        **changes,
    }


def event(type: str, obj: Json, version: str | None = NEW, **changes: Any) -> Event:
    return envelope(wrapped(type, obj, version, **changes))


def body(payload: Any) -> bytes:
    return json.dumps(payload).encode()


def signed(payload: bytes, *, secret: str = SECRET, time: int = NOW) -> str:
    """The Stripe-Signature header of one secret."""
    mac = hmac.new(secret.encode(), f"{time}.".encode() + payload, hashlib.sha256)
    return f"t={time},v1={mac.hexdigest()}"


def bare(snapshots: Iterable[Snapshot]) -> list[Snapshot]:
    """Without the raw JSON, which differs from dialect to dialect by nature."""
    return [replace(snapshot, raw={}) for snapshot in snapshots]


# -- one subscription, its invoice, payment and charge ---------------------------------------------

_CARD = {"type": "card", "card": {"brand": "visa", "last4": "4242", "exp_year": 2030}}
_INVOICE: Json = {
    "id": "in_1",
    "object": "invoice",
    "created": NOW - 60,
    "livemode": False,
    "metadata": {"order": "7"},
    "status": "paid",
    "currency": "usd",
    "total": 2000,
    "amount_due": 2000,
    "amount_paid": 2000,
    "amount_remaining": 0,
    "number": "A-0001",
    "customer": "cus_1",
    "customer_email": "ada@example.com",
    "customer_name": "Ada",
    "billing_reason": "subscription_cycle",
    "attempt_count": 1,
    "status_transitions": {"paid_at": NOW - 5},
    "period_start": NOW - 2_000_000,
    "period_end": NOW - 60,
    "hosted_invoice_url": "https://invoice.example/1",
    "invoice_pdf": "https://invoice.example/1.pdf",
}
_PAYMENT: Json = {
    "id": "pi_1",
    "object": "payment_intent",
    "created": NOW - 50,
    "livemode": False,
    "metadata": {},
    "status": "succeeded",
    "amount": 2000,
    "amount_received": 2000,
    "currency": "usd",
    "customer": "cus_1",
    "latest_charge": "ch_1",
    "client_secret": "pi_1_secret_abc",
    "receipt_email": "ada@example.com",
}
_CHARGE: Json = {
    "id": "ch_1",
    "object": "charge",
    "created": NOW - 40,
    "livemode": False,
    "metadata": {},
    "status": "succeeded",
    "captured": True,
    "amount": 2000,
    "amount_captured": 2000,
    "amount_refunded": 500,
    "currency": "usd",
    "payment_intent": "pi_1",
    "customer": "cus_1",
    "billing_details": {"email": "ada@example.com", "name": "Ada"},
    "payment_method_details": _CARD,
}
_REFUND: Json = {
    "id": "re_1",
    "object": "refund",
    "created": NOW - 10,
    "metadata": {},
    "status": "succeeded",
    "amount": 500,
    "currency": "usd",
    "charge": "ch_1",
    "payment_intent": "pi_1",
    "reason": "requested_by_customer",
    "balance_transaction": "txn_2",
}
_RECURRING = {"interval": "month", "interval_count": 1}
_SUBSCRIPTION: Json = {
    "id": "sub_1",
    "object": "subscription",
    "created": NOW - 3_000_000,
    "livemode": False,
    "metadata": {"seat": "x"},
    "status": "active",
    "customer": "cus_1",
    "currency": "usd",
    "cancel_at_period_end": False,
    "latest_invoice": "in_1",
    "pause_collection": None,
}
_PERIOD = {"current_period_start": NOW - 60, "current_period_end": NOW + 2_600_000}


def customer(**changes: Any) -> Json:
    told = {
        "id": "cus_1",
        "object": "customer",
        "created": NOW - 90,
        "email": "ada@example.com",
        "name": "Ada",
    }
    return {**told, "livemode": False, "metadata": {}, "currency": "usd", **changes}


def payment_intent(version: str = NEW, **changes: Any) -> Json:
    if is_old(version):
        return {**_PAYMENT, "invoice": "in_1", **changes}
    told = {"payment_details": {"order_reference": "in_1"}} if version == NEW else {}
    return {**_PAYMENT, **told, **changes}


def charge(version: str = NEW, **changes: Any) -> Json:
    return {**_CHARGE, **({"invoice": "in_1"} if is_old(version) else {}), **changes}


def refund(**changes: Any) -> Json:
    return {**_REFUND, **changes}


def invoice(version: str = NEW, **changes: Any) -> Json:
    if is_old(version):
        told = {"paid": True, "paid_out_of_band": False, "payment_intent": "pi_1", "charge": "ch_1"}
        return {**_INVOICE, **told, "subscription": "sub_1", **changes}
    parent = {
        "type": "subscription_details",
        "subscription_details": {"subscription": "sub_1", "metadata": {}},
    }
    payments = {"payments": listed(invoice_payment())} if version == NEW else {}
    return {**_INVOICE, "parent": parent, **payments, **changes}


def invoice_payment(**changes: Any) -> Json:
    told = {"id": "inpay_1", "object": "invoice_payment", "created": NOW - 50, "livemode": False}
    paid = {
        "status": "paid",
        "amount_paid": 2000,
        "amount_requested": 2000,
        "currency": "usd",
        "is_default": True,
    }
    payment = {"type": "payment_intent", "payment_intent": "pi_1"}
    return {**told, "invoice": "in_1", **paid, "payment": payment, **changes}


def subscription(version: str = NEW, **changes: Any) -> Json:
    item: Json = {"id": "si_1", "object": "subscription_item", "quantity": 3}
    price = {
        "id": "price_1",
        "object": "price",
        "product": "prod_1",
        "nickname": "Growth",
        "unit_amount": 2000,
    }
    plan = {"id": "price_1", "object": "plan", "product": "prod_1", "nickname": "Growth", "amount": 2000}
    if is_old(version):
        items = listed({**item, "plan": {**plan, **_RECURRING}})
        return {**_SUBSCRIPTION, **_PERIOD, "items": items, **changes}
    items = listed({**item, **_PERIOD, "price": {**price, "recurring": _RECURRING}})
    return {**_SUBSCRIPTION, "items": items, **changes}


def checkout(**changes: Any) -> Json:
    return {
        "id": "cs_test_1",
        "object": "checkout.session",
        "created": NOW - 100,
        "livemode": False,
        "metadata": {},
        "mode": "payment",
        "status": "complete",
        "payment_status": "paid",
        "amount_total": 2000,
        "currency": "usd",
        "payment_intent": "pi_1",
        "customer": None,
        "customer_details": {"email": "ada@example.com", "name": "Ada"},
        "client_reference_id": "user-7",
        "expires_at": NOW + 86_000,
        "url": None,
        **changes,
    }


def dispute(**changes: Any) -> Json:
    return {
        "id": "dp_1",
        "object": "dispute",
        "created": NOW - 20,
        "livemode": False,
        "metadata": {},
        "status": "needs_response",
        "amount": 2000,
        "currency": "usd",
        "charge": "ch_1",
        "payment_intent": "pi_1",
        "reason": "fraudulent",
        "is_charge_refundable": False,
        "balance_transactions": [],
        "evidence_details": {"due_by": NOW + 600_000, "has_evidence": False, "submission_count": 0},
        "payment_method_details": {"type": "card", "card": {"brand": "visa", "case_type": "chargeback"}},
        **changes,
    }


def early_fraud_warning(**changes: Any) -> Json:
    told = {"id": "issfr_1", "object": "radar.early_fraud_warning", "created": NOW - 20, "livemode": False}
    return {
        **told,
        "actionable": True,
        "charge": "ch_1",
        "payment_intent": "pi_1",
        "fraud_type": "misc",
        **changes,
    }


def listed(*items: Json, has_more: bool = False) -> Json:
    return {"object": "list", "data": list(items), "has_more": has_more, "url": "/v1/things"}
