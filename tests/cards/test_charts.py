"""The geometry of the charts: what is drawn is what was summed."""

from __future__ import annotations

import re
from datetime import date, timedelta
from itertools import pairwise

import pytest
from hypothesis import given
from hypothesis import strategies as st

from overseer_payment.cards.charts import HEIGHT, WIDTH, bar_chart, buckets, nice_step, sparkline
from overseer_payment.schemas import RevenuePoint

amounts = st.integers(min_value=0, max_value=10**15)


def point(day: int, gross: int, refunded: int = 0, disputed: int = 0) -> RevenuePoint:
    when = date(2026, 1, 1) + timedelta(days=day)
    net = gross - refunded - disputed
    return RevenuePoint(date=when, gross=gross, refunded=refunded, disputed=disputed, net=net)


series = st.lists(st.tuples(amounts, amounts, amounts), min_size=1, max_size=40).map(
    lambda rows: [point(day, *row) for day, row in enumerate(rows)]
)


def box(path: str) -> tuple[float, float, float, float]:
    """x, y, width and height of a drawn box."""
    found = re.fullmatch(r"M(\S+) (\S+)h(\S+)v(\S+)h-\S+z", path)
    assert found
    x, y, width, height = (float(part) for part in found.groups())
    return x, y, width, height


@given(series, series)
def test_everything_drawn_lies_inside_the_box(points: list[RevenuePoint], before: list[RevenuePoint]) -> None:
    """No bar leaves the chart, however large the sums are."""
    chart = bar_chart(points, before[: len(points)])
    for bar in chart.bars:
        for path in filter(None, (bar.up, bar.refunded, bar.disputed)):
            x, y, width, height = box(path)
            assert x >= 0
            assert y >= -0.1
            assert x + width <= WIDTH + 0.2
            assert y + height <= HEIGHT + 0.2


@given(series, st.integers(1, 9))
def test_grouping_loses_no_money(points: list[RevenuePoint], step: int) -> None:
    """The sums of the bars are the sums of the days."""
    groups = buckets(points, (), step)
    assert sum(group.gross for group in groups) == sum(one.gross for one in points)
    assert sum(group.net for group in groups) == sum(one.net for one in points)
    assert (groups[-1].end - groups[-1].start).days + 1 == min(step, len(points))


def test_refunds_hang_below_the_zero_line_and_disputes_below_them() -> None:
    """What came in stands on the zero line; what was taken hangs from it, end to end."""
    chart = bar_chart([point(0, 1000, 200, 100)])
    bar = chart.bars[0]
    _, up_y, _, up_height = box(bar.up)
    _, refund_y, _, refund_height = box(bar.refunded)
    _, dispute_y, _, _ = box(bar.disputed)
    assert up_y + up_height == pytest.approx(chart.zero, abs=0.2)
    assert refund_y == pytest.approx(chart.zero, abs=0.2)
    assert dispute_y == pytest.approx(refund_y + refund_height, abs=0.2)


def test_bars_are_to_scale() -> None:
    """Twice the money is twice the height."""
    small, large = bar_chart([point(0, 500), point(1, 1000)]).bars
    assert box(large.up)[3] == pytest.approx(2 * box(small.up)[3], abs=0.2)


def test_nothing_is_drawn_for_nothing() -> None:
    """Days without money draw no bars, and the scale still has a top."""
    chart = bar_chart([point(0, 0), point(1, 0)])
    assert not any(bar.up or bar.refunded or bar.disputed for bar in chart.bars)
    assert chart.ticks[0].value > chart.ticks[-1].value == 0
    assert chart.ghost == ""


def test_the_period_before_is_a_wider_bar_behind_each() -> None:
    """At its own height and scale, seen at both sides of a higher one; none where nothing came in."""
    chart = bar_chart([point(9, 100), point(10, 50)], [point(0, 1000), point(1, 0)])
    x, y, width, _ = box(chart.ghost)
    bar_x, bar_y, bar_width, _ = box(chart.bars[0].up)
    assert x < bar_x
    assert x + width > bar_x + bar_width
    assert y < bar_y
    assert chart.ticks[0].value >= 1000


@pytest.mark.parametrize("days", [1, 7, 30, 90])
def test_today_is_named_below_its_bar(days: int) -> None:
    """A few days are named, evenly, the last always: below its bar, or flush with the drawing."""
    chart = bar_chart([point(day, 100) for day in range(days)])
    assert chart.dates[-1].day == chart.buckets[-1].end
    assert 1 <= len(chart.dates) <= 7
    x, _, width, _ = box(chart.bars[-1].slot)
    middle = (x + width / 2) / 10
    assert float(chart.dates[-1].percent.rstrip("%")) == pytest.approx(middle if days < 15 else 100, abs=0.1)


@given(series)
def test_what_was_taken_costs_no_empty_step(points: list[RevenuePoint]) -> None:
    """The largest sum below zero ends at the bottom edge; every tick lies inside, in equal steps."""
    chart = bar_chart(points)
    taken = max(bar.bucket.taken for bar in chart.bars)
    top = chart.ticks[0].value
    assert chart.zero == pytest.approx(HEIGHT * top / (top + taken), abs=0.1)
    values = [tick.value for tick in chart.ticks]
    assert 0 in values
    assert values[-1] >= -taken
    assert len({high - low for high, low in pairwise(values)}) <= 1


@pytest.mark.parametrize(
    ("span", "step"), [(1, 1), (5, 1), (6, 2), (290, 100), (1000, 200), (10**12, 2 * 10**11)]
)
def test_steps_are_round(span: int, step: int) -> None:
    """The scale goes in ones, twos and fives."""
    assert nice_step(span) == step


@given(st.lists(st.integers(-(10**15), 10**15), max_size=60))
def test_a_sparkline_stays_inside_its_box(values: list[int]) -> None:
    """No point leaves the box, for negative sums, one value or none."""
    line = sparkline(values)
    for x, y in re.findall(r"([\d.]+) ([\d.]+)", line.line):
        assert 0 <= float(x) <= line.width + 0.1
        assert 0 <= float(y) <= line.height
    assert line.area.endswith("Z")


def test_equal_values_make_a_level_line() -> None:
    """A constant is drawn as one height."""
    assert len({y for _, y in re.findall(r"([\d.]+) ([\d.]+)", sparkline([5, 5, 5]).line)}) == 1
