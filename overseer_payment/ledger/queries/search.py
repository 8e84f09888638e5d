"""Searching texts at a bounded price, however many rows there are.

The decision this module owns: **what a search looks at**. Of all rows: ids, and by their beginning e-mail
addresses and customers' names; each by an index. Beyond that, whatever part of whatever text: in the newest
`WINDOW` rows before the time that is asked for.
"""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime
from typing import Any

from sqlalchemy import ColumnElement, Connection, Table, select

from overseer_payment import tables
from overseer_payment.ledger.folding import begins

WINDOW = 10_000
# A beginning that more than these share is no name of anybody: only the newest rows answer it.
_PEOPLE = 200
_ROWS = 500

_t, _c = tables.transaction, tables.customer


def window(
    connection: Connection, table: Table, account_ids: Sequence[int], *, before: datetime | None = None
) -> datetime | None:
    """Since when rows of `table` are looked at text by text; None: all of them are."""
    key = (table.c.occurred_at, table.c.id)
    found = []
    for account_id in account_ids:
        query = select(table.c.occurred_at).where(table.c.account_id == account_id)
        if before is not None:
            query = query.where(table.c.occurred_at < before)
        query = query.order_by(*(column.desc() for column in key)).offset(WINDOW).limit(1)
        found.append(connection.execute(query).scalar())
    return max(filter(None, found), default=None)


def people(connection: Connection, account_ids: Sequence[int], text: str) -> list[int]:
    """Customers whose e-mail address or name begins with `text`, or who are that id or user."""
    begun = []
    for key in (_c.c.email_key, _c.c.name_key):
        begun += _few(connection, _c, account_ids, begins(key, text), _PEOPLE)
    for key in (_c.c.provider_customer_id, _c.c.user_id):
        begun += _few(connection, _c, account_ids, key == text, _PEOPLE)
    return sorted(set(begun))


def payers(connection: Connection, account_ids: Sequence[int], text: str) -> list[int]:
    """Payments and refunds whose own e-mail address begins with `text`: also guests'."""
    return _few(connection, _t, account_ids, begins(_t.c.email_key, text), _ROWS)


def _few(
    connection: Connection, table: Table, account_ids: Sequence[int], where: ColumnElement[bool], most: int
) -> list[int]:
    found: list[Any] = []
    for account_id in account_ids:
        query = select(table.c.id).where(table.c.account_id == account_id, where).limit(most + 1)
        found += connection.execute(query).scalars()
    return found if len(found) <= most else []
