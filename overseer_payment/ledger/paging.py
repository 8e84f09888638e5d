"""Keyset paging: newest first, the next page found by where the last one ended, however deep it is."""

from __future__ import annotations

import base64
import binascii
import json
from collections.abc import Sequence
from datetime import UTC, datetime, timedelta
from typing import Any

from sqlalchemy import Connection, Row, Select, Table, tuple_

from overseer_payment.errors import Invalid

_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)


def page(
    connection: Connection, query: Select[Any], table: Table, *, limit: int, cursor: str | None
) -> tuple[Sequence[Row[Any]], str | None]:
    """Up to `limit` rows of `query` by `(occurred_at, id)` descending, and the cursor that goes on."""
    key = (table.c.occurred_at, table.c.id)
    if cursor is not None:
        query = query.where(tuple_(*key) < tuple_(*_read(cursor)))
    rows = connection.execute(query.order_by(*(column.desc() for column in key)).limit(limit + 1)).all()
    if len(rows) <= limit:
        return rows, None
    last = rows[limit - 1]
    return rows[:limit], _write(last.occurred_at, last.id)


def _write(at: datetime, id: int) -> str:
    text = json.dumps([(at - _EPOCH) // timedelta(microseconds=1), id], separators=(",", ":"))
    return base64.urlsafe_b64encode(text.encode()).decode().rstrip("=")


def _read(cursor: str) -> tuple[datetime, int]:
    try:
        text = base64.urlsafe_b64decode(cursor + "=" * (-len(cursor) % 4))
        at, id = json.loads(text)
        if not (isinstance(at, int) and isinstance(id, int) and 0 <= id < 2**63):
            raise ValueError
        return _EPOCH + timedelta(microseconds=at), id
    except (ValueError, TypeError, OverflowError, binascii.Error):
        raise Invalid("That cursor is not one of ours. Start again without it.") from None
