"""Do the totals equal the rows? Computed anew and compared, without changing anything."""

from __future__ import annotations

from sqlalchemy.ext.asyncio import AsyncEngine

from overseer_payment.committing import committed, queried
from overseer_payment.ledger import totals


async def wrong_sums(engine: AsyncEngine) -> int:
    """How many sums differ from what the rows of the same moment add up to, over all accounts."""
    return await queried(engine, totals.wrong)


async def mend_sums(engine: AsyncEngine) -> int:
    """Rebuild the sums from the rows; answers how many were wrong."""
    return await committed(engine, totals.rebuild)
