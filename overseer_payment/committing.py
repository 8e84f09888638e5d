"""One transaction, run again when the database asks for it."""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from typing import Concatenate, ParamSpec, TypeVar

from sqlalchemy import Connection
from sqlalchemy.exc import DBAPIError
from sqlalchemy.ext.asyncio import AsyncEngine

from overseer_payment.database import is_transient, write
from overseer_payment.errors import DatabaseError

P = ParamSpec("P")
T = TypeVar("T")

_TRIES = 6


async def committed(
    engine: AsyncEngine, work: Callable[Concatenate[Connection, P], T], *args: P.args, **kwargs: P.kwargs
) -> T:
    """What `work` answers, once it is committed. `work` may run several times: it must only use the database.

    Raises DatabaseError, also when deadlocks don't end.
    """
    for attempt in range(_TRIES):
        try:
            async with write(engine) as connection:
                return await connection.run_sync(lambda sync: work(sync, *args, **kwargs))
        except DBAPIError as error:
            if not is_transient(error):
                raise
        await asyncio.sleep(0.01 * 2**attempt)
    raise DatabaseError("The database is too busy. Try again in a moment.", retry_after=5)
