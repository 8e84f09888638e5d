"""The inbox: verified events, stored before they are answered.

Storing is a group commit: deliveries that arrive while one commit is under way share the next, so the
price of durability is per batch, not per event. `applying.py` works off what is stored here.
"""

from __future__ import annotations

import asyncio
import logging
from collections import defaultdict, deque
from collections.abc import Callable, Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass, field
from datetime import datetime
from time import monotonic

from sqlalchemy import Connection
from sqlalchemy.ext.asyncio import AsyncEngine

from overseer_payment.committing import committed
from overseer_payment.database import utcnow
from overseer_payment.errors import DatabaseError, PaymentError
from overseer_payment.faults import place
from overseer_payment.held import Held
from overseer_payment.ledger import accounts, arrivals
from overseer_payment.ledger.accounts import Account
from overseer_payment.ledger.arrivals import Arrival
from overseer_payment.provider import Event

log = logging.getLogger("overseer_payment.inbox")

PENDING, APPLIED, IGNORED, FAILED, DEAD = "pending", "applied", "ignored", "failed", "dead"
DUE = (PENDING, FAILED)

_COMMIT_AT_MOST = 256
_PATIENCE = 0.005  # seconds
# A server works while we do: some at a time keep both busy. A thread of our own does best with all at once.
_COMPANY = defaultdict(lambda: 16, sqlite=_COMMIT_AT_MOST)


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
        self._company = 1  # how many deliveries were under way together, the last time
        self._price = 0.0  # seconds that the last commit took
        self._all_here = asyncio.Event()
        self._held = Held(engine) if arrivals.is_one_statement(engine.dialect) else None

    async def store(self, account: Account, event: Event, body: str) -> None:
        """Return once the event is committed. A repeated event is stored once. Raises DatabaseError."""
        done: asyncio.Future[None] = asyncio.get_running_loop().create_future()
        self._waiting.append(_Waiting(account, event, body, done))
        if len(self._waiting) >= self._company:
            self._all_here.set()
        if self._flusher is None or self._flusher.done():
            # A task of its own: a client that hangs up must not take others' deliveries with it.
            self._flusher = asyncio.create_task(self._flush(), name="overseer-payment-inbox")
        await done

    def close(self) -> None:
        """Keep no connection for what comes. The inbox stays usable."""
        if self._held:
            self._held.close()

    async def _flush(self) -> None:
        while self._waiting:
            batch: list[_Waiting] = []
            try:
                await self._gather()
                batch += [self._waiting.popleft() for _ in range(min(len(self._waiting), _COMMIT_AT_MOST))]
                begun = monotonic()
                await self._store(batch)
            except asyncio.CancelledError:
                _answer([*batch, *self._waiting], _not_stored())
                self._waiting.clear()
                raise
            self._price = monotonic() - begun
            self._company = min(len(batch) + len(self._waiting), _COMPANY[self._engine.dialect.name])

    async def _gather(self) -> None:
        """Let those come along that are about to: each commit has its price.

        As many as were under way together a moment ago are waited for, up to what pays, and no longer than a
        commit takes.
        """
        if len(self._waiting) < self._company:
            self._all_here.clear()
            with suppress(TimeoutError):
                async with asyncio.timeout(min(self._price, _PATIENCE)):
                    await self._all_here.wait()
        before = 0
        while before < len(self._waiting) < _COMMIT_AT_MOST:
            before = len(self._waiting)
            await asyncio.sleep(0)

    async def _store(self, batch: list[_Waiting]) -> None:
        try:
            ids = await self._committed(batch)
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

    async def _committed(self, batch: list[_Waiting]) -> dict[Account, int]:
        now = utcnow()
        if self._held and all(one.account in self._ids for one in batch):
            done = await self._held.execute(*arrivals.as_one(_arrivals(batch, self._ids), now))
            if done:
                return self._ids
            # Whatever it did before it failed is harmless: each event is stored once.
        return await committed(self._engine, _insert, batch, now, self._ids)


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
    """Store the batch; the ids of its accounts, of which `known` need not be asked for."""
    ids = dict(known)
    if unknown := {one.account for one in batch} - known.keys():
        ids |= accounts.ensure(connection, unknown)
    arrivals.insert(connection, _arrivals(batch, ids), now)
    return ids


def _arrivals(batch: Sequence[_Waiting], ids: Mapping[Account, int]) -> list[Arrival]:
    return [_arrival(ids[one.account], one) for one in batch]


def _arrival(account_id: int, waiting: _Waiting) -> Arrival:
    event = waiting.event
    return Arrival(account_id, event.id, event.type, event.api_version, waiting.body, event.occurred_at)
