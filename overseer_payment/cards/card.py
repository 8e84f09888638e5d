"""The dashboard's card: data first (`/payment/card.json`), the HTML is derived from it.

When the database or the provider fails, the card says what and since when, and keeps the last figures
that this process has seen.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Literal
from weakref import WeakKeyDictionary

from markupsafe import Markup
from pydantic import Field

from overseer_payment.cards.attention import SOON
from overseer_payment.cards.charts import sparkline
from overseer_payment.cards.formatting import Formatter
from overseer_payment.cards.links import Links
from overseer_payment.cards.render import View
from overseer_payment.cards.render import render as render_template
from overseer_payment.cards.revenue import Period, drawn, periods
from overseer_payment.cards.trends import Trend, trend
from overseer_payment.cards.visit import formatter, payments_of, provider_of, visitor
from overseer_payment.cards.words import READ_ONLY, Mode, health_of, mode_of
from overseer_payment.errors import Invalid, PaymentError
from overseer_payment.money import ISO
from overseer_payment.schemas import DisputeFilter, DisputeQuery, Row, StatusView

if TYPE_CHECKING:
    from starlette.requests import Request

    from overseer_payment.host_contract import Host
    from overseer_payment.schemas import Viewer
    from overseer_payment.service import Payments

DAYS = 30
REFRESH_SECONDS = 30

Health = Literal["ok", "error", "off"]
Tone = Literal["neutral", "warn", "danger"]


class CardRevenue(Row):
    """Net revenue of the period in one currency, in minor units and as text."""

    currency: str
    net: int
    text: str
    trend: Trend
    before_text: str | None = Field(default=None, description="Net revenue of the period before, as text.")
    points: list[int] = Field(description="Net revenue of each day, oldest first, in minor units.")


class Figure(Row):
    """One number. `tone` is `warn` or `danger` when it needs a person."""

    key: str
    label: str
    value: int
    text: str
    tone: Tone = "neutral"
    due: datetime | None = Field(default=None, description="The nearest deadline among what is counted.")


class CardView(Row):
    """Everything the card shows. `href` already contains the root path of the mount."""

    id: str = "payment"
    title: str = "Payments"
    provider: str | None = None
    account: str | None = None
    mode: Mode | None = Field(default=None, description="Whose money it is; null while nothing is known.")
    health: Health
    health_word: str
    health_message: str
    since: datetime | None = Field(
        default=None, description="Since when `health` is `error`, as far as known."
    )
    as_of: datetime | None = Field(
        default=None, description="When the figures were read; null: there are none."
    )
    stale: bool = Field(
        default=False, description="The figures are the last known ones, not the present ones."
    )
    days: int = DAYS
    revenue: list[CardRevenue] = Field(default=[], description="The most used currency first.")
    figures: list[Figure] = Field(default=[])
    href: str
    refresh_seconds: int = REFRESH_SECONDS


@dataclass(slots=True)
class _Memory:
    """What this process remembers of one host's card."""

    good: CardView | None = None
    failing_since: datetime | None = None


_memories: WeakKeyDictionary[Host, dict[str | None, _Memory]] = WeakKeyDictionary()
"""Of each host, by the provider whose figures alone are shown."""


async def load(host: Host, request: Request) -> CardView:
    """The card as data. Raises Unauthenticated, Forbidden, and Invalid for a provider that there isn't;
    every other failure is part of the card."""
    viewer = await visitor(host, request, "payment.view")
    links, now = Links.of(request), datetime.now(UTC)
    provider = provider_of(request)
    try:
        view = await _fresh(payments_of(host), viewer, links, now, provider)
    except Invalid:
        raise  # there is no such provider: nothing is remembered of it
    except PaymentError as error:
        return _broken(_memory(host, provider), error, links, now)
    return _remembered(_memory(host, provider), view, now)


def _memory(host: Host, provider: str | None) -> _Memory:
    return _memories.setdefault(host, {}).setdefault(provider, _Memory())


async def render(host: Host, request: Request) -> str:
    """The card as an HTML fragment."""
    return str(card_html(await load(host, request), _formatter(host), Links.of(request)))


