"""The background work: apply events, read what is wanted, settle operations, tell applications, heal.

Any number of processes may do it on one database. In a host it runs in the lifespan.
"""

from __future__ import annotations

import asyncio

from overseer_payment.applying import Applier
from overseer_payment.ledger.accounts import Account
from overseer_payment.looping import Loop
from overseer_payment.provider import Ref
from overseer_payment.reading import Reader
from overseer_payment.sending import Sender
from overseer_payment.sync import Schedule
from overseer_payment.telling.teller import Teller

_GLANCE = 0.05
_GATHER = 0.03
_REST = 0.5  # seconds
_MOST_LOOKED = 1000
_HEAL = 60.0  # seconds between looks at what is due; intervals are the schedule's
_SETTLED = 30.0  # seconds after the start: what comes and goes at once asks no provider


class Worker:
    """Does the background work of one process.

    Each kind has a loop of its own: a provider that is slow to answer holds up no event, and a flood
    of events no operation.
    """

    def __init__(
        self, applier: Applier, reader: Reader, sender: Sender, teller: Teller, schedule: Schedule
    ) -> None:
        self.applier = applier
        self.reader = reader
        self.sender = sender
        self.teller = teller
        self._looked: dict[tuple[Account, Ref], float] = {}
        self._applying = Loop("applying", self._apply, rest=self._gathering)
        self._reading = Loop("reading", reader.step)
        self._settling = Loop("settling", sender.settle)
        self._telling = teller.loops()
        self._healing = Loop("healing", schedule.step, look=_HEAL, after=_SETTLED)

    def start(self, *, healing: bool = False) -> None:
        """Begin working in the background of the running event loop; with `healing` that as well."""
        for loop in self._loops:
            loop.start()
        if healing:
            self._healing.start()

    def wake(self) -> None:
        """Events were stored."""
        self._applying.wake()

    async def stop(self) -> None:
        """End the background work; what was begun in a transaction is finished or rolled back."""
        await asyncio.gather(*(loop.stop() for loop in (*self._loops, self._healing)))

    @property
    def running(self) -> bool:
        """Is the background work under way?"""
        return all(loop.running for loop in self._loops)

    @property
    def heals(self) -> bool:
        """Is healing part of it?"""
        return self._healing.running

    async def look(self, account: Account, ref: Ref, *, patience: float) -> None:
        """Have one object read now, and wait for that up to `patience` seconds.

        However many ask for one object, it is looked up twice a second at most: strangers may ask.
        """
        if not await self._my_turn((account, ref)):
            return
        if not await self.reader.is_wanted(account, ref):
            await self.reader.want(account, ref)
        self._reading.wake()
        for _ in range(int(patience / _GLANCE)):
            if not await self.reader.is_wanted(account, ref):
                break
            await asyncio.sleep(_GLANCE)

    async def _my_turn(self, key: tuple[Account, Ref]) -> bool:
        """May this caller look, or has somebody just done so? Then waits a little, for news of its own."""
        time, last = asyncio.get_running_loop().time, self._looked.get(key)
        if last is not None and time() - last < _REST:
            await asyncio.sleep(_REST - (time() - last))
            if self._looked.get(key) != last:
                return False
        if len(self._looked) >= _MOST_LOOKED:
            self._looked.clear()
        self._looked[key] = time()
        return True

    async def step(self) -> int:
        """Do what is due now, once; answers how much that was."""
        told = await self._apply() or await self.reader.step() + await self.sender.settle()
        return told + await self.teller.step()

    async def drain(self, *, hurry: bool = False, at_most: int = 10_000) -> int:
        """Work until nothing is due. For the command line, tests and the demo.

        With `hurry` also what would wait a little for its own event to come.
        """
        total = 0
        for _ in range(at_most):
            done = await self.step()
            if not done and hurry:
                await self.reader.hurry()
                done = await self.step()
            total += done
            if not done:
                break
        return total

    @property
    def _loops(self) -> tuple[Loop, ...]:
        return self._applying, self._reading, self._settling, *self._telling

    def _gathering(self, done: int) -> float:
        # A batch costs the same for one event as for many: in a flood, let some come together.
        return _GATHER if done < self.applier.batch else 0.0

    async def _apply(self) -> int:
        done = await self.applier.step()
        if done:
            self._reading.wake()  # what was applied may have left something to read
            for loop in self._telling:
                loop.wake()
        return done
