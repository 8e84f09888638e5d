"""Threads for plain handlers, of each listener its own.

Nobody can end a thread that hangs. So it is counted, lest each attempt leaves another one; it is not one of
the loop's, which everybody needs; and the process ends without waiting for it.
"""

from __future__ import annotations

import asyncio
import contextvars
from collections.abc import Callable
from contextlib import suppress
from threading import BoundedSemaphore, Thread
from typing import Any


class AllHang(Exception):
    """Every thread is still busy with an earlier call."""


class Hands:
    """At most `most` calls at once, whether anybody still waits for them or not."""

    def __init__(self, most: int) -> None:
        self._free = BoundedSemaphore(most)

    async def call(self, work: Callable[[], Any]) -> tuple[Any, BaseException | None]:
        """What `work` returned or raised, whatever that is. Raises AllHang."""
        if not self._free.acquire(blocking=False):
            raise AllHang
        loop = asyncio.get_running_loop()
        ended: asyncio.Future[tuple[Any, BaseException | None]] = loop.create_future()

        def end(outcome: tuple[Any, BaseException | None]) -> None:
            if not ended.done():  # given up meanwhile
                ended.set_result(outcome)

        def run() -> None:
            outcome: tuple[Any, BaseException | None]
            try:
                outcome = work(), None
            except BaseException as error:  # SystemExit would end this thread only, and tell nobody
                outcome = None, error
            self._free.release()
            with suppress(RuntimeError):  # the loop is closed: nobody waits any more
                loop.call_soon_threadsafe(end, outcome)

        context = contextvars.copy_context()
        Thread(target=context.run, args=(run,), name="overseer-payment-telling", daemon=True).start()
        return await ended
