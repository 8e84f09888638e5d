"""Which of two snapshots of one object is the newer word.

The decision this module owns: a total order over snapshots of one object, so that recording a set of
them in any order, any number of times, leaves the same one standing.

1. The later stage wins (`progress`): no news takes back what can't be taken back.
2. The later moment wins; at the same moment a read of the API beats an event (`AsOf.version`).
3. Events tell time in whole seconds. Within one second the further state wins where states only go
   forward (a paid invoice was not unpaid afterwards), then the content's digest: arbitrary, but the
   same everywhere. Where that would be a guess, the object is *doubtful* and is asked for. So it is where
   a read loses by less than the clocks of two processes may differ, and where one takes a step back.
"""

from __future__ import annotations

import hashlib
from datetime import UTC, datetime, timedelta
from typing import NamedTuple

from overseer_payment.ledger.progress import progress, stage
from overseer_payment.provider import AsOf, Kind, Snapshot, Source

_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)
# In versions, two a millisecond. A `Date` tells whole seconds, so that the clocks of two processes may each
# agree with all of them and yet be a second apart; and a call began up to a second before it took effect.
_APART = 2 * 2000
# In versions, a minute: behind by more than that no replica answers reads.
_LAG = 2 * 60_000
# The progress of a payment that failed, and of one whose attempt goes on: which came last can't be told.
_TRIED = f"{1:020d}"


class Rank(NamedTuple):
    """Where a snapshot stands in the order of words on its object. The greatest is the newest."""

    stage: int
    version: int
    tie: str

    @property
    def is_read(self) -> bool:
        return self.version % 2 == 1

    @property
    def progress(self) -> str:
        return self.tie.partition(".")[0]


def rank(snapshot: Snapshot, data: str) -> Rank:
    """The place of `snapshot`, whose text is `data`."""
    return Rank(stage(snapshot), snapshot.as_of.version, tie(snapshot, data))


def tie(snapshot: Snapshot, data: str) -> str:
    """Orders snapshots of the same version: progress first, then a digest of the content."""
    digest = hashlib.blake2b(data.encode(), digest_size=12).hexdigest()
    return f"{progress(snapshot):020d}.{digest}"


def doubtful(kind: Kind, winner: Rank, loser: Rank, *, late: bool = False) -> bool:
    """Do two words contradict each other so that no rule settles it?

    Within one second: also when a read beats an event that is no less far along, for that may have come
    after the read. When a read comes `late`, after the winner was recorded, and loses narrowly: what dates
    it is the clock of the process that read. And when a read wins that finds the object less far along than
    it was just before: a replica that lags may have answered it. Never for the link between an invoice and
    its payment: each payload tells another part of it.
    """
    if kind is Kind.INVOICE_PAYMENT or winner.tie == loser.tie or winner.stage != loser.stage:
        return False
    apart = winner.version - loser.version
    narrowly = late and loser.is_read and apart < _APART
    if narrowly or winner.version // 2000 == loser.version // 2000:
        return loser.progress >= winner.progress
    lagging = winner.is_read and apart < _LAG
    tried = kind is Kind.PAYMENT and loser.progress == winner.progress == _TRIED and not loser.is_read
    return lagging and (loser.progress > winner.progress or tried)


def as_of(version: int) -> AsOf:
    """The `AsOf` that `AsOf.version` made this number from, in whole milliseconds."""
    moment = _EPOCH + timedelta(milliseconds=version // 2)
    return AsOf(moment, Source.READ if version % 2 else Source.EVENT)


def settled_from(version: int) -> datetime:
    """From which moment on news is surely later than everything of the second of `version`."""
    return _EPOCH + timedelta(seconds=version // 2000 + 1)
