"""What comes in becomes rows of the inbox: many with one statement.

Row by row the driver would wait for the interpreter's lock, or for the server.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import asdict, dataclass, field
from datetime import datetime
from functools import lru_cache
from itertools import chain
from typing import Any

from sqlalchemy import Connection, Dialect
from sqlalchemy.dialects import postgresql

from overseer_payment.tables import event as table

_ROWS_AT_MOST = 64  # of a statement on SQLite: older ones take no more than 999 parameters
_ONCE = ("account_id", "provider_event_id")
_GIVEN = ("account_id", "provider_event_id", "type", "api_version", "occurred_at", "payload")

_HEAD = f"INSERT INTO {table.name} ({', '.join(_GIVEN)}, received_at, due_at, status, attempts)"
_TAIL = f"ON CONFLICT ({', '.join(_ONCE)}) DO NOTHING"
# Arrays are sent as binary (%b): as text each string in them would be searched for what to escape.
_OF_ARRAYS = " ".join(
    (
        *(_HEAD, "SELECT given.*, now.at, now.at, 'pending', 0 FROM"),
        "unnest(%b::bigint[], %b::text[], %b::text[], %b::text[], %b::timestamptz[], %b::text[]) given,",
        *("(SELECT %b::timestamptz AS at) now", _TAIL),
    )
)


@dataclass(frozen=True, slots=True)
class Arrival:
    """A verified event, as it is stored."""

    account_id: int
    provider_event_id: str
    type: str
    api_version: str | None
    occurred_at: datetime
    payload: str = field(repr=False)


def is_one_statement(dialect: Dialect) -> bool:
    """Does `insert` take one statement here, whatever the number of rows? Then it needs no transaction."""
    return dialect.name == "postgresql" and dialect.driver == "psycopg"


def insert(connection: Connection, arrivals: Sequence[Arrival], now: datetime) -> None:
    """Store each event once, as pending; one that is stored already stays as it is."""
    if is_one_statement(connection.dialect):
        columns = tuple([getattr(one, name) for one in arrivals] for name in _GIVEN)
        connection.exec_driver_sql(_OF_ARRAYS, (*columns, now))
    elif connection.dialect.name == "sqlite":
        _insert_rows(connection, arrivals, now)
    else:
        fixed = {"received_at": now, "due_at": now, "status": "pending", "attempts": 0}
        new = postgresql.insert(table).on_conflict_do_nothing(index_elements=_ONCE)
        connection.execute(new, [asdict(one) | fixed for one in arrivals])


def _insert_rows(connection: Connection, arrivals: Sequence[Arrival], now: datetime) -> None:
    written = _writer(connection.dialect)
    at = written(now)
    for first in range(0, len(arrivals), _ROWS_AT_MOST):
        some = arrivals[first : first + _ROWS_AT_MOST]
        rows = (_row(one, written(one.occurred_at), at) for one in some)
        connection.exec_driver_sql(_of_rows(len(some)), tuple(chain.from_iterable(rows)))


def _row(one: Arrival, occurred_at: Any, now: Any) -> tuple[Any, ...]:
    given = (one.account_id, one.provider_event_id, one.type, one.api_version)
    return (*given, occurred_at, one.payload, now, now)


@lru_cache(maxsize=_ROWS_AT_MOST)
def _of_rows(count: int) -> str:
    row = f"({'?, ' * (len(_GIVEN) + 2)}'pending', 0)"
    return f"{_HEAD} VALUES {', '.join([row] * count)} {_TAIL}"


@lru_cache(maxsize=4)
def _writer(dialect: Dialect) -> Callable[[datetime], Any]:
    """How the column writes a moment, for statements that go past SQLAlchemy."""
    kind: Any = table.c.occurred_at.type.dialect_impl(dialect)
    written: Callable[[datetime], Any] = kind.bind_processor(dialect)
    return written
