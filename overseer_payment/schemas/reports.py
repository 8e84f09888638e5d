"""Sums and health."""

from __future__ import annotations

from datetime import date, datetime

from pydantic import Field

from overseer_payment.schemas.base import Body, Currency, Row


class Revenue(Row):
    """Sums in one currency, in minor units; `net` = gross − refunded − disputed."""

    currency: str
    gross: int
    refunded: int
    disputed: int
    net: int


class StatusView(Row):
    """The health of payments, and all-time sums of the account that is looked at."""

    provider: str | None
    account: str | None = Field(
        default=None, description="`default`, `example`, `demo` or a connected account's id."
    )
    enabled: bool
    livemode: bool
    is_test_mode: bool
    healthy: bool
    health_message: str
    api_version: str | None = None
    total_transactions: int
    active_subscriptions: int
    open_disputes: int
    failed_events: int
    pending_events: int = 0
    last_event_at: datetime | None = None
    revenue: list[Revenue]


class RevenuePoint(Row):
    date: date
    gross: int
    refunded: int
    disputed: int
    net: int


class RevenueSeries(Row):
    currency: str
    points: list[RevenuePoint]


class RevenueTimeseries(Row):
    days: int
    series: list[RevenueSeries]


class RevenueQuery(Body):
    days: int = Field(default=30, ge=1, le=365)
    currency: Currency | None = None
