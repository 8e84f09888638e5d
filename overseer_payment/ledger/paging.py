"""Keyset paging: by moment or amount, and id: the next page is found by where the last one ended."""

from __future__ import annotations

import base64
import binascii
import json
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import Any

from sqlalchemy import ColumnElement, Connection, Row, Select, Table, select, tuple_, union_all

from overseer_payment.errors import Invalid

_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)

_NOT_OURS = "That cursor is not one of ours, or of another order. Start again without it."

MOST_RUNS = 40
"""More are asked for as one: compound queries have a limit, and their cost grows with their parts."""


@dataclass(frozen=True, slots=True)
class Order:
    """How a list goes: by this column, rows of one value by their id."""

    column: str = "occurred_at"
    rising: bool = False
    walked: bool = True
    """Is an index in this order to be walked? Not where few rows are found first: then they are sorted."""

    def key(self, table: Table) -> tuple[ColumnElement[Any], ColumnElement[Any]]:
        """What to sort by. An index answers the bare column only."""
        column = table.c[self.column]
        return (column if self.walked else column + 0), table.c.id

    def sorted(self, rows: Iterable[Row[Any]]) -> list[Row[Any]]:
        """The same order, of rows that are here."""
        return sorted(rows, key=lambda row: (getattr(row, self.column), row.id), reverse=not self.rising)

    def write(self, row: Row[Any]) -> str:
        """The cursor that goes on after `row`."""
        value = getattr(row, self.column)
        return (
            _write(value, row.id) if isinstance(value, datetime) else _encoded([value, row.id, self.column])
        )

    def read(self, cursor: str) -> tuple[datetime | int, int]:
        """Where a page of this order ended. Raises Invalid, also for a cursor of another order."""
        if self.column in _MOMENTS:
            return _read(cursor)
        match _decoded(cursor):
            case [int(value), int(id), self.column] if abs(value) < 2**63 and 0 <= id < 2**63:
                return value, id
        raise Invalid(_NOT_OURS)


NEWEST = Order()
# Of rows that are still to be answered alone: others have no such moment.
SOONEST = Order("answer_by", rising=True)
_MOMENTS = frozenset({NEWEST.column, SOONEST.column})


def page(
    connection: Connection,
    query: Select[Any],
    table: Table,
    *,
    limit: int,
    cursor: str | None,
    order: Order = NEWEST,
) -> tuple[Sequence[Row[Any]], str | None]:
    """Up to `limit` rows of `query`, newest first unless asked otherwise, and the cursor that goes on."""
    key = order.key(table)
    if cursor is not None:
        here, there = tuple_(*key), tuple_(*order.read(cursor))
        query = query.where(here > there if order.rising else here < there)
    by = key if order.rising else tuple(column.desc() for column in key)
    rows = connection.execute(query.order_by(*by).limit(limit + 1)).all()
    if len(rows) <= limit:
        return rows, None
    return rows[:limit], order.write(rows[limit - 1])


def merged(
    pages: Iterable[tuple[Sequence[Row[Any]], str | None]], *, limit: int, order: Order = NEWEST
) -> tuple[Sequence[Row[Any]], str | None]:
    """One page of several that were read from the same cursor on; what is in two of them comes once."""
    found, more = dict[int, Row[Any]](), False
    for rows, cursor in pages:
        found |= {row.id: row for row in rows}
        more = more or cursor is not None
    ordered = order.sorted(found.values())
    if len(ordered) <= limit and not more:
        return ordered, None
    return ordered[:limit], order.write(ordered[:limit][-1])


def together(
    connection: Connection,
    queries: Iterable[Select[Any]],
    table: Table,
    *,
    limit: int,
    cursor: str | None,
    order: Order = NEWEST,
) -> tuple[Sequence[Row[Any]], str | None]:
    """One page of several queries, each asked for itself: each has an index to walk, all have none."""
    pages = (page(connection, one, table, limit=limit, cursor=cursor, order=order) for one in queries)
    return merged(pages, limit=limit, order=order)


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


def _write(at: datetime, id: int) -> str:
    return _encoded([(at - _EPOCH) // timedelta(microseconds=1), id])


def _read(cursor: str) -> tuple[datetime, int]:
    match _decoded(cursor):
        case [int(at), int(id)] if 0 <= id < 2**63:
            try:
                return _EPOCH + timedelta(microseconds=at), id
            except OverflowError:
                pass
    raise Invalid(_NOT_OURS)


def _encoded(place: list[Any]) -> str:
    text = json.dumps(place, separators=(",", ":"))
    return base64.urlsafe_b64encode(text.encode()).decode().rstrip("=")


def _decoded(cursor: str) -> Any:
    try:
        return json.loads(base64.urlsafe_b64decode(cursor + "=" * (-len(cursor) % 4)))
    except (ValueError, binascii.Error):
        raise Invalid(_NOT_OURS) from None
