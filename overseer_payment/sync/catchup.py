"""Catching up: everything that makes one account's ledger whole again after a silence, in one call."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime

from sqlalchemy.ext.asyncio import AsyncEngine

from overseer_payment.ledger.accounts import Account
from overseer_payment.sync.backfilling import Backfilled, backfill
from overseer_payment.sync.patience import Patience
from overseer_payment.sync.recovery import Progress, Recovered, Store, recover
from overseer_payment.sync.source import Source


@dataclass(frozen=True, slots=True, kw_only=True)
class CaughtUp:
    """What catching up came to. `gap_since`: since then events are told no more.

    `filled` holds the back-fills: the one asked for, and the one that a gap made necessary. A gap that
    is still open then (`whole` False) is one that the provider lists no objects for.
    """

    account: Account
    recovered: Recovered | None
    filled: tuple[Backfilled, ...]
    gap_since: datetime | None
    whole: bool


async def catch_up(
    engine: AsyncEngine,
    source: Source,
    store: Store,
    *,
    history: bool = False,
    since: datetime | None = None,
    patience: Patience | None = None,
    progress: Progress | None = None,
) -> CaughtUp:
    """Recover missed events; with `history` first read objects made since that moment (None: all).

    What was recovered waits in the inbox afterwards. Raises NotSupported when the provider lists neither,
    ProviderError, DatabaseError; Conflict when taken over.
    """
    filled: list[Backfilled] = []
    recovered: Recovered | None = None

    async def fill(start: datetime | None) -> None:
        done = await backfill(engine, source, since=start, patience=patience, progress=progress)
        assert done is not None
        filled.append(done)

    if history:
        await fill(since)
    if source.tells_events or not history:
        recovered = await recover(engine, source, store, patience=patience, progress=progress)
    gap = recovered.gap_since if recovered is not None else None
    if gap is not None and source.tells_objects:
        await fill(gap)
    whole = gap is None or source.tells_objects
    return CaughtUp(
        account=source.account, recovered=recovered, filled=tuple(filled), gap_since=gap, whole=whole
    )
