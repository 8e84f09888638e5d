"""Recurring revenue, churn and failures per currency, from the daily sums. docs/numbers.md defines each.

Every amount is added up exactly, as a fraction, and rounded once: half to even, when it is told.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Mapping, Sequence
from datetime import date, timedelta

from sqlalchemy import Connection, case, func, select

from overseer_payment import tables
from overseer_payment.ledger.counting import ALIKE, Counting
from overseer_payment.ledger.moved import Moved, Spans, course
from overseer_payment.ledger.periods import first_day, last_starts, marks
from overseer_payment.schemas import (
    CurrencyMetrics,
    MetricsPoint,
    MetricsSeries,
    MetricsSummary,
    MetricsTimeseries,
    MrrPoint,
    MrrSeries,
    MrrTimeseries,
    PeriodMetrics,
)
from overseer_payment.schemas.reports import Interval


def summary(
    connection: Connection,
    account_ids: Sequence[int],
    *,
    days: int,
    today: date,
    currency: str | None = None,
    counting: Counting = ALIKE,
) -> MetricsSummary:
    """The last `days` days, today included, and as many before them."""
    since = today - timedelta(days=days - 1)
    starts = (since - timedelta(days=days), since)
    found = Spans(account_ids, starts, today, currency, counting).read(connection)
    rows = [_currency(code, counting.exponent(code), moved) for code, moved in found.items()]
    rows.sort(key=lambda row: (-row.subscriptions, -row.payments, row.currency))
    return MetricsSummary(days=days, since=since, until=today, metrics=rows)


def _currency(code: str, exponent: int | None, moved: Sequence[Moved]) -> CurrencyMetrics:
    previous, current = course(moved)
    return CurrencyMetrics(
        currency=code, exponent=exponent, previous=PeriodMetrics.model_validate(previous), **current
    )


def timeseries(
    connection: Connection,
    account_ids: Sequence[int],
    *,
    periods: int,
    today: date,
    currency: str | None = None,
    interval: Interval = "month",
    counting: Counting = ALIKE,
) -> MetricsTimeseries:
    """The same figures for each of the last `periods` days, weeks or months; today's is not over yet."""
    starts = last_starts(today, interval, periods)
    found = Spans(account_ids, starts, today, currency, counting).read(connection)
    series = [
        MetricsSeries(currency=code, exponent=counting.exponent(code), points=_course(moved, starts, today))
        for code, moved in found.items()
    ]
    series.sort(key=_size)
    return MetricsTimeseries(interval=interval, periods=periods, since=starts[0], until=today, series=series)


def _course(moved: Sequence[Moved], starts: Sequence[date], today: date) -> list[MetricsPoint]:
    ends = [*(start - timedelta(days=1) for start in starts[1:]), today]
    return [
        MetricsPoint(date=start, until=end, complete=end < today, **figures)
        for start, end, figures in zip(starts, ends, course(moved), strict=True)
    ]


def _size(series: MetricsSeries) -> tuple[int, int, str]:
    paid = sum(point.payments for point in series.points)
    return -series.points[-1].subscriptions, -paid, series.currency


def mrr_timeseries(
    connection: Connection,
    account_ids: Sequence[int],
    *,
    days: int,
    today: date,
    currency: str | None = None,
    interval: Interval = "day",
    counting: Counting = ALIKE,
) -> MrrTimeseries:
    """Recurring revenue over the last `days` days, today included, for each currency that has any."""
    table, first = tables.recurring, today - timedelta(days=days - 1)
    # One line for all that came before; what stands for days to come belongs to no point.
    day = case((table.c.day < first, None), else_=table.c.day).label("since")
    keys = (table.c.account_id, table.c.currency, table.c.interval, table.c.interval_count)
    sums = [func.sum(table.c[name]).label(name) for name in ("added", "lost")]
    query = select(day, *keys, *sums).where(table.c.account_id.in_(account_ids), table.c.day <= today)
    if currency is not None:
        query = query.where(table.c.currency == currency)
    found: dict[str, dict[date | None, Moved]] = defaultdict(lambda: defaultdict(Moved))
    for row in connection.execute(query.group_by(day, *keys)).mappings():
        mark = first_day(row["since"], interval) if row["since"] else None
        found[row["currency"]][mark].recurs(row, counting)
    names = [currency] if currency is not None else sorted(found)
    span = marks(first, today, interval)
    series = [
        MrrSeries(currency=name, exponent=counting.exponent(name), points=_points(found[name], span))
        for name in names
    ]
    return MrrTimeseries(days=days, interval=interval, series=series)


def _points(moved: Mapping[date | None, Moved], span: Sequence[date]) -> list[MrrPoint]:
    still = Moved()
    before = moved.get(None, still)
    mrr, points = before.left, []
    for day in span:
        its = moved.get(day, still)
        mrr += its.left
        points.append(
            MrrPoint(date=day, mrr=round(mrr), new_mrr=round(its.added), churned_mrr=round(its.lost))
        )
    return points
