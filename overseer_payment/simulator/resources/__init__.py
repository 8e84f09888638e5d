"""The resources of the simulated API, one module per noun. Importing this package registers all endpoints."""

from __future__ import annotations

from overseer_payment.simulator.resources import (
    account,
    balance,
    billing_portal,
    charges,
    checkout_sessions,
    customers,
    dispute_evidence,
    disputes,
    early_fraud_warnings,
    files,
    invoice_items,
    invoice_preview,
    invoices,
    payment_intents,
    payment_methods,
    prices,
    products,
    refunds,
    setup_intents,
    subscriptions,
)

__all__ = [
    "account",
    "balance",
    "billing_portal",
    "charges",
    "checkout_sessions",
    "customers",
    "dispute_evidence",
    "disputes",
    "early_fraud_warnings",
    "files",
    "invoice_items",
    "invoice_preview",
    "invoices",
    "payment_intents",
    "payment_methods",
    "prices",
    "products",
    "refunds",
    "setup_intents",
    "subscriptions",
]
