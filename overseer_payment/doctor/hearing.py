"""What the provider said when it was last asked, for pages: told at once, and asked again meanwhile."""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Awaitable, Callable, Sequence
from dataclasses import dataclass
from datetime import datetime

from overseer_payment.database import utcnow
from overseer_payment.faults import place
from overseer_payment.schemas import Finding

log = logging.getLogger("overseer_payment.doctor")

_LASTS = 15.0  # seconds that it isn't asked again
_BRIEFLY = 0.3  # seconds that a page waits for it


@dataclass(frozen=True, slots=True)
class Heard:
    """Findings that took a question to the provider, and when it was answered. None: it has not been yet."""

    findings: Sequence[Finding] = ()
    at: datetime | None = None


@dataclass(slots=True)
class Hearing:
    """Asks `question`, however long that takes, and remembers what it found. One per event loop."""

    question: Callable[[], Awaitable[Sequence[Finding]]]
    _last: tuple[float, Heard] | None = None
    _asking: asyncio.Task[None] | None = None

    async def __call__(self) -> Heard:
        """What is known a moment later. Never raises."""
        now = asyncio.get_running_loop().time()
        if self._last is None or now - self._last[0] >= _LASTS:
            if self._asking is None or self._asking.done():
                self._asking = asyncio.create_task(self._ask(), name="overseer-payment-doctor")
            await asyncio.wait({self._asking}, timeout=_BRIEFLY)
        return Heard() if self._last is None else self._last[1]

    async def aclose(self) -> None:
        """Ask no more."""
        if self._asking is not None:
            self._asking.cancel()
            await asyncio.gather(self._asking, return_exceptions=True)

    async def _ask(self) -> None:
        try:
            found = Heard(await self.question(), utcnow())
        except Exception as error:
            log.error("the provider could not be examined: %s", place(error))
        else:
            self._last = (asyncio.get_running_loop().time(), found)
