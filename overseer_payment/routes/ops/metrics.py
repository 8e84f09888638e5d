"""How the business does: recurring revenue, churn, failures."""

from __future__ import annotations

from overseer_payment.routes import examples
from overseer_payment.routes.op import Call, Op
from overseer_payment.routes.ops.words import STAFF
from overseer_payment.schemas import (
    MetricsQuery,
    MetricsSeriesQuery,
    MetricsSummary,
    MetricsTimeseries,
    MrrTimeseries,
    RevenueQuery,
)
from overseer_payment.shown import metrics


async def get_metrics(call: Call[MetricsQuery, None]) -> MetricsSummary:
    return await metrics.metrics(call.payments, call.viewer, call.query)


async def get_course(call: Call[MetricsSeriesQuery, None]) -> MetricsTimeseries:
    return await metrics.timeseries(call.payments, call.viewer, call.query)


async def get_mrr(call: Call[RevenueQuery, None]) -> MrrTimeseries:
    return await metrics.mrr_timeseries(call.payments, call.viewer, call.query)


OPS = (
    Op(
        method="GET",
        path="/metrics-summary",
        name="get_metrics_summary",
        tag="Reports",
        summary="See recurring revenue, churn and failures",
        description=(
            "For the last `days` days in UTC, today included, and for as many days before (`previous`), per "
            "currency. Rates are shares from 0 to 1, and null where there is nothing to have a share of. "
            f"Numbers in the documentation defines each figure. {STAFF}"
        ),
        handler=get_metrics,
        answer=MetricsSummary,
        example=examples.METRICS,
        query=MetricsQuery,
        needs="payment.view",
    ),
    Op(
        method="GET",
        path="/metrics-timeseries",
        name="get_metrics_timeseries",
        tag="Reports",
        summary="See recurring revenue, churn and failures over time",
        description=(
            "All figures of the summary for each of the last `periods` days, weeks (from Monday on) or "
            "months in UTC, per currency; quiet ones are there as well. The last point is the current "
            f"period: it counts up to today and says `complete: false`. {STAFF}"
        ),
        handler=get_course,
        answer=MetricsTimeseries,
        example=examples.METRICS_COURSE,
        query=MetricsSeriesQuery,
        needs="payment.view",
    ),
    Op(
        method="GET",
        path="/mrr-timeseries",
        name="get_mrr_timeseries",
        tag="Reports",
        summary="See recurring revenue over time",
        description=(
            "Monthly recurring revenue at the end of each day, week or month up to today, and what began and "
            f"ceased to recur in it, per currency. {STAFF}"
        ),
        handler=get_mrr,
        answer=MrrTimeseries,
        example=examples.MRR,
        query=RevenueQuery,
        needs="payment.view",
    ),
)
