"""Runs of healing: who is at it, how far it came, how it ended. One row each, in step with what it wrote.

A lease is renewed by every page. Background runs respect it; a person's command takes it over, also from
a process that was killed, and whoever lost it ends at its next page: both would write the same.
"""

from __future__ import annotations

import json
import uuid
from collections.abc import AsyncIterator, Callable, Mapping, Sequence
from contextlib import asynccontextmanager, suppress
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from enum import StrEnum
from typing import Any, TypeVar

from sqlalchemy import ColumnElement, Connection, Row, and_, or_, select, update
from sqlalchemy.dialects import postgresql, sqlite
from sqlalchemy.ext.asyncio import AsyncEngine

from overseer_payment.committing import committed, queried
from overseer_payment.database import utcnow
from overseer_payment.errors import Conflict, DatabaseError
from overseer_payment.faults import describe
from overseer_payment.ledger import accounts
from overseer_payment.ledger.accounts import Account
from overseer_payment.tables import sync as table

T = TypeVar("T")

LEASE = timedelta(minutes=3)  # longer than one page with its retries


class Healing(StrEnum):
    """Kinds of healing."""

    RECOVERY = "recovery"  # missed events, by the event list
    BACKFILL = "backfill"  # history, by the object lists
    RECONCILIATION = "reconciliation"  # comparing, and healing the difference


class RunState(StrEnum):
    RUNNING = "running"
    DONE = "done"
    FAILED = "failed"
    INTERRUPTED = "interrupted"  # running, said its row, but its lease has lapsed


@dataclass(frozen=True, slots=True, kw_only=True)
class LastRun:
    """The present or last run of one kind for one account.

    `since`, `reached`, `covered_until` and `gap_since` are moments of the provider's clock.
    `finished_at` is when a run was last completed. `drift` holds what the last reconciliation found
    (`Drift.told()`), at most a few hundred; `counts["drift"]` says how many there were, and
    `counts["healed"]` how many of them it healed.
    """

    account: Account
    kind: Healing
    state: RunState
    since: datetime | None = None
    reached: datetime | None = None
    covered_until: datetime | None = None
    gap_since: datetime | None = None
    counts: Mapping[str, Any] = field(default_factory=dict)
    drift: Sequence[Mapping[str, Any]] = ()
    error: str | None = None
    started_at: datetime | None = None
    finished_at: datetime | None = None


async def last_runs(engine: AsyncEngine, *, now: datetime | None = None) -> list[LastRun]:
    """How healing stands, by account and kind; kinds that never ran are missing."""
    ran = select(table).where(table.c.started_at.is_not(None)).order_by(table.c.account_id, table.c.kind)
    rows, known = await queried(engine, lambda c: (c.execute(ran).all(), accounts.known(c)))
    of = {id: account for account, id in known.items()}
    return [_told(of[row.account_id], row, now or utcnow()) for row in rows if row.account_id in of]


def _told(account: Account, row: Row[Any], now: datetime) -> LastRun:
    lapsed = row.state == RunState.RUNNING and (row.leased_until is None or row.leased_until < now)
    return LastRun(
        account=account,
        kind=Healing(row.kind),
        state=RunState.INTERRUPTED if lapsed else RunState(row.state),
        since=row.since,
        reached=row.reached,
        covered_until=row.covered_until,
        gap_since=row.gap_since,
        counts=json.loads(row.counts),
        drift=json.loads(row.drift),
        error=row.error,
        started_at=row.started_at,
        finished_at=row.finished_at,
    )


