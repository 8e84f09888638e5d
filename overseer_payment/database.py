"""Engines, transactions and column types: what SQLite and PostgreSQL need to behave alike.

Everything that writes goes through `write(engine)`, everything else through `read(engine)`; what comes in
floods through `write_at_once` and `read_at_once`. The engine may be the host's own: nothing here depends on
how it was configured beyond its URL.
"""

from __future__ import annotations

import asyncio
import os
from collections.abc import AsyncIterator, Callable, Mapping, Sequence
from contextlib import asynccontextmanager, suppress
from datetime import UTC, datetime
from pathlib import Path
from typing import TYPE_CHECKING, Any, TypeVar
from urllib.parse import parse_qs, unquote, urlsplit
from weakref import WeakKeyDictionary

from sqlalchemy import Connection, DateTime, Dialect, TypeDecorator, event
from sqlalchemy.engine import make_url
from sqlalchemy.exc import ArgumentError, NoSuchModuleError, SQLAlchemyError
from sqlalchemy.ext.asyncio import AsyncConnection, AsyncEngine, create_async_engine

from overseer_payment import resting, twins
from overseer_payment.breakdowns import translated
from overseer_payment.errors import ConfigurationError

if TYPE_CHECKING:
    from sqlalchemy.engine.interfaces import DBAPIConnection

T = TypeVar("T")

_OURS = "overseer_payment"
_ASYNC_DRIVER = {
    "sqlite": "sqlite+aiosqlite",
    "postgresql": "postgresql+psycopg",
    "postgres": "postgresql+psycopg",
}


class UtcDateTime(TypeDecorator[datetime]):
    """An aware UTC moment on every database. A naive one is refused: it says nothing."""

    # `dialect` is not used below: the parameters are SQLAlchemy's, which passes them by position.

    impl = DateTime(timezone=True)
    cache_ok = True

    def process_bind_param(self, value: datetime | None, dialect: Dialect) -> datetime | None:  # noqa: ARG002
        if value is None:
            return None
        if value.tzinfo is None:
            raise TypeError("naive datetime: pass an aware one")
        return value.astimezone(UTC)

    def process_result_value(self, value: datetime | None, dialect: Dialect) -> datetime | None:  # noqa: ARG002
        if value is None:
            return None
        return value.replace(tzinfo=UTC) if value.tzinfo is None else value.astimezone(UTC)


def utcnow() -> datetime:
    """Now, aware, UTC."""
    return datetime.now(UTC)


def create_engine(url: str) -> AsyncEngine:
    """An engine of our own for `sqlite:` or `postgresql:` URLs, with the driver filled in.

    SQLite: WAL, `synchronous=FULL` (an event answered 2xx survives a power cut), a busy time-out; a new
    file belongs to its owner alone (mode 0600).
    Raises ConfigurationError for a URL that can't be used, without showing it: it may hold a password.
    """
    try:
        parsed = make_url(url)
        parsed = parsed.set(drivername=_ASYNC_DRIVER.get(parsed.drivername, parsed.drivername))
        if parsed.get_backend_name() != "sqlite":
            # An error's text would else quote what was being written: people's data, into logs.
            return resting.look_after(create_async_engine(parsed, pool_size=10, hide_parameters=True))
        engine = create_async_engine(
            parsed, isolation_level="AUTOCOMMIT", hide_parameters=True, execution_options={_OURS: True}
        )
    except (ArgumentError, NoSuchModuleError, ImportError) as error:
        raise ConfigurationError(
            f"OVERSEER_DATABASE_URL can't be used ({type(error).__name__}). "
            "Write it like sqlite+aiosqlite:///overseer.db or postgresql+psycopg://user@host/name "
            "(needs the extra: pip install 'overseer-payment[postgres]')."
        ) from None
    twins.pair(engine, parsed, isolation_level="AUTOCOMMIT", hide_parameters=True)
    for each in twins.engines(engine):
        event.listen(each, "do_connect", _make_private)
        event.listen(each, "connect", _tune_sqlite)
    return engine


def _make_private(_: Any, __: Any, arguments: Sequence[Any], options: Mapping[str, Any]) -> None:
    """Create a missing SQLite file for its owner alone: it will hold customers' data.

    SQLite gives its `-wal` and `-shm` files the same mode. A file that exists is not opened even: closing
    it would drop the locks that this process holds on it.
    """
    name = str(arguments[0])
    if options.get("uri") and name.startswith("file:"):
        parts = urlsplit(name)
        if parse_qs(parts.query).get("mode", ["rwc"]) != ["rwc"]:
            return
        name = unquote(parts.path)
    if name in {"", ":memory:"}:
        return
    with suppress(OSError):  # it exists, or SQLite tells better why it can't
        os.close(os.open(Path(name).resolve(), os.O_CREAT | os.O_EXCL | os.O_WRONLY, 0o600))


