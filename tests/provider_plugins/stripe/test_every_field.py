"""Each field of a snapshot, from the field of Stripe's object that tells it; all values differ."""

from __future__ import annotations

from dataclasses import asdict
from typing import Any

import pytest

from overseer_payment.provider import (
    CheckoutMode,
    CheckoutPaymentState,
    CheckoutStatus,
    DisputeKind,
    DisputeStatus,
    InvoiceStatus,
    PreviewLine,
    PriceScheme,
    SubscriptionStatus,
    TransactionStatus,
)
from overseer_payment.provider_plugins.stripe.events import parse
from overseer_payment.provider_plugins.stripe.translate.preview import preview
from tests.provider_plugins.stripe import payloads as p

Fields = dict[str, Any]


def _at(seconds: int) -> Any:
    return p.at(p.NOW + seconds)


CASES: dict[str, tuple[str, Fields, Fields]] = {
    "customer": (
        "customer.updated",
        p.customer(metadata={"vip": "1"}),
        {
            "id": "cus_1",
            "occurred_at": _at(-90),
            "metadata": {"vip": "1"},
            "email": "ada@example.com",
            "name": "Ada",
            "currency": "usd",
            "deleted": False,
        },
    ),
    "payment": (
        "payment_intent.payment_failed",
        p.payment_intent(
            status="requires_payment_method",
            amount_received=7,
            description="Growth",
            last_payment_error={"code": "card_declined", "message": "No."},
        ),
        {
            "id": "pi_1",
            "occurred_at": _at(-50),
            "status": TransactionStatus.FAILED,
            "amount": 2000,
            "amount_received": 7,
            "currency": "usd",
            "customer": "cus_1",
            "latest_charge": "ch_1",
            "description": "Growth",
            "email": "ada@example.com",
            "failure_code": "card_declined",
            "failure_message": "No.",
        },
    ),
    "charge": (
        "charge.updated",
        p.charge(
            amount=2300,
            amount_refunded=800,
            description="Growth",
            dispute="du_1",
            failure_code="late",
            failure_message="No.",
            receipt_url="https://receipt.example/1",
        ),
        {
            "id": "ch_1",
            "occurred_at": _at(-40),
            "status": TransactionStatus.SUCCEEDED,
            "amount": 2000,
            "amount_refunded": 500,
            "amount_released": 300,
            "currency": "usd",
            "payment": "pi_1",
            "customer": "cus_1",
            "description": "Growth",
            "email": "ada@example.com",
            "name": "Ada",
            "method": "visa •••• 4242",
            "disputed": True,
            "failure_code": "late",
            "failure_message": "No.",
            "receipt_url": "https://receipt.example/1",
        },
    ),
    "refund": (
        "refund.failed",
        p.refund(status="failed", failure_reason="lost_or_stolen_card"),
        {
            "id": "re_1",
            "occurred_at": _at(-10),
            "status": TransactionStatus.FAILED,
            "amount": 500,
            "currency": "usd",
            "charge": "ch_1",
            "payment": "pi_1",
            "reason": "requested_by_customer",
            "failure_reason": "lost_or_stolen_card",
            "booked": True,
        },
    ),
    "invoice": (
        "invoice.updated",
        p.invoice(
            status="open",
            total=2100,
            amount_due=2050,
            amount_paid=20,
            amount_remaining=2030,
            attempt_count=2,
            next_payment_attempt=p.NOW + 5,
            due_date=p.NOW + 9,
            description="Thanks",
        ),
        {
            "id": "in_1",
            "occurred_at": _at(-60),
            "metadata": {"order": "7"},
            "status": InvoiceStatus.OPEN,
            "currency": "usd",
            "total": 2100,
            "amount_due": 2050,
            "amount_paid": 20,
            "amount_remaining": 2030,
            "number": "A-0001",
            "customer": "cus_1",
            "subscription": "sub_1",
            "email": "ada@example.com",
            "name": "Ada",
            "description": "Thanks",
            "billing_reason": "subscription_cycle",
            "attempt_count": 2,
            "paid_out_of_band": False,
            "next_attempt_at": _at(5),
            "due_at": _at(9),
            "paid_at": _at(-5),
            "period_start": _at(-2_000_000),
            "period_end": _at(-60),
            "hosted_url": "https://invoice.example/1",
            "pdf_url": "https://invoice.example/1.pdf",
        },
    ),
    "subscription": (
        "customer.subscription.updated",
        p.subscription(
            cancel_at_period_end=True,
            cancel_at=p.NOW + 1,
            canceled_at=p.NOW + 2,
            ended_at=p.NOW + 3,
            trial_start=p.NOW + 4,
            trial_end=p.NOW + 5,
            pause_collection={"behavior": "void", "resumes_at": p.NOW + 6},
        ),
        {
            "id": "sub_1",
            "occurred_at": _at(-3_000_000),
            "metadata": {"seat": "x"},
            "status": SubscriptionStatus.ACTIVE,
            "customer": "cus_1",
            "currency": "usd",
            "current_period_start": _at(-60),
            "current_period_end": _at(2_600_000),
            "cancel_at_period_end": True,
            "cancel_at": _at(1),
            "canceled_at": _at(2),
            "ended_at": _at(3),
            "trial_start": _at(4),
            "trial_end": _at(5),
            "collection_paused": True,
            "collection_resumes_at": _at(6),
            "latest_invoice": "in_1",
        },
    ),
    "checkout": (
        "checkout.session.completed",
        p.checkout(
            customer="cus_1",
            invoice="in_1",
            subscription="sub_1",
            mode="subscription",
            url="https://pay.example/1",
        ),
        {
            "id": "cs_test_1",
            "occurred_at": _at(-100),
            "mode": CheckoutMode.SUBSCRIPTION,
            "status": CheckoutStatus.COMPLETE,
            "payment_state": CheckoutPaymentState.PAID,
            "amount_total": 2000,
            "currency": "usd",
            "url": "https://pay.example/1",
            "customer": "cus_1",
            "payment": "pi_1",
            "invoice": "in_1",
            "subscription": "sub_1",
            "email": "ada@example.com",
            "name": "Ada",
            "client_reference": "user-7",
            "expires_at": _at(86_000),
        },
    ),
    "dispute": (
        "charge.dispute.updated",
        p.dispute(
            is_charge_refundable=True,
            evidence_details={"due_by": p.NOW + 8, "has_evidence": True, "submission_count": 2},
            balance_transactions=[{"amount": -1500, "currency": "usd"}, {"amount": 200, "currency": "usd"}],
        ),
        {
            "id": "dp_1",
            "occurred_at": _at(-20),
            "dispute_kind": DisputeKind.CHARGEBACK,
            "status": DisputeStatus.NEEDS_RESPONSE,
            "amount": 2000,
            "currency": "usd",
            "charge": "ch_1",
            "payment": "pi_1",
            "reason": "fraudulent",
            "evidence_due_by": _at(8),
            "has_evidence": True,
            "submission_count": 2,
            "refundable": True,
            "funds_withdrawn": 1300,
        },
    ),
    "warning": (
        "radar.early_fraud_warning.created",
        p.early_fraud_warning(charge={"id": "ch_1", "currency": "eur"}),
        {
            "id": "issfr_1",
            "dispute_kind": DisputeKind.FRAUD_WARNING,
            "status": DisputeStatus.NEEDS_RESPONSE,
            "amount": 0,
            "currency": "eur",
            "charge": "ch_1",
            "payment": "pi_1",
            "reason": "misc",
            "refundable": True,
            "funds_withdrawn": 0,
        },
    ),
    "product": (
        "product.updated",
        {"id": "prod_1", "object": "product", "created": p.NOW, "name": "Team", "description": "All of it"},
        {"id": "prod_1", "name": "Team", "description": "All of it", "active": True, "deleted": False},
    ),
    "a product put away": (
        "product.updated",
        {"id": "prod_1", "object": "product", "created": p.NOW, "name": "Team", "active": False},
        {"name": "Team", "description": None, "active": False, "deleted": False},
    ),
    "a product deleted": (
        "product.deleted",
        {"id": "prod_1", "object": "product", "created": p.NOW, "name": "Team", "active": True},
        {"name": "Team", "active": False, "deleted": True},
    ),
}


