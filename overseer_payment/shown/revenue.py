"""Revenue over longer than a question of REST may ask for: a year beside the year before."""

from __future__ import annotations

from typing import TYPE_CHECKING

from overseer_payment.database import utcnow
from overseer_payment.ledger import reports

if TYPE_CHECKING:
    from overseer_payment.schemas import RevenueSeries, Viewer
    from overseer_payment.shown.views import Views


async def daily(
    payments: Views, viewer: Viewer, days: int, provider: str | None = None
) -> list[RevenueSeries]:
    """One point for each of the last `days` days (UTC), today included, for each currency that moved.

    Raises Forbidden, DatabaseError.
    """
    viewer.require("payment.view")
    today = utcnow().date()
    found = await payments.ask(
        viewer,
        lambda connection, scope: reports.timeseries(
            connection, scope.account_ids, days=days, today=today, counting=scope.counting
        ),
        which=payments.of_provider(provider),
    )
    return found.series
