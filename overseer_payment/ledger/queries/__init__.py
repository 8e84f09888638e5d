"""Questions about the ledger's rows, a module for each noun. They see no more than their scope."""

from __future__ import annotations

from overseer_payment.ledger.queries.catalog import on_sale, prices
from overseer_payment.ledger.queries.checkouts import checkout
from overseer_payment.ledger.queries.customers import customer, customers
from overseer_payment.ledger.queries.disputes import (
    OPEN_STATES,
    can_respond,
    deadline,
    dispute,
    disputes,
    disputes_about,
)
from overseer_payment.ledger.queries.invoices import invoice, invoices
from overseer_payment.ledger.queries.subscriptions import how_many, subscription, subscriptions
from overseer_payment.ledger.queries.transactions import refunds, transaction, transaction_row, transactions
from overseer_payment.ledger.queries.worth import worth

__all__ = [
    "OPEN_STATES",
    "can_respond",
    "checkout",
    "customer",
    "customers",
    "deadline",
    "dispute",
    "disputes",
    "disputes_about",
    "how_many",
    "invoice",
    "invoices",
    "on_sale",
    "prices",
    "refunds",
    "subscription",
    "subscriptions",
    "transaction",
    "transaction_row",
    "transactions",
    "worth",
]
