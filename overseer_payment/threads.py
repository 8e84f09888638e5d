"""Which event loop a thread works for: what is kept for each loop is found from there too."""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from contextvars import ContextVar, copy_context
from typing import TypeVar

T = TypeVar("T")

_served: ContextVar[asyncio.AbstractEventLoop] = ContextVar("overseer_payment_loop_served")


def serving(work: Callable[[], T]) -> Callable[[], T]:
    """`work` for a thread, in a copy of the caller's context that knows the running event loop."""
    context, loop = copy_context(), asyncio.get_running_loop()
    context.run(_served.set, loop)
    return lambda: context.run(work)


def loop_served() -> asyncio.AbstractEventLoop:
    """The running event loop, or in a thread the one that waits for it. Raises RuntimeError without one."""
    try:
        return asyncio.get_running_loop()
    except RuntimeError:
        if (served := _served.get(None)) is None:
            raise
        return served
