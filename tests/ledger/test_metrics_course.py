"""The figures by day, week and month: a history that was computed by hand, and what holds for any."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import date, timedelta
from itertools import pairwise
from typing import Any

import pytest
from sqlalchemy import Connection, event
from sqlalchemy.ext.asyncio import AsyncEngine

from overseer_payment import database
from overseer_payment.ledger import metrics
from overseer_payment.ledger.periods import last_starts
from overseer_payment.provider import DisputeStatus, Snapshot, SubscriptionStatus
from overseer_payment.schemas import MetricsPoint, MetricsTimeseries, PeriodMetrics
from overseer_payment.schemas.reports import Interval
from tests.ledger.telling import FAILED, SUCCEEDED, Ledger, charge, dispute, payment, refund
from tests.ledger.test_metrics import DAY, HISTORY, day_at, of_day, plan

CANCELED = SubscriptionStatus.CANCELED
FIGURES = tuple(PeriodMetrics.model_fields)
INTERVALS: tuple[Interval, ...] = ("day", "week", "month")

# Day 0 is Sunday, the first of March; weeks begin on days 1, 8, 15 and 22; today is Wednesday, day 24.
TODAY = of_day(24)
TOLD: list[Snapshot] = [
    plan("sub_a", 3000, "month", made=-10, customer="cus_a"),
    plan("sub_b", 24000, "year", made=-20, customer="cus_b", status=CANCELED, ended_at=day_at(9)),
    plan("sub_c", 300, "week", made=3, customer="cus_c", trial_end=day_at(17)),
    plan(
        "sub_d", 1200, "month", made=2, customer="cus_d", status=CANCELED, ended_at=day_at(19), currency="jpy"
    ),
    plan("sub_e", 10000, "year", made=23, customer="cus_e", currency="jpy"),
    plan("sub_f", 600, "month", count=3, made=11, customer="cus_d", currency="jpy"),
    payment(1, SUCCEEDED, "pi_1", amount=3000, made=DAY),
    payment(1, FAILED, "pi_2", amount=2400, made=4 * DAY),
    payment(1, SUCCEEDED, "pi_3", amount=5000, made=8 * DAY),
    charge(1, id="ch_3", payment="pi_3", amount=5000, made=8 * DAY),
    refund(1, SUCCEEDED, 2000, charge="ch_3", payment="pi_3", made=15 * DAY),
    dispute(
        1, DisputeStatus.LOST, charge="ch_3", payment="pi_3", amount=3000, funds_withdrawn=3000, made=16 * DAY
    ),
    payment(1, SUCCEEDED, "pi_4", amount=300, made=17 * DAY),
    payment(1, SUCCEEDED, "pi_5", amount=9999, made=0, currency="jpy"),
    payment(1, SUCCEEDED, "pi_6", amount=1200, made=2 * DAY, currency="jpy"),
    payment(1, SUCCEEDED, "pi_7", amount=600, made=11 * DAY, currency="jpy"),
    payment(1, FAILED, "pi_8", amount=500, made=14 * DAY, currency="jpy"),
    payment(1, SUCCEEDED, "pi_9", amount=10000, made=23 * DAY, currency="jpy"),
]
"""What docs/numbers.md computes by hand."""

# In the order of `FIGURES`: MRR, at the beginning, new, churned, ARPU; subscriptions, customers, new, left,
# their rate, that of revenue; gross, refunded, disputed, net; payments, failed ones, their rate.
USD_WEEKS = [
    (5000, 5000, 0, 0, 2500, 2, 2, 0, 0, 0.0, 0.0, 3000, 0, 0, 3000, 1, 1, 0.5),
    (3000, 5000, 0, 2000, 3000, 1, 1, 0, 1, 0.5, 0.4, 5000, 0, 0, 5000, 1, 0, 0.0),
    (4300, 3000, 1300, 0, 2150, 2, 2, 1, 0, 0.0, 0.0, 300, 2000, 3000, -4700, 1, 0, 0.0),
    (4300, 4300, 0, 0, 2150, 2, 2, 0, 0, 0.0, 0.0, 0, 0, 0, 0, 0, 0, None),
]
JPY_WEEKS = [
    (1200, 0, 1200, 0, 1200, 1, 1, 1, 0, 0.0, 0.0, 1200, 0, 0, 1200, 1, 0, 0.0),
    # Sunday's failure is still of this week.
    (1400, 1200, 200, 0, 1400, 2, 1, 0, 0, 0.0, 0.0, 600, 0, 0, 600, 1, 1, 0.5),
    # One of D's two ended: revenue is lost, a customer is not.
    (200, 1400, 0, 1200, 200, 1, 1, 0, 0, 0.0, 0.8571, 0, 0, 0, 0, 0, 0, None),
    (1033, 200, 833, 0, 517, 2, 2, 1, 0, 0.0, 0.0, 10000, 0, 0, 10000, 1, 0, 0.0),
]
USD_MONTHS = [
    (5000, 0, 5000, 0, 2500, 2, 2, 2, 0, 0.0, 0.0, 0, 0, 0, 0, 0, 0, None),
    (4300, 5000, 1300, 2000, 2150, 2, 2, 1, 1, 0.3333, 0.3175, 8300, 2000, 3000, 3300, 3, 1, 0.25),
]
JPY_MONTHS = [
    (0, 0, 0, 0, None, 0, 0, 0, 0, None, None, 0, 0, 0, 0, 0, 0, None),
    (1033, 0, 2233, 1200, 517, 2, 2, 2, 0, 0.0, 0.5373, 21799, 0, 0, 21799, 4, 1, 0.2),
]
EXPECTED = {
    "week": (
        [(of_day(first), of_day(last)) for first, last in ((1, 7), (8, 14), (15, 21), (22, 24))],
        {"usd": USD_WEEKS, "jpy": JPY_WEEKS},
    ),
    "month": (
        [(date(2026, 2, 1), date(2026, 2, 28)), (date(2026, 3, 1), TODAY)],
        {"usd": USD_MONTHS, "jpy": JPY_MONTHS},
    ),
}


@pytest.mark.anyio
async def test_weeks_and_months_by_hand(engine: AsyncEngine) -> None:
    """Each figure of each week and month in dollars and yen; the last one says that it goes on."""

    def work(connection: Connection) -> list[MetricsTimeseries]:
        Ledger(connection, 1).tell(*TOLD)
        return [_course(connection, "week", 4), _course(connection, "month", 2)]

    async with database.write(engine) as connection:
        found = await connection.run_sync(work)
    for course in found:
        days, expected = EXPECTED[course.interval]
        assert (course.since, course.until) == (days[0][0], TODAY)
        for series in course.series:
            assert [(point.date, point.until) for point in series.points] == days
            assert [point.complete for point in series.points] == [True] * (len(days) - 1) + [False]
        assert {s.currency: [_told(point) for point in s.points] for s in course.series} == expected


def _course(
    connection: Connection, interval: Interval, periods: int, accounts: Sequence[int] = (1,), **more: Any
) -> MetricsTimeseries:
    more.setdefault("today", TODAY)
    return metrics.timeseries(connection, accounts, interval=interval, periods=periods, **more)


def _told(point: PeriodMetrics) -> tuple[Any, ...]:
    return tuple(getattr(point, name) for name in FIGURES)


@pytest.fixture
def courses(shop: Ledger) -> list[MetricsTimeseries]:
    """Two histories in one, with fractions, by day, week and month up to some days within them."""
    shop.tell(*TOLD, *HISTORY)
    return [
        _course(shop.connection, interval, periods, (shop.account_id,), today=today)
        for interval, periods in zip(INTERVALS, (26, 5, 3), strict=True)
        for today in (of_day(19), of_day(22), TODAY)
    ]


def test_a_point_is_the_summary_of_its_days(shop: Ledger, courses: list[MetricsTimeseries]) -> None:
    """The same figures as of a period of just those days: there is one definition of each."""
    for course in courses:
        for series in course.series:
            for point in series.points:
                days = (point.until - point.date).days + 1
                (summary,) = metrics.summary(
                    shop.connection, [shop.account_id], days=days, today=point.until, currency=series.currency
                ).metrics
                assert _told(point) == _told(summary), (course.interval, series.currency, point.date)


def test_points_follow_each_other(courses: list[MetricsTimeseries]) -> None:
    """Each begins on the day after, with what stood when the one before ended; within, what moved adds up."""
    for course in courses:
        assert len(course.series) == 2
        for series in course.series:
            assert len(series.points) == course.periods
            for one, other in pairwise(series.points):
                assert other.date == one.until + timedelta(days=1)
                assert other.mrr_before == one.mrr
                assert other.customers == one.customers + other.new_customers - other.churned_customers
            for point in series.points:
                # Each of the four was rounded for itself.
                assert abs(point.mrr_before + point.new_mrr - point.churned_mrr - point.mrr) <= 1
                assert point.net == point.gross - point.refunded - point.disputed


def test_what_recurs_adds_up_to_the_last_unit(shop: Ledger) -> None:
    """Where a month is a whole number, what stood, came and went makes exactly what stands, each day."""
    for number in range(12):
        ended = {"status": CANCELED, "ended_at": day_at(number + 8)} if number % 3 else {}
        shop.tell(
            plan(f"sub_{number}", 700 + number, "month", made=number, customer=f"cus_{number}", **ended)
        )
    (usd,) = _course(shop.connection, "day", 30, (shop.account_id,)).series
    for point in usd.points:
        assert point.mrr == point.mrr_before + point.new_mrr - point.churned_mrr
    assert (usd.points[0].mrr_before, usd.points[-1].mrr) == (0, 4 * 700 + 0 + 3 + 6 + 9)


def test_three_questions_however_many_periods(shop: Ledger) -> None:
    """The most periods that may be asked for cost as many statements as one does."""
    shop.tell(*TOLD)
    for interval in INTERVALS:
        for periods in (1, 366):
            asked = list[str]()

            def note(
                _connection: object, _cursor: object, statement: str, *_: object, to: Any = asked
            ) -> None:
                to.append(statement)

            event.listen(shop.connection, "before_cursor_execute", note)
            found = _course(shop.connection, interval, periods, (shop.account_id,))
            event.remove(shop.connection, "before_cursor_execute", note)
            assert len(asked) == 3
            assert all("_total" in one or "_recurring" in one or "_subscriber" in one for one in asked)
            assert [len(series.points) for series in found.series] == [periods, periods]


def test_a_currency_in_which_nothing_moved(shop: Ledger) -> None:
    """It is answered with zeros if it is asked for, and is not there otherwise; no rate is made up."""
    assert _course(shop.connection, "week", 3, (shop.account_id,)).series == []
    (eur,) = _course(shop.connection, "week", 3, (shop.account_id,), currency="eur").series
    assert {_rates(point) for point in eur.points} == {(0, None, None, None, None)}
    shop.tell(*TOLD)
    (jpy,) = _course(shop.connection, "week", 4, (shop.account_id,), currency="jpy").series
    assert [_told(point) for point in jpy.points] == JPY_WEEKS


def _rates(point: MetricsPoint) -> tuple[Any, ...]:
    return point.mrr, point.arpu, point.churn_rate, point.revenue_churn_rate, point.failed_payment_rate


@pytest.mark.parametrize(
    ("today", "interval", "expected"),
    [
        (date(2028, 3, 1), "day", [date(2028, 2, 28), date(2028, 2, 29), date(2028, 3, 1)]),
        # The first week of 2026 begins in 2025, and Sunday belongs to the week that is ending.
        (date(2026, 1, 4), "week", [date(2025, 12, 15), date(2025, 12, 22), date(2025, 12, 29)]),
        (date(2026, 1, 5), "week", [date(2025, 12, 22), date(2025, 12, 29), date(2026, 1, 5)]),
        (date(2026, 3, 31), "month", [date(2026, 1, 1), date(2026, 2, 1), date(2026, 3, 1)]),
        (date(2026, 1, 1), "month", [date(2025, 11, 1), date(2025, 12, 1), date(2026, 1, 1)]),
    ],
)
def test_periods_are_of_the_calendar(today: date, interval: Interval, expected: list[date]) -> None:
    """Weeks begin on Monday, months on the first, over the ends of years and leap days."""
    assert last_starts(today, interval, 3) == expected
