"""Revenue of a period beside the period before it, per currency, and which currency comes first."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from overseer_payment.schemas import RevenuePoint, RevenueSeries

LONGEST = 365
"""Days of the longest period."""


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
    exponent: int | None
    """Decimal digits of the minor unit that the sums are in, as far as known."""
    points: Sequence[RevenuePoint]
    before: Sequence[RevenuePoint]
    now: Sums
    previous: Sums | None


def sums(points: Iterable[RevenuePoint]) -> Sums:
    points = list(points)
    return Sums(
        gross=sum(point.gross for point in points),
        refunded=sum(point.refunded for point in points),
        disputed=sum(point.disputed for point in points),
        net=sum(point.net for point in points),
    )


def drawn(days: int) -> int:
    """For how many days points are asked for, so that `periods` can tell of `days` days."""
    # At least a year, so that the same currency comes first in every period.
    return max(LONGEST, 2 * days)


def periods(found: Iterable[RevenueSeries], days: int) -> list[Period]:
    """Every currency's last `days` days with the same number before, the most used currency first."""
    moved = [series for series in found if any(map(_moved, series.points[-LONGEST:]))]
    return [_period(series, days) for series in sorted(moved, key=_use, reverse=True)]


def _moved(point: RevenuePoint) -> bool:
    return bool(point.gross or point.refunded or point.disputed)


def _period(series: RevenueSeries, days: int) -> Period:
    points, before = series.points[-days:], series.points[-2 * days : -days]
    previous = sums(before) if before else None
    return Period(series.currency, series.exponent, points, before, sums(points), previous)


def _use(series: RevenueSeries) -> tuple[int, int]:
    """Sums of two currencies can't be compared; the days on which each was used can."""
    points = series.points[-LONGEST:]
    return sum(1 for point in points if point.gross), sum(point.gross for point in points)
