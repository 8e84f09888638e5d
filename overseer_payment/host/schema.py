"""The tables of every plugin, each with its own Alembic chain and version table.

A plugin's `env.py` takes the connection from `config.attributes["connection"]`, and the transaction is
ours: a migration commits whole or not at all.
"""

from __future__ import annotations

from collections.abc import Iterable
from typing import TYPE_CHECKING

from overseer_payment.errors import DatabaseError

if TYPE_CHECKING:
    from alembic.config import Config
    from sqlalchemy import Connection
    from sqlalchemy.ext.asyncio import AsyncEngine

    from overseer_payment.host_contract import Schema


async def prepare(engine: AsyncEngine, schemas: Iterable[Schema], *, migrate: bool | None = None) -> None:
    """See that all tables are up to date.

    `migrate` None upgrades an SQLite file (it belongs to whoever runs us) and nothing else (a server's
    schema is shared, so changing it is a person's decision). Raises DatabaseError when something is
    outdated and may not be upgraded, or when the database can't be reached.
    """
    outdated = [schema for schema in schemas if await _outdated(engine, schema)]
    if not outdated:
        return
    if not (engine.dialect.name == "sqlite" if migrate is None else migrate):
        raise DatabaseError("The database schema is missing or outdated. Run: overseer payment db upgrade")
    for schema in outdated:
        await _upgrade(engine, schema)


async def _outdated(engine: AsyncEngine, schema: Schema) -> bool:
    from overseer_payment import database

    async with database.read(engine) as connection:
        return not await connection.run_sync(_is_current, schema)


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


def _config(schema: Schema, connection: Connection) -> Config:
    from alembic.config import Config

    config = Config()
    config.set_main_option("script_location", schema.script_location)
    config.attributes["connection"] = connection
    return config


def _is_current(connection: Connection, schema: Schema) -> bool:
    from alembic.runtime.migration import MigrationContext
    from alembic.script import ScriptDirectory

    context = MigrationContext.configure(connection, opts={"version_table": schema.version_table})
    scripts = ScriptDirectory.from_config(_config(schema, connection))
    return set(context.get_current_heads()) == set(scripts.get_heads())


def _run(connection: Connection, schema: Schema) -> None:
    from alembic import command

    if not _is_current(connection, schema):
        command.upgrade(_config(schema, connection), "heads")