@pytest.mark.parametrize("name", CASES)
def test_each_field_is_told_by_its_own(name: str) -> None:
    """None is left out, and none is another's."""
    type, obj, expected = CASES[name]
    told = asdict(parse(p.event(type, obj)).snapshots[0])
    assert {field: told[field] for field in expected} == expected


def test_a_subscription_s_item_is_told_whole() -> None:
    """What is bought, how often, at which price."""
    told: Any = parse(p.event("customer.subscription.updated", p.subscription())).snapshots[0]
    (item,) = told.items
    assert asdict(item) == asdict(item) | {
        "id": "si_1",
        "price": "price_1",
        "product": "prod_1",
        "name": "Growth",
        "quantity": 3,
        "amount": 2000,
        "scheme": PriceScheme.FLAT,
        "interval": "month",
        "interval_count": 1,
    }


def test_a_preview_is_told_whole() -> None:
    """Its period is its lines', its moment the next attempt's, or else when it is due."""
    lines: list[Fields] = [
        {
            "description": "Team × 3",
            "amount": 2700,
            "quantity": 3,
            "period": {"start": p.NOW + 20, "end": p.NOW + 30},
        },
        {
            "amount": -100,
            "parent": {"invoice_item_details": {"proration": True}},
            "period": {"start": p.NOW + 10, "end": p.NOW + 25},
        },
        {"amount": 5, "parent": {"subscription_item_details": {"proration": True}}},
        {"amount": 6, "proration": True, "quantity": 0},
    ]
    obj = {"currency": "eur", "total": 2611, "amount_due": 2600, "lines": p.listed(*lines)}
    told = preview({**obj, "next_payment_attempt": p.NOW + 1, "due_date": p.NOW + 2})
    assert (told.currency, told.total, told.amount_due, told.due_at) == ("eur", 2611, 2600, _at(1))
    assert preview({**obj, "due_date": p.NOW + 2}).due_at == _at(2)
    assert (told.period_start, told.period_end) == (_at(10), _at(30))
    assert told.lines == (
        _line("Team × 3", 2700, 3, False, 20, 30),
        _line("", -100, None, True, 10, 25),
        _line("", 5, None, True),
        _line("", 6, 0, True),
    )
    empty = preview({"currency": "eur", "total": 0, "amount_due": 0})
    assert (empty.lines, empty.due_at, empty.period_start, empty.period_end) == ((), None, None, None)


def _line(text: str, amount: int, quantity: int | None, proration: bool, *period: int) -> PreviewLine:
    start, end = [_at(seconds) for seconds in period] or [None, None]
    return PreviewLine(
        description=text,
        amount=amount,
        quantity=quantity,
        proration=proration,
        period_start=start,
        period_end=end,
    )
