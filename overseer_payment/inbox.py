"""The inbox: verified events, stored before they are answered.

Storing is a group commit: deliveries that arrive while one commit is under way share the next, so the
price of durability is per batch, not per event. `applying.py` works off what is stored here.
"""

from __future__ import annotations

import asyncio
import logging
from collections import deque
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from functools import lru_cache
from itertools import chain
from typing import Any

from sqlalchemy import Connection, Dialect, bindparam
from sqlalchemy.dialects import postgresql, sqlite
from sqlalchemy.ext.asyncio import AsyncEngine

from overseer_payment.committing import committed
from overseer_payment.database import utcnow
from overseer_payment.errors import DatabaseError, PaymentError
from overseer_payment.faults import place
from overseer_payment.ledger import accounts
from overseer_payment.ledger.accounts import Account
from overseer_payment.provider import Event
from overseer_payment.tables import event as table

log = logging.getLogger("overseer_payment.inbox")

PENDING, APPLIED, IGNORED, FAILED, DEAD = "pending", "applied", "ignored", "failed", "dead"
DUE = (PENDING, FAILED)

_COMMIT_AT_MOST = 256
_ROWS_AT_MOST = 64  # of one statement: older SQLites take no more than 999 parameters
_ONCE = ("account_id", "provider_event_id")
_COLUMNS = (
    *("account_id", "provider_event_id", "type", "api_version", "status", "attempts"),
    *("occurred_at", "received_at", "due_at", "payload"),
)


@dataclass(slots=True)
class _Waiting:
    account: Account
    event: Event
    body: str = field(repr=False)
    done: asyncio.Future[None]


class Inbox:
    """Stores deliveries. One per event loop."""

    def __init__(self, engine: AsyncEngine, *, stored: Callable[[], None] = lambda: None) -> None:
        self._engine = engine
        self._stored = stored
        self._waiting: deque[_Waiting] = deque()
        self._flusher: asyncio.Task[None] | None = None
        self._ids: dict[Account, int] = {}

    async def store(self, account: Account, event: Event, body: str) -> None:
        """Return once the event is committed. A repeated event is stored once. Raises DatabaseError."""
        done: asyncio.Future[None] = asyncio.get_running_loop().create_future()
        self._waiting.append(_Waiting(account, event, body, done))
        if self._flusher is None or self._flusher.done():
            # A task of its own: a client that hangs up must not take others' deliveries with it.
            self._flusher = asyncio.create_task(self._flush(), name="overseer-payment-inbox")
        await done

    async def _flush(self) -> None:
        while self._waiting:
            await self._gather()
            batch = [self._waiting.popleft() for _ in range(min(len(self._waiting), _COMMIT_AT_MOST))]
            try:
                await self._store(batch)
            except asyncio.CancelledError:
                _answer([*batch, *self._waiting], _not_stored())
                self._waiting.clear()
                raise

    async def _gather(self) -> None:
        """Let those come along whose requests are being read at this moment: each commit has its price."""
        before = 0
        while before < len(self._waiting) < _COMMIT_AT_MOST:
            before = len(self._waiting)
            await asyncio.sleep(0)

    async def _store(self, batch: list[_Waiting]) -> None:
        try:
            ids = await committed(self._engine, _insert, batch, utcnow(), self._ids)
        except PaymentError as error:
            _answer(batch, error)
        except Exception as error:
            log.error("%d events could not be stored together: %s", len(batch), place(error))
            if len(batch) == 1:
                _answer(batch, _not_stored())
            else:
                # One of them is more than the database takes: it alone is to be refused.
                for waiting in batch:
                    await self._store([waiting])
        else:
            # Made-up accounts may be removed at any time, with all that belongs to them; others stay.
            self._ids = {one: id for one, id in ids.items() if one.account not in accounts.MADE_UP}
            _answer(batch, None)
            self._stored()


def _answer(batch: list[_Waiting], error: PaymentError | None) -> None:
    for waiting in batch:
        if waiting.done.done():
            continue  # its client went away
        if error is None:
            waiting.done.set_result(None)
        else:
            # Each its own: an exception that several tasks raise would collect all their tracebacks.
            waiting.done.set_exception(
                type(error)(error.detail, code=error.code, retry_after=error.retry_after)
            )


def _not_stored() -> DatabaseError:
    return DatabaseError("The event could not be stored. Send it again.", retry_after=5)


def _insert(
    connection: Connection, batch: Sequence[_Waiting], now: datetime, known: Mapping[Account, int]
) -> dict[Account, int]:
    """Store the batch; the ids of its accounts, of which `known` need not be asked for.

    Many rows a statement: by the row the driver waits for the interpreter's lock, or for the server.
    """
    ids = dict(known)
    if unknown := {one.account for one in batch} - known.keys():
        ids |= accounts.ensure(connection, unknown)
    dialect = connection.dialect
    kind: Any = table.c.occurred_at.type.dialect_impl(dialect)
    written: Any = kind.bind_processor(dialect) or _as_it_is
    at = written(now)
    while batch:
        # Few sizes, so that few statements are ever prepared.
        size = min(_ROWS_AT_MOST, 1 << (len(batch).bit_length() - 1))
        some, batch = batch[:size], batch[size:]
        rows = [_row(ids[one.account], one, written(one.event.occurred_at), at) for one in some]
        text, names = _many(dialect, size)
        given = tuple(chain.from_iterable(rows))
        connection.exec_driver_sql(text, dict(zip(names, given, strict=True)) if names else given)
    return ids


def _as_it_is(moment: datetime) -> datetime:
    return moment


def _row(account_id: int, waiting: _Waiting, occurred_at: Any, now: Any) -> tuple[Any, ...]:
    event = waiting.event
    first = (account_id, event.id, event.type, event.api_version, PENDING, 0)
    return (*first, occurred_at, now, now, waiting.body)


@lru_cache(maxsize=32)
def _many(dialect: Dialect, size: int) -> tuple[str, Sequence[str]]:
    """The statement for so many rows; its parameters' names, row by row, unless they go by their place."""
    names = [f"{name}_{number}" for number in range(size) for name in _COLUMNS]
    rows: list[dict[str, Any]] = [
        {name: bindparam(f"{name}_{number}") for name in _COLUMNS} for number in range(size)
    ]
    insert = postgresql.insert if dialect.name == "postgresql" else sqlite.insert
    new = insert(table).values(rows).on_conflict_do_nothing(index_elements=_ONCE)
    compiled = new.compile(dialect=dialect)
    assert compiled.positiontup in (None, names)
    return str(compiled), () if compiled.positiontup else names
