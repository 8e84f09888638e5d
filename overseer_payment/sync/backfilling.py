"""Back-fill: read the provider's objects, kind by kind and page by page, and record them.

Each page is one transaction together with the cursor of the next: a run that is killed at any moment
goes on with the page it had not recorded. Customers come without a user; linking them is a person's
decision, because e-mail addresses are not unique.
"""

from __future__ import annotations

import json
from collections import Counter
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any

from sqlalchemy import Connection
from sqlalchemy.ext.asyncio import AsyncEngine

from overseer_payment.database import utcnow
from overseer_payment.errors import ObjectAbsent, ProviderRejected, ProviderUnavailable
from overseer_payment.provider import Kind, SnapshotPage
from overseer_payment.recording import take
from overseer_payment.sync.patience import Patience
from overseer_payment.sync.recovery import Progress
from overseer_payment.sync.runs import Healing, Run, RunState, begun, note, standing
from overseer_payment.sync.source import Source

# In an order in which later objects find what they name: then hardly anything is asked for one by one.
KINDS = (
    Kind.CUSTOMER,
    Kind.PRODUCT,
    Kind.SUBSCRIPTION,
    Kind.CHARGE,
    Kind.PAYMENT,
    Kind.REFUND,
    Kind.INVOICE,
    Kind.CHECKOUT,
    Kind.DISPUTE,
)
_MOST_PAGES = 1_000_000


@dataclass(frozen=True, slots=True, kw_only=True)
class Backfilled:
    """What a back-fill came to: objects read by kind, rows made or altered, objects that can't be read."""

    since: datetime | None
    until: datetime
    resumed: bool
    objects: dict[str, int]
    rows: int
    unreadable: int


@dataclass(slots=True)
class _Tally:
    since: datetime | None
    kind: int = 0  # position in KINDS
    cursor: str | None = None
    reached: datetime | None = None
    objects: Counter[str] = field(default_factory=Counter)
    rows: int = 0
    unreadable: int = 0

    def row(self) -> dict[str, Any]:
        """As it is kept in the run's row."""
        at = json.dumps([KINDS[self.kind].value, self.cursor]) if self.kind < len(KINDS) else None
        counts = {"objects": dict(self.objects), "rows": self.rows, "unreadable": self.unreadable}
        return {"since": self.since, "cursor": at, "reached": self.reached, "counts": counts}


async def backfill(
    engine: AsyncEngine,
    source: Source,
    *,
    since: datetime | None = None,
    polite: bool = False,
    patience: Patience | None = None,
    progress: Progress | None = None,
) -> Backfilled | None:
    """Record every object made since that moment (None: of all times), and older ones that live on.

    A run with the same `since` that was cut short goes on where it stopped. None if somebody else is at
    it and we are `polite`. Raises NotSupported, ProviderError, DatabaseError; Conflict when taken over.
    """
    source.objects()
    async with begun(engine, source.account, Healing.BACKFILL, polite=polite) as run:
        if run is None:
            return None
        resumed = _resumed(run, since)
        work = _Backfill(run, source, patience or Patience(), progress)
        tally = await work.read_all(resumed or _Tally(since))
        reached = tally.reached
        assert reached is not None
        await run.commit(lambda connection: _vouch(connection, run.account_id, since, reached))
        await run.finish(**tally.row())
    return Backfilled(
        since=since,
        until=reached,
        resumed=resumed is not None,
        objects=dict(tally.objects),
        rows=tally.rows,
        unreadable=tally.unreadable,
    )


def _resumed(run: Run, since: datetime | None) -> _Tally | None:
    if run.cursor is None or run.before.state is RunState.DONE or run.before.since != since:
        return None
    kind, cursor = json.loads(run.cursor)
    counts = run.before.counts
    return _Tally(
        since,
        KINDS.index(Kind(kind)),
        cursor,
        run.before.reached,
        Counter(counts.get("objects", {})),
        counts.get("rows", 0),
        counts.get("unreadable", 0),
    )


def _vouch(connection: Connection, account_id: int, since: datetime | None, reached: datetime) -> None:
    """What is recorded now is at least as new as `reached`: no event before it is missed any more."""
    row = standing(connection, account_id, Healing.RECOVERY)
    gap = row.gap_since if row is not None else None
    if gap is not None and (since is None or since <= gap):
        note(connection, account_id, Healing.RECOVERY, gap_since=None)
    if since is None and (row is None or row.covered_until is None):
        note(connection, account_id, Healing.RECOVERY, covered_until=reached)


@dataclass(frozen=True, slots=True)
class _Backfill:
    run: Run
    source: Source
    patience: Patience
    progress: Progress | None

    async def read_all(self, tally: _Tally) -> _Tally:
        """Read and record page after page to the end of the last kind."""
        for _ in range(_MOST_PAGES):
            if tally.kind == len(KINDS):
                return tally
            asked, kind = tally.cursor, KINDS[tally.kind]
            page = await self._page(kind, tally)
            if page.next_cursor is not None and page.next_cursor == asked:
                break
            await self._record(kind, tally, page)
            if self.progress is not None:
                self.progress(kind.value, tally.objects[kind.value])
        raise ProviderUnavailable(f"{self.source.spec.title}'s lists do not end. Try again later.")

    async def _page(self, kind: Kind, tally: _Tally) -> SnapshotPage:
        try:
            return await self._ask(kind, tally)
        except (ProviderRejected, ObjectAbsent):
            if tally.cursor is None:
                raise
        # The object that an earlier run stopped at is gone: begin this kind anew, which costs reads only.
        tally.cursor = None
        del tally.objects[kind.value]
        return await self._ask(kind, tally)

    async def _ask(self, kind: Kind, tally: _Tally) -> SnapshotPage:
        objects = self.source.objects()
        return await self.patience.read(
            lambda: objects.list_objects(kind, since=tally.since, cursor=tally.cursor),
            meanwhile=self.run.renew,
        )

    async def _record(self, kind: Kind, tally: _Tally, page: SnapshotPage) -> None:
        """Write one page and where to go on, together."""
        before = tally.rows
        tally.reached = tally.reached or page.as_of
        tally.objects[kind.value] += sum(snapshot.kind is kind for snapshot in page.snapshots)
        tally.unreadable += len(page.unreadable)
        tally.cursor = page.next_cursor
        tally.kind += page.next_cursor is None

        def work(connection: Connection) -> None:
            done = take(connection, self.run.account_id, page.snapshots, now=utcnow())
            tally.rows = before + len(done.changes)
            note(connection, self.run.account_id, Healing.BACKFILL, **tally.row())

        await self.run.commit(work)
