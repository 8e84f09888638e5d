"""Delivers the outbox: each listener on its own, so that one that fails or is slow holds up itself only.

A delivery is a lease. Whoever dies while telling leaves it to be told again, under the same `effect_id`.
"""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Callable, Iterable
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from functools import partial
from typing import Any

from sqlalchemy import Connection, Row
from sqlalchemy.ext.asyncio import AsyncEngine

from overseer_payment.committing import committed, queried, unbroken
from overseer_payment.database import utcnow
from overseer_payment.errors import ListenerFailed
from overseer_payment.listening import TOPICS, Listener, News, collect
from overseer_payment.looping import Loop
from overseer_payment.telling import outbox, terms
from overseer_payment.telling.attached import attach
from overseer_payment.telling.calling import tell, tell_inside
from overseer_payment.telling.hands import Hands
from overseer_payment.telling.looking import look

log = logging.getLogger("overseer_payment.telling")

_LIMIT = 8
_GRACE = timedelta(seconds=30)
_SEEN = timedelta(hours=1)


@dataclass(slots=True)
class Teller:
    """Tells the listeners of this process what the outbox holds for them."""

    engine: AsyncEngine
    offered: Iterable[Listener] = ()
    turn: asyncio.Lock = field(default_factory=asyncio.Lock)
    """Held while writing what a listener inside writes: it would only wait for what is being recorded."""
    now: Callable[[], datetime] = utcnow
    listeners: tuple[Listener, ...] = field(init=False)
    _seen_at: datetime | None = None
    _hands: dict[str, Hands] = field(default_factory=dict)

    def __post_init__(self) -> None:
        self.listeners = tuple(attach(self.engine, collect(self.offered)).values())

    def loops(self) -> tuple[Loop, ...]:
        """A loop for each listener."""
        return tuple(Loop(f"telling {one.name}", partial(self.tell, one)) for one in self.listeners)

    async def step(self) -> int:
        """Tell everybody what is due, once; answers how many deliveries were begun."""
        return sum(await asyncio.gather(*map(self.tell, self.listeners)))

    async def tell(self, listener: Listener) -> int:
        """Tell one listener what is due; answers how many deliveries were begun."""
        await self._be_seen()
        if not await queried(self.engine, outbox.any_due, listener.name, self.now()):
            return 0
        lease = timedelta(seconds=listener.timeout) + _GRACE
        taken = await committed(self.engine, outbox.claim, listener.name, lease, limit=_LIMIT, now=self.now())
        # A process that is asked to end lets what it is telling come to its end: else it is told twice.
        telling = (unbroken(self._deliver(listener, one)) for one in taken)
        ends = await asyncio.gather(*telling, return_exceptions=True)
        for end in ends:
            if isinstance(end, BaseException):
                raise end  # the database's: its lease runs out and it is told then
        return len(taken)

    async def _be_seen(self) -> None:
        now = self.now()
        if self._seen_at is None or now - self._seen_at > _SEEN:
            await committed(self.engine, outbox.register, self.listeners, now)
            if given_up := await committed(self.engine, outbox.give_up, now):
                log.warning("%d deliveries are given up: nobody listens by that name any more", given_up)
            self._seen_at = now

    async def _deliver(self, listener: Listener, effect: Row[Any]) -> None:
        try:
            if listener.inside:
                async with self.turn:
                    await committed(self.engine, self._inside, listener, effect)
            else:
                await self._after(listener, effect)
        except ListenerFailed as error:
            if await committed(self.engine, outbox.fail, effect, error.detail, self.now()):
                log.error("%s was not told of %s and is not tried again", listener.name, effect.topic)

    async def _after(self, listener: Listener, effect: Row[Any]) -> None:
        generation, news = await queried(self.engine, self._look, effect)
        if news is not None:
            await tell(listener, news, self._hands.setdefault(listener.name, Hands(_LIMIT)))
        await committed(self.engine, _finish, effect, generation, self.now(), news)

    def _inside(self, connection: Connection, listener: Listener, effect: Row[Any]) -> None:
        """What another process recorded and could not tell: written together with that it was told."""
        if not outbox.mine(connection, effect):
            return
        generation, news = self._look(connection, effect)
        if news is not None:
            tell_inside(listener, connection, news)
        _finish(connection, effect, generation, self.now(), news)

    def _look(self, connection: Connection, effect: Row[Any]) -> tuple[int, News | None]:
        """Which state there is, and what to tell; nothing of a row that is gone or needs no reminder."""
        account, noted = outbox.news_of(connection, effect)
        before = effect.told if TOPICS[effect.topic].state else None
        news = look(connection, account, noted, effect.listener, now=self.now(), before=before)
        needless = news is not None and TOPICS[news.topic].reminder and news.overtaken
        return noted.generation, None if needless else news


def _finish(
    connection: Connection, effect: Row[Any], generation: int, now: datetime, news: News | None
) -> None:
    status = outbox.LAPSED if news is None else outbox.DONE
    told = terms.of_news(news) if TOPICS[effect.topic].state else None
    outbox.finish(connection, effect, generation, now, status=status, terms=told)
