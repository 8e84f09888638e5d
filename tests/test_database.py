"""Connections and transactions: alike on both databases, and one clear sentence when they can't be."""

from __future__ import annotations

import asyncio
import threading
from collections.abc import Callable
from datetime import datetime
from functools import partial
from pathlib import Path
from typing import Any

import pytest
from sqlalchemy import Connection, text
from sqlalchemy.exc import StatementError
from sqlalchemy.ext.asyncio import AsyncConnection, AsyncEngine, create_async_engine

from overseer_payment import database, twins
from overseer_payment.ledger import accounts
from overseer_payment.ledger.record import record
from tests.ledger import books, properties
from tests.ledger.telling import SUCCEEDED, moment, payment

pytestmark = pytest.mark.anyio

_PATIENCE = 40.0


# -- what a person is told -----------------------------------------------------------------------------


async def test_naive_moments_are_refused(engine: AsyncEngine) -> None:
    """A time without zone says nothing: it is an error before it reaches a row."""
    with pytest.raises(StatementError, match="naive datetime"):
        async with database.write(engine) as connection:
            await connection.run_sync(
                lambda c: record(c, 1, [payment(10, SUCCEEDED)], now=datetime(2026, 1, 1))  # noqa: DTZ001  (naive on purpose)
            )


# -- whoever's engine it is ------------------------------------------------------------------------------


def _host_engines(sqlite_url: str) -> list[AsyncEngine]:
    return [create_async_engine(sqlite_url), create_async_engine(sqlite_url, isolation_level="SERIALIZABLE")]


async def test_a_hosts_plain_sqlite_engine_will_do(empty_sqlite_url: str) -> None:
    """Without our tuning: transactions begin when we say, commit whole and roll back whole."""
    for number, engine in enumerate(_host_engines(empty_sqlite_url), start=1):
        await database.upgrade(engine)
        await _commit_and_roll_back(engine, account_id=number)
        await engine.dispose()


@pytest.mark.parametrize("isolation", ["AUTOCOMMIT", "SERIALIZABLE", "REPEATABLE READ", "READ COMMITTED"])
async def test_a_hosts_postgresql_engine_will_do(empty_postgres_url: str, isolation: Any) -> None:
    """Whatever isolation the host chose for itself, ours are transactions at the level that we need."""
    engine = create_async_engine(empty_postgres_url, isolation_level=isolation)
    async with engine.connect() as connection:
        before = await _level(connection)
    await database.upgrade(engine)
    await _commit_and_roll_back(engine, account_id=1)
    async with database.write(engine) as connection:
        level = (await connection.execute(text("SHOW transaction_isolation"))).scalar_one()
    assert level == "read committed"
    async with engine.connect() as connection:
        assert await _level(connection) == before, "the host's own transactions stay as they were"
    await engine.dispose()


async def _level(connection: AsyncConnection) -> tuple[str, bool]:
    raw: Any = (await connection.get_raw_connection()).driver_connection
    return await connection.get_isolation_level(), raw.autocommit


async def _write(engine: AsyncEngine, work: Callable[[Connection], object]) -> None:
    async with database.write(engine) as connection:
        await connection.run_sync(work)


async def _commit_and_roll_back(engine: AsyncEngine, *, account_id: int) -> None:
    told = properties.made_up(4).told
    async with database.write(engine) as connection:
        await connection.run_sync(lambda c: books.tell(c, account_id, told, size=10))
    async with database.read(engine) as connection:
        before = await connection.run_sync(books.books, account_id)

    def break_off(connection: Connection) -> None:
        record(connection, account_id, [payment(10, SUCCEEDED, "pi_new")], now=moment(0))
        raise ZeroDivisionError

    with pytest.raises(ZeroDivisionError):
        await _write(engine, break_off)
    async with database.read(engine) as connection:
        assert await connection.run_sync(books.books, account_id) == before
    assert before


async def test_a_read_is_one_view(engine: AsyncEngine) -> None:
    """What is committed while a page is put together is not seen by half of it."""

    async def add(id: str) -> None:
        async with database.write(engine) as connection:
            await connection.run_sync(lambda c: record(c, 1, [payment(10, SUCCEEDED, id)], now=moment(0)))

    await add("pi_1")
    async with database.read(engine) as connection:
        first = await connection.run_sync(books.books, 1)
        await add("pi_2")
        assert await connection.run_sync(books.books, 1) == first