def _tune_sqlite(connection: DBAPIConnection, _: Any) -> None:
    cursor = connection.cursor()
    for pragma in ("journal_mode=WAL", "synchronous=FULL", "busy_timeout=10000", "foreign_keys=ON"):
        cursor.execute(f"PRAGMA {pragma}")
    cursor.close()


# One writer at a time is SQLite's rule; queueing in the loop is fairer and faster than its busy handler.
_writers: WeakKeyDictionary[AsyncEngine, tuple[asyncio.AbstractEventLoop, asyncio.Lock]] = WeakKeyDictionary()


def _writer_lock(engine: AsyncEngine) -> asyncio.Lock:
    loop = asyncio.get_running_loop()
    known = _writers.get(engine)
    if known is None or known[0] is not loop:
        known = _writers[engine] = (loop, asyncio.Lock())
    return known[1]


@asynccontextmanager
async def write(engine: AsyncEngine) -> AsyncIterator[AsyncConnection]:
    """A transaction that may write: committed when the block ends, rolled back when it raises.

    SQLite begins it with the write lock held (`BEGIN IMMEDIATE`), so it can't fail half way for want of
    one. Raises DatabaseError when the database can't be used.
    """
    if engine.dialect.name != "sqlite":
        with translated():
            # Who waited for a lock must see what its holder committed, whatever the host's engine prefers.
            async with _at(engine, "READ COMMITTED") as connection:
                yield connection
        return
    async with _writer_lock(engine):
        with translated():
            async with _sqlite(engine, "BEGIN IMMEDIATE") as connection:
                yield connection


@asynccontextmanager
async def read(engine: AsyncEngine) -> AsyncIterator[AsyncConnection]:
    """A transaction that only reads: one consistent view, never waiting for writers."""
    with translated():
        if engine.dialect.name == "sqlite":
            async with _sqlite(engine, "BEGIN") as connection:
                yield connection
        else:
            async with _at(engine, "REPEATABLE READ") as connection:
                yield connection


async def write_at_once(engine: AsyncEngine, work: Callable[[Connection], T]) -> T:
    """What `work` answers from a transaction that may write. It may run in a thread, as `read_at_once`.

    On an SQLite file of our own that is one visit to a thread, whatever `work` does. Raises DatabaseError.
    """
    if twin := twins.twin_of(engine):
        async with _writer_lock(engine):
            with translated():
                return await twin.write(work)
    async with write(engine) as connection:
        return await connection.run_sync(work)


async def read_at_once(engine: AsyncEngine, work: Callable[[Connection], T]) -> T:
    """The same for what only reads: one consistent view."""
    if twin := twins.twin_of(engine):
        with translated():
            return await twin.read(work)
    async with read(engine) as connection:
        return await connection.run_sync(work)


@asynccontextmanager
async def _at(engine: AsyncEngine, isolation: Any) -> AsyncIterator[AsyncConnection]:
    async with engine.connect() as connection:
        await connection.execution_options(isolation_level=isolation)
        async with connection.begin():
            yield connection


@asynccontextmanager
async def _sqlite(engine: AsyncEngine, begin: str) -> AsyncIterator[AsyncConnection]:
    # The driver's own transaction control begins too late (at the first INSERT); AUTOCOMMIT turns it off.
    async with engine.connect() as connection:
        if not engine.get_execution_options().get(_OURS):
            await connection.execution_options(isolation_level="AUTOCOMMIT")
        await connection.exec_driver_sql(begin)
        try:
            yield connection
        except BaseException:
            # A full disk has ended the transaction already; the first error is the one to tell.
            with suppress(SQLAlchemyError):  # also that of a connection which a cancellation invalidated
                await connection.exec_driver_sql("ROLLBACK")
            raise
        await connection.exec_driver_sql("COMMIT")


async def upgrade(engine: AsyncEngine) -> None:
    """Bring our tables up to date. Safe to call again, and by several processes at once."""
    from overseer_payment import migrations  # Alembic costs 0.3 s to import

    with translated():
        await migrations.upgrade(engine)


async def current(engine: AsyncEngine) -> str | None:
    """The revision that the database is at, or None before the first migration."""
    from overseer_payment import migrations

    with translated():
        return await migrations.current(engine)


async def outdated(engine: AsyncEngine) -> bool:
    """Does the schema lack migrations that this version of the package brings?"""
    from overseer_payment import migrations

    return await current(engine) != migrations.head()
