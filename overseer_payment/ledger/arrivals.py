"""What comes in becomes rows of the inbox: many with one statement.

Row by row the driver would wait for the interpreter's lock, or for the server.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from datetime import datetime
from functools import lru_cache
from itertools import chain
from typing import Any, NamedTuple

from sqlalchemy import Connection, Dialect
from sqlalchemy.dialects import postgresql

from overseer_payment.tables import event as table

_ROWS_AT_MOST = 64  # of a statement on SQLite: older ones take no more than 999 parameters
_ONCE = ("account_id", "provider_event_id")
_GIVEN = ("account_id", "provider_event_id", "type", "api_version", "payload", "occurred_at")

_HEAD = f"INSERT INTO {table.name} ({', '.join(_GIVEN)}, received_at, due_at, status, attempts)"
_TAIL = f"ON CONFLICT ({', '.join(_ONCE)}) DO NOTHING"
# Arrays are sent as binary (%b): as text each string in them would be searched for what to escape.
_OF_ARRAYS = " ".join(
    (
        *(_HEAD, "SELECT given.*, now.at, now.at, 'pending', 0 FROM"),
        "unnest(%b::bigint[], %b::text[], %b::text[], %b::text[], %b::text[], %b::timestamptz[]) given,",
        *("(SELECT %b::timestamptz AS at) now", _TAIL),
    )
)


class Arrival(NamedTuple):
    """A verified event, as it is stored."""

    account_id: int
    provider_event_id: str
    type: str
    api_version: str | None
    payload: str
    occurred_at: datetime

    def __repr__(self) -> str:
        return f"Arrival({self.provider_event_id!r}, {self.type!r})"


def is_one_statement(dialect: Dialect) -> bool:
    """Is `as_one` understood here? Then what comes in needs no transaction."""
    return dialect.name == "postgresql" and dialect.driver == "psycopg"


def as_one(arrivals: Sequence[Arrival], now: datetime) -> tuple[str, tuple[Any, ...]]:
    """The statement that stores them as `insert` does, and its values, both as psycopg has them."""
    return _OF_ARRAYS, (*map(list, zip(*arrivals, strict=True)), now)


def insert(connection: Connection, arrivals: Sequence[Arrival], now: datetime) -> None:
    """Store each event once, as pending; one that is stored already stays as it is."""
    if is_one_statement(connection.dialect):
        connection.exec_driver_sql(*as_one(arrivals, now))
    elif connection.dialect.name == "sqlite":
        _insert_rows(connection, arrivals, now)
    else:
        fixed = {"received_at": now, "due_at": now, "status": "pending", "attempts": 0}
        new = postgresql.insert(table).on_conflict_do_nothing(index_elements=_ONCE)
        connection.execute(new, [one._asdict() | fixed for one in arrivals])


def _insert_rows(connection: Connection, arrivals: Sequence[Arrival], now: datetime) -> None:
    written = _writer(connection.dialect)
    at = written(now)
    for first in range(0, len(arrivals), _ROWS_AT_MOST):
        some = arrivals[first : first + _ROWS_AT_MOST]
        rows = ((*one[:-1], written(one.occurred_at), at, at) for one in some)
        connection.exec_driver_sql(_of_rows(len(some)), tuple(chain.from_iterable(rows)))


@lru_cache(maxsize=_ROWS_AT_MOST)
def _of_rows(count: int) -> str:
    row = f"({'?, ' * (len(_GIVEN) + 2)}'pending', 0)"
    return f"{_HEAD} VALUES {', '.join([row] * count)} {_TAIL}"


@lru_cache(maxsize=4)
def _writer(dialect: Dialect) -> Callable[[datetime], Any]:
    """How the column writes a moment, for statements that go past SQLAlchemy."""
    kind: Any = table.c.occurred_at.type.dialect_impl(dialect)
    written: Callable[[datetime], Any] = kind.bind_processor(dialect)
    return lru_cache(maxsize=256)(written)  # what happens together has one moment
