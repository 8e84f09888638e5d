"""The loop: ask for events, forward the new ones in order, remember how far it came."""

from __future__ import annotations

import asyncio
from collections import Counter
from collections.abc import Awaitable, Callable
from dataclasses import dataclass, field
from datetime import datetime
from typing import TYPE_CHECKING, TypeVar

from overseer_payment.committing import committed
from overseer_payment.errors import (
    ObjectAbsent,
    ProviderRateLimited,
    ProviderRejected,
    ProviderUnavailable,
)
from overseer_payment.forwarding import position
from overseer_payment.forwarding.delivering import Courier, Forwarded, Sleep, pause
from overseer_payment.forwarding.position import Place, Position
from overseer_payment.provider import EventPage, ListsEvents

if TYPE_CHECKING:
    from sqlalchemy.ext.asyncio import AsyncEngine

T = TypeVar("T")

_MOST_PAGES = 1000
_LONGEST_WISH = 300.0  # seconds that a provider may ask us to wait


@dataclass(slots=True)
class Told:
    """What a run came to. `types` counts what the server took, `refused` what it did not."""

    types: Counter[str] = field(default_factory=Counter)
    refused: Counter[str] = field(default_factory=Counter)


@dataclass(slots=True)
class Forwarder:
    """Brings one account's events to one address. `report` is told each event that was dealt with."""

    engine: AsyncEngine
    place: Place
    events: ListsEvents
    courier: Courier
    report: Callable[[Forwarded], None]
    interval: float = 2.0
    sleep: Sleep = asyncio.sleep
    told: Told = field(default_factory=Told)
    patient: bool = True
    """Wait for a provider that is away? Who asked for one look learns that it is instead."""

    async def begin(self, since: datetime | None = None, *, from_now: bool = False) -> Position:
        """Go on where the last run stopped; else, or with `from_now`, with what happens from now on.

        `since`: with what happened since then, also if it was forwarded before that moment.
        """
        found = await committed(self.engine, position.stored, self.place)
        if since is not None:
            found = Position(since, since)
        elif found is None or from_now:
            now = (await self._patiently(lambda: self.events.list_events(self.courier.now()))).as_of
            # Events tell whole seconds: one of this second may have happened after the question.
            found = Position(now.replace(microsecond=0), now)
        await committed(self.engine, position.store, self.place, found)
        return found

    async def run(self, at: Position, *, once: bool = False) -> None:
        """Forward until cancelled, or with `once` until everything there is was forwarded.

        Raises Conflict for a server that doesn't know the secret, ProviderAuthError; unless it is patient,
        ProviderUnavailable and ProviderRateLimited.
        """
        while True:
            at = await self._look(at)
            if once:
                return
            await self.sleep(self.interval)

    async def _look(self, at: Position) -> Position:
        pages = await self._patiently(lambda: self._pages(at.ask_since))
        told = [event for page in pages for event in page.events if event.occurred_at >= at.since]
        for event in await committed(self.engine, position.unseen, self.place, told):
            done = await self.courier.deliver(event)
            await committed(self.engine, position.mark, self.place, event)
            (self.told.types if done.taken else self.told.refused)[event.type] += 1
            self.report(done)
        # What happened while the pages were read is asked for again.
        heard = max(at.heard, pages[0].as_of)
        if heard != at.heard:
            at = Position(at.since, heard)
            await committed(self.engine, position.store, self.place, at)
        return at

    async def _pages(self, since: datetime) -> list[EventPage]:
        """All pages since then, the older first: a provider may tell the newest page first."""
        found, cursor = list[EventPage](), None
        for _ in range(_MOST_PAGES):
            page = await self.events.list_events(since, cursor=cursor)
            found.append(page)
            cursor = page.next_cursor
            if cursor is None:
                break
        started = found[0].as_of
        told = [page for page in found if page.events]
        told.sort(key=lambda page: (page.events[0].occurred_at, page.events[-1].occurred_at))
        return [EventPage(events=(), next_cursor=None, as_of=started), *told]

    async def _patiently(self, ask: Callable[[], Awaitable[T]]) -> T:
        """Wait for a provider that is away or busy, as long as it takes; or not at all."""
        attempt = 0
        while True:
            try:
                answer = await ask()
            except (ProviderUnavailable, ProviderRateLimited, ProviderRejected, ObjectAbsent) as error:
                if isinstance(error, ProviderRejected | ObjectAbsent):
                    if attempt:
                        raise  # not a cursor that grew old in between
                elif not self.patient:
                    raise
                if not attempt:
                    self.courier.notice(f"{error.detail} Waiting for it.")
                wish = min(float(error.retry_after or 0), _LONGEST_WISH)
                await self.sleep(max(pause(attempt), wish))
                attempt += 1
            else:
                if attempt:
                    self.courier.notice("The provider answers again.")
                return answer
