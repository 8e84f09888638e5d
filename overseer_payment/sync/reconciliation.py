"""Reconciliation: read what the provider has, compare, report, and heal if asked to.

Reading comes first and writes nothing. What seems to differ is looked at once more after a pause, freshly
read: a delivery that was on its way has arrived by then, and a list that lagged behind has caught up.
"""

from __future__ import annotations

import asyncio
from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass, field, replace
from datetime import datetime
from functools import partial
from typing import TypeVar

from sqlalchemy import Connection
from sqlalchemy.ext.asyncio import AsyncEngine

from overseer_payment.committing import queried
from overseer_payment.database import utcnow
from overseer_payment.errors import ObjectAbsent, ProviderRateLimited, ProviderUnavailable
from overseer_payment.ledger import objects
from overseer_payment.provider import AsOf, Kind, Ref, Snapshot, SnapshotPage
from overseer_payment.provider import Source as ReadFrom
from overseer_payment.recording import take
from overseer_payment.sync import drift
from overseer_payment.sync.backfilling import KINDS
from overseer_payment.sync.drift import Drift, What
from overseer_payment.sync.patience import Patience
from overseer_payment.sync.recovery import Progress
from overseer_payment.sync.runs import Healing, Run, begun
from overseer_payment.sync.source import Source
from overseer_payment.sync.stored import unseen
from overseer_payment.sync.sums import mend_sums, wrong_sums

T = TypeVar("T")

PAUSE = 3.0  # seconds
MOST_DRIFT = 10_000
_KEPT = 200  # of the report, in the run's row
_AT_ONCE = 8
_BATCH = 100
_MOST_PAGES = 1_000_000


@dataclass(frozen=True, slots=True, kw_only=True)
class Reconciled:
    """What a reconciliation found. `objects` counts what was compared, by kind.

    `sums` is how many totals did not equal the rows. `truncated`: there is more drift than one report
    holds; a back-fill is the better cure then.
    """

    since: datetime | None
    until: datetime
    objects: dict[str, int]
    drift: tuple[Drift, ...]
    unreadable: int
    sums: int
    healing: bool
    truncated: bool

    @property
    def unhealed(self) -> int:
        """How many differences remain."""
        return sum(not one.healed for one in self.drift) + (0 if self.healing else self.sums)

    @property
    def agrees(self) -> bool:
        """Do ledger and provider agree now, as far as was compared?"""
        return not self.unhealed and not self.truncated


async def reconcile(
    engine: AsyncEngine,
    source: Source,
    *,
    since: datetime | None,
    heal: bool = False,
    polite: bool = False,
    patience: Patience | None = None,
    progress: Progress | None = None,
) -> Reconciled | None:
    """Compare every object made since that moment (None: all), and older ones that are unfinished.

    With `heal` the provider's word is recorded where it differs. None if somebody else is at it and we
    are `polite`. Raises NotSupported, ProviderError, DatabaseError; Conflict when taken over.
    """
    source.objects()
    async with begun(engine, source.account, Healing.RECONCILIATION, polite=polite) as run:
        if run is None:
            return None
        work = _Reconciliation(run, source, since, patience or Patience(), progress)
        await work.read_all()
        found = await work.confirm()
        sums = await wrong_sums(engine)
        if heal:
            found = await work.heal(found)
            sums = await mend_sums(engine) if sums else 0
        result = work.result(found, sums, heal)
        counts = {
            "objects": result.objects,
            "drift": len(found),
            "healed": sum(one.healed for one in found),
            "sums": sums,
            "unhealed": result.unhealed,
            "unreadable": result.unreadable,
        }
        told = [one.told() for one in found[:_KEPT]]
        await run.finish(since=since, reached=result.until, counts=counts, drift=told)
    return result


