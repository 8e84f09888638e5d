"""Recurring revenue, churn and failures per currency, from the daily sums. docs/numbers.md defines each.

Every amount is added up exactly, as a fraction, and rounded once: half to even, when it is told.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import date, timedelta
from fractions import Fraction
from typing import Any

from sqlalchemy import ColumnElement, Connection, RowMapping, Table, case, func, select

from overseer_payment import tables
from overseer_payment.ledger.counting import ALIKE, Counting
from overseer_payment.ledger.periods import first_day, marks
from overseer_payment.ledger.recurring import monthly
from overseer_payment.schemas import (
    CurrencyMetrics,
    MetricsSummary,
    MrrPoint,
    MrrSeries,
    MrrTimeseries,
    PeriodMetrics,
)
from overseer_payment.schemas.reports import Interval

_BEFORE, _PREVIOUS, _CURRENT = 0, 1, 2
_SUMS = ("gross", "refunded", "disputed")
_MONEY = (*_SUMS, "payments", "failed_payments")
_PEOPLE = ("started", "ended", "joined", "departed")


@dataclass(slots=True)
class _Moved:
    """What one period added and took, in one currency."""

    added: Fraction = Fraction(0)
    lost: Fraction = Fraction(0)
    counts: dict[str, int] = field(default_factory=lambda: dict.fromkeys((*_MONEY, *_PEOPLE), 0))

    def recurs(self, row: RowMapping, counting: Counting) -> None:
        """Add what one account's sums of one billing interval make a month."""
        factor = counting.factor(row["account_id"], row["currency"])
        self.added += factor * monthly(int(row["added"]), row["interval"], row["interval_count"])
        self.lost += factor * monthly(int(row["lost"]), row["interval"], row["interval_count"])


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
    moved = _moved(connection, account_ids, since, since - timedelta(days=days), today, currency, counting)
    if currency is not None:
        moved = {currency: moved.get(currency, _periods())}
    rows = [_currency(code, counting.exponent(code), periods) for code, periods in moved.items()]
    rows.sort(key=lambda row: (-row.subscriptions, -row.payments, row.currency))
    return MetricsSummary(days=days, since=since, until=today, metrics=rows)


def _periods() -> tuple[_Moved, _Moved, _Moved]:
    return _Moved(), _Moved(), _Moved()


def _moved(
    connection: Connection,
    account_ids: Sequence[int],
    since: date,
    before: date,
    today: date,
    currency: str | None,
    counting: Counting,
) -> Mapping[str, tuple[_Moved, _Moved, _Moved]]:
    """What moved before the two periods, in the previous and in the current one, per currency."""
    found: dict[str, tuple[_Moved, _Moved, _Moved]] = defaultdict(_periods)

    def rows(table: Table, columns: Sequence[str], *where: ColumnElement[bool]) -> Sequence[Any]:
        period = case(
            (table.c.day < before, _BEFORE), (table.c.day < since, _PREVIOUS), else_=_CURRENT
        ).label("period")
        keys = [column for column in table.primary_key if column.name != "day"]
        sums = [func.sum(table.c[name]).label(name) for name in columns]
        # A provider's clock may be ahead of ours: what is told of days to come belongs to no period yet.
        told = (table.c.account_id.in_(account_ids), table.c.day <= today, *where)
        query = select(period, *keys, *sums).where(*told)
        if currency is not None:
            query = query.where(table.c.currency == currency)
        return connection.execute(query.group_by(period, *keys)).mappings().all()

    for row in rows(tables.recurring, ("added", "lost")):
        found[row["currency"]][row["period"]].recurs(row, counting)
    total = tables.total
    for row in (*rows(tables.subscriber, _PEOPLE), *rows(total, _MONEY, total.c.day >= before)):
        counts, factor = (
            found[row["currency"]][row["period"]].counts,
            counting.factor(row["account_id"], row["currency"]),
        )
        for name in counts.keys() & row.keys():
            counts[name] += int(row[name]) * (factor if name in _SUMS else 1)
    return found


def _currency(code: str, exponent: int | None, periods: tuple[_Moved, _Moved, _Moved]) -> CurrencyMetrics:
    before, previous, current = periods
    first = _figures([before], previous)
    return CurrencyMetrics(
        currency=code,
        exponent=exponent,
        previous=PeriodMetrics.model_validate(first),
        **_figures([before, previous], current),
    )


def _figures(before: Sequence[_Moved], period: _Moved) -> dict[str, Any]:
    counts = period.counts
    mrr_before = sum((moved.added - moved.lost for moved in before), Fraction(0))
    mrr = mrr_before + period.added - period.lost
    customers_before = sum(moved.counts["joined"] - moved.counts["departed"] for moved in before)
    customers = customers_before + counts["joined"] - counts["departed"]
    return {
        "mrr": round(mrr),
        "mrr_before": round(mrr_before),
        "new_mrr": round(period.added),
        "churned_mrr": round(period.lost),
        "arpu": round(mrr / customers) if customers else None,
        "subscriptions": sum(moved.counts["started"] - moved.counts["ended"] for moved in (*before, period)),
        "customers": customers,
        "new_customers": counts["joined"],
        "churned_customers": counts["departed"],
        "churn_rate": _rate(counts["departed"], customers_before + counts["joined"]),
        "revenue_churn_rate": _rate(period.lost, mrr_before + period.added),
        "net": counts["gross"] - counts["refunded"] - counts["disputed"],
        "failed_payment_rate": _rate(
            counts["failed_payments"], counts["payments"] + counts["failed_payments"]
        ),
        **{name: counts[name] for name in _MONEY},
    }


def _rate(part: int | Fraction, whole: int | Fraction) -> float | None:
    """To four digits, rounded once; None where there is nothing to have a share of."""
    return float(round(Fraction(part) / whole, 4)) if whole else None


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
    found: dict[str, dict[date | None, _Moved]] = defaultdict(lambda: defaultdict(_Moved))
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


def _points(moved: Mapping[date | None, _Moved], span: Sequence[date]) -> list[MrrPoint]:
    still = _Moved()
    before = moved.get(None, still)
    mrr, points = before.added - before.lost, []
    for day in span:
        its = moved.get(day, still)
        mrr += its.added - its.lost
        points.append(
            MrrPoint(date=day, mrr=round(mrr), new_mrr=round(its.added), churned_mrr=round(its.lost))
        )
    return points
