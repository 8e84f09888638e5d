"""Recovery: ask the provider for past events, and put those that never arrived into the inbox.

From there on they are ordinary events, under the same unique key: an event that did arrive, or that
arrives later all the same, changes nothing.
"""

from __future__ import annotations

import asyncio
import json
import logging
from collections import Counter
from collections.abc import Awaitable, Callable, Iterable
from dataclasses import dataclass, field, replace
from datetime import datetime, timedelta
from typing import Any, TypeAlias

from sqlalchemy import Connection, func, select
from sqlalchemy.ext.asyncio import AsyncEngine

from overseer_payment import tables
from overseer_payment.committing import queried
from overseer_payment.errors import DatabaseError, ObjectAbsent, ProviderRejected, ProviderUnavailable
from overseer_payment.ledger import accounts
from overseer_payment.ledger.accounts import Account
from overseer_payment.ledger.objects import chunks
from overseer_payment.provider import Event, EventPage
from overseer_payment.sync.patience import Patience
from overseer_payment.sync.runs import Healing, Run, RunState, begun
from overseer_payment.sync.source import Source

log = logging.getLogger("overseer_payment.sync")

Store: TypeAlias = Callable[[Account, Event, str], Awaitable[None]]
"""`Inbox.store`: returns once the event is committed."""
Progress: TypeAlias = Callable[[str, int], None]
"""Told what is being read and how many of it so far."""

OVERLAP = timedelta(minutes=10)
"""Asked for again: the list lags behind, and what it told last may have been incomplete."""
_QUIET = timedelta(hours=1)  # no silence worth a back-fill
_MOST_PAGES = 100_000


@dataclass(frozen=True, slots=True, kw_only=True)
class Recovered:
    """What a recovery came to. `missed` counts, by type, the events that had never arrived.

    Events between `gap_since` and `kept_since` may be missing, and the provider tells them no more:
    only a back-fill since then makes the ledger whole.
    """

    since: datetime | None
    until: datetime
    listed: int
    missed: dict[str, int]
    gap_since: datetime | None = None
    kept_since: datetime | None = None


@dataclass(slots=True)
class _Tally:
    """How far a recovery came. `heard`: until when every event is known to be here."""

    since: datetime | None
    heard: datetime | None
    gap_since: datetime | None
    cursor: str | None = None
    reached: datetime | None = None
    listed: int = 0
    missed: Counter[str] = field(default_factory=Counter)
    kept_since: datetime | None = None

    def onwards(self) -> _Tally:
        """From where a run that was cut short would have ended."""
        assert self.reached is not None
        since = self.reached - OVERLAP
        return replace(self, since=since, heard=self.reached, cursor=None, reached=None)

    def row(self) -> dict[str, Any]:
        """As it is kept in the run's row."""
        counts = {"listed": self.listed, "missed": dict(self.missed)}
        return {
            "since": self.since,
            "cursor": self.cursor,
            "reached": self.reached,
            "gap_since": self.gap_since,
            "counts": counts,
        }


async def recover(
    engine: AsyncEngine,
    source: Source,
    store: Store,
    *,
    start: datetime | None = None,
    polite: bool = False,
    patience: Patience | None = None,
    progress: Progress | None = None,
) -> Recovered | None:
    """Store every event since the last recovery; if there was none, since `start` (None: all that are kept).

    A run that was cut short goes on where it stopped. None if somebody else is at it and we are `polite`.
    Raises NotSupported, ProviderError, DatabaseError; Conflict when taken over.
    """
    source.events()
    async with begun(engine, source.account, Healing.RECOVERY, polite=polite) as run:
        if run is None:
            return None
        work = _Recovery(run, source, store, patience or Patience(), progress)
        tally = _resumed(run)
        if tally is not None:
            await work.read_all(tally)
            tally = tally.onwards()
        tally = tally or _fresh(run, start)
        await work.read_all(tally)
        assert tally.reached is not None
        await run.finish(**tally.row() | {"covered_until": tally.reached})
    return Recovered(
        since=tally.since,
        until=tally.reached,
        listed=tally.listed,
        missed=dict(tally.missed),
        gap_since=tally.gap_since,
        kept_since=tally.kept_since,
    )


def _fresh(run: Run, start: datetime | None) -> _Tally:
    covered = run.before.covered_until
    since = covered or start
    return _Tally(since - OVERLAP if since else None, covered, run.before.gap_since)


