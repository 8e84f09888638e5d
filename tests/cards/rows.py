"""Rows such as a shop really has, each with `changes` on top of a plain one."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import UTC, datetime, timedelta
from typing import Any, TypeVar

from overseer_payment.money import CurrencyTable
from overseer_payment.provider import (
    CheckoutMode,
    CheckoutPaymentState,
    CheckoutStatus,
    InvoiceStatus,
    SubscriptionStatus,
)
from overseer_payment.schemas import (
    CheckoutRow,
    CustomerDetail,
    CustomerValue,
    EventDetail,
    EventState,
    InvoiceRow,
    Revenue,
    Row,
    StatusView,
    SubscriptionItemRow,
    SubscriptionRow,
    TransactionDetail,
    TransactionState,
    TransactionType,
)

RowT = TypeVar("RowT", bound=Row)
STRIPE = CurrencyTable(exponents={"ISK": 2, "UGX": 2}, granularity={"ISK": 100, "KWD": 10})
XSS = "<script>alert(1)</script>\"'><img src=x onerror=alert(1)>"
LONG = "Übertragungsgesellschaft für außergewöhnlich lange Firmennamen und Söhne mbH & Co. KG auf Aktien"
HEBREW = "חברת התשלומים הגדולה בע״מ"
SESSION = "cs_test_a1b2c3d4e5f6g7h8"


def now() -> datetime:
    return datetime.now(UTC).replace(microsecond=0)


def _row(kind: type[RowT], changes: Mapping[str, Any], **plain: Any) -> RowT:
    """A row as it is told of a test account at the provider, with `changes` on top."""
    ours = {"provider": "stripe", "livemode": False, "created_at": now()}
    return kind.model_validate({**ours, **plain, **changes})


def transaction(id: int, **changes: Any) -> TransactionDetail:
    """One succeeded payment of 49.00 USD, with `changes`."""
    fields: dict[str, Any] = {
        "id": id,
        "provider_transaction_id": f"pi_3Q{id:06d}",
        "type": TransactionType.CHARGE,
        "status": TransactionState.SUCCEEDED,
        "amount": 4900,
        "amount_refunded": 0,
        "amount_disputed": 0,
        "currency": "usd",
        "occurred_at": now() - timedelta(hours=id),
        **changes,
    }
    status = TransactionState(fields["status"])
    if status in {TransactionState.SUCCEEDED, TransactionState.PARTIALLY_REFUNDED}:
        fields.setdefault("amount_refundable", fields["amount"] - fields["amount_refunded"])
    return _row(TransactionDetail, fields)


def subscription(id: int, **changes: Any) -> SubscriptionRow:
    """One active monthly subscription that renews in twelve days, with `changes`."""
    return _row(
        SubscriptionRow,
        changes,
        id=id,
        provider_subscription_id=f"sub_1Q{id:06d}",
        customer_id=1,
        customer_email="ada@example.com",
        status=SubscriptionStatus.ACTIVE,
        plan_name="Growth",
        amount=2900,
        currency="usd",
        interval="month",
        quantity=1,
        items=[
            SubscriptionItemRow(
                id="si_1",
                price_id="price_1",
                name="Growth",
                quantity=1,
                amount=2900,
                total=2900,
                interval="month",
            )
        ],
        current_period_start=now() - timedelta(days=18),
        current_period_end=now() + timedelta(days=12),
        occurred_at=now() - timedelta(days=80),
    )


def customer(id: int, **changes: Any) -> CustomerDetail:
    """One customer with a lifetime value in two currencies, with `changes`."""
    return _row(
        CustomerDetail,
        changes,
        id=id,
        provider_customer_id=f"cus_Q{id:06d}",
        email=f"customer{id}@example.com",
        name=f"Customer {id}",
        occurred_at=now() - timedelta(days=90),
        value=[
            CustomerValue(currency="usd", gross=14700, refunded=500, disputed=0, net=14200, payments=3),
            CustomerValue(currency="jpy", gross=500000, refunded=0, disputed=0, net=500000, payments=1),
        ],
    )


def invoice(id: int, **changes: Any) -> InvoiceRow:
    """One paid invoice of 29.00 USD, with `changes`."""
    return _row(
        InvoiceRow,
        changes,
        id=id,
        provider_invoice_id=f"in_1Q{id:06d}",
        number=f"A1B2-{id:04d}",
        status=InvoiceStatus.PAID,
        currency="usd",
        total=2900,
        amount_due=2900,
        amount_paid=2900,
        amount_remaining=0,
        paid_at=now(),
        hosted_url="https://invoices.example.test/1",
        occurred_at=now() - timedelta(days=id),
    )


def event(id: int, **changes: Any) -> EventDetail:
    """One applied event about an invoice, with `changes`."""
    return _row(
        EventDetail,
        changes,
        id=id,
        account="default",
        provider_event_id=f"evt_1Q{id:06d}",
        type="invoice.paid",
        status=EventState.APPLIED,
        attempts=1,
        occurred_at=now() - timedelta(minutes=id),
        received_at=now() - timedelta(minutes=id),
        applied_at=now() - timedelta(minutes=id),
        api_version="2026-10-28.endive",
        payload={"id": f"evt_1Q{id:06d}", "object": "event"},
    )


def checkout(**changes: Any) -> CheckoutRow:
    """One paid checkout of 49.00 USD, with `changes`."""
    return _row(
        CheckoutRow,
        changes,
        session_id=SESSION,
        mode=CheckoutMode.PAYMENT,
        status=CheckoutStatus.COMPLETE,
        payment_state=CheckoutPaymentState.PAID,
        amount_total=4900,
        currency="usd",
        occurred_at=now(),
    )


def status(**changes: Any) -> StatusView:
    """A healthy test account, with `changes`."""
    fields: dict[str, Any] = {
        "provider": "stripe",
        "account": "default",
        "enabled": True,
        "livemode": False,
        "is_test_mode": True,
        "healthy": True,
        "health_message": "Connected to Stripe.",
        "api_version": "2026-10-28.endive",
        "total_transactions": 1284,
        "active_subscriptions": 87,
        "open_disputes": 2,
        "failed_events": 0,
        "last_event_at": now() - timedelta(minutes=4),
        "revenue": [
            Revenue(currency=code, gross=1, refunded=0, disputed=0, net=1) for code in ("usd", "eur", "jpy")
        ],
        **changes,
    }
    return StatusView.model_validate(fields)
