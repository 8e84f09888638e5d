"""The Overview tab: the period's figures with their trends, the chart, and what needs a person now."""

from __future__ import annotations

from typing import TYPE_CHECKING

from overseer_payment.cards.addresses import Address
from overseer_payment.cards.attention import attention_of
from overseer_payment.cards.charts import BarChart, Bucket, bar_chart, buckets
from overseer_payment.cards.figures import figures_of
from overseer_payment.cards.frame import frame_of, view
from overseer_payment.cards.revenue import LONGEST, Period, drawn, periods
from overseer_payment.cards.visit import provider_of
from overseer_payment.errors import Invalid

if TYPE_CHECKING:
    from overseer_payment.cards.render import View
    from overseer_payment.cards.visit import Visit

PERIODS = (7, 30, 90, 365)


async def overview(seen: Visit) -> View:
    """The Overview tab for `days`, `currency` and `provider` of the query."""
    from overseer_payment.shown import overview as asked

    days, frame, provider = _days(seen), await frame_of(seen, "overview"), provider_of(seen.request)
    course = await asked.course(seen.payments, seen.viewer, days=days, drawn=drawn(days), provider=provider)
    found = periods(course.series, days)
    period = _chosen(seen, found)
    chart = _chart(period, days)
    everything = frame.status or await seen.payments.status(seen.viewer)
    status = everything if provider is None else await seen.payments.status(seen.viewer, provider)
    sources = sorted({*everything.providers, *filter(None, [provider])})
    titles = {row.key: row.title for row in seen.payments.providers()}
    return view(
        seen,
        "overview.html",
        title="Overview",
        frame=frame,
        status=everything,
        days=days,
        periods=PERIODS,
        currencies=[known.currency for known in found],
        period=period,
        provider=provider,
        sources={key: titles.get(key, key) for key in sources},
        figures=figures_of(seen, status, course.metrics, period, days=days, provider=provider),
        chart=chart,
        table=_table(period, chart, days),
        attention=await attention_of(seen, everything),
        providers=seen.payments.providers(),
    )


def _days(seen: Visit) -> int:
    typed = seen.request.query_params.get("days", "30")
    if typed not in {str(days) for days in PERIODS}:
        raise Invalid("Choose a period of 7, 30, 90 or 365 days.")
    return int(typed)


def _chosen(seen: Visit, found: list[Period]) -> Period | None:
    wanted = seen.request.query_params.get("currency", "").lower()
    return next((period for period in found if period.currency == wanted), found[0] if found else None)


def _chart(period: Period | None, days: int) -> BarChart | None:
    # A year of days is thinner than a pixel on a phone: there a bar is a week.
    return bar_chart(period.points, period.before, step=7 if days == LONGEST else 1) if period else None


def _table(period: Period | None, chart: BarChart | None, days: int) -> list[Bucket]:
    """The chart's figures in at most about fifty rows."""
    if period is None or chart is None:
        return []
    step = 1 if days <= 30 else 7
    rows = chart.buckets if step == chart.step_days else buckets(period.points, period.before, step)
    return [row for row in rows if _any(row)]


def _any(row: Bucket) -> bool:
    return bool(row.gross or row.refunded or row.disputed)


PAGES = (
    Address("/payment/modal", overview),
    Address("/payment/modal/overview", overview),
)
