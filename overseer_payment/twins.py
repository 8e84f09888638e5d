"""Whole transactions on an SQLite file, each in one visit to a thread.

An async driver visits its thread for every statement, several times, and waits each time for the
interpreter's lock. Our transactions are plain functions, so they run as a whole where the driver blocks: on a
synchronous engine of the same file, the twin of the async one.
"""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from contextlib import suppress
from dataclasses import dataclass, field
from typing import Any, TypeVar
from weakref import WeakKeyDictionary

from sqlalchemy import URL, Connection, Engine, create_engine, event
from sqlalchemy.exc import SQLAlchemyError
from sqlalchemy.ext.asyncio import AsyncEngine

from overseer_payment.threads import serving

T = TypeVar("T")

_READERS = 4
# How many connections there are is decided by the threads; and the twin of an engine lives as long as it.
_twins: WeakKeyDictionary[Engine, Twin] = WeakKeyDictionary()


@dataclass(slots=True)
class Twin:
    """The synchronous engine and its threads: one that writes, as SQLite has it, and some that read."""

    engine: Engine
    off: bool = False
    _writer: ThreadPoolExecutor = field(init=False)
    _readers: ThreadPoolExecutor = field(init=False)

    def __post_init__(self) -> None:
        self._open()

    async def write(self, work: Callable[[Connection], T]) -> T:
        """What `work` answers, once it is committed."""
        return await _within(self._writer, self.engine, "BEGIN IMMEDIATE", work)

    async def read(self, work: Callable[[Connection], T]) -> T:
        """What `work` answers from one view."""
        return await _within(self._readers, self.engine, "BEGIN", work)

    def dispose(self) -> None:
        """Close what is idle. Like an engine, it can be used again."""
        self._writer.shutdown(wait=False)
        self._readers.shutdown(wait=False)
        self.engine.dispose()
        self._open()

    def _open(self) -> None:  # a pool starts its threads when they are needed
        self._writer = ThreadPoolExecutor(1, "overseer-payment-writing")
        self._readers = ThreadPoolExecutor(_READERS, "overseer-payment-reading")


def pair(engine: AsyncEngine, url: URL, **options: Any) -> Engine | None:
    """Make the twin of an engine on `url`; it ends with it. None in memory, where each would see its own."""
    name = url.database or ""
    if name in {"", ":memory:"} or ":memory:" in name or url.query.get("mode") == "memory":
        return None
    made = Twin(create_engine(url.set(drivername="sqlite+pysqlite"), pool_size=_READERS + 1, **options))
    _twins[engine.sync_engine] = made
    event.listen(engine.sync_engine, "engine_disposed", lambda _: made.dispose())
    return made.engine


def twin_of(engine: AsyncEngine) -> Twin | None:
    """The twin of an engine, unless it has none or must do without."""
    found = _twins.get(engine.sync_engine)
    return None if found is None or found.off else found


def do_without(engine: AsyncEngine) -> None:
    """Run transactions on the async engine from now on: some of what they call is async."""
    if found := _twins.get(engine.sync_engine):
        found.off = True


def engines(engine: AsyncEngine) -> tuple[Engine, ...]:
    """Every engine that transactions of `engine` may run on: for whoever listens to their statements."""
    found = _twins.get(engine.sync_engine)
    return (engine.sync_engine,) if found is None else (engine.sync_engine, found.engine)


async def _within(
    threads: ThreadPoolExecutor, engine: Engine, begin: str, work: Callable[[Connection], T]
) -> T:
    loop = asyncio.get_running_loop()
    return await loop.run_in_executor(threads, serving(lambda: _transaction(engine, begin, work)))


def _transaction(engine: Engine, begin: str, work: Callable[[Connection], T]) -> T:
    with engine.connect() as connection:
        connection.exec_driver_sql(begin)
        try:
            answer = work(connection)
        except BaseException:
            # A full disk has ended the transaction already; the first error is the one to tell.
            with suppress(SQLAlchemyError):
                connection.exec_driver_sql("ROLLBACK")
            raise
        connection.exec_driver_sql("COMMIT")
        return answer
