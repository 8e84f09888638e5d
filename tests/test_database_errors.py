"""What is said of a database that can't be used: one sentence, the cure in it, no secret."""

from __future__ import annotations

import sqlite3
from contextlib import closing
from pathlib import Path
from typing import Any

import pytest
from sqlalchemy import create_engine, event, select, text
from sqlalchemy.exc import DBAPIError, IntegrityError
from sqlalchemy.ext.asyncio import AsyncEngine

from overseer_payment import breakdowns, database, tables, twins
from overseer_payment.committing import is_deadlock
from overseer_payment.errors import ConfigurationError, DatabaseError, DatabaseReadOnly
from overseer_payment.ledger.record import record
from overseer_payment.ledger.writable import read_only
from tests.ledger.telling import SUCCEEDED, moment, payment

pytestmark = pytest.mark.anyio


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
    ("url", "sentence"),
    [
        ("postgresql://nobody:secret@127.0.0.1:1/none", "can't be reached"),
        ("sqlite:////nonexistent-folder/overseer.db", "file can't be opened. Make the folder"),
    ],
)
async def test_an_unreachable_database_is_one_sentence(url: str, sentence: str) -> None:
    """It says what to check, and never the password."""
    engine = database.create_engine(url)
    for ask in (database.current, database.upgrade, database.outdated):
        with pytest.raises(DatabaseError, match=sentence) as failure:
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


def test_only_deadlocks_are_worth_another_try() -> None:
    """Transient is what the database itself asks to run again."""

    class Orig(Exception):
        def __init__(self, sqlstate: str | None) -> None:
            self.sqlstate = sqlstate

    assert breakdowns.is_transient(DBAPIError("", None, Orig("40P01")))
    assert breakdowns.is_transient(DBAPIError("", None, Orig("40001")))
    assert not breakdowns.is_transient(DBAPIError("", None, Orig("23505")))
    assert not breakdowns.is_transient(ValueError())


def test_a_deadlock_is_not_told_as_a_locked_file() -> None:
    """PostgreSQL names who is "blocked by process"; its cause stays known, so it is run again."""

    class Orig(Exception):
        sqlstate = "40P01"

    deadlock = DBAPIError("", None, Orig("Process 7 waits for ShareLock; blocked by process 8."))
    with pytest.raises(DatabaseError, match="too busy") as raised, breakdowns.translated():
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
