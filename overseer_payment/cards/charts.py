"""Charts as numbers: from daily points to the coordinates of an SVG. Pure; the templates only draw.

Coordinates run from 0 to `WIDTH` and 0 to `HEIGHT`, y downwards; the drawing is stretched to its box,
so nothing that must keep its shape (text) is part of it.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from datetime import date
from itertools import pairwise

from overseer_payment.schemas import RevenuePoint

_Scale = Callable[[int], float]
"""From minor units to y."""

WIDTH = 1000
HEIGHT = 240
_GAP, _GHOST_GAP = 0.4, 0.12
"""Share of a slot that is left free between two bars, and between two of the period before."""
_DATES = 7
"""At most as many days are named below the bars."""


@dataclass(frozen=True, slots=True)
class Sparkline:
    """A small line over an area, both as SVG path data in a box of `width` × `height`."""

    line: str
    area: str
    width: int
    height: int


@dataclass(frozen=True, slots=True)
class Bucket:
    """The sums of one bar: a day, or several. Minor units."""

    start: date
    end: date
    gross: int
    refunded: int
    disputed: int
    net: int
    before: int | None
    """Gross of the same stretch one period earlier; None when it is not known."""

    @property
    def taken(self) -> int:
        return self.refunded + self.disputed


@dataclass(frozen=True, slots=True)
class Bar:
    """One bar: path data for what came in (up), what was refunded and disputed (down), and its whole slot."""

    bucket: Bucket
    slot: str
    up: str
    refunded: str
    disputed: str


@dataclass(frozen=True, slots=True)
class Tick:
    """One line of the grid: what it stands for, in minor units, and its y."""

    value: int
    y: float

    @property
    def percent(self) -> str:
        """Its height as a share of the drawing, from the top, for text that must not be stretched."""
        return f"{_n(self.y * 100 / HEIGHT)}%"


@dataclass(frozen=True, slots=True)
class DateLabel:
    """A day below its bar, and where: as a share of the drawing, from its start."""

    day: date
    percent: str


@dataclass(frozen=True, slots=True)
class BarChart:
    """Bars on a scale. `ticks` run from top to bottom in equal steps; below the last may be a remainder.

    `ghost` is the period before: a paler bar behind each, wider, so that it is seen when it is lower too.
    """

    bars: Sequence[Bar]
    ghost: str
    ticks: Sequence[Tick]
    dates: Sequence[DateLabel]
    zero: float
    step_days: int

    @property
    def buckets(self) -> list[Bucket]:
        return [bar.bucket for bar in self.bars]


def sparkline(values: Sequence[int], *, width: int = 240, height: int = 48) -> Sparkline:
    """A line through `values`, oldest first; zero is always inside the box."""
    values = list(values) or [0]
    low, high = min(0, *values), max(0, *values)
    span = (high - low) or 1
    pad = 2  # keeps the stroke of an extreme inside the box
    step = width / max(1, len(values) - 1)

    def y(value: int) -> str:
        share = (high - value) / span if high > low else 1.0
        return _n(pad + share * (height - 2 * pad))

    points = [f"{_n(index * step)} {y(value)}" for index, value in enumerate(values)]
    if len(points) == 1:
        points.append(f"{width} {y(values[0])}")
    line = "M" + "L".join(points)
    return Sparkline(line, f"{line}V{y(0)}H0Z", width, height)


def buckets(points: Sequence[RevenuePoint], before: Sequence[RevenuePoint], step: int) -> list[Bucket]:
    """Group `points` into stretches of `step` days, so that the last stretch is whole."""
    first = len(points) % step or step
    cuts = [0, *range(first, len(points) + 1, step)] if points else []
    return [
        _bucket(points[start:end], before[start:end] if before else None)
        for start, end in pairwise(cuts)
        if end > start
    ]


def _bucket(points: Sequence[RevenuePoint], before: Sequence[RevenuePoint] | None) -> Bucket:
    return Bucket(
        start=points[0].date,
        end=points[-1].date,
        gross=sum(point.gross for point in points),
        refunded=sum(point.refunded for point in points),
        disputed=sum(point.disputed for point in points),
        net=sum(point.net for point in points),
        before=None if before is None else sum(point.gross for point in before),
    )


def bar_chart(
    points: Sequence[RevenuePoint], before: Sequence[RevenuePoint] = (), *, step: int = 1
) -> BarChart:
    """Bars of `step` days. `before` are as many points of the period before, or none."""
    groups = buckets(points, before, step)
    low, high, unit = _scale(groups)

    def y(value: int) -> float:
        return (high - value) * HEIGHT / (high - low)

    slot = WIDTH / max(1, len(groups))
    return BarChart(
        bars=[_bar(group, index * slot, slot, y) for index, group in enumerate(groups)],
        ghost=_ghost(groups, slot, y),
        ticks=[Tick(value, round(y(value), 1)) for value in range(high, low - 1, -unit)],
        dates=_dates(groups),
        zero=round(y(0), 1),
        step_days=step,
    )


def _dates(groups: Sequence[Bucket]) -> list[DateLabel]:
    # Counted from the end: today is always named.
    every = max(1, -(-len(groups) // _DATES))
    last = len(groups) - 1
    # Below a narrow bar the last one ends where the drawing does: centred it would stick out.
    narrow = len(groups) > 2 * _DATES
    return [
        DateLabel(
            group.start,
            "100%" if narrow and index == last else f"{_n((index + 0.5) * 100 / len(groups))}%",
        )
        for index, group in enumerate(groups)
        if (last - index) % every == 0
    ]


def _bar(group: Bucket, left: float, slot: float, y: _Scale) -> Bar:
    x, width = _span(left, slot)
    return Bar(
        bucket=group,
        slot=_box(left, 0, slot, HEIGHT),
        up=_between(x, width, y(max(0, group.gross)), y(0)),
        refunded=_between(x, width, y(0), y(-group.refunded)),
        disputed=_between(x, width, y(-group.refunded), y(-group.taken)),
    )


def _span(left: float, slot: float, gap: float = _GAP) -> tuple[float, float]:
    """x and width of what is drawn in a slot."""
    return left + slot * gap / 2, slot * (1 - gap)


def _between(x: float, width: float, top: float, bottom: float) -> str:
    return _box(x, top, width, bottom - top) if bottom - top > 0 else ""


def _box(x: float, y: float, width: float, height: float) -> str:
    return f"M{_n(x)} {_n(y)}h{_n(width)}v{_n(height)}h{_n(-width)}z"


def _ghost(groups: Sequence[Bucket], slot: float, y: _Scale) -> str:
    """A bar for each stretch of the period before; empty when there is nothing to compare with."""
    return "".join(
        _between(*_span(index * slot, slot, _GHOST_GAP), y(group.before), y(0))
        for index, group in enumerate(groups)
        if group.before
    )


def _scale(groups: Sequence[Bucket]) -> tuple[int, int, int]:
    """Bottom, highest tick and the step between ticks, in minor units; always with room above zero.

    The bottom is what was taken at most, not the next tick: one small refund costs no empty step.
    """
    high = max([1, *(max(group.gross, group.before or 0) for group in groups)])
    low = max([0, *(group.taken for group in groups)])
    unit = nice_step(high + low)
    return -low, _up(high, unit), unit


def _up(value: int, unit: int) -> int:
    return -(-value // unit) * unit


def nice_step(span: int, *, target: int = 5) -> int:
    """1, 2 or 5 times a power of ten, so that about `target` steps cover `span`."""
    power = 1
    while True:
        for factor in (1, 2, 5):
            if factor * power * target >= span:
                return factor * power
        power *= 10


def _n(value: float) -> str:
    """A coordinate with one decimal at most: a tenth of a unit is below a pixel."""
    return f"{value:.1f}".removesuffix(".0")
