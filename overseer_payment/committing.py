"""Whole transactions: never cut off by a cancelled caller, run again when the database asks for it."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Coroutine
from typing import Any, Concatenate, ParamSpec, TypeVar

from sqlalchemy import Connection
from sqlalchemy.exc import DBAPIError
from sqlalchemy.ext.asyncio import AsyncEngine

from overseer_payment.breakdowns import is_transient
from overseer_payment.database import read_at_once, write_at_once
from overseer_payment.errors import DatabaseError

P = ParamSpec("P")
T = TypeVar("T")

_TRIES = 6


async def committed(
    engine: AsyncEngine, work: Callable[Concatenate[Connection, P], T], *args: P.args, **kwargs: P.kwargs
) -> T:
    """What `work` answers, once it is committed. `work` may run several times: it must only use the database.

    On an SQLite file of our own it runs in a thread (`twins.py`), so it must know nothing of the event loop.
    Raises DatabaseError, also when deadlocks don't end.
    """
    return await unbroken(
        _again(lambda: write_at_once(engine, lambda connection: work(connection, *args, **kwargs)))
    )


def is_deadlock(error: BaseException) -> bool:
    """Did the database undo the transaction for another's sake? Also where that is told as DatabaseError."""
    return is_transient(error) or (error.__cause__ is not None and is_transient(error.__cause__))


async def queried(
    engine: AsyncEngine, work: Callable[Concatenate[Connection, P], T], *args: P.args, **kwargs: P.kwargs
) -> T:
    """What `work` answers from one consistent view of the database; maybe in a thread, as above.

    Raises DatabaseError.
    """
    return await unbroken(read_at_once(engine, lambda connection: work(connection, *args, **kwargs)))


async def unbroken(transaction: Coroutine[Any, Any, T]) -> T:
    """Let `transaction` come to its end even if the caller is cancelled.

    A statement that is cut off leaves its connection in an unknown state: the driver's thread may hold
    SQLite's write lock with nobody left to give it back.
    """
    task = asyncio.ensure_future(transaction)
    try:
        return await asyncio.shield(task)
    except asyncio.CancelledError:
        if not task.done():
            await asyncio.wait([task])
        if not task.cancelled():
            task.exception()  # seen to: nobody is left to tell
        raise


async def _again(transaction: Callable[[], Coroutine[Any, Any, T]]) -> T:
    for attempt in range(_TRIES):
        try:
            return await transaction()
        except (DBAPIError, DatabaseError) as error:
            if not is_deadlock(error):
                raise
        await asyncio.sleep(0.01 * 2**attempt)
    raise DatabaseError("The database is too busy. Try again in a moment.", retry_after=5)
