"""What recurs, and who pays: by hand, and as sums that stay in step whatever is told in which order."""

from __future__ import annotations

import random
from collections import Counter
from dataclasses import replace
from datetime import UTC, date, datetime
from fractions import Fraction
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from sqlalchemy import Connection

from overseer_payment.ledger import recurring, totals
from overseer_payment.ledger.recurring import Span
from overseer_payment.provider import SubscriptionItem, SubscriptionSnapshot, SubscriptionStatus
from tests.ledger import books
from tests.ledger.telling import moment, subscription

DAY = 86_400
_ITEMS = '[{"total": 100, "interval": "month", "interval_count": 1}]'


@pytest.mark.parametrize(
    ("amount", "interval", "count", "expected"),
    [
        (2000, "month", 1, Fraction(2000)),
        (2000, "month", 3, Fraction(2000, 3)),
        (12000, "year", 1, Fraction(1000)),
        (100, "year", 1, Fraction(25, 3)),
        (300, "week", 1, Fraction(1300)),
        (300, "week", 2, Fraction(650)),
        (12, "day", 1, Fraction(365)),
    ],
)
def test_a_month_is_exact(amount: int, interval: str, count: int, expected: Fraction) -> None:
    """A year is 12 months, 52 weeks or 365 days; nothing is rounded on the way."""
    assert recurring.monthly(amount, interval, count) == expected


def day(number: int) -> date:
    return date(2026, 3, number)


def at(number: int, hour: int = 0) -> datetime:
    return datetime(2026, 3, number, hour, tzinfo=UTC)


def row(status: str = "active", **more: Any) -> dict[str, Any]:
    """A subscription of 100 a month, made on the first of March."""
    fixed = {"account_id": 1, "customer_id": 7, "currency": "usd", "placeholder": False, "items": _ITEMS}
    empty = dict.fromkeys(("trial_end", "canceled_at", "ended_at"))
    return {**fixed, **empty, "collection_paused": False, "occurred_at": at(1), "status": status, **more}


@pytest.mark.parametrize(
    ("asked", "expected"),
    [
        (row(), Span(day(1), None)),
        (row("past_due"), Span(day(1), None)),
        (row(trial_end=at(8)), Span(day(8), None)),
        (row(canceled_at=at(3)), Span(day(1), None)),
        (row("canceled", canceled_at=at(3), ended_at=at(20)), Span(day(1), day(20))),
        (row("canceled", canceled_at=at(3)), Span(day(1), day(3))),
        (row("canceled", trial_end=at(8), ended_at=at(9)), Span(day(8), day(9))),
        (row("canceled", trial_end=at(8), ended_at=at(6)), None),
        (row("canceled"), None),
        (row("trialing", trial_end=at(8)), None),
        (row("unpaid"), None),
        (row("paused"), None),
        (row("incomplete"), None),
        (row("incomplete_expired"), None),
        (row(collection_paused=True), None),
        (row(placeholder=True), None),
        (row(items="[]"), None),
        (row(items=_ITEMS.replace("100", "0")), None),
    ],
    ids=str,
)
def test_who_pays_since_when(asked: dict[str, Any], expected: Span | None) -> None:
    """Trials, free plans, unpaid and paused ones don't count; an end in the trial was never a beginning."""
    assert recurring.span(asked) == expected


@pytest.mark.parametrize(
    ("spans", "joined", "departed"),
    [
        ([(1, 9)], [1], [9]),
        ([(1, None)], [1], []),
        ([(1, 5), (5, 9)], [1], [9]),
        ([(1, 5), (6, 9)], [1, 6], [5, 9]),
        ([(1, 9), (2, 3)], [1], [9]),
        ([(1, 9), (2, None)], [1], []),
        ([(1, 3), (7, None)], [1, 7], [3]),
        ([(4, 4)], [4], [4]),
    ],
    ids=str,
)
def test_a_customer_is_counted_once(
    spans: list[tuple[int, int | None]], joined: list[int], departed: list[int]
) -> None:
    """Who goes on under another subscription has not left; who comes back joins again."""
    rows = [
        row("canceled", occurred_at=at(one), ended_at=at(end, 1)) if end else row(occurred_at=at(one))
        for one, end in spans
    ]
    expected = Counter({("joined", day(one)): 1 for one in joined})
    expected.update(("departed", day(one)) for one in departed)
    for order in (rows, rows[::-1]):
        told = Counter((column, key[1]) for (_, key, column), _ in recurring.of_customer(order))
        assert told == expected


# -- sums in step with the rows -----------------------------------------------------------------------

_items = st.builds(
    SubscriptionItem,
    id=st.just("si"),
    price=st.just("price_1"),
    quantity=st.integers(0, 3),
    amount=st.integers(0, 10**9),
    interval=st.sampled_from(["day", "week", "month", "year", None]),
    interval_count=st.integers(1, 3),
)
_moments = st.integers(0, 30).map(lambda number: moment(number * DAY / 2))


@st.composite
def _told(draw: st.DrawFn) -> SubscriptionSnapshot:
    """One word on one of five subscriptions of two customers."""
    which = draw(st.integers(0, 4))
    return subscription(
        draw(st.integers(0, 50)),
        draw(st.sampled_from(list(SubscriptionStatus))),
        f"sub_{which}",
        customer=f"cus_{which % 2}" if which < 4 else None,
        currency=draw(st.sampled_from(["usd", "jpy"])),
        made=which * DAY,
        items=tuple(draw(st.lists(_items, max_size=3))),
        trial_end=draw(st.none() | _moments),
        canceled_at=draw(st.none() | _moments),
        ended_at=draw(st.none() | _moments),
        collection_paused=draw(st.booleans()),
    )


@given(told=st.lists(_told(), min_size=1, max_size=10), order=st.randoms(use_true_random=False))
def test_sums_follow_the_rows_in_any_order(
    database: Connection, told: list[SubscriptionSnapshot], order: random.Random
) -> None:
    """Whatever is told, in whatever order and batches: the same sums, equal to those of the rows."""
    shuffled = [replace(one) for one in told for _ in range(order.choice((1, 2)))]
    order.shuffle(shuffled)
    with database.begin() as transaction:
        books.tell(database, 1, told, size=1000)
        books.tell(database, 2, shuffled, size=order.choice((1, 2, 5)))
        assert books.books(database, 1) == books.books(database, 2)
        assert totals.wrong(database) == 0
        assert totals.rebuild(database) == 0
        transaction.rollback()