async def test_writers_of_one_process_take_turns(engine: AsyncEngine) -> None:
    """Many tasks that write at once all get through, and nobody's write is lost."""

    async def write(number: int) -> None:
        async with database.write(engine) as connection:
            told = [payment(10, SUCCEEDED, f"pi_{number}")]
            await connection.run_sync(lambda c: record(c, 1, told, now=moment(0)))

    await asyncio.gather(*(write(number) for number in range(20)))
    async with database.read(engine) as connection:
        found = await connection.run_sync(books.books, 1)
    assert len([key for key in found if key.startswith("payment_transaction/")]) == 20


async def test_a_canceled_writer_leaves_nothing_and_blocks_nobody(engine: AsyncEngine) -> None:
    """Whoever goes away in the middle of a transaction takes it along."""
    begun = asyncio.Event()

    async def write() -> None:
        async with database.write(engine) as connection:
            await connection.run_sync(lambda c: record(c, 1, [payment(10, SUCCEEDED)], now=moment(0)))
            begun.set()
            await asyncio.Event().wait()

    task = asyncio.create_task(write())
    await asyncio.wait_for(begun.wait(), _PATIENCE)
    task.cancel()
    with pytest.raises(asyncio.CancelledError):
        await task
    async with database.write(engine) as connection:
        assert await connection.run_sync(books.books, 1) == {}


async def test_floods_run_whole_in_a_thread(sqlite_url: str) -> None:
    """On a file of ours one visit to a thread is a transaction: committed whole, undone whole, one writer."""
    engine = database.create_engine(sqlite_url)
    threads = set()

    def add(connection: Connection, id: str, *, fail: bool = False) -> None:
        threads.add(threading.get_ident())
        record(connection, 1, [payment(10, SUCCEEDED, id)], now=moment(0))
        if fail:
            raise ZeroDivisionError

    await asyncio.gather(
        *(database.write_at_once(engine, partial(add, id=f"pi_{number}")) for number in range(10)),
        *(_write(engine, partial(record, account_id=1, snapshots=[], now=moment(0))) for _ in range(3)),
    )
    with pytest.raises(ZeroDivisionError):
        await database.write_at_once(engine, partial(add, id="pi_undone", fail=True))
    found = await database.read_at_once(engine, lambda c: books.books(c, 1))
    assert len([key for key in found if key.startswith("payment_transaction/")]) == 10
    assert len(threads) == 1
    assert threading.get_ident() not in threads
    await engine.dispose()
    assert await database.read_at_once(engine, lambda c: books.books(c, 1)) == found, (
        "as an engine, used again"
    )
    await engine.dispose()


async def test_floods_stay_in_the_loop_where_they_must(sqlite_url: str) -> None:
    """In memory, on a host's own engine, and where what is called is async, the async driver does it."""
    ours = database.create_engine(sqlite_url)
    twins.do_without(ours)
    for engine in (ours, create_async_engine(sqlite_url), database.create_engine("sqlite://")):
        here = await database.write_at_once(engine, lambda _: threading.get_ident())
        assert here == threading.get_ident()
        assert await database.read_at_once(engine, lambda _: threading.get_ident()) == here
        await engine.dispose()


async def test_accounts_are_made_once(engine: AsyncEngine) -> None:
    """The same account asked for twice is one row, and modes are two."""
    test, live = (accounts.Account("stripe", "default", livemode) for livemode in (False, True))
    async with database.write(engine) as connection:
        first = await connection.run_sync(accounts.ensure, [test, live, test])
        again = await connection.run_sync(accounts.ensure, [live])
    assert len(set(first.values())) == 2
    assert again == {live: first[live]}


def test_sqlite_keeps_what_it_acknowledged(tmp_path: Path) -> None:
    """Our own engine writes ahead and syncs on each commit: a power cut loses no event."""

    async def pragmas() -> list[Any]:
        engine = database.create_engine(f"sqlite:///{tmp_path / 'x.db'}")
        async with engine.connect() as connection:
            names = ("journal_mode", "synchronous", "busy_timeout")
            found = [(await connection.exec_driver_sql(f"PRAGMA {name}")).scalar_one() for name in names]
        await engine.dispose()
        return found

    assert asyncio.run(pragmas()) == ["wal", 2, 10000]
