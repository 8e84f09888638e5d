"""Healing in the background: recovery often, reconciliation daily, each by one replica at a time.

An installation that has heard of nothing yet imports no history by itself: recovery then begins at the
present. After a silence longer than the provider keeps events, the gap is filled from its object lists.
"""

from __future__ import annotations

import logging
from collections.abc import Awaitable, Callable, Sequence
from dataclasses import dataclass, field
from datetime import datetime, timedelta

from sqlalchemy import Connection
from sqlalchemy.ext.asyncio import AsyncEngine

from overseer_payment.committing import queried
from overseer_payment.database import utcnow
from overseer_payment.errors import PaymentError
from overseer_payment.ledger import accounts, reports
from overseer_payment.ledger.accounts import Account
from overseer_payment.sync.backfilling import backfill
from overseer_payment.sync.patience import Patience
from overseer_payment.sync.reconciliation import Reconciled, reconcile
from overseer_payment.sync.recovery import Store, recover
from overseer_payment.sync.runs import Healing, LastRun, RunState, last_runs
from overseer_payment.sync.source import Source

log = logging.getLogger("overseer_payment.sync")

WINDOW = timedelta(days=30)
"""How far back a reconciliation looks, unless told otherwise."""
_QUIET = timedelta(minutes=10)  # no event for so long: is it quiet, or does nothing reach us?
_OFTEN = timedelta(minutes=10)
_HOURLY = timedelta(hours=1)
_DAILY = timedelta(hours=24)
_RETRY = {
    Healing.RECOVERY: timedelta(minutes=5),
    Healing.BACKFILL: timedelta(minutes=15),
    Healing.RECONCILIATION: timedelta(hours=1),
}
_STARTED_AFTER = timedelta(minutes=2)  # a restart so soon after a recovery missed nothing worth asking for


@dataclass(slots=True)
class Schedule:
    """What is due when. `step()` does it; call it every minute or so, in any number of processes.

    `store` is the inbox's; `now` and `patience` are replaced in tests.
    """

    engine: AsyncEngine
    sources: Callable[[], Sequence[Source]]
    store: Store
    now: Callable[[], datetime] = utcnow
    patience: Patience = field(default_factory=Patience)
    _fresh: bool = True

    async def step(self) -> int:
        """Do what is due; answers how many runs that were. A provider's trouble is noted in the run's row."""
        fresh, self._fresh = self._fresh, False
        done = 0
        for source in self.sources():
            runs = {run.kind: run for run in await last_runs(self.engine) if run.account == source.account}
            heard = await self._heard(source)
            if source.tells_events and self._recovery_due(runs.get(Healing.RECOVERY), heard, fresh=fresh):
                done += await self._run(self._recover(source, heard))
            if source.tells_objects and self._gap(runs):
                done += await self._run(self._fill(source, runs[Healing.RECOVERY]))
            if source.tells_objects and self._reconciliation_due(runs.get(Healing.RECONCILIATION), heard):
                done += await self._run(self._reconcile(source))
        return done

    # -- what is due -----------------------------------------------------------------------------

    def _recovery_due(self, run: LastRun | None, heard: _Heard, *, fresh: bool) -> bool:
        if run is None or run.finished_at is None:
            return self._may_try(run)
        age = self.now() - run.finished_at
        quiet = heard.last is None or self.now() - heard.last > _QUIET
        due = age > _HOURLY or (quiet and age > _OFTEN) or (fresh and age > _STARTED_AFTER)
        return due and self._may_try(run)

    def _reconciliation_due(self, run: LastRun | None, heard: _Heard) -> bool:
        since = run.finished_at if run is not None and run.finished_at is not None else heard.first
        return since is not None and self.now() - since > _DAILY and self._may_try(run)

    def _gap(self, runs: dict[Healing, LastRun]) -> bool:
        recovery = runs.get(Healing.RECOVERY)
        return (
            recovery is not None
            and recovery.gap_since is not None
            and self._may_try(runs.get(Healing.BACKFILL))
        )

    def _may_try(self, run: LastRun | None) -> bool:
        """Not while somebody is at it, and not at once after a failure."""
        if run is None or run.started_at is None or run.state is RunState.INTERRUPTED:
            return True
        if run.state is RunState.RUNNING:
            return False
        return run.state is RunState.DONE or self.now() - run.started_at > _RETRY[run.kind]

    # -- doing it --------------------------------------------------------------------------------

    async def _run(self, work: Awaitable[bool]) -> int:
        try:
            return int(await work)
        except PaymentError as error:
            log.warning("healing could not be completed: %s: %s", type(error).__name__, error.detail)
            return 0

    async def _recover(self, source: Source, heard: _Heard) -> bool:
        start = self.now() if heard.first is None else None
        done = await recover(
            self.engine, source, self.store, start=start, polite=True, patience=self.patience
        )
        if done is not None and done.missed:
            log.warning("%d events had never arrived and were recovered", sum(done.missed.values()))
        return done is not None

    async def _fill(self, source: Source, recovery: LastRun) -> bool:
        log.warning("events since %s are told no more: reading objects instead", recovery.gap_since)
        done = await backfill(
            self.engine, source, since=recovery.gap_since, polite=True, patience=self.patience
        )
        return done is not None

    async def _reconcile(self, source: Source) -> bool:
        since = self.now() - WINDOW
        done = await reconcile(
            self.engine, source, since=since, heal=True, polite=True, patience=self.patience
        )
        if done is not None and (done.drift or done.sums):
            _warn(done)
        return done is not None

    async def _heard(self, source: Source) -> _Heard:
        return await queried(self.engine, _heard, source.account)


@dataclass(frozen=True, slots=True)
class _Heard:
    """When the first and the last event of an account arrived here."""

    first: datetime | None
    last: datetime | None


def _heard(connection: Connection, account: Account) -> _Heard:
    ids = [id for known, id in accounts.known(connection).items() if known == account]
    return _Heard(reports.first_event_at(connection, ids), reports.last_event_at(connection, ids))


def _warn(done: Reconciled) -> None:
    log.warning(
        "reconciliation found %d differences and %d wrong totals; %d are left",
        len(done.drift),
        done.sums,
        done.unhealed,
    )
