"""What customers are worth: their sums per currency, kept beside the rows."""

from __future__ import annotations

from collections.abc import Collection

from sqlalchemy import Connection, select

from overseer_payment import tables
from overseer_payment.ledger.scope import Scope
from overseer_payment.schemas import CustomerValue

_total, _customer = tables.customer_total.c, tables.customer.c


def worth(connection: Connection, scope: Scope, ids: Collection[int]) -> dict[int, list[CustomerValue]]:
    """Lifetime value of these customers by currency, in minor units; only of those that `scope` sees."""
    query = select(tables.customer_total).join(tables.customer, _customer.id == _total.customer_id)
    query = query.where(_total.customer_id.in_(ids), scope.customers())
    found: dict[int, list[CustomerValue]] = {}
    for row in connection.execute(query.order_by(_total.customer_id, _total.currency)):
        if not (row.gross or row.refunded or row.disputed):
            continue
        value = CustomerValue(
            currency=row.currency,
            gross=row.gross,
            refunded=row.refunded,
            disputed=row.disputed,
            net=row.gross - row.refunded - row.disputed,
            payments=row.payments,
        )
        found.setdefault(row.customer_id, []).append(value)
    return found
