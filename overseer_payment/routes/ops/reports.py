"""Health and sums."""

from __future__ import annotations

from overseer_payment.routes import examples
from overseer_payment.routes.op import Call, Op
from overseer_payment.routes.ops.words import STAFF
from overseer_payment.schemas import (
    RevenueQuery,
    RevenueTimeseries,
    StatusQuery,
    StatusView,
)


async def get_status(call: Call[StatusQuery, None]) -> StatusView:
    return await call.payments.status(call.viewer, call.query.provider)


async def get_revenue(call: Call[RevenueQuery, None]) -> RevenueTimeseries:
    return await call.payments.revenue(call.viewer, call.query)


OPS = (
    Op(
        method="GET",
        path="/status",
        name="get_status",
        tag="Reports",
        summary="See the health of payments and all-time sums",
        description=(
            "`active_subscriptions` counts active and trialing ones. Revenue is given for each currency and "
            "never summed across them; `net` is gross less refunded less disputed. With several providers it "
            f"is that of all that are configured, or of the one that `provider` names. {STAFF}"
        ),
        handler=get_status,
        answer=StatusView,
        example=examples.STATUS,
        query=StatusQuery,
        needs="payment.view",
    ),
    Op(
        method="GET",
        path="/revenue-timeseries",
        name="get_revenue_timeseries",
        tag="Reports",
        summary="See revenue over time",
        description=(
            "One point for each day (or `interval`) in UTC up to today, per currency; quiet days are zero. "
            f"{STAFF}"
        ),
        handler=get_revenue,
        answer=RevenueTimeseries,
        example=examples.REVENUE,
        query=RevenueQuery,
        needs="payment.view",
    ),
)
