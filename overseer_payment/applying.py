"""Applies stored events: translates them and records what they say.

The rows that are worked on are locked in the same transaction that writes the ledger: whoever dies in
between leaves them pending, and nobody applies one twice.
"""

from __future__ import annotations

import asyncio
import logging
from collections import defaultdict
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any

from sqlalchemy import Connection, Row, Select, select, update
from sqlalchemy.ext.asyncio import AsyncEngine

from overseer_payment.committing import committed, is_deadlock, queried, unbroken
from overseer_payment.database import read_at_once, utcnow, write_at_once
from overseer_payment.errors import ConfigurationError, DatabaseError
from overseer_payment.faults import describe, place
from overseer_payment.inbox import APPLIED, DEAD, DUE, FAILED, IGNORED
from overseer_payment.ledger import accounts, forgetting, forgetting_events, jsontext, wants
from overseer_payment.ledger.accounts import Account
from overseer_payment.provider import Event, Parsed, Provider, Ref, Snapshot
from overseer_payment.recording import take
from overseer_payment.tables import event as table

log = logging.getLogger("overseer_payment.applying")

# 2 s, 4 s, … capped at 6 h: about three days, as long as the provider itself would retry.
MAX_ATTEMPTS = 26
# A batch costs some fifty statements, however large it is. On PostgreSQL each id that it touches is a lock
# in a table of limited size, which all processes share.
_BATCH = defaultdict(lambda: 128, sqlite=256)
_MAX_DELAY = timedelta(hours=6)


@dataclass(slots=True)
class Applier:
    """Applies events of the providers that this process can translate for.

    Those of others wait: a process without a provider's plugin must not use up their attempts.
    """

    engine: AsyncEngine
    providers: Callable[[], Mapping[str, Provider]]
    turn: asyncio.Lock
    """Held while recording: what one process records side by side would only wait for itself."""
    now: Callable[[], datetime] = utcnow

    @property
    def batch(self) -> int:
        """How many events are applied together at most."""
        return _BATCH[self.engine.dialect.name]

    async def step(self, *, limit: int | None = None) -> int:
        """Apply up to `limit` due events (default: as many as pay); answers how many were dealt with.

        A batch is one transaction. If one of its events can't be applied, each gets a transaction of
        its own, so that a poison event costs only itself.
        """
        providers, limit = self.providers(), limit or self.batch
        due = await self._due(providers, limit)
        if not due:
            return 0
        try:
            return await unbroken(self._transaction(self._apply, providers, limit))
        except Exception as error:
            if is_deadlock(error):
                await asyncio.sleep(0.05)
                return 1
            if isinstance(error, DatabaseError):
                raise
            log.warning("a batch of events could not be applied together: %s", place(error))
        for id in due:
            await self._alone(providers, id)
        return len(due)

    async def these(self, ids: Sequence[int]) -> None:
        """Apply these events now, each for itself, if they are pending or failed and this process can."""
        providers = self.providers()
        for id in ids:
            if await queried(self.engine, _is_open, providers, id):
                await self._alone(providers, id)

    async def _due(self, providers: Mapping[str, Provider], limit: int) -> list[int]:
        """What there is to do, looked for without a lock: idle processes must disturb nobody."""
        return await unbroken(
            read_at_once(self.engine, lambda c: list(c.execute(self._query(c, providers, limit)).scalars()))
        )

    def _query(self, connection: Connection, providers: Mapping[str, Provider], limit: int) -> Select[Any]:
        query = _open(connection, providers).where(table.c.due_at <= self.now())
        return query.order_by(table.c.due_at, table.c.id).limit(limit)

    async def _transaction(self, work: Callable[..., int], *args: Any) -> int:
        async with self.turn:
            return await write_at_once(self.engine, lambda connection: work(connection, *args))

    def _apply(self, connection: Connection, providers: Mapping[str, Provider], limit: int) -> int:
        # With the query inside: of two workers the second gets the next events, not none.
        query = self._query(connection, providers, limit).with_for_update(skip_locked=True)
        return self._apply_these(connection, providers, list(connection.execute(query).scalars()))

    async def _alone(self, providers: Mapping[str, Provider], id: int) -> None:
        try:
            await unbroken(self._transaction(self._apply_these, providers, [id]))
        except Exception as error:
            # A deadlock is nobody's fault and is no attempt: the event stays due as it is.
            if is_deadlock(error):
                return
            if isinstance(error, DatabaseError):
                raise
            async with self.turn:
                await committed(self.engine, _fail, id, error, self.now())

    def _apply_these(self, connection: Connection, providers: Mapping[str, Provider], ids: list[int]) -> int:
        query = select(table).where(table.c.id.in_(ids), table.c.status.in_(DUE)).order_by(table.c.id)
        rows = list(connection.execute(query.with_for_update(skip_locked=True)))
        if rows:
            now = self.now()
            _finish(connection, _translate_and_record(connection, providers, rows, now), now)
        return len(rows)


