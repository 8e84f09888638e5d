"""Connections and transactions: alike on both databases, and one clear sentence when they can't be."""

from __future__ import annotations

import asyncio
import sqlite3
import threading
from collections.abc import Callable
from contextlib import closing
from datetime import datetime
from functools import partial
from pathlib import Path
from typing import Any

import pytest
from sqlalchemy import Connection, create_engine, event, select, text
from sqlalchemy.exc import DBAPIError, IntegrityError, StatementError
from sqlalchemy.ext.asyncio import AsyncConnection, AsyncEngine, create_async_engine

from overseer_payment import database, tables, twins
from overseer_payment.committing import is_deadlock
from overseer_payment.errors import ConfigurationError, DatabaseError, DatabaseReadOnly
from overseer_payment.ledger import accounts
from overseer_payment.ledger.record import record
from overseer_payment.ledger.writable import read_only
from tests.ledger import books, properties
from tests.ledger.telling import SUCCEEDED, moment, payment

pytestmark = pytest.mark.anyio

_PATIENCE = 40.0


# -- what a person is told -----------------------------------------------------------------------------


async def test_missing_tables_name_the_command_that_makes_them(empty_database_url: str) -> None:
    """Reading or writing before the first migration is one sentence, not a driver's error."""
    engine = database.create_engine(empty_database_url)
    for transaction in (database.read, database.write):
        with pytest.raises(DatabaseError, match="payment db upgrade"):
            async with transaction(engine) as connection:
                await connection.execute(select(tables.transaction))
    await engine.dispose()


async def test_a_missing_column_names_it_too(engine: AsyncEngine) -> None:
    """An older schema is told as outdated."""
    async with database.write(engine) as connection:
        await connection.execute(text("ALTER TABLE payment_checkout DROP COLUMN url"))
    with pytest.raises(DatabaseError, match="outdated"):
        async with database.read(engine) as connection:
            await connection.execute(select(tables.checkout))


@pytest.mark.parametrize(
    "url",
    [
        "postgresql://nobody:secret@127.0.0.1:1/none",
        "sqlite:////nonexistent-folder/overseer.db",
    ],
)
async def test_an_unreachable_database_is_one_sentence(url: str) -> None:
    """It says what to check, and never the password."""
    engine = database.create_engine(url)
    for ask in (database.current, database.upgrade, database.outdated):
        with pytest.raises(DatabaseError, match="can't be reached") as failure:
            await ask(engine)
        assert "secret" not in str(failure.value)
    await engine.dispose()


async def test_a_database_that_the_server_does_not_have_is_one_sentence(postgres_url: str) -> None:
    """The server answers, but not to us: the same sentence."""
    engine = database.create_engine(postgres_url.replace("overseer_test", "overseer_absent"))
    with pytest.raises(DatabaseError, match="can't be reached"):
        await database.current(engine)
    await engine.dispose()


@pytest.mark.parametrize(
    "url", ["", "not a url", "nosuchdb://x", "postgresql+nosuchdriver://x", "sqlite+nosuch:///x"]
)
def test_a_url_that_means_nothing_is_a_setting_to_mend(url: str) -> None:
    """The message names the setting and shows how it is written, but not what was written there."""
    with pytest.raises(ConfigurationError, match="OVERSEER_DATABASE_URL"):
        database.create_engine(url)


async def test_a_url_with_a_typo_does_not_show_its_password() -> None:
    """Passwords in a URL that can't be used stay out of the message."""
    with pytest.raises(ConfigurationError) as failure:
        database.create_engine("postgresql+nosuchdriver://admin:hunter2@db/x")
    assert "hunter2" not in str(failure.value)


async def test_whether_the_database_takes_writes_is_known_without_one(database_url: str) -> None:
    """A replica or a read-only session is seen before anything is sent; else writes are possible."""
    engine = database.create_engine(database_url)
    forbid = {
        "sqlite": ("PRAGMA query_only=ON", "PRAGMA query_only=OFF"),
        "postgresql": ("SET TRANSACTION READ ONLY", "SELECT 1"),
    }[engine.dialect.name]
    async with database.read(engine) as connection:
        assert not await connection.run_sync(read_only)
        await connection.exec_driver_sql(forbid[0])
        assert await connection.run_sync(read_only)
        await connection.exec_driver_sql(forbid[1])
    await engine.dispose()


async def test_a_read_only_file_is_one_sentence(sqlite_url: str, tmp_path: Path) -> None:
    """Reading goes on; what wants to write is told that it can't."""
    path = tmp_path / "overseer.db"
    engine = database.create_engine(sqlite_url)
    await engine.dispose()
    # By mode, not by permission bits: those mean nothing to root.
    engine = database.create_engine(f"sqlite+aiosqlite:///file:{path}?mode=ro&uri=true")
    async with database.read(engine) as connection:
        assert (await connection.execute(select(tables.transaction))).all() == []
        assert await connection.run_sync(read_only)
    with pytest.raises(DatabaseReadOnly, match="write access"):
        async with database.write(engine) as connection:
            await connection.run_sync(lambda c: record(c, 1, [payment(10, SUCCEEDED)], now=moment(0)))
    await engine.dispose()


