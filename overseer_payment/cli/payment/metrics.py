"""`payment metrics`: recurring revenue, churn and failed payments, beside the period before."""

from __future__ import annotations

from collections.abc import Iterator
from typing import TYPE_CHECKING

import click
from click.core import ParameterSource

from overseer_payment.cli.payment.options import INTERVALS, build, json_option, provider_option

if TYPE_CHECKING:
    from overseer_payment.cli.output import Cell
    from overseer_payment.schemas import (
        CurrencyMetrics,
        MetricsQuery,
        MetricsSeries,
        MetricsSeriesQuery,
        MetricsSummary,
        MetricsTimeseries,
        PeriodMetrics,
    )

_SUMS = (
    ("MRR", "mrr"),
    ("New MRR", "new_mrr"),
    ("Churned MRR", "churned_mrr"),
    ("ARPU", "arpu"),
    ("Gross", "gross"),
    ("Refunded", "refunded"),
    ("Disputed", "disputed"),
    ("Net", "net"),
)
_COUNTS = (
    ("Paying customers", "customers"),
    ("New customers", "new_customers"),
    ("Churned customers", "churned_customers"),
    ("Subscriptions", "subscriptions"),
    ("Payments", "payments"),
    ("Failed payments", "failed_payments"),
)
_RATES = (
    ("Customer churn", "churn_rate"),
    ("Revenue churn", "revenue_churn_rate"),
    ("Failed payment rate", "failed_payment_rate"),
)
_AMOUNTS = frozenset(name for _, name in _SUMS)
# Title, figure, and in which order a narrow terminal does without it: the highest goes first.
_COLUMNS = (
    ("MRR", "mrr", 0),
    ("New", "new_mrr", 5),
    ("Churned", "churned_mrr", 5),
    ("ARPU", "arpu", 1),
    ("Customers", "customers", 3),
    ("Came", "new_customers", 6),
    ("Left", "churned_customers", 6),
    ("Churn", "churn_rate", 1),
    ("Revenue churn", "revenue_churn_rate", 8),
    ("Subscriptions", "subscriptions", 9),
    ("Gross", "gross", 2),
    ("Refunded", "refunded", 7),
    ("Disputed", "disputed", 7),
    ("Net", "net", 0),
    ("Payments", "payments", 4),
    ("Failed", "failed_payments", 4),
    ("Failure rate", "failed_payment_rate", 1),
)
_NOTHING = "Nothing recurs and nothing was paid yet."


@click.command()
@click.option(
    "--days",
    type=click.IntRange(1, 365),
    default=30,
    show_default=True,
    help="How many days up to today (UTC).",
)
@click.option("--by", type=click.Choice(INTERVALS), help="Each day, week or month instead of one period.")
@click.option(
    "--periods",
    type=click.IntRange(1, 366),
    default=12,
    show_default=True,
    help="With --by: how many of them, the current one included.",
)
@click.option("--currency", metavar="CODE", help="Only this currency, like EUR.")
@provider_option
@json_option
def metrics(
    days: int, by: str | None, periods: int, currency: str | None, provider: str | None, as_json: bool
) -> None:
    """Show recurring revenue, churn and failed payments per currency.

    \b
    The last 30 days beside the 30 before:   payment metrics
    Week by week, from Monday on (UTC):      payment metrics --by week --periods 8
    """
    from overseer_payment.schemas import MetricsQuery, MetricsSeriesQuery

    _require_fitting(by)
    if by is None:
        _summary(build(MetricsQuery, days=days, currency=currency, provider=provider), as_json)
    else:
        asked = build(MetricsSeriesQuery, interval=by, periods=periods, currency=currency, provider=provider)
        _course(asked, as_json)


def _require_fitting(by: str | None) -> None:
    name = "periods" if by is None else "days"
    if click.get_current_context().get_parameter_source(name) is ParameterSource.COMMANDLINE:
        raise click.UsageError("--periods needs --by." if by is None else "--days doesn't go with --by.")


def _summary(asked: MetricsQuery, as_json: bool) -> None:
    from overseer_payment.cli import output
    from overseer_payment.cli.session import session
    from overseer_payment.shown import metrics as shown

    with session() as desk:
        summary = desk.run(shown.metrics(desk.payments, desk.viewer, asked))
    if as_json:
        output.write_json(summary)
        return
    if not summary.metrics:
        output.note(_NOTHING)
    for its in summary.metrics:
        _table(summary, its)


def _course(asked: MetricsSeriesQuery, as_json: bool) -> None:
    from overseer_payment.cli import output
    from overseer_payment.cli.session import session
    from overseer_payment.shown import metrics as shown

    with session() as desk:
        found = desk.run(shown.timeseries(desk.payments, desk.viewer, asked))
    if as_json:
        output.write_json(found)
        return
    if not found.series:
        output.note(_NOTHING)
    for series in found.series:
        _points(found, series)


def _points(found: MetricsTimeseries, series: MetricsSeries) -> None:
    from overseer_payment.cli.output import Cell, Column, heading, table

    heading(f"{series.currency.upper()} by {found.interval}, {found.since} to {found.until} (UTC)")
    titles = [Column(title, right=True, rank=rank) for title, _, rank in _COLUMNS]
    rows = []
    for point in series.points:
        first = Cell(f"{point.date}{'' if point.complete else ' so far'}", plain=str(point.date))
        rows.append((first, *(_cell(getattr(point, name), name, series) for _, name, _ in _COLUMNS)))
    table((Column(found.interval.capitalize()), *titles), rows, indent=2)


def _cell(value: float | None, name: str, series: MetricsSeries) -> Cell | str:
    from overseer_payment.cli.words import bare

    if value is None:
        return ""
    if isinstance(value, float):
        return f"{value:.2%}"
    return bare(value, series.currency, series.exponent) if name in _AMOUNTS else _count(value)


def _table(summary: MetricsSummary, its: CurrencyMetrics) -> None:
    from overseer_payment.cli.output import Column, heading, table

    heading(f"{its.currency.upper()}, {summary.since} to {summary.until} (UTC)")
    days = "day" if summary.days == 1 else f"{summary.days} days"
    columns = (Column("Figure"), Column("Now", right=True), Column(f"The {days} before", right=True))
    now, before = _figures(its, its), _figures(its.previous, its)
    rows = [(label, cell, then) for (label, cell), (_, then) in zip(now, before, strict=True)]
    table(columns, rows, indent=2)


def _figures(its: PeriodMetrics, of: CurrencyMetrics) -> Iterator[tuple[str, Cell | str]]:
    from overseer_payment.cli.words import summed

    for label, name in _SUMS:
        amount = getattr(its, name)
        yield label, "" if amount is None else summed(amount, of.currency, of.exponent)
    for label, name in _COUNTS:
        yield label, _count(getattr(its, name))
    for label, name in _RATES:
        rate = getattr(its, name)
        yield label, "" if rate is None else f"{rate:.2%}"


def _count(number: int) -> Cell:
    from overseer_payment.cli.output import Cell

    return Cell(f"{number:,}", plain=str(number))
