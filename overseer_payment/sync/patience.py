"""Asking again when the provider is busy or away, for a bounded time."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from typing import TypeVar

from overseer_payment.errors import ProviderRateLimited, ProviderUnavailable

T = TypeVar("T")
Sleep = Callable[[float], Awaitable[None]]

_LONGEST = 60.0  # seconds; a provider that wants more is asked again by the next run


@dataclass(frozen=True, slots=True)
class Patience:
    """Repeats reads. `meanwhile` is called before each wait: a run keeps its lease alive there."""

    sleep: Sleep = asyncio.sleep
    tries: int = 7

    async def read(
        self, call: Callable[[], Awaitable[T]], *, meanwhile: Callable[[], Awaitable[None]] | None = None
    ) -> T:
        """What `call` answers. Raises its last ProviderRateLimited or ProviderUnavailable."""
        for attempt in range(self.tries - 1):
            try:
                return await call()
            except (ProviderRateLimited, ProviderUnavailable) as error:
                wait = float(error.retry_after or 2**attempt)
                if wait > _LONGEST:
                    raise
            if meanwhile is not None:
                await meanwhile()
            await self.sleep(wait)
        return await call()
