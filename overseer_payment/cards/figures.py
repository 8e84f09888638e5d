"""The figures of the overview: each with what it was in the period before, and the rows behind it."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import timedelta
from typing import TYPE_CHECKING

from overseer_payment.cards.frame import tab_link
from overseer_payment.cards.trends import NOTHING, Trend, points, trend
from overseer_payment.schemas import CurrencyMetrics, PeriodMetrics

if TYPE_CHECKING:
    from collections.abc import Sequence

    from overseer_payment.cards.revenue import Period
    from overseer_payment.cards.visit import Visit
    from overseer_payment.schemas import StatusView


@dataclass(frozen=True, slots=True)
class Figure:
    """One figure of the overview. `hint` says in a few words how it is counted."""

    label: str
    text: str
    trend: Trend = NOTHING
    note: str = ""
    href: str | None = None
    hint: str = ""


def figures_of(
    seen: Visit,
    status: StatusView,
    found: Sequence[CurrencyMetrics],
    period: Period | None,
    *,
    days: int,
    provider: str | None = None,
) -> list[Figure]:
    """Net revenue first, then what makes it up, then what comes back each month."""
    code = period.currency if period else None
    chosen = next((one for one in found if one.currency == code), None)
    if chosen is None:
        return [_active(seen, status, found)]
    write = _Writer(seen, chosen, days, provider)
    return [
        write.money("Net revenue", "net", hint="Gross less refunds and disputes, before the provider’s fees"),
        write.money("Gross", "gross", href=write.listed()),
        write.money("Refunded", "refunded", href=write.listed(type="refund")),
        write.money("Disputed", "disputed", href=tab_link(seen, "disputes", currency=code)),
        write.failed(),
        write.money(
            "MRR",
            "mrr",
            href=seen.links.tab("subscriptions", status="active"),
            hint="Monthly recurring revenue at the end of the period",
        ),
        _active(seen, status, found),
        write.churn(),
        write.money("ARPU", "arpu", hint="Monthly recurring revenue for each paying customer"),
    ]


def _active(seen: Visit, status: StatusView, found: Sequence[CurrencyMetrics]) -> Figure:
    paying, before = (
        sum(one.subscriptions for one in found),
        sum(one.previous.subscriptions for one in found),
    )
    note = f"was {seen.fmt.number(before)}" if before and before != paying else ""
    return Figure(
        "Active subscriptions",
        seen.fmt.number(status.active_subscriptions),
        trend(paying, before) if found else NOTHING,
        note=note if paying == status.active_subscriptions else f"{seen.fmt.number(paying)} paying",
        href=seen.links.tab("subscriptions"),
        hint="Now, in every currency, trials included; the change is that of those who pay",
    )


@dataclass(frozen=True, slots=True)
class _Writer:
    """Writes figures of one currency over one period."""

    seen: Visit
    now: CurrencyMetrics
    days: int
    provider: str | None

    @property
    def before(self) -> PeriodMetrics:
        return self.now.previous

    def listed(self, **filters: str) -> str:
        """The transactions of this period and currency."""
        start = (self.seen.now - timedelta(days=self.days - 1)).date()
        return self.seen.links.tab(
            "transactions",
            currency=self.now.currency,
            occurred_after=start.isoformat(),
            provider=self.provider,
            **filters,
        )

    def money(self, label: str, name: str, *, href: str | None = None, hint: str = "") -> Figure:
        now: int | None = getattr(self.now, name)
        before: int | None = getattr(self.before, name)
        if now is None:
            return Figure(label, "\u2014", href=href, hint=hint)
        note = f"was {self._money(before)}" if before and before != now else ""
        return Figure(label, self._money(now), trend(now, before), note, href, hint)

    def _money(self, amount: int) -> str:
        return self.seen.fmt.sum(amount, self.now)

    def failed(self) -> Figure:
        now, before = self.now.failed_payment_rate, self.before.failed_payment_rate
        count = self.seen.fmt.number(self.now.failed_payments)
        return Figure(
            "Failed payments",
            self.seen.fmt.share(now),
            points(now, before),
            note=f"{count} of {self.seen.fmt.number(self.now.payments + self.now.failed_payments)}",
            href=self.listed(status="failed"),
            hint="Payments that failed for good, as a share of all",
        )

    def churn(self) -> Figure:
        now, before = self.now.churn_rate, self.before.churn_rate
        left = self.seen.fmt.number(self.now.churned_customers)
        return Figure(
            "Churn",
            self.seen.fmt.share(now),
            points(now, before),
            note=f"{left} left" if now is not None else "nobody paid before",
            href=self.seen.links.tab("subscriptions", status="canceled"),
            hint="Paying customers who ceased to pay in the period, as a share of those at its beginning",
        )
