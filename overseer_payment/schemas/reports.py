"""Sums and health."""

from __future__ import annotations

from datetime import date, datetime
from typing import Literal

from pydantic import Field

from overseer_payment.schemas.base import ONE_PROVIDER, Body, Currency, Identifier, Row


class Summed(Row):
    """Sums in one currency, over all accounts that the answer is about."""

    currency: str
    exponent: int | None = Field(
        default=None,
        description="Decimal digits of the minor unit that the sums are in; null for an unknown currency. "
        "Where providers count a currency differently, it is the finest of theirs.",
    )


class Revenue(Row):
    """All-time sums in one currency, in minor units; `net` = gross − refunded − disputed."""

    currency: str
    gross: int
    refunded: int
    disputed: int
    net: int


class StatusView(Row):
    """The health of the default or the named provider, and all-time sums of the accounts looked at."""

    provider: str | None
    providers: list[str] = Field(
        default_factory=list, description="The providers whose rows are counted and summed."
    )
    account: str | None = Field(
        default=None, description="`default`, `example`, `demo` or a connected account's id."
    )
    enabled: bool
    livemode: bool
    is_test_mode: bool
    healthy: bool
    health_message: str
    read_only: bool = Field(
        default=False, description="The database answers and takes no writes: nothing can be recorded."
    )
    api_version: str | None = None
    total_transactions: int
    active_subscriptions: int
    open_disputes: int
    failed_events: int
    pending_events: int = 0
    lag_seconds: int = Field(default=0, description="How long the oldest pending event has been waiting.")
    last_event_at: datetime | None = None
    last_recovery_at: datetime | None = Field(
        default=None, description="When missed events were last asked for."
    )
    recovered_events: int = Field(default=0, description="How many the last recovery found.")
    last_reconciliation_at: datetime | None = Field(
        default=None, description="When the ledger was last compared with the provider."
    )
    healed: int = Field(default=0, description="How many differences that mended.")
    drift: int = Field(default=0, description="How many differences it left.")
    revenue: list[Revenue]
    exponents: dict[str, int] = Field(
        default_factory=dict,
        description="By currency: the decimal digits of the minor unit that its revenue is in.",
    )


Interval = Literal["day", "week", "month"]
Day = date
"""For rows whose field `date` hides the type."""


class RevenuePoint(Row):
    """Sums of the day, or of the week or month that begins on it."""

    date: date
    gross: int
    refunded: int
    disputed: int
    net: int


class RevenueSeries(Summed):
    points: list[RevenuePoint]


class RevenueTimeseries(Row):
    days: int
    interval: Interval = "day"
    series: list[RevenueSeries]


_INTERVAL = "What one point covers. Weeks begin on Monday; the first and the last may be cut by the period."


class StatusQuery(Body):
    provider: Identifier | None = Field(default=None, description=ONE_PROVIDER)


class RevenueQuery(Body):
    days: int = Field(default=30, ge=1, le=365)
    currency: Currency | None = None
    interval: Interval = Field(default="day", description=_INTERVAL)
    provider: Identifier | None = Field(default=None, description=ONE_PROVIDER)


class PeriodMetrics(Row):
    """Figures of one currency over one period, sums in its minor units. docs/numbers.md defines each."""

    mrr: int = Field(description="Monthly recurring revenue at the end of the period.")
    mrr_before: int = Field(description="The same at its beginning.")
    new_mrr: int = Field(description="Of subscriptions that began to pay in the period.")
    churned_mrr: int = Field(description="Of subscriptions that ceased to pay in the period.")
    arpu: int | None = Field(description="`mrr` for each paying customer; null without one.")
    subscriptions: int = Field(description="Subscriptions that pay at the end of the period.")
    customers: int = Field(description="Customers who pay for any at the end of the period.")
    new_customers: int
    churned_customers: int
    churn_rate: float | None = Field(description="Share of paying customers who left, 0 to 1.")
    revenue_churn_rate: float | None = Field(description="Share of recurring revenue that was lost, 0 to 1.")
    gross: int
    refunded: int
    disputed: int
    net: int
    payments: int = Field(description="Payments that succeeded, refunded ones included.")
    failed_payments: int
    failed_payment_rate: float | None = Field(description="Share of payments that failed, 0 to 1.")


class CurrencyMetrics(PeriodMetrics, Summed):
    """The period in one currency, and the period of the same length before it."""

    previous: PeriodMetrics


class MetricsSummary(Row):
    """Figures per currency, never summed across; `since` and `until` are days (UTC), both included."""

    days: int
    since: date
    until: date
    metrics: list[CurrencyMetrics]


class MetricsQuery(Body):
    days: int = Field(default=30, ge=1, le=365)
    currency: Currency | None = None
    provider: Identifier | None = Field(default=None, description=ONE_PROVIDER)


class MetricsSeriesQuery(Body):
    interval: Interval = Field(
        default="month", description="What one point covers (UTC). Weeks begin on Monday."
    )
    periods: int = Field(
        default=12, ge=1, le=366, description="How many days, weeks or months, the current one included."
    )
    currency: Currency | None = None
    provider: Identifier | None = Field(default=None, description=ONE_PROVIDER)


class MetricsPoint(PeriodMetrics):
    """The figures of one day, week or month (UTC); rates and `mrr_before` are of it alone."""

    date: date
    until: Day = Field(description="The last day that is counted, `date` being the first one.")
    complete: bool = Field(description="False for the current one: it goes on after what is counted here.")


class MetricsSeries(Summed):
    points: list[MetricsPoint]


class MetricsTimeseries(Row):
    """The figures over time per currency, never summed across; one point for each period, quiet or not."""

    interval: Interval = "month"
    periods: int
    since: date
    until: date
    series: list[MetricsSeries]


class MrrPoint(Row):
    """Recurring revenue at the end of the day, week or month that begins on `date`, and what moved it."""

    date: date
    mrr: int
    new_mrr: int
    churned_mrr: int


class MrrSeries(Summed):
    points: list[MrrPoint]


class MrrTimeseries(Row):
    days: int
    interval: Interval = "day"
    series: list[MrrSeries]