def card_html(card: CardView, fmt: Formatter, links: Links) -> Markup:
    """The HTML of a card's data."""
    line = sparkline(card.revenue[0].points) if card.revenue else None
    return render_template("card.html", card=card, fmt=fmt, links=links, line=line)


def card_view(card: CardView, host: Host, request: Request) -> View:
    """The card as a view of its own."""
    return View(card.title, card_html(card, _formatter(host), Links.of(request)))


def _formatter(host: Host) -> Formatter:
    try:
        return formatter(payments_of(host))
    except PaymentError:
        # A wrong setting must not hide the sentence that says so.
        return Formatter(lambda _provider: ISO, datetime.now(UTC))


async def _fresh(
    payments: Payments, viewer: Viewer, links: Links, now: datetime, provider: str | None
) -> CardView:
    from overseer_payment.shown import revenue

    status = await payments.status(viewer, provider)
    found = periods(await revenue.daily(payments, viewer, drawn(DAYS), provider), DAYS)
    due = await _deadline(payments, viewer) if status.open_disputes else None
    fmt, health = formatter(payments), health_of(status)
    well = status.healthy and not status.read_only
    kind: Health = "off" if not status.enabled else "ok" if well else "error"
    return CardView(
        provider=_title(payments, status.provider),
        account=status.account,
        mode=mode_of(status),
        health=kind,
        health_word=health.text,
        health_message=READ_ONLY if status.read_only else status.health_message,
        as_of=now,
        revenue=[_revenue(period, fmt) for period in found],
        figures=_figures(status, fmt, due),
        href=links.tab(provider=provider),
    )


def _title(payments: Payments, key: str | None) -> str | None:
    return next((row.title for row in payments.providers() if row.key == key), key)


def _revenue(period: Period, fmt: Formatter) -> CardRevenue:
    net, before = period.now.net, period.previous
    return CardRevenue(
        currency=period.currency,
        net=net,
        text=fmt.sum(net, period),
        trend=trend(net, before.net if before else None),
        before_text=fmt.sum(before.net, period) if before else None,
        points=[point.net for point in period.points],
    )


async def _deadline(payments: Payments, viewer: Viewer) -> datetime | None:
    """By when the most urgent dispute must be answered."""
    from overseer_payment.shown import disputes

    query = DisputeQuery(status=DisputeFilter.OPEN, limit=1)
    rows = (await disputes.disputes(payments, viewer, query)).rows
    return rows[0].evidence_due_by if rows else None


def _figures(status: StatusView, fmt: Formatter, due: datetime | None) -> list[Figure]:
    def figure(key: str, label: str, value: int, tone: Tone = "neutral") -> Figure:
        return Figure(key=key, label=label, value=value, text=fmt.number(value), tone=tone)

    urgent = due is not None and due - fmt.now < SOON
    disputes = figure("disputes", "Open disputes", status.open_disputes)
    if status.open_disputes:
        disputes = disputes.model_copy(update={"tone": "danger" if urgent else "warn", "due": due})
    figures = [
        figure("transactions", "Transactions", status.total_transactions),
        figure("subscriptions", "Active subscriptions", status.active_subscriptions),
        disputes,
    ]
    if status.failed_events:
        figures.append(figure("events", "Failed events", status.failed_events, "danger"))
    return figures


def _remembered(memory: _Memory, view: CardView, now: datetime) -> CardView:
    memory.good = view
    if view.health != "error":
        memory.failing_since = None
        return view
    memory.failing_since = memory.failing_since or now
    return view.model_copy(update={"since": memory.failing_since})


def _broken(memory: _Memory, error: PaymentError, links: Links, now: datetime) -> CardView:
    memory.failing_since = memory.failing_since or now
    problem = {
        "health": "error",
        "health_word": error.title,
        "health_message": error.detail,
        "since": memory.failing_since,
        "href": links.tab(),
    }
    if memory.good is None:
        return CardView.model_validate(problem)
    return memory.good.model_copy(update={**problem, "stale": True})
