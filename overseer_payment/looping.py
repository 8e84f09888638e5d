"""One kind of background work, done over and over: at once when woken, else at every look."""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Awaitable, Callable
from contextlib import suppress
from dataclasses import dataclass, field

from overseer_payment.errors import DatabaseError
from overseer_payment.faults import place

log = logging.getLogger("overseer_payment.looping")


def _at_once(_: int) -> float:
    return 0.0


@dataclass(slots=True)
class Loop:
    """Runs `step` until it answers 0, then waits to be woken or for `look` seconds.

    Other processes leave work too, and what is put off falls due: hence the looking. An error ends
    nothing; it is logged when it begins, and when it is over.
    """

    name: str
    step: Callable[[], Awaitable[int]]
    look: float = 1.0
    after: float = 0.0
    """Seconds before the first step."""
    rest: Callable[[int], float] = field(default=_at_once)
    """Seconds to let more come together, by how much a step has done."""
    _wake: asyncio.Event = field(default_factory=asyncio.Event)
    _task: asyncio.Task[None] | None = None
    _failing: bool = False

    def start(self) -> None:
        """Begin in the running event loop; again after a `stop`."""
        if not self.running:
            self._task = asyncio.create_task(self._run(), name=f"overseer-payment-{self.name}")

    @property
    def running(self) -> bool:
        return self._task is not None and not self._task.done()

    def wake(self) -> None:
        """There is something to do now."""
        self._wake.set()

    async def stop(self) -> None:
        """End it; what was begun in a transaction is finished or rolled back."""
        task, self._task = self._task, None
        # A driver may turn a cancellation into an error of its own, which the loop takes for an outage.
        while task is not None and not task.done():
            task.cancel()
            await asyncio.wait({task}, timeout=1)

    async def _run(self) -> None:
        await asyncio.sleep(self.after)
        while True:
            self._wake.clear()
            done = await self._once()
            if not done:
                with suppress(TimeoutError):
                    await asyncio.wait_for(self._wake.wait(), self.look)
            elif (seconds := self.rest(done)) > 0:
                await asyncio.sleep(seconds)

    async def _once(self) -> int:
        try:
            done = await self.step()
        except Exception as error:
            if not self._failing:
                said = error.detail if isinstance(error, DatabaseError) else place(error)
                log.error("%s can't go on and will try again: %s", self.name, said)
            self._failing = True
            await asyncio.sleep(self.look)  # being woken must not turn an outage into a busy loop
            return 0
        if self._failing:
            log.warning("%s goes on", self.name)
        self._failing = False
        return done
