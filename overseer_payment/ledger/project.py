"""From snapshots to the columns of our rows. Pure: no database, no clock."""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import UTC, datetime
from decimal import Decimal
from typing import Any

from overseer_payment.ledger.folding import folded
from overseer_payment.ledger.payment import Payment
from overseer_payment.provider import (
    AWAITS_RESPONSE,
    OPEN_DISPUTE,
    CheckoutSnapshot,
    CustomerSnapshot,
    DisputeSnapshot,
    InvoiceSnapshot,
    PriceSnapshot,
    ProductSnapshot,
    RefundSnapshot,
    SubscriptionItem,
    SubscriptionSnapshot,
    UnitPriced,
)


@dataclass(slots=True)
class Ids:
    """Our row ids by provider id, as far as they are known."""

    customers: dict[str, int] = field(default_factory=dict)
    subscriptions: dict[str, int] = field(default_factory=dict)
    invoices: dict[str, int] = field(default_factory=dict)
    payments: dict[str, int] = field(default_factory=dict)

    @staticmethod
    def of(known: Mapping[str, int], id: str | None) -> int | None:
        return known.get(id) if id else None


def customer(snapshot: CustomerSnapshot) -> dict[str, Any]:
    return {
        "placeholder": False,
        "email": snapshot.email,
        "email_key": folded(snapshot.email),
        "name": snapshot.name,
        "name_key": folded(snapshot.name),
        "deleted": snapshot.deleted,
        "occurred_at": snapshot.occurred_at,
    }


def empty_customer(at: datetime) -> dict[str, Any]:
    """A customer that others name and nobody described yet."""
    return {"placeholder": True, "deleted": False, "occurred_at": at}


def subscription(snapshot: SubscriptionSnapshot, ids: Ids) -> dict[str, Any]:
    first = snapshot.items[0] if snapshot.items else None
    return {
        "placeholder": False,
        "customer_id": ids.of(ids.customers, snapshot.customer),
        "status": snapshot.status.value,
        "amount": sum(item.total or 0 for item in snapshot.items),
        "currency": snapshot.currency,
        "interval": first.interval if first else None,
        "interval_count": first.interval_count if first else 1,
        "quantity": sum(item.quantity for item in snapshot.items),
        "items": json.dumps([_item(item) for item in snapshot.items], separators=(",", ":")),
        "current_period_start": snapshot.current_period_start,
        "current_period_end": snapshot.current_period_end,
        "cancel_at_period_end": snapshot.cancel_at_period_end,
        "cancel_at": snapshot.cancel_at,
        "canceled_at": snapshot.canceled_at,
        "ended_at": snapshot.ended_at,
        "trial_end": snapshot.trial_end,
        "collection_paused": snapshot.collection_paused,
        "collection_resumes_at": snapshot.collection_resumes_at,
        "occurred_at": snapshot.occurred_at,
    }


def empty_subscription(at: datetime) -> dict[str, Any]:
    """A subscription that others name and nobody described yet."""
    return {"placeholder": True, "status": "incomplete", "currency": "", "occurred_at": at}


def _item(item: SubscriptionItem) -> dict[str, Any]:
    return {
        "id": item.id,
        "price_id": item.price,
        "product_id": item.product,
        "name": item.name,
        "quantity": item.quantity,
        **_each(item),
        "scheme": item.scheme.value,
        "package": item.package,
        "total": item.total,
        "interval": item.interval,
        "interval_count": item.interval_count,
    }


def _each(priced: UnitPriced | PriceSnapshot) -> dict[str, Any]:
    """What one piece costs: whole minor units where it is that, and the exact text."""
    amount = priced.amount
    return {
        "amount": amount if isinstance(amount, int) else None,
        "amount_decimal": None
        if amount is None
        else f"{amount:f}"
        if isinstance(amount, Decimal)
        else str(amount),
    }


def product(snapshot: ProductSnapshot) -> dict[str, Any]:
    return {
        "name": snapshot.name,
        "description": snapshot.description,
        "active": snapshot.active and not snapshot.deleted,
        "deleted": snapshot.deleted,
        "occurred_at": snapshot.occurred_at,
    }


def price(snapshot: PriceSnapshot) -> dict[str, Any]:
    options = [{"currency": option.currency, **_each(option)} for option in snapshot.options]
    return {
        "product_ref": snapshot.product,
        "nickname": snapshot.nickname,
        "scheme": snapshot.scheme.value,
        **_each(snapshot),
        "package": snapshot.package,
        "currency": snapshot.currency,
        "options": json.dumps(options, separators=(",", ":")),
        "interval": snapshot.interval,
        "interval_count": snapshot.interval_count,
        "active": snapshot.active,
        "occurred_at": snapshot.occurred_at,
    }


