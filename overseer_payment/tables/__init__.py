"""All tables, prefix `payment_`. No foreign key leads into a host's tables or out of them to ours.

Money is BIGINT minor units beside its currency; moments are UTC; `occurred_at` is the provider's time,
`created_at` ours. Rows name their account (`payment_provider.id`): rows of different accounts or modes
never meet in one query.
"""

from __future__ import annotations

from overseer_payment.tables.accounts import provider
from overseer_payment.tables.catalog import price
from overseer_payment.tables.columns import VERSION_TABLE, metadata
from overseer_payment.tables.disputes import dispute
from overseer_payment.tables.forwarding import forwarded, forwarding
from overseer_payment.tables.healing import sync
from overseer_payment.tables.inbox import event, wanted
from overseer_payment.tables.ledger import (
    checkout,
    customer,
    invoice,
    product,
    reference,
    subscription,
    transaction,
)
from overseer_payment.tables.objects import provider_object
from overseer_payment.tables.operations import operation
from overseer_payment.tables.telling import effect, heard, listener, news
from overseer_payment.tables.totals import customer_total, gauge, recurring, subscriber, total

__all__ = [
    "VERSION_TABLE",
    "checkout",
    "customer",
    "customer_total",
    "dispute",
    "effect",
    "event",
    "forwarded",
    "forwarding",
    "gauge",
    "heard",
    "invoice",
    "listener",
    "metadata",
    "news",
    "operation",
    "price",
    "product",
    "provider",
    "provider_object",
    "recurring",
    "reference",
    "subscriber",
    "subscription",
    "sync",
    "total",
    "transaction",
    "wanted",
]
