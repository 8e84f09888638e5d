"""Do the totals equal the rows? Computed anew and compared, without changing anything."""

from __future__ import annotations

from collections import Counter
from typing import Any

from sqlalchemy import Connection, select
from sqlalchemy.ext.asyncio import AsyncEngine

from overseer_payment import tables
from overseer_payment.committing import committed
from overseer_payment.database import read
from overseer_payment.ledger import totals

_SUMS = (tables.total, tables.customer_total, tables.gauge)
_SLOWLY = {"yield_per": 1000}  # millions of rows, never all at once in memory
_ROWS = (tables.transaction, tables.dispute, tables.subscription)


async def wrong_sums(engine: AsyncEngine) -> int:
    """How many sums differ from what the rows of the same moment add up to, over all accounts."""
    async with read(engine) as connection:
        return await connection.run_sync(_count)


async def mend_sums(engine: AsyncEngine) -> int:
    """Rebuild the sums from the rows; answers how many were wrong."""
    return await committed(engine, totals.rebuild)


def _count(connection: Connection) -> int:
    truth: Counter[totals.Key] = Counter()
    for table in _ROWS:
        for row in connection.execute(select(table), execution_options=_SLOWLY).mappings():
            for key, amount in totals.contributions(table.name, dict(row)):
                truth[key] += amount
    stands = _standing(connection)
    return sum(stands.get(key, 0) != truth.get(key, 0) for key in stands.keys() | truth.keys())


def _standing(connection: Connection) -> dict[totals.Key, int]:
    found: dict[totals.Key, int] = {}
    for table in _SUMS:
        names = [column.name for column in table.primary_key]
        for row in connection.execute(select(table)).mappings():
            key: tuple[Any, ...] = tuple(row[name] for name in names)
            found |= {(table.name, key, c.name): row[c.name] for c in table.c if c.name not in names}
    return found
