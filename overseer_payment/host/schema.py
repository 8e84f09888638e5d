"""The tables of every plugin, each with its own Alembic chain and version table.

A plugin's `env.py` takes the connection from `config.attributes["connection"]`, and the transaction is
ours: a migration commits whole or not at all.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from typing import TYPE_CHECKING

from overseer_payment.errors import DatabaseError, PaymentError
from overseer_payment.plugins import PluginRecord, describe, is_our_end

if TYPE_CHECKING:
    from alembic.config import Config
    from sqlalchemy import Connection
    from sqlalchemy.ext.asyncio import AsyncEngine

    from overseer_payment.host_contract import Schema


async def prepare(
    engine: AsyncEngine,
    schemas: Iterable[tuple[PluginRecord, Schema]],
    *,
    migrate: bool | None = None,
) -> None:
    """See that all tables are up to date. A plugin whose migrations can't be read or run is off.

    `migrate` None upgrades an SQLite file (it belongs to whoever runs us) and nothing else (a server's
    schema is shared, so changing it is a person's decision). Raises DatabaseError when something is
    outdated and may not be upgraded, or when the database can't be reached.
    """
    outdated = []
    for record, schema in schemas:
        if record.active:
            with _fault_of(record):
                if await _outdated(engine, schema):
                    outdated.append((record, schema))
    if not outdated:
        return
    if not (engine.dialect.name == "sqlite" if migrate is None else migrate):
        raise DatabaseError("The database schema is missing or outdated. Run: overseer payment db upgrade")
    for record, schema in outdated:
        with _fault_of(record):
            await _upgrade(engine, schema)


@contextmanager
def _fault_of(record: PluginRecord) -> Iterator[None]:
    try:
        yield
    except PaymentError:
        raise  # the database itself: everybody's trouble
    except BaseException as error:
        if is_our_end(error):
            raise
        record.fail(f"register_tables: {describe(error)}")


async def _outdated(engine: AsyncEngine, schema: Schema) -> bool:
    from overseer_payment import database

    # Before the database is asked: a file that a plugin lacks must not look like a database that is down.
    heads = _heads(schema)
    async with database.read(engine) as connection:
        return heads != await connection.run_sync(_current, schema)


async def _upgrade(engine: AsyncEngine, schema: Schema) -> None:
    from sqlalchemy import text

    from overseer_payment import database

    async with database.write(engine) as connection:
        if engine.dialect.name == "postgresql":
            # Replicas that start together upgrade one after the other.
            await connection.execute(
                text("SELECT pg_advisory_xact_lock(hashtext(:name))"), {"name": schema.version_table}
            )
        await connection.run_sync(_run, schema)


def _config(schema: Schema, connection: Connection | None = None) -> Config:
    from alembic.config import Config

    config = Config()
    config.set_main_option("script_location", schema.script_location)
    config.attributes["connection"] = connection
    return config


def _heads(schema: Schema) -> set[str]:
    from alembic.script import ScriptDirectory

    return set(ScriptDirectory.from_config(_config(schema)).get_heads())


def _current(connection: Connection, schema: Schema) -> set[str]:
    from alembic.runtime.migration import MigrationContext

    options = {"version_table": schema.version_table}
    return set(MigrationContext.configure(connection, opts=options).get_current_heads())


def _run(connection: Connection, schema: Schema) -> None:
    from alembic import command

    if _current(connection, schema) != _heads(schema):
        command.upgrade(_config(schema, connection), "heads")
