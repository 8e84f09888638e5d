"""Our Alembic chain: an own version table, so that it never meets the host's.

A host that autogenerates its own migrations passes `include_name` on to Alembic, so that our tables are
not taken for leftovers.
"""

from __future__ import annotations

from functools import cache
from typing import Any

from alembic import command
from alembic.config import Config
from alembic.runtime.migration import MigrationContext
from alembic.script import ScriptDirectory
from sqlalchemy import Connection, text
from sqlalchemy.ext.asyncio import AsyncEngine

from overseer_payment.database import read, write
from overseer_payment.host_contract import Schema
from overseer_payment.tables import VERSION_TABLE, metadata

SCHEMA = Schema(metadata=metadata, version_table=VERSION_TABLE, script_location="overseer_payment:migrations")

_LOCK = 7_405_113_190  # any number of ours: processes that start together upgrade one after the other


def _config(connection: Connection | None = None) -> Config:
    config = Config()
    config.set_main_option("script_location", SCHEMA.script_location)
    config.attributes["connection"] = connection
    return config


@cache
def head() -> str:
    """The newest revision that this version of the package knows."""
    revision = ScriptDirectory.from_config(_config()).get_current_head()
    assert revision is not None, "the package ships at least one migration"
    return revision


async def current(engine: AsyncEngine) -> str | None:
    """The revision that the database is at, or None before the first migration."""
    async with read(engine) as connection:
        return await connection.run_sync(_current)


def _current(connection: Connection) -> str | None:
    return MigrationContext.configure(
        connection, opts={"version_table": VERSION_TABLE}
    ).get_current_revision()


async def upgrade(engine: AsyncEngine) -> None:
    """Run what is missing, all in one transaction: it is there whole or not at all."""
    async with write(engine) as connection:
        if connection.dialect.name == "postgresql":
            await connection.execute(text("SELECT pg_advisory_xact_lock(:key)"), {"key": _LOCK})
        await connection.run_sync(_upgrade)


def _upgrade(connection: Connection) -> None:
    if _current(connection) != head():
        command.upgrade(_config(connection), "head")


def include_name(name: str | None, type_: str, _: Any) -> bool:
    """For the host's `context.configure(include_name=…)`: leave our tables alone."""
    return not (type_ == "table" and name is not None and (name in metadata.tables or name == VERSION_TABLE))