@dataclass(slots=True)
class _Reconciliation:
    run: Run
    source: Source
    since: datetime | None
    patience: Patience
    progress: Progress | None
    reached: datetime | None = None
    counted: Counter[str] = field(default_factory=Counter)
    suspects: dict[Ref, Snapshot] = field(default_factory=dict)
    changed: set[Ref] = field(default_factory=set)
    gone: set[Ref] = field(default_factory=set)
    unreadable: int = 0

    @property
    def truncated(self) -> bool:
        return len(self.suspects) > MOST_DRIFT

    # -- reading ---------------------------------------------------------------------------------

    async def read_all(self) -> None:
        """Compare all lists, then what they did not show."""
        for kind in KINDS:
            seen = await self._read_kind(kind)
            if self.truncated:
                return
            await self._read_unseen(kind, seen)

    async def _read_kind(self, kind: Kind) -> set[str]:
        seen: set[str] = set()
        cursor: str | None = None
        for _ in range(_MOST_PAGES):
            page = await self._page(kind, cursor)
            self.reached = self.reached or page.as_of
            self.unreadable += len(page.unreadable)
            seen |= {snapshot.id for snapshot in page.snapshots} | {ref.id for ref in page.unreadable}
            self.counted[kind.value] += sum(snapshot.kind is kind for snapshot in page.snapshots)
            await self._suspect(page.snapshots)
            if self.progress is not None:
                self.progress(kind.value, self.counted[kind.value])
            if page.next_cursor is None or self.truncated:
                return seen
            if page.next_cursor == cursor:
                break
            cursor = page.next_cursor
        raise ProviderUnavailable(f"{self.source.spec.title}'s lists do not end. Try again later.")

    async def _page(self, kind: Kind, cursor: str | None) -> SnapshotPage:
        listed = self.source.objects()
        await self.run.renew()
        return await self.patience.read(
            lambda: listed.list_objects(kind, since=self.since, cursor=cursor), meanwhile=self.run.renew
        )

    async def _read_unseen(self, kind: Kind, seen: set[str]) -> None:
        refs = await queried(self.run.engine, unseen, self.run.account_id, kind, self.since, seen)
        for ref, snapshots in (await self._fetch(refs)).items():
            self.counted[kind.value] += 1
            if snapshots is None:
                self.gone.add(ref)
            else:
                await self._suspect(snapshots)

    async def _suspect(self, snapshots: Sequence[Snapshot]) -> None:
        told = {snapshot.ref: snapshot for snapshot in snapshots}
        for one in await self._compared(list(told.values())):
            self.suspects[one.ref] = told[one.ref]
            if one.what is What.DIFFERS:
                self.changed.add(one.ref)

    async def _compared(self, snapshots: Sequence[Snapshot]) -> list[Drift]:
        return await queried(self.run.engine, drift.compare, self.run.account_id, snapshots)

    async def _fetch(self, refs: Sequence[Ref]) -> dict[Ref, Sequence[Snapshot] | None]:
        """The present word on each; None: the provider has no such object. Those not told are left out."""
        found: dict[Ref, Sequence[Snapshot] | None] = {}

        async def one(ref: Ref) -> None:
            try:
                found[ref] = await self.patience.read(lambda: self.source.provider.fetch(ref))
            except ObjectAbsent:
                found[ref] = None

        for start in range(0, len(refs), _AT_ONCE):
            await self.run.renew()
            some = refs[start : start + _AT_ONCE]
            for outcome in await asyncio.gather(*map(one, some), return_exceptions=True):
                if isinstance(outcome, ProviderUnavailable) and not isinstance(outcome, ProviderRateLimited):
                    self.unreadable += 1  # away, or this one object can't be read: either way not drift
                elif isinstance(outcome, BaseException):
                    raise outcome
        return found

    # -- judging ---------------------------------------------------------------------------------

    async def confirm(self) -> list[Drift]:
        """Look once more at what seemed to differ; answers what still does."""
        if not self.suspects and not self.gone:
            return []
        if self.progress is not None:
            self.progress("doubt", len(self.suspects) + len(self.gone))
        await self.patience.sleep(PAUSE)
        doubted = [] if self.truncated else sorted(self.changed)
        for ref, snapshots in (await self._fetch(doubted)).items():
            if snapshots is None:
                del self.suspects[ref]
                self.gone.add(ref)
            for snapshot in snapshots or ():
                if snapshot.ref == ref:
                    self.suspects[ref] = snapshot
        self.gone = {ref for ref, told in (await self._fetch(sorted(self.gone))).items() if told is None}
        return await self._judge()

    async def _judge(self) -> list[Drift]:
        found: list[Drift] = []
        suspects = list(self.suspects.values())
        for start in range(0, len(suspects), _BATCH):
            found += await self._compared(suspects[start : start + _BATCH])
        found += [Drift(ref.kind, ref.id, What.MISSING_THERE) for ref in self.gone]
        order = {kind: at for at, kind in enumerate(Kind)}
        return sorted(found, key=lambda one: (order[one.kind], one.id))

    # -- healing ---------------------------------------------------------------------------------

    async def heal(self, found: Sequence[Drift]) -> list[Drift]:
        """Record the provider's word on each; answers the same drift, marked as far as it is healed."""
        remedies = [self.suspects[one.ref] for one in found if one.ref in self.suspects]
        remedies += await self._tombstones()
        for start in range(0, len(remedies), _BATCH):
            some = remedies[start : start + _BATCH]
            await self.run.commit(partial(self._record, some))
        healed = {snapshot.ref for snapshot in remedies}
        healed -= {one.ref for one in await self._judge() if one.what is not What.MISSING_THERE}
        return [replace(one, healed=one.ref in healed) for one in found]

    def _record(self, snapshots: Sequence[Snapshot], connection: Connection) -> None:
        take(connection, self.run.account_id, snapshots, now=utcnow())

    async def _tombstones(self) -> list[Snapshot]:
        """What to record of objects that the provider no longer has."""
        if not self.gone or self.reached is None:
            return []
        stored = await queried(self.run.engine, objects.by_id, self.run.account_id, self.gone)
        as_of = AsOf(self.reached, ReadFrom.READ)
        made = [drift.without(snapshot, as_of) for snapshot in stored.values()]
        return [snapshot for snapshot in made if snapshot is not None]

    def result(self, found: Sequence[Drift], sums: int, heal: bool) -> Reconciled:
        """The report."""
        assert self.reached is not None
        return Reconciled(
            since=self.since,
            until=self.reached,
            objects=dict(self.counted),
            drift=tuple(found),
            unreadable=self.unreadable,
            sums=sums,
            healing=heal,
            truncated=self.truncated,
        )