@pytest.mark.parametrize(("mode", "seen"), [("delete", True), ("wal", False)])
def test_a_folder_that_takes_no_files_is_seen(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, mode: str, seen: bool
) -> None:
    """Before the first write: its journal could not be made there. A log that is there already will do."""
    # Permission bits mean nothing to root.
    monkeypatch.setattr("os.access", lambda path, _: Path(path) != tmp_path)
    engine = create_engine(f"sqlite:///{tmp_path}/host.db")
    with engine.connect() as connection:
        connection.exec_driver_sql(f"PRAGMA journal_mode={mode}")
        connection.exec_driver_sql("CREATE TABLE host (id INTEGER)")
        connection.commit()
        assert read_only(connection) is seen
    engine.dispose()


async def test_a_locked_file_is_one_sentence(sqlite_url: str, tmp_path: Path) -> None:
    """Somebody else holds the write lock: after waiting, told as such, while reading never waits."""
    engine = database.create_engine(sqlite_url)
    _shorten_waiting(engine)
    with closing(sqlite3.connect(tmp_path / "overseer.db", isolation_level=None)) as other:
        other.execute("BEGIN IMMEDIATE")
        with pytest.raises(DatabaseError, match="locked by another process"):
            async with database.write(engine):
                pass
        async with database.read(engine) as connection:
            await connection.execute(select(tables.transaction))
        other.execute("ROLLBACK")
    async with database.write(engine) as connection:
        await connection.run_sync(lambda c: record(c, 1, [payment(10, SUCCEEDED)], now=moment(0)))
    await engine.dispose()


def _shorten_waiting(engine: AsyncEngine) -> None:
    def shorten(connection: Any, *_: object) -> None:
        connection.cursor().execute("PRAGMA busy_timeout=50")

    event.listen(engine.sync_engine, "checkout", shorten)


async def test_a_fault_of_ours_is_not_blamed_on_the_database(engine: AsyncEngine) -> None:
    """A constraint that is violated stays what it is: a bug to be seen."""
    with pytest.raises(IntegrityError):
        async with database.write(engine) as connection:
            await connection.execute(text("INSERT INTO payment_gauge (account_id, name) VALUES (1, NULL)"))


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


async def test_a_locked_file_is_one_sentence_in_a_flood(sqlite_url: str, tmp_path: Path) -> None:
    """What goes wrong in the thread is told as elsewhere, and durability is the same."""
    engine = database.create_engine(sqlite_url)
    for twin in twins.engines(engine):
        event.listen(twin, "checkout", lambda c, *_: c.cursor().execute("PRAGMA busy_timeout=50"))
    with closing(sqlite3.connect(tmp_path / "overseer.db", isolation_level=None)) as other:
        other.execute("BEGIN IMMEDIATE")
        with pytest.raises(DatabaseError, match="locked by another process"):
            await database.write_at_once(engine, lambda _: None)
        other.execute("ROLLBACK")
    synchronous = "PRAGMA synchronous"
    assert await database.write_at_once(engine, lambda c: c.exec_driver_sql(synchronous).scalar_one()) == 2
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


def test_only_deadlocks_are_worth_another_try() -> None:
    """Transient is what the database itself asks to run again."""

    class Orig(Exception):
        def __init__(self, sqlstate: str | None) -> None:
            self.sqlstate = sqlstate

    assert database.is_transient(DBAPIError("", None, Orig("40P01")))
    assert database.is_transient(DBAPIError("", None, Orig("40001")))
    assert not database.is_transient(DBAPIError("", None, Orig("23505")))
    assert not database.is_transient(ValueError())


def test_a_deadlock_is_not_told_as_a_locked_file() -> None:
    """PostgreSQL names who is "blocked by process"; its cause stays known, so it is run again."""

    class Orig(Exception):
        sqlstate = "40P01"

    deadlock = DBAPIError("", None, Orig("Process 7 waits for ShareLock; blocked by process 8."))
    with pytest.raises(DatabaseError, match="too busy") as raised, database.translated():
        raise deadlock
    assert is_deadlock(raised.value)


async def test_an_error_does_not_quote_what_was_written(engine: AsyncEngine) -> None:
    """Statements carry people's data: an exception's text, which may be logged, holds the statement alone."""
    with pytest.raises(DBAPIError) as raised:
        async with engine.connect() as connection:
            await connection.execute(
                text("SELECT nothing FROM nowhere WHERE x = :x"), {"x": "ada@example.com"}
            )
    assert "nowhere" in str(raised.value)
    assert "ada@example.com" not in str(raised.value)
