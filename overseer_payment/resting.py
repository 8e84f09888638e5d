"""Connections that have rested are asked whether they still live; those in use are not.

SQLAlchemy's own `pool_pre_ping` asks at each checkout: a round trip for every transaction.
"""

from __future__ import annotations

from time import monotonic
from typing import TYPE_CHECKING

from sqlalchemy import event
from sqlalchemy.exc import InvalidatePoolError
from sqlalchemy.ext.asyncio import AsyncEngine

if TYPE_CHECKING:
    from sqlalchemy.engine.interfaces import DBAPIConnection
    from sqlalchemy.pool import ConnectionPoolEntry, PoolProxiedConnection

_RESTED = 1.0  # seconds
_USED = "overseer_payment_used"


def look_after(engine: AsyncEngine) -> AsyncEngine:
    """The engine, which from now on replaces connections that were lost while they rested."""
    dialect = engine.dialect

    def come_back(_: DBAPIConnection | None, entry: ConnectionPoolEntry) -> None:
        entry.info[_USED] = monotonic()

    def go_out(connection: DBAPIConnection, entry: ConnectionPoolEntry, _: PoolProxiedConnection) -> None:
        if monotonic() - entry.info.get(_USED, monotonic()) < _RESTED:
            return
        try:
            dialect.do_ping(connection)
        except dialect.loaded_dbapi.Error as error:
            # A server that was restarted has left none of them.
            raise InvalidatePoolError from error

    event.listen(engine.sync_engine, "checkin", come_back)
    event.listen(engine.sync_engine, "checkout", go_out)
    return engine
