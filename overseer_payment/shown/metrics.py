"""Recurring revenue, churn and failures: how the business does, per currency."""

from __future__ import annotations

from typing import TYPE_CHECKING

from overseer_payment.ledger import metrics as figures
from overseer_payment.schemas import (
    MetricsQuery,
    MetricsSeriesQuery,
    MetricsSummary,
    MetricsTimeseries,
    MrrTimeseries,
    RevenueQuery,
    Viewer,
)

if TYPE_CHECKING:
    from overseer_payment.shown.views import Views


async def metrics(payments: Views, viewer: Viewer, query: MetricsQuery) -> MetricsSummary:
    """The last days, today (UTC) included, beside as many days before. Raises Forbidden, DatabaseError."""
    return await payments.report(viewer, query, figures.summary)


async def timeseries(payments: Views, viewer: Viewer, query: MetricsSeriesQuery) -> MetricsTimeseries:
    """The same figures by day, week or month, oldest first. Raises Forbidden, Invalid, DatabaseError."""
    return await payments.report(viewer, query, figures.timeseries)


async def mrr_timeseries(payments: Views, viewer: Viewer, query: RevenueQuery) -> MrrTimeseries:
    """Monthly recurring revenue over time, oldest first. Raises Forbidden, DatabaseError."""
    return await payments.report(viewer, query, figures.mrr_timeseries)
