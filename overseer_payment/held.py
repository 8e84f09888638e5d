"""A connection that is kept from one batch to the next, for a single statement that comes in floods.

Checking one out, setting its isolation and passing SQLAlchemy costs as much as storing ten events. This is a
shortcut only: when it fails, for whatever reason, the connection is given up, and the ordinary way tells why.
"""

from __future__ import annotations

import logging
from collections.abc import Sequence
from typing import Any, TypeAlias

from sqlalchemy import event
from sqlalchemy.exc import SQLAlchemyError
from sqlalchemy.ext.asyncio import AsyncConnection, AsyncEngine

log = logging.getLogger("overseer_payment.held")

# SQLAlchemy's connection, kept because it owns the next; the driver's, which has left the pool; its cursor.
_Kept: TypeAlias = tuple[AsyncConnection, Any, Any]


class Held:
    """One connection to PostgreSQL by psycopg, opened at its first use; its engine ends it at the latest."""

    def __init__(self, engine: AsyncEngine) -> None:
        self._engine = engine
        self._kept: _Kept | None = None

    async def execute(self, statement: str, values: Sequence[Any]) -> bool:
        """Run one statement, as the driver has it: True once it is committed, False if it may not be."""
        try:
            _, _, cursor = self._kept or await self._open()
            await cursor.execute(statement, values)
        except (SQLAlchemyError, self._engine.dialect.loaded_dbapi.Error, OSError) as error:
            log.info("a kept connection was given up (%s)", type(error).__name__)
            self.close()
            return False
        except BaseException:  # after a cancellation nobody knows how far the statement came
            self.close()
            raise
        return True

    def close(self) -> None:
        """End the connection. The next statement opens another."""
        if self._kept:
            event.remove(self._engine.sync_engine, "engine_disposed", self._end)
            self._end(None)

    async def _open(self) -> _Kept:
        connection = await self._engine.connect()
        pooled = await connection.get_raw_connection()
        driver: Any = pooled.driver_connection
        pooled.detach()  # whoever has a small pool keeps all of it
        self._kept = (connection, driver, driver.cursor())
        event.listen(self._engine.sync_engine, "engine_disposed", self._end)
        await driver.set_autocommit(True)
        return self._kept

    def _end(self, _: Any) -> None:
        """Close it, now that its engine is disposed of: nobody may be awaited here."""
        if self._kept:
            _, driver, _ = self._kept
            driver.pgconn.finish()
            self._kept = None
