"""Disputes: those about one payment."""

from __future__ import annotations

from sqlalchemy import Connection

from overseer_payment import tables
from overseer_payment.ledger.queries.common import joined, values_of
from overseer_payment.ledger.scope import Scope
from overseer_payment.provider import OPEN_DISPUTE
from overseer_payment.schemas import (
    DisputeRow,
)

_d = tables.dispute
OPEN_STATES = tuple(sorted(status.value for status in OPEN_DISPUTE))
"""Statuses of disputes that need or await an answer."""


def disputes(connection: Connection, scope: Scope, transaction_id: int) -> list[DisputeRow]:
    """The disputes about one payment, oldest first."""
    query = joined(_d).where(scope.rows(_d), _d.c.transaction_id == transaction_id)
    rows = connection.execute(query.order_by(_d.c.occurred_at, _d.c.id))
    return [DisputeRow.model_validate(values_of(row)) for row in rows]
