"""Keyset paging: by moment and id, the next page found by where the last one ended, however deep it is."""

from __future__ import annotations

import base64
import binascii
import json
from collections.abc import Iterable, Sequence
from datetime import UTC, datetime, timedelta
from typing import Any

from sqlalchemy import ColumnElement, Connection, Row, Select, Table, select, tuple_, union_all

from overseer_payment.errors import Invalid

_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)

MOST_RUNS = 40
"""More are asked for as one: compound queries have a limit, and their cost grows with their parts."""


def page(
    connection: Connection,
    query: Select[Any],
    table: Table,
    *,
    limit: int,
    cursor: str | None,
    oldest_first: bool = False,
) -> tuple[Sequence[Row[Any]], str | None]:
    """Up to `limit` rows of `query`, newest first unless asked otherwise, and the cursor that goes on."""
    key = (table.c.occurred_at, table.c.id)
    if cursor is not None:
        here, there = tuple_(*key), tuple_(*_read(cursor))
        query = query.where(here > there if oldest_first else here < there)
    order = key if oldest_first else tuple(column.desc() for column in key)
    rows = connection.execute(query.order_by(*order).limit(limit + 1)).all()
    if len(rows) <= limit:
        return rows, None
    last = rows[limit - 1]
    return rows[:limit], _write(last.occurred_at, last.id)


def merged(
    pages: Iterable[tuple[Sequence[Row[Any]], str | None]], *, limit: int, oldest_first: bool = False
) -> tuple[Sequence[Row[Any]], str | None]:
    """One page of several that were read from the same cursor on; what is in two of them comes once."""
    found, more = dict[int, Row[Any]](), False
    for rows, cursor in pages:
        found |= {row.id: row for row in rows}
        more = more or cursor is not None
    ordered = sorted(found.values(), key=lambda row: (row.occurred_at, row.id), reverse=not oldest_first)
    if len(ordered) <= limit and not more:
        return ordered, None
    last = ordered[:limit][-1]
    return ordered[:limit], _write(last.occurred_at, last.id)


def latest(
    connection: Connection,
    table: Table,
    runs: Iterable[ColumnElement[bool]],
    *,
    limit: int,
    cursor: str | None,
) -> tuple[Sequence[int], str | None]:
    """Ids of up to `limit` rows that are in one of `runs`, the last stored first, and a cursor.

    Where a run is what one index on `(…, id)` holds together, only its last few rows are looked at.
    """
    before = _read(cursor)[1] if cursor is not None else None
    ends = []
    for run in runs:
        query = select(table.c.id).where(run)
        if before is not None:
            query = query.where(table.c.id < before)
        end = query.order_by(table.c.id.desc()).limit(limit + 1).subquery()
        ends.append(select(end.c.id))
    if not ends:
        return [], None
    newest = union_all(*ends).subquery()
    found = select(newest.c.id).order_by(newest.c.id.desc()).limit(limit + 1)
    ids = connection.execute(found).scalars().all()
    return (ids, None) if len(ids) <= limit else (ids[:limit], _write(_EPOCH, ids[limit - 1]))


def soonest(
    connection: Connection, query: Select[Any], table: Table, by: str, *, limit: int, cursor: str | None
) -> tuple[Sequence[Row[Any]], str | None]:
    """Up to `limit` rows of `query` by `(by, id)` ascending, and the cursor that goes on.

    `by` names a column of moments that is no NULL in any row of `query`.
    """
    key = (table.c[by], table.c.id)
    if cursor is not None:
        query = query.where(tuple_(*key) > tuple_(*_read(cursor)))
    rows = connection.execute(query.order_by(*key).limit(limit + 1)).all()
    if len(rows) <= limit:
        return rows, None
    last = rows[limit - 1]
    return rows[:limit], _write(getattr(last, by), last.id)


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
