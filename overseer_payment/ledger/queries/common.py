"""What every question about rows begins with."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import Any

from sqlalchemy import ColumnElement, Connection, Row, Select, or_, select

from overseer_payment import tables
from overseer_payment.ledger.scope import Scope

_account = (tables.provider.c.provider, tables.provider.c.livemode)


def joined(table: Any, *more: Any) -> Select[Any]:
    # Each row has its account. Still an outer join: or SQLite, once it knows how few accounts there are,
    # begins with those and sorts all rows, instead of walking the index that has them in order.
    return select(table, *_account, *more).join_from(
        table, tables.provider, tables.provider.c.id == table.c.account_id, isouter=True
    )


def values_of(row: Row[Any]) -> dict[str, Any]:
    return dict(row._mapping)


def aware(moment: datetime) -> datetime:
    return moment.replace(tzinfo=UTC) if moment.tzinfo is None else moment


def named(connection: Connection, table: Any, key: Any, scope: Scope, id: str | None) -> list[int] | None:
    """Our ids of what `id` (ours or the provider's) names in these accounts; None if it isn't asked."""
    if id is None:
        return None
    query = select(table.c.id).where(table.c.account_id.in_(scope.account_ids), is_named(table, key, id))
    return list(connection.execute(query).scalars())


def is_named(table: Any, key: Any, id: str) -> ColumnElement[bool]:
    """Is it the row with this id, ours or the provider's?"""
    ours = id.isascii() and id.isdigit() and len(id) < 19
    same: ColumnElement[bool] = key == id
    return or_(same, table.c.id == int(id)) if ours else same
