"""Checkouts: one session."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from sqlalchemy import Connection, or_

from overseer_payment import tables
from overseer_payment.errors import NotFound
from overseer_payment.ledger.queries.common import joined, values_of
from overseer_payment.ledger.scope import Scope
from overseer_payment.schemas import (
    CheckoutRow,
)


def checkout(
    connection: Connection, account_ids: Sequence[int], session_id: str, *, scope: Scope | None = None
) -> CheckoutRow:
    """One checkout session. With `scope` also only if the viewer may see it. Raises NotFound."""
    table = tables.checkout
    query = joined(table).where(table.c.account_id.in_(account_ids), table.c.session_id == session_id)
    if scope is not None and scope.user_id is not None:
        query = query.where(or_(table.c.user_id == scope.user_id, scope.own(table.c.customer_id)))
    row = connection.execute(query.limit(1)).one_or_none()
    if row is None:
        raise NotFound(f"There is no checkout session {session_id[:80]}.")
    values: Mapping[str, Any] = values_of(row) | {"checkout_url": row.url if row.status == "open" else None}
    return CheckoutRow.model_validate(values)
