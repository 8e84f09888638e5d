"""Recurring revenue, churn and failures: how the business does, per currency."""

from __future__ import annotations

from typing import TYPE_CHECKING

from overseer_payment.database import utcnow
from overseer_payment.ledger import metrics as figures
from overseer_payment.schemas import MetricsQuery, MetricsSummary, MrrTimeseries, RevenueQuery, Viewer

if TYPE_CHECKING:
    from overseer_payment.shown.views import Views


async def metrics(payments: Views, viewer: Viewer, query: MetricsQuery) -> MetricsSummary:
    """The last days, today (UTC) included, beside as many days before. Raises Forbidden, DatabaseError."""
    viewer.require("payment.view")
    today = utcnow().date()
    return await payments.ask(
        viewer,
        lambda connection, scope: figures.summary(
            connection,
            scope.account_ids,
            days=query.days,
            today=today,
            currency=query.currency,
            counting=scope.counting,
        ),
        which=payments.of_provider(query.provider),
    )


async def mrr_timeseries(payments: Views, viewer: Viewer, query: RevenueQuery) -> MrrTimeseries:
    """Monthly recurring revenue over time, oldest first. Raises Forbidden, DatabaseError."""
    viewer.require("payment.view")
    today = utcnow().date()
    return await payments.ask(
        viewer,
        lambda connection, scope: figures.mrr_timeseries(
            connection,
            scope.account_ids,
            days=query.days,
            today=today,
            currency=query.currency,
            interval=query.interval,
            counting=scope.counting,
        ),
        which=payments.of_provider(query.provider),
    )
