"""`payment metrics`: recurring revenue, churn and failed payments, beside the period before."""

from __future__ import annotations

from collections.abc import Iterator
from typing import TYPE_CHECKING

import click

from overseer_payment.cli.payment.options import build, json_option, provider_option

if TYPE_CHECKING:
    from overseer_payment.cli.output import Cell
    from overseer_payment.schemas import CurrencyMetrics, MetricsSummary, PeriodMetrics

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


@click.command()
@click.option(
    "--days",
    type=click.IntRange(1, 365),
    default=30,
    show_default=True,
    help="How many days up to today (UTC).",
)
@click.option("--currency", metavar="CODE", help="Only this currency, like EUR.")
@provider_option
@json_option
def metrics(days: int, currency: str | None, provider: str | None, as_json: bool) -> None:
    """Show recurring revenue, churn and failed payments per currency, beside the period before."""
    from overseer_payment.cli import output
    from overseer_payment.cli.session import session
    from overseer_payment.schemas import MetricsQuery
    from overseer_payment.shown import metrics as shown

    asked = build(MetricsQuery, days=days, currency=currency, provider=provider)
    with session() as desk:
        summary = desk.run(shown.metrics(desk.payments, desk.viewer, asked))
    if as_json:
        output.write_json(summary)
        return
    if not summary.metrics:
        output.note("Nothing recurs and nothing was paid yet.")
        return
    for its in summary.metrics:
        _table(summary, its)


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
