"""The schema: the same on both databases, made in one go, apart from the host's."""

from __future__ import annotations

import asyncio
import multiprocessing
from collections.abc import AsyncIterator
from typing import Any

import pytest
from alembic.autogenerate import compare_metadata
from alembic.runtime.migration import MigrationContext
from sqlalchemy import Connection, inspect
from sqlalchemy.ext.asyncio import AsyncEngine

from overseer_payment import database, migrations, tables
from overseer_payment.ledger.record import record
from overseer_payment.tables import VERSION_TABLE
from tests.ledger import books
from tests.ledger.telling import SUCCEEDED, moment, payment

pytestmark = pytest.mark.anyio

_PATIENCE = 40.0


@pytest.fixture
async def engine(empty_database_url: str) -> AsyncIterator[AsyncEngine]:
    """An engine of ours on an empty database of either kind."""
    engine = database.create_engine(empty_database_url)
    yield engine
    await engine.dispose()


async def test_an_upgrade_makes_exactly_our_tables(engine: AsyncEngine) -> None:
    """The migrations and the tables in code agree: Alembic finds nothing to add, drop or alter."""
    await database.upgrade(engine)
    async with engine.connect() as connection:
        assert await connection.run_sync(_differences) == []
        names = await connection.run_sync(lambda c: set(inspect(c).get_table_names()))
        indexes = await connection.run_sync(_indexes)
    assert names == {*tables.metadata.tables, VERSION_TABLE}
    assert indexes == {index.name for table in tables.metadata.tables.values() for index in table.indexes}


def _differences(connection: Connection) -> Any:
    options = {
        "version_table": VERSION_TABLE,
        "compare_type": True,
        "include_name": lambda name, kind, _: kind != "table" or name in tables.metadata.tables,
    }
    return compare_metadata(MigrationContext.configure(connection, opts=options), tables.metadata)


def _indexes(connection: Connection) -> set[str | None]:
    found = inspect(connection)
    names = (index["name"] for name in tables.metadata.tables for index in found.get_indexes(name))
    unique = {c["name"] for name in tables.metadata.tables for c in found.get_unique_constraints(name)}
    return {name for name in names if name not in unique}


async def test_an_upgrade_can_be_repeated(engine: AsyncEngine) -> None:
    """Before: no revision and outdated. After, however often: the newest, with the rows kept."""
    assert await database.current(engine) is None
    assert await database.outdated(engine) is True
    await database.upgrade(engine)
    async with database.write(engine) as connection:
        await connection.run_sync(lambda c: record(c, 1, [payment(10, SUCCEEDED)], now=moment(0)))
    await database.upgrade(engine)
    assert await database.current(engine) == migrations.head()
    assert await database.outdated(engine) is False
    async with database.read(engine) as connection:
        assert "payment_transaction/pi_1" in await connection.run_sync(books.books, 1)


def _upgrade(url: str) -> None:
    async def main() -> None:
        engine = database.create_engine(url)
        await database.upgrade(engine)
        await engine.dispose()

    asyncio.run(main())


async def test_processes_that_start_together_upgrade_once(empty_database_url: str) -> None:
    """Two processes find an empty database at the same time: both end well, the schema is there."""
    spawn = multiprocessing.get_context("spawn")
    workers = [spawn.Process(target=_upgrade, args=(empty_database_url,)) for _ in range(2)]
    for worker in workers:
        worker.start()
    for worker in workers:
        worker.join(_PATIENCE)
    assert [worker.exitcode for worker in workers] == [0, 0]
    engine = database.create_engine(empty_database_url)
    assert await database.outdated(engine) is False
    await engine.dispose()


async def test_a_migration_that_breaks_off_leaves_nothing(
    engine: AsyncEngine, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Schema changes are one transaction on both databases: the next start begins anew."""

    from alembic import op

    true = op.create_table

    def some(name: str, *columns: Any, **options: Any) -> object:
        if name == "payment_transaction":
            raise RuntimeError("power cut")
        return true(name, *columns, **options)

    monkeypatch.setattr(op, "create_table", some)
    with pytest.raises(RuntimeError, match="power cut"):
        await database.upgrade(engine)
    async with engine.connect() as connection:
        assert await connection.run_sync(lambda c: inspect(c).get_table_names()) == []
    monkeypatch.undo()
    await database.upgrade(engine)
    assert await database.outdated(engine) is False


def test_a_hosts_own_migrations_leave_our_tables_alone() -> None:
    """What a host passes to Alembic hides our tables and version table, and nothing of its own."""
    ours = [*tables.metadata.tables, VERSION_TABLE]
    assert not any(migrations.include_name(name, "table", {}) for name in ours)
    assert migrations.include_name("alembic_version", "table", {})
    assert migrations.include_name("payment_plan_of_the_host", "table", {})
    assert migrations.include_name("payment_event", "column", {})
    assert migrations.include_name(None, "schema", {})


async def test_a_hosts_autogenerate_does_not_drop_our_tables(engine: AsyncEngine) -> None:
    """With `include_name` Alembic sees nothing of ours in a database that it compares for the host."""
    await database.upgrade(engine)
    options = {"include_name": migrations.include_name}

    def compare(connection: Connection) -> Any:
        from sqlalchemy import MetaData

        return compare_metadata(MigrationContext.configure(connection, opts=options), MetaData())

    async with engine.connect() as connection:
        assert await connection.run_sync(compare) == []


def test_no_key_leads_out_of_our_tables() -> None:
    """Every table has our prefix and none refers to another, least of all to a host's."""
    assert all(name.startswith("payment_") for name in tables.metadata.tables)
    assert not any(table.foreign_keys for table in tables.metadata.tables.values())
