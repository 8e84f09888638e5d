"""The inbox: verified events, stored before they are answered and applied afterwards.

Storing is a group commit: deliveries that arrive while one commit is under way share the next, so the
price of durability is per batch, not per event. Applying locks the rows it works on inside the same
transaction that writes the ledger: whoever dies in between leaves the event pending, and nobody applies
it twice.
"""

from __future__ import annotations

import asyncio
import logging
from collections import deque
from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any

from sqlalchemy import Connection, Row, select, update
from sqlalchemy.dialects import postgresql, sqlite
from sqlalchemy.ext.asyncio import AsyncEngine

from overseer_payment.database import is_transient, utcnow, write
from overseer_payment.errors import DatabaseError, PaymentError
from overseer_payment.ledger import accounts
from overseer_payment.ledger.accounts import Account
from overseer_payment.provider import Event
from overseer_payment.tables import event as table

log = logging.getLogger("overseer_payment.inbox")

PENDING, APPLIED, IGNORED, FAILED, DEAD = "pending", "applied", "ignored", "failed", "dead"
DUE = (PENDING, FAILED)

_COMMIT_AT_MOST = 256
# 2 s, 4 s, … capped at 6 h: about three days, as long as the provider itself would retry.
_MAX_ATTEMPTS = 26
_MAX_DELAY = timedelta(hours=6)


@dataclass(slots=True)
class _Waiting:
    account: Account
    event: Event
    body: str
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
            self._flusher = asyncio.create_task(self._flush())
        await done

    async def _flush(self) -> None:
        while self._waiting:
            batch = [self._waiting.popleft() for _ in range(min(len(self._waiting), _COMMIT_AT_MOST))]
            try:
                await self._commit(batch)
            except BaseException as error:
                failure = error if isinstance(error, PaymentError) else _not_stored(error)
                for waiting in batch:
                    if not waiting.done.done():
                        waiting.done.set_exception(failure)
                if not isinstance(error, Exception):
                    raise
            else:
                for waiting in batch:
                    if not waiting.done.done():
                        waiting.done.set_result(None)
                self._stored()

    async def _commit(self, batch: list[_Waiting]) -> None:
        now = utcnow()
        async with write(self._engine) as connection:
            unknown = {waiting.account for waiting in batch} - self._ids.keys()
            ids = dict(self._ids)
            if unknown:
                ids |= await connection.run_sync(accounts.ensure, unknown)
            dialect = postgresql if connection.dialect.name == "postgresql" else sqlite
            statement = dialect.insert(table).on_conflict_do_nothing(
                index_elements=[table.c.account_id, table.c.provider_event_id]
            )
            await connection.execute(statement, [_values(ids[w.account], w, now) for w in batch])
        self._ids = ids  # only once committed: a rolled back account has no id


def _not_stored(error: BaseException) -> DatabaseError:
    log.error("events could not be stored: %s", type(error).__name__)
    return DatabaseError("The event could not be stored. Send it again.", retry_after=5)


def _values(account_id: int, waiting: _Waiting, now: datetime) -> dict[str, Any]:
    event = waiting.event
    return {
        "account_id": account_id,
        "provider_event_id": event.id,
        "type": event.type,
        "api_version": event.api_version,
        "status": PENDING,
        "attempts": 0,
        "occurred_at": event.occurred_at,
        "received_at": now,
        "due_at": now,
        "payload": waiting.body,
    }


# -- applying ------------------------------------------------------------------------------------

ApplyMany = Callable[[Connection, list[Row[Any]], datetime], dict[int, str]]
"""Applies stored events inside the given transaction; answers with which status each ends, by id."""


async def apply_due(
    engine: AsyncEngine, apply: ApplyMany, *, limit: int = 64, now: Callable[[], datetime] = utcnow
) -> int:
    """Apply up to `limit` due events; answers how many were dealt with.

    A batch is one transaction. If one of its events can't be applied, each gets a transaction of its
    own, so that a poison event costs only itself.
    """
    try:
        async with write(engine) as connection:
            return await connection.run_sync(_apply_batch, apply, limit, now())
    except DatabaseError:
        raise
    except Exception as error:
        if is_transient(error):
            return await _later(0.05)
        log.warning("a batch of events could not be applied together: %s", type(error).__name__)
    return await _one_by_one(engine, apply, limit, now)


async def _later(seconds: float) -> int:
    await asyncio.sleep(seconds)
    return 1


def _due(limit: int, now: datetime) -> Any:
    query = select(table).where(table.c.status.in_(DUE), table.c.due_at <= now)
    return query.order_by(table.c.due_at, table.c.id).limit(limit).with_for_update(skip_locked=True)


def _apply_batch(connection: Connection, apply: ApplyMany, limit: int, now: datetime) -> int:
    rows = list(connection.execute(_due(limit, now)))
    if rows:
        _finish(connection, apply(connection, rows, now), now)
    return len(rows)


def _finish(connection: Connection, ended: dict[int, str], now: datetime) -> None:
    for status in sorted(set(ended.values())):
        ids = [id for id, its in ended.items() if its == status]
        values = {"status": status, "applied_at": now, "last_error": None, "attempts": table.c.attempts + 1}
        connection.execute(update(table).where(table.c.id.in_(ids)).values(values))


async def _one_by_one(engine: AsyncEngine, apply: ApplyMany, limit: int, now: Callable[[], datetime]) -> int:
    async with write(engine) as connection:
        ids = [row.id for row in await connection.execute(_due(limit, now()))]
    for id in ids:
        try:
            async with write(engine) as connection:
                await connection.run_sync(_apply_one, apply, id, now())
        except DatabaseError:
            raise
        except Exception as error:
            if not is_transient(error):
                async with write(engine) as connection:
                    await connection.run_sync(_fail, id, error, now())
    return len(ids)


def _apply_one(connection: Connection, apply: ApplyMany, id: int, now: datetime) -> None:
    query = select(table).where(table.c.id == id, table.c.status.in_(DUE)).with_for_update(skip_locked=True)
    rows = list(connection.execute(query))
    if rows:
        _finish(connection, apply(connection, rows, now), now)


def _fail(connection: Connection, id: int, error: Exception, now: datetime) -> None:
    attempts = connection.execute(select(table.c.attempts).where(table.c.id == id)).scalar_one() + 1
    delay = min(timedelta(seconds=2 ** min(attempts, 20)), _MAX_DELAY)
    status = DEAD if attempts >= _MAX_ATTEMPTS else FAILED
    log.warning("event %d could not be applied (attempt %d): %s", id, attempts, type(error).__name__)
    connection.execute(
        update(table)
        .where(table.c.id == id)
        .values(status=status, attempts=attempts, last_error=describe(error), due_at=now + delay)
    )


def describe(error: BaseException) -> str:
    """A sentence that is safe to show: ours as it is, of anybody else's error only the type."""
    if isinstance(error, PaymentError):
        return f"{error.title}: {error.detail}"
    return f"Unexpected {type(error).__name__} while applying the event. The server's log names the place."