@dataclass(slots=True)
class Run:
    """A run under way. `before` is what stood in its row, `cursor` where that run stopped, if it did."""

    engine: AsyncEngine
    account: Account
    account_id: int
    kind: Healing
    before: LastRun
    cursor: str | None
    holder: str

    async def commit(self, work: Callable[[Connection], T] | None = None, **values: Any) -> T | None:
        """Write down how far the run came, in one transaction with `work`. Raises Conflict if taken over."""

        def both(connection: Connection) -> T | None:
            self._hold(connection, values)
            return work(connection) if work is not None else None

        return await committed(self.engine, both)

    async def renew(self) -> None:
        """Keep the lease: still at it."""
        await self.commit()

    async def finish(self, **values: Any) -> None:
        """The run came to its end."""
        ended = {"state": RunState.DONE.value, "cursor": None, "finished_at": utcnow(), "error": None}
        await self.commit(**{**values, **ended, "leased_until": None})

    async def fail(self, error: BaseException) -> None:
        """The run broke off; its cursor stays, so that the next one goes on there."""
        said = describe(error) if isinstance(error, Exception) else "Interrupted."
        with suppress(Conflict, DatabaseError):
            await self.commit(state=RunState.FAILED.value, error=said, leased_until=None)

    def _hold(self, connection: Connection, values: Mapping[str, Any]) -> None:
        # First in the transaction: on PostgreSQL this also keeps a successor waiting until we committed.
        set_ = {"leased_until": utcnow() + LEASE, **_stored(values)}
        mine = _row(self.account_id, self.kind)
        done = connection.execute(update(table).where(mine, table.c.holder == self.holder).values(set_))
        if not done.rowcount:
            raise Conflict(f"Another {self.kind} of this account took over. Nothing is lost.")


@asynccontextmanager
async def begun(
    engine: AsyncEngine, account: Account, kind: Healing, *, polite: bool
) -> AsyncIterator[Run | None]:
    """A run that fails if the block raises. None if somebody is at it and we are `polite`."""
    run = await committed(engine, _take, engine, account, kind, polite)
    if run is None:
        yield None
        return
    try:
        yield run
    except BaseException as error:
        await run.fail(error)
        raise


def _take(
    connection: Connection, engine: AsyncEngine, account: Account, kind: Healing, polite: bool
) -> Run | None:
    now, holder = utcnow(), uuid.uuid4().hex
    account_id = accounts.ensure(connection, [account])[account]
    mine = _row(account_id, kind)
    _make(connection, account_id, kind)
    row = connection.execute(select(table).where(mine).with_for_update()).one()
    free = or_(table.c.leased_until.is_(None), table.c.leased_until < now)
    taken = update(table).where(mine, free) if polite else update(table).where(mine)
    values = {
        "holder": holder,
        "leased_until": now + LEASE,
        "state": RunState.RUNNING.value,
        "started_at": now,
    }
    if not connection.execute(taken.values(_stored(values))).rowcount:
        return None
    before = _told(account, row, now)
    return Run(engine, account, account_id, kind, before, row.cursor, holder)


def note(connection: Connection, account_id: int, kind: Healing, **values: Any) -> None:
    """Write into the row of another kind of healing, held or not; makes the row where it is missing."""
    _make(connection, account_id, kind)
    connection.execute(update(table).where(_row(account_id, kind)).values(_stored(values)))


def standing(connection: Connection, account_id: int, kind: Healing) -> Row[Any] | None:
    """The row of one kind of healing."""
    return connection.execute(select(table).where(_row(account_id, kind))).one_or_none()


def _row(account_id: int, kind: Healing) -> ColumnElement[bool]:
    return and_(table.c.account_id == account_id, table.c.kind == kind.value)


def _make(connection: Connection, account_id: int, kind: Healing) -> None:
    dialect = postgresql if connection.dialect.name == "postgresql" else sqlite
    new = {"account_id": account_id, "kind": kind.value, "state": RunState.DONE.value}
    connection.execute(dialect.insert(table).values(new).on_conflict_do_nothing())


def _stored(values: Mapping[str, Any]) -> dict[str, Any]:
    """Counts and drift are JSON in their columns."""
    return {
        name: json.dumps(value) if name in {"counts", "drift"} else value for name, value in values.items()
    }
