"""The Overview tab: the period's sums with their trends, the chart, and what needs a person now."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import TYPE_CHECKING

from overseer_payment.cards.addresses import Address
from overseer_payment.cards.charts import BarChart, Bucket, bar_chart, buckets
from overseer_payment.cards.frame import frame_of, view
from overseer_payment.cards.revenue import LONGEST, Period, periods
from overseer_payment.cards.trends import NOTHING, Trend, trend
from overseer_payment.cards.words import Tone
from overseer_payment.errors import Invalid
from overseer_payment.provider import SubscriptionStatus
from overseer_payment.schemas import SubscriptionQuery, TransactionQuery, TransactionState

if TYPE_CHECKING:
    from overseer_payment.cards.render import View
    from overseer_payment.cards.visit import Visit
    from overseer_payment.schemas import StatusView

PERIODS = (7, 30, 90, 365)
_COUNTED = 100
"""A list answers at most this many rows; more than that is said as "100+"."""


@dataclass(frozen=True, slots=True)
class Figure:
    """One figure of the overview."""

    label: str
    text: str
    trend: Trend = NOTHING
    note: str = ""
    href: str | None = None


@dataclass(frozen=True, slots=True)
class Attention:
    """Something that a person should look at, and where."""

    tone: Tone
    text: str
    hint: str = ""
    command: str = ""
    href: str | None = None


async def overview(seen: Visit) -> View:
    """The Overview tab for `days` and `currency` of the query."""
    days, frame = _days(seen), await frame_of(seen, "overview")
    found = await periods(seen.payments, seen.viewer, days)
    period = _chosen(seen, found)
    status = frame.status or await seen.payments.status(seen.viewer)
    return view(
        seen,
        "overview.html",
        title="Overview",
        frame=frame,
        status=status,
        days=days,
        periods=PERIODS,
        currencies=[known.currency for known in found],
        period=period,
        figures=await _figures(seen, status, period, days),
        chart=_chart(period, days),
        table=_table(period, days),
        attention=await _attention(seen, status),
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


def _table(period: Period | None, days: int) -> list[Bucket]:
    """The chart's figures in at most about fifty rows."""
    step = 1 if days <= 30 else 7
    return [] if period is None else [row for row in buckets(period.points, period.before, step) if _any(row)]


def _any(row: Bucket) -> bool:
    return bool(row.gross or row.refunded or row.disputed)


async def _figures(seen: Visit, status: StatusView, period: Period | None, days: int) -> list[Figure]:
    revenue = _revenue(seen, status, period) if period else []
    return [
        *revenue,
        Figure(
            "Transactions",
            seen.fmt.number(status.total_transactions),
            note="all time",
            href=seen.links.tab("transactions"),
        ),
        Figure(
            "Active subscriptions",
            seen.fmt.number(status.active_subscriptions),
            note="now, trials included",
            href=seen.links.tab("subscriptions"),
        ),
        await _failed(seen, days),
    ]


def _revenue(seen: Visit, status: StatusView, period: Period) -> list[Figure]:
    now, before = period.now, period.previous

    def figure(label: str, name: str) -> Figure:
        value: int = getattr(now, name)
        earlier: int | None = getattr(before, name) if before else None
        text = seen.fmt.money(value, period.currency, status.provider)
        note = f"was {seen.fmt.money(earlier, period.currency, status.provider)}" if earlier else ""
        return Figure(label, text, trend(value, earlier), "" if earlier == value else note)

    return [
        figure("Net revenue", "net"),
        figure("Gross", "gross"),
        figure("Refunded", "refunded"),
        figure("Disputed", "disputed"),
    ]


async def _failed(seen: Visit, days: int) -> Figure:
    start = seen.now - timedelta(days=days)
    count, more = await _count_failed(seen, start, seen.now)
    earlier, earlier_more = await _count_failed(seen, start - timedelta(days=days), start)
    comparable = not more and not earlier_more
    return Figure(
        "Failed payments",
        f"{count}+" if more else seen.fmt.number(count),
        trend(count, earlier) if comparable else NOTHING,
        note=f"was {earlier}{'+' if earlier_more else ''}" if earlier and earlier != count else "",
        href=seen.links.tab("transactions", status=TransactionState.FAILED.value),
    )


async def _count_failed(seen: Visit, after: datetime, before: datetime) -> tuple[int, bool]:
    query = TransactionQuery(
        status=TransactionState.FAILED, occurred_after=after, occurred_before=before, limit=_COUNTED
    )
    found = await seen.payments.transactions(seen.viewer, query)
    return len(found.rows), found.next_cursor is not None


async def _attention(seen: Visit, status: StatusView) -> list[Attention]:
    """What needs a person, the most urgent first."""
    found = []
    if status.enabled and not status.healthy:
        settings = seen.links.tab("settings") if seen.may("payment.admin") else None
        found.append(Attention("danger", "The provider is not healthy", status.health_message, href=settings))
    if status.failed_events:
        text = _counted(status.failed_events, "event could not be applied", "events could not be applied")
        hint = "Bring the ledger in step with the provider:"
        found.append(Attention("danger", text, hint, "overseer payment reconcile --heal"))
    if status.open_disputes:
        text = _counted(status.open_disputes, "open dispute", "open disputes")
        hint = "Open the disputed payment and answer at the provider."
        found.append(Attention("warn", text, hint, href=seen.links.tab("transactions")))
    found += [
        await _overdue(seen, state) for state in (SubscriptionStatus.PAST_DUE, SubscriptionStatus.UNPAID)
    ]
    return [item for item in found if item.text]


async def _overdue(seen: Visit, state: SubscriptionStatus) -> Attention:
    found = await seen.payments.subscriptions(seen.viewer, SubscriptionQuery(status=state, limit=_COUNTED))
    if not found.rows:
        return Attention("warn", "")
    word = state.value.replace("_", " ")
    text = _counted(
        len(found.rows), f"subscription is {word}", f"subscriptions are {word}", more=found.next_cursor
    )
    return Attention("warn", text, href=seen.links.tab("subscriptions", status=state.value))


def _counted(count: int, one: str, many: str, *, more: object = None) -> str:
    return f"{count}{'+' if more else ''} {one if count == 1 and not more else many}"


PAGES = (
    Address("/payment/modal", overview),
    Address("/payment/modal/overview", overview),
)