def invoice(snapshot: InvoiceSnapshot, ids: Ids) -> dict[str, Any]:
    return {
        "placeholder": False,
        "number": snapshot.number,
        "status": snapshot.status.value,
        "currency": snapshot.currency,
        "total": snapshot.total,
        "amount_due": snapshot.amount_due,
        "amount_paid": snapshot.amount_paid,
        "amount_remaining": snapshot.amount_remaining,
        "customer_id": ids.of(ids.customers, snapshot.customer),
        "subscription_id": ids.of(ids.subscriptions, snapshot.subscription),
        "attempt_count": snapshot.attempt_count,
        "next_attempt_at": snapshot.next_attempt_at,
        "due_at": snapshot.due_at,
        "paid_at": snapshot.paid_at,
        "hosted_url": snapshot.hosted_url,
        "pdf_url": snapshot.pdf_url,
        "occurred_at": snapshot.occurred_at,
    }


def empty_invoice(at: datetime) -> dict[str, Any]:
    """An invoice that a payment or a session names and nobody described yet."""
    return {"placeholder": True, "status": "open", "currency": "", "occurred_at": at}


def checkout(snapshot: CheckoutSnapshot, transaction_id: int | None, ids: Ids) -> dict[str, Any]:
    return {
        "mode": snapshot.mode.value,
        "status": snapshot.status.value,
        "payment_state": snapshot.payment_state.value,
        "amount_total": snapshot.amount_total,
        "currency": snapshot.currency,
        "url": snapshot.url,
        "transaction_id": transaction_id,
        "customer_id": ids.of(ids.customers, snapshot.customer),
        "subscription_id": ids.of(ids.subscriptions, snapshot.subscription),
        "expires_at": snapshot.expires_at,
        "occurred_at": snapshot.occurred_at,
    }


def payment(item: Payment, ids: Ids) -> dict[str, Any]:
    return {
        "type": "subscription" if item.subscription else "charge",
        "status": item.state,
        "placeholder": item.placeholder,
        "amount": item.amount,
        "amount_refunded": item.refunded,
        "amount_disputed": item.disputed,
        "amount_refundable": item.refundable,
        "amount_refunded_untold": item.refunded_untold,
        "currency": item.currency,
        "customer_id": ids.of(ids.customers, item.customer),
        "customer_email": item.email,
        "email_key": folded(item.email),
        "customer_name": item.name,
        "subscription_id": ids.of(ids.subscriptions, item.subscription),
        "invoice_id": ids.of(ids.invoices, item.invoice),
        "parent_id": None,
        "charge_ref": item.charge,
        "description": item.description,
        "method": item.method,
        "reason": None,
        "failure_code": item.failure_code,
        "failure_message": item.failure_message,
        "occurred_at": item.occurred_at,
    }


def refund(
    snapshot: RefundSnapshot, parent: Payment | None, parent_id: int | None, ids: Ids
) -> dict[str, Any]:
    of = parent.customer if parent else None
    return {
        "type": "refund",
        "status": snapshot.status.value,
        "placeholder": False,
        "amount": snapshot.amount,
        "amount_refunded": 0,
        "amount_disputed": 0,
        "amount_refundable": 0,
        "amount_refunded_untold": 0,
        "currency": snapshot.currency,
        "customer_id": ids.of(ids.customers, of),
        "customer_email": parent.email if parent else None,
        "email_key": folded(parent.email) if parent else None,
        "customer_name": parent.name if parent else None,
        "subscription_id": ids.of(ids.subscriptions, parent.subscription) if parent else None,
        "invoice_id": ids.of(ids.invoices, parent.invoice) if parent else None,
        "parent_id": parent_id,
        "charge_ref": snapshot.charge,
        "description": parent.description if parent else None,
        "method": parent.method if parent else None,
        "reason": snapshot.reason,
        "failure_code": snapshot.failure_reason,
        "failure_message": None,
        "occurred_at": snapshot.occurred_at,
    }


NO_DEADLINE = datetime(9999, 1, 1, tzinfo=UTC)
"""Where open disputes stand that wait for nothing of ours, or for which no answer is possible: last."""


def _answer_by(snapshot: DisputeSnapshot) -> datetime | None:
    if snapshot.status not in OPEN_DISPUTE:
        return None
    awaited = snapshot.status in AWAITS_RESPONSE
    return (snapshot.evidence_due_by if awaited else None) or NO_DEADLINE


def dispute(
    snapshot: DisputeSnapshot, of: Payment | None, transaction_id: int | None, ids: Ids
) -> dict[str, Any]:
    # An early fraud warning carries no sum of its own: it is about the whole payment.
    amount = snapshot.amount or (of.amount if of else 0)
    return {
        "kind": snapshot.dispute_kind.value,
        "status": snapshot.status.value,
        "reason": snapshot.reason,
        "amount": amount,
        "funds_withdrawn": snapshot.funds_withdrawn,
        "currency": snapshot.currency or (of.currency if of else ""),
        "transaction_id": transaction_id,
        "customer_id": ids.of(ids.customers, of.customer) if of else None,
        "refundable": snapshot.refundable,
        "evidence_due_by": snapshot.evidence_due_by,
        "answer_by": _answer_by(snapshot),
        "has_evidence": snapshot.has_evidence,
        "submission_count": snapshot.submission_count,
        "occurred_at": snapshot.occurred_at,
    }