def _open(connection: Connection, providers: Mapping[str, Provider]) -> Select[Any]:
    """Ids of events that wait for somebody with one of these providers."""
    ours = [id for account, id in accounts.known(connection).items() if account.provider in providers]
    return select(table.c.id).where(table.c.status.in_(DUE), table.c.account_id.in_(ours))


def _is_open(connection: Connection, providers: Mapping[str, Provider], id: int) -> bool:
    query = _open(connection, providers).where(table.c.id == id)
    return connection.execute(query).one_or_none() is not None


def event_of(row: Row[Any], home: Account) -> Event:
    """The stored event as the provider's `parse` takes it. `home` says whose it is, and the mode.

    How a payload tells those only its provider knows, who told it when the event came.
    """
    return Event(
        id=row.provider_event_id,
        type=row.type,
        occurred_at=row.occurred_at,
        livemode=home.livemode,
        api_version=row.api_version,
        account=None if home.account in accounts.OWN else home.account,
        payload=jsontext.loads(row.payload),
    )


def _translate_and_record(
    connection: Connection, providers: Mapping[str, Provider], rows: Sequence[Row[Any]], now: datetime
) -> dict[int, str]:
    """With which status each row ends: those that say nothing about money as ignored."""
    ended: dict[int, str] = {}
    told: dict[int, list[Snapshot]] = {}
    asked: dict[int, dict[Ref, datetime | None]] = {}
    said: dict[int, dict[int, tuple[Sequence[Snapshot], set[str]]]] = {}
    of = {id: account for account, id in accounts.known(connection).items()}
    for row in rows:
        home = of[row.account_id]
        parsed = providers[home.provider].parse(event_of(row, home))
        told.setdefault(row.account_id, []).extend(parsed.snapshots)
        wanted = asked.setdefault(row.account_id, {})
        for ref in parsed.fetch:
            wanted[ref] = max(wanted.get(ref) or row.occurred_at, row.occurred_at)
        said.setdefault(row.account_id, {})[row.id] = parsed.snapshots, _only_named(row, parsed)
        ended[row.id] = APPLIED if parsed.snapshots or parsed.fetch else IGNORED
    for account_id in sorted(told):
        if told[account_id]:
            take(connection, account_id, told[account_id], now=now, insist=True)
        wants.ask(connection, account_id, asked[account_id], wants.UNREADABLE, now=now)
        # What is told of people after they were erased is not kept as it came either.
        forgetting_events.blank(connection, forgetting.about_erased(connection, account_id, said[account_id]))
    return ended


def _only_named(row: Row[Any], parsed: Parsed) -> set[str]:
    """What an event names without saying more; of one that we don't read, all that may be an id."""
    if parsed.snapshots or parsed.fetch:
        return {ref.id for ref in parsed.fetch}
    return forgetting_events.ids_in(jsontext.loads(row.payload))


def _finish(connection: Connection, ended: dict[int, str], now: datetime) -> None:
    for status in sorted(set(ended.values())):
        ids = [id for id, its in ended.items() if its == status]
        values = {"status": status, "applied_at": now, "last_error": None, "attempts": table.c.attempts + 1}
        connection.execute(update(table).where(table.c.id.in_(ids)).values(values))


def _fail(connection: Connection, id: int, error: Exception, now: datetime) -> None:
    query = select(table.c.attempts).where(table.c.id == id, table.c.status.in_(DUE)).with_for_update()
    counted = connection.execute(query).scalar_one_or_none()
    if counted is None:
        return  # meanwhile another worker applied it
    attempts = counted + 1
    delay = min(timedelta(seconds=2 ** min(attempts, 20)), _MAX_DELAY)
    # What the operator can mend by a setting must not have died when it is mended.
    dead = attempts >= MAX_ATTEMPTS and not isinstance(error, ConfigurationError)
    log.warning("event %d could not be applied (attempt %d): %s", id, attempts, place(error))
    connection.execute(
        update(table)
        .where(table.c.id == id)
        .values(
            status=DEAD if dead else FAILED, attempts=attempts, last_error=describe(error), due_at=now + delay
        )
    )
