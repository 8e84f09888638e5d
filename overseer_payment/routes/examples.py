"""Examples of the OpenAPI document; a test holds each against its model."""

from __future__ import annotations

from typing import Final

from overseer_payment.schemas import JsonObject

_AT: Final = "2026-11-02T09:30:00Z"
_SOURCE: Final[JsonObject] = {"provider": "stripe", "livemode": False}

CHECKOUT_BODY: Final[JsonObject] = {
    "price_id": "price_1",
    "mode": "payment",
    "quantity": 1,
    "metadata": {"order": "1042"},
}
CHECKOUT_CREATED: Final[JsonObject] = {
    "session_id": "cs_test_1",
    "checkout_url": "https://checkout.example.com/c/cs_test_1",
}
CHECKOUT: Final[JsonObject] = {
    **_SOURCE,
    "session_id": "cs_test_1",
    "mode": "payment",
    "status": "complete",
    "payment_state": "paid",
    "amount_total": 2000,
    "currency": "usd",
    "transaction_id": 7,
    "customer_id": 3,
    "occurred_at": _AT,
    "created_at": _AT,
}
TRANSACTION: Final[JsonObject] = {
    **_SOURCE,
    "id": 7,
    "provider_transaction_id": "pi_1",
    "type": "charge",
    "status": "partially_refunded",
    "amount": 2000,
    "amount_refunded": 500,
    "amount_disputed": 0,
    "amount_refundable": 1500,
    "currency": "usd",
    "customer_id": 3,
    "description": "Order 1042",
    "method": "visa •••• 4242",
    "occurred_at": _AT,
    "created_at": _AT,
}
REFUND_BODY: Final[JsonObject] = {"amount": 500, "reason": "requested_by_customer"}
REFUND: Final[JsonObject] = {
    **_SOURCE,
    "id": 8,
    "provider_transaction_id": "re_1",
    "type": "refund",
    "status": "succeeded",
    "amount": 500,
    "amount_refunded": 0,
    "amount_disputed": 0,
    "currency": "usd",
    "customer_id": 3,
    "parent_id": 7,
    "reason": "requested_by_customer",
    "occurred_at": _AT,
    "created_at": _AT,
}
TRANSACTION_DETAIL: Final[JsonObject] = {
    **TRANSACTION,
    "refunds": [REFUND],
    "disputes": [],
    "timeline": [
        {"at": _AT, "kind": "payment", "title": "Payment succeeded", "amount": 2000, "currency": "usd"},
        {"at": _AT, "kind": "refund", "title": "Refunded", "amount": 500, "currency": "usd"},
    ],
    "references": [{"kind": "payment", "id": "pi_1"}],
}
SUBSCRIPTION: Final[JsonObject] = {
    **_SOURCE,
    "id": 4,
    "provider_subscription_id": "sub_1",
    "customer_id": 3,
    "status": "active",
    "plan_name": "Growth",
    "amount": 4900,
    "currency": "usd",
    "interval": "month",
    "quantity": 1,
    "items": [{"id": "si_1", "price_id": "price_2", "name": "Growth", "quantity": 1, "amount": 4900}],
    "current_period_start": _AT,
    "current_period_end": "2026-12-02T09:30:00Z",
    "occurred_at": _AT,
    "created_at": _AT,
}
INVOICE: Final[JsonObject] = {
    **_SOURCE,
    "id": 12,
    "provider_invoice_id": "in_1",
    "number": "A1B2-0004",
    "status": "open",
    "currency": "usd",
    "total": 4900,
    "amount_due": 4900,
    "amount_paid": 0,
    "amount_remaining": 4900,
    "customer_id": 3,
    "subscription_id": 4,
    "attempt_count": 1,
    "next_attempt_at": "2026-11-05T09:30:00Z",
    "hosted_url": "https://invoice.example.com/i/in_1",
    "pdf_url": "https://invoice.example.com/i/in_1.pdf",
    "occurred_at": _AT,
    "created_at": _AT,
}
INVOICE_DETAIL: Final[JsonObject] = {
    **INVOICE,
    "billing_reason": "subscription_cycle",
    "payments": [],
    "attempts": [
        {
            "at": _AT,
            "status": "failed",
            "amount": 4900,
            "currency": "usd",
            "method": "visa •••• 0341",
            "failure_code": "card_declined",
            "failure_message": "The card was declined.",
            "provider_id": "ch_4",
        }
    ],
}
UPCOMING_INVOICE: Final[JsonObject] = {
    "subscription_id": 4,
    "currency": "usd",
    "total": 4900,
    "amount_due": 4900,
    "due_at": "2026-12-02T09:30:00Z",
    "lines": [{"description": "1 × Growth (at $49.00 / month)", "amount": 4900, "quantity": 1}],
}
CANCELING: Final[JsonObject] = {
    **SUBSCRIPTION,
    "cancel_at_period_end": True,
    "cancel_at": "2026-12-02T09:30:00Z",
    "canceled_at": _AT,
}
PAUSED: Final[JsonObject] = {
    **SUBSCRIPTION,
    "collection_paused": True,
    "collection_resumes_at": "2026-12-20T00:00:00Z",
}
CHANGE_PLAN_BODY: Final[JsonObject] = {
    "new_price_id": "price_3",
    "quantity": 2,
    "proration_behavior": "always_invoice",
}
CHANGE_PREVIEW: Final[JsonObject] = {
    "subscription_id": 4,
    "currency": "usd",
    "due_now": 4900,
    "lines": [
        {"description": "Unused time on 1 × Growth", "amount": -4900, "quantity": 1, "proration": True},
        {"description": "Remaining time on 2 × Team", "amount": 9800, "quantity": 2, "proration": True},
    ],
    "next_invoice": {**UPCOMING_INVOICE, "total": 9800, "amount_due": 9800, "lines": []},
    "proration_date": _AT,
}
CUSTOMER: Final[JsonObject] = {
    **_SOURCE,
    "id": 3,
    "provider_customer_id": "cus_1",
    "user_id": "42",
    "email": "ada@example.com",
    "name": "Ada",
    "occurred_at": _AT,
    "created_at": _AT,
}
CUSTOMER_DETAIL: Final[JsonObject] = {
    **CUSTOMER,
    "value": [
        {"currency": "usd", "gross": 2000, "refunded": 500, "disputed": 0, "net": 1500, "payments": 1},
    ],
    "subscriptions": [SUBSCRIPTION],
}
PORTAL_BODY: Final[JsonObject] = {"return_url": "https://shop.example.com/account"}
PORTAL_CREATED: Final[JsonObject] = {"url": "https://billing.example.com/p/session/bps_1"}
ERASED: Final[JsonObject] = {
    "customer": {
        **_SOURCE,
        "id": 3,
        "provider_customer_id": "cus_1",
        "erased_at": _AT,
        "occurred_at": _AT,
        "created_at": _AT,
    },
    "events": 14,
    "deleted_at_provider": False,
}
STATUS: Final[JsonObject] = {
    "provider": "stripe",
    "account": "default",
    "enabled": True,
    "livemode": False,
    "is_test_mode": True,
    "healthy": True,
    "health_message": "Connected.",
    "total_transactions": 2,
    "active_subscriptions": 1,
    "open_disputes": 0,
    "failed_events": 0,
    "revenue": [{"currency": "usd", "gross": 2000, "refunded": 500, "disputed": 0, "net": 1500}],
}
REVENUE: Final[JsonObject] = {
    "days": 1,
    "series": [
        {
            "currency": "usd",
            "points": [{"date": "2026-11-02", "gross": 2000, "refunded": 500, "disputed": 0, "net": 1500}],
        }
    ],
}
CATALOG: Final[JsonObject] = {
    "provider": "stripe",
    "prices": [
        {
            "id": "price_2",
            "product_id": "prod_1",
            "product_name": "Growth",
            "amount": 4900,
            "currency": "usd",
            "interval": "month",
        }
    ],
}
RECEIVED: Final[JsonObject] = {"received": True}
_METRICS: Final[JsonObject] = {
    "mrr": 14700,
    "mrr_before": 9800,
    "new_mrr": 9800,
    "churned_mrr": 4900,
    "arpu": 4900,
    "subscriptions": 3,
    "customers": 3,
    "new_customers": 2,
    "churned_customers": 1,
    "churn_rate": 0.25,
    "revenue_churn_rate": 0.25,
    "gross": 20000,
    "refunded": 500,
    "disputed": 0,
    "net": 19500,
    "payments": 9,
    "failed_payments": 1,
    "failed_payment_rate": 0.1,
}
METRICS: Final[JsonObject] = {
    "days": 30,
    "since": "2026-10-04",
    "until": "2026-11-02",
    "metrics": [{**_METRICS, "currency": "usd", "previous": _METRICS}],
}
METRICS_COURSE: Final[JsonObject] = {
    "interval": "month",
    "periods": 1,
    "since": "2026-11-01",
    "until": "2026-11-02",
    "series": [
        {
            "currency": "usd",
            "points": [{**_METRICS, "date": "2026-11-01", "until": "2026-11-02", "complete": False}],
        }
    ],
}
MRR: Final[JsonObject] = {
    "days": 1,
    "interval": "day",
    "series": [
        {
            "currency": "usd",
            "points": [{"date": "2026-11-02", "mrr": 14700, "new_mrr": 4900, "churned_mrr": 0}],
        }
    ],
}