def _resumed(run: Run) -> _Tally | None:
    before, counts = run.before, run.before.counts
    if run.cursor is None or before.reached is None or before.state is RunState.DONE:
        return None
    tally = _Tally(before.since, before.covered_until, before.gap_since, run.cursor, before.reached)
    tally.listed = counts.get("listed", 0)
    tally.missed.update(counts.get("missed", {}))
    return tally


@dataclass(frozen=True, slots=True)
class _Recovery:
    run: Run
    source: Source
    store: Store
    patience: Patience
    progress: Progress | None

    async def read_all(self, tally: _Tally) -> None:
        """Read page after page from the tally's cursor to the list's end."""
        for _ in range(_MOST_PAGES):
            page = await self._page(tally)
            asked = tally.cursor
            if tally.reached is None:
                await self._begin(tally, page)
            tally.missed.update(await self._store(page.events))
            tally.listed += len(page.events)
            tally.cursor = page.next_cursor
            await self.run.commit(**tally.row())
            if self.progress is not None:
                self.progress("event", tally.listed)
            if page.next_cursor is None:
                return
            if page.next_cursor == asked:
                break
        raise ProviderUnavailable(f"{self.source.spec.title}'s list of events does not end. Try again later.")

    async def _page(self, tally: _Tally) -> EventPage:
        try:
            return await self._ask(tally)
        except (ProviderRejected, ObjectAbsent):
            if tally.cursor is None:
                raise
        # The event that an earlier run stopped at is no longer kept. What it stored stays stored.
        tally.cursor = tally.reached = None
        return await self._ask(tally)

    async def _ask(self, tally: _Tally) -> EventPage:
        events = self.source.events()
        return await self.patience.read(
            lambda: events.list_events(tally.since, cursor=tally.cursor), meanwhile=self.run.renew
        )

    async def _begin(self, tally: _Tally, page: EventPage) -> None:
        """At the first page: is what we last heard older than what the provider still tells?"""
        tally.reached, tally.kept_since = page.as_of, page.kept_since
        if page.kept_since is None:
            return
        heard = tally.heard or await self._last_heard(page.kept_since)
        if heard is not None and heard < page.kept_since:
            tally.gap_since = min(filter(None, (tally.gap_since, heard - OVERLAP)))

    async def _last_heard(self, kept_since: datetime) -> datetime | None:
        """Where no recovery ever vouched for anything: the last event before a silence, if there was one."""
        column = tables.event.c
        newest = select(func.max(column.occurred_at)).where(
            column.account_id == self.run.account_id, column.occurred_at < kept_since
        )
        found: datetime | None = await queried(self.run.engine, lambda c: c.execute(newest).scalar_one())
        return found if found is not None and kept_since - found > _QUIET else None

    async def _store(self, events: Iterable[Event]) -> Counter[str]:
        """Put events into the inbox as their deliveries would have; answers those that were not there."""
        home, by_account = self.source.account, dict[Account, list[Event]]()
        for event in events:
            # As the webhook tells accounts apart: by the mode and the connected account an event names.
            account = Account(home.provider, event.account or home.account, event.livemode)
            by_account.setdefault(account, []).append(event)
        missed: Counter[str] = Counter()
        for account, told in by_account.items():
            known = await queried(self.run.engine, _known, account, [event.id for event in told])
            fresh = [event for event in told if event.id not in known]
            missed.update(event.type for event in await self._put(account, fresh))
        return missed

    async def _put(self, account: Account, events: list[Event]) -> list[Event]:
        """Those that were stored. One that is refused for its own sake must not hold up the rest."""
        work = (self.store(account, event, _body(event)) for event in events)
        outcomes = await asyncio.gather(*work, return_exceptions=True)
        failed = [error for error in outcomes if error is not None]
        for error in failed:
            if not isinstance(error, DatabaseError):
                raise error
        if failed:
            await self.run.renew()  # raises if it is the database itself that fails
            log.error("%d events that the provider tells of can't be stored", len(failed))
        return [event for event, error in zip(events, outcomes, strict=True) if error is None]


def _body(event: Event) -> str:
    return json.dumps(event.payload, separators=(",", ":"))


def _known(connection: Connection, account: Account, ids: list[str]) -> set[str]:
    account_id, found = accounts.known(connection).get(account), set[str]()
    column = tables.event.c
    for some in chunks(ids) if account_id is not None else ():
        query = select(column.provider_event_id).where(
            column.account_id == account_id, column.provider_event_id.in_(some)
        )
        found.update(connection.execute(query).scalars())
    return found
