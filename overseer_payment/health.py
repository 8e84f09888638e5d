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
_PATIENCE = 3.0  # where nothing is known yet
_BRIEFLY = 0.3  # where something is: it is told instead, and the answer by the next page
_KNOWN = 300.0  # seconds for which it may be told


@dataclass(slots=True)
class HealthCheck:
    """Asks `provider()` how it is. One per event loop."""

    provider: Callable[[], Provider]
    _last: tuple[float, Health] | None = None
    _asking: asyncio.Task[Health] | None = None

    async def __call__(self, *, fresh: bool = False) -> Health:
        """How the provider is: as it said a moment ago, else asked now; `fresh`: however long that takes.

        While a provider keeps silent, what it said before is told. Never raises.
        """
        age, known = self._heard()
        if known is not None and not fresh and age < (_LASTS if known.healthy else _DOUBT_LASTS):
            return known
        if self._asking is None or self._asking.done():
            self._asking = asyncio.create_task(self._ask(), name="overseer-payment-health")
        if known is not None and not fresh and age < _KNOWN:
            done, _ = await asyncio.wait({self._asking}, timeout=_BRIEFLY)
            return self._asking.result() if done else known
        return await asyncio.shield(self._asking)

    def _heard(self) -> tuple[float, Health | None]:
        """What it last said, and how many seconds ago."""
        if self._last is None:
            return 0.0, None
        asked_at, health = self._last
        return asyncio.get_running_loop().time() - asked_at, health

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
