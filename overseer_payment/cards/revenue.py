"""Revenue of a period beside the period before it, per currency, and which currency comes first."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING

from overseer_payment.schemas import RevenuePoint, RevenueQuery, RevenueSeries

if TYPE_CHECKING:
    from overseer_payment.schemas import Viewer
    from overseer_payment.service import Payments

LONGEST = 365
"""Days that one question may cover; a longer period has nothing before it to compare with."""


@dataclass(frozen=True, slots=True)
class Sums:
    """Sums over some days, in minor units."""

    gross: int
    refunded: int
    disputed: int
    net: int


@dataclass(frozen=True, slots=True)
class Period:
    """One currency's daily points, and as many of the period before, or none when that isn't known."""

    currency: str
    points: Sequence[RevenuePoint]
    before: Sequence[RevenuePoint]

    @property
    def now(self) -> Sums:
        return sums(self.points)

    @property
    def previous(self) -> Sums | None:
        return sums(self.before) if self.before else None


def sums(points: Iterable[RevenuePoint]) -> Sums:
    points = list(points)
    return Sums(
        gross=sum(point.gross for point in points),
        refunded=sum(point.refunded for point in points),
        disputed=sum(point.disputed for point in points),
        net=sum(point.net for point in points),
    )


async def periods(payments: Payments, viewer: Viewer, days: int) -> list[Period]:
    """Every currency's last `days` days with the same number before, the most used currency first."""
    # Always the same stretch, so that the same currency comes first in every period.
    found = await payments.revenue(viewer, RevenueQuery(days=LONGEST))
    ordered = sorted(found.series, key=_use, reverse=True)
    return [_period(series, days) for series in ordered]


def _period(series: RevenueSeries, days: int) -> Period:
    before = series.points[-2 * days : -days] if 2 * days <= LONGEST else ()
    return Period(series.currency, series.points[-days:], before)


def _use(series: RevenueSeries) -> tuple[int, int]:
    """Sums of two currencies can't be compared; the days on which each was used can."""
    return sum(1 for point in series.points if point.gross), sum(point.gross for point in series.points)
