"""What the provider last said of itself. A page never waits long for it, and many pages ask once."""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Callable
from dataclasses import dataclass

from overseer_payment.errors import PaymentError
from overseer_payment.faults import place
from overseer_payment.provider import Health, Provider

log = logging.getLogger("overseer_payment.health")

_LASTS = 15.0  # seconds that a healthy provider isn't asked again
_DOUBT_LASTS = 5.0  # and one that isn't: that it is back should be seen soon
_PATIENCE = 3.0


@dataclass(slots=True)
class HealthCheck:
    """Asks `provider()` how it is. One per event loop."""

    provider: Callable[[], Provider]
    _last: tuple[float, Health] | None = None
    _asking: asyncio.Task[Health] | None = None

    async def __call__(self, *, fresh: bool = False) -> Health:
        """How the provider is: as it said a moment ago, else asked now. Never raises."""
        now = asyncio.get_running_loop().time()
        if self._last is not None and not fresh:
            asked_at, health = self._last
            if now - asked_at < (_LASTS if health.healthy else _DOUBT_LASTS):
                return health
        if self._asking is None or self._asking.done():
            self._asking = asyncio.create_task(self._ask(), name="overseer-payment-health")
        return await asyncio.shield(self._asking)

    async def aclose(self) -> None:
        """Ask no more."""
        if self._asking is not None:
            self._asking.cancel()
            await asyncio.gather(self._asking, return_exceptions=True)

    async def _ask(self) -> Health:
        livemode = False
        try:
            provider = self.provider()
            livemode = provider.livemode
            async with asyncio.timeout(_PATIENCE):
                health = await provider.health_check()
        except TimeoutError:
            health = _ill("The payment provider does not answer. What the ledger knows is shown.", livemode)
        except PaymentError as error:
            health = _ill(error.detail, livemode)
        except Exception as error:
            log.error("a health check broke off: %s", place(error))
            health = _ill(f"The payment provider's plugin failed ({type(error).__name__}).", livemode)
        self._last = (asyncio.get_running_loop().time(), health)
        return health


def _ill(message: str, livemode: bool) -> Health:
    return Health(healthy=False, message=message, livemode=livemode)
