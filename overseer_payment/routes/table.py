"""The table of guarded operations: what the REST interface offers, in the order in which it is shown."""

from __future__ import annotations

from overseer_payment.routes.op import Op
from overseer_payment.routes.ops import (
    checkout,
    customers,
    disputes,
    effects,
    endpoints,
    events,
    exports,
    invoices,
    metrics,
    operations,
    reports,
    subscriptions,
    transactions,
)

OPS: tuple[Op, ...] = (
    *checkout.OPS,
    *transactions.OPS,
    *subscriptions.OPS,
    *invoices.OPS,
    *disputes.OPS,
    *customers.OPS,
    *reports.OPS,
    *metrics.OPS,
    *exports.OPS,
    *events.OPS,
    *effects.OPS,
    *operations.OPS,
    *endpoints.OPS,
)
