"""Numbers against small histories that were computed by hand, as docs/numbers.md defines them."""

from __future__ import annotations

from datetime import date, timedelta
from typing import Any

import pytest

from overseer_payment.ledger import metrics, reports
from overseer_payment.provider import (
    DisputeStatus,
    SubscriptionItem,
    SubscriptionSnapshot,
    SubscriptionStatus,
    TransactionStatus,
)
from overseer_payment.schemas.reports import Interval
from tests.ledger.provider import START
from tests.ledger.telling import (
    FAILED,
    SUCCEEDED,
    Ledger,
    charge,
    dispute,
    moment,
    payment,
    refund,
    subscription,
)

DAY = 86_400
ACTIVE, CANCELED = SubscriptionStatus.ACTIVE, SubscriptionStatus.CANCELED
CANCELED_PAYMENT = TransactionStatus.CANCELED
LOST, WON = DisputeStatus.LOST, DisputeStatus.WON


def of_day(number: int) -> date:
    return START.date() + timedelta(days=number)


def plan(
    id: str,
    amount: int,
    interval: str,
    *,
    made: int,
    customer: str,
    count: int = 1,
    quantity: int = 1,
    **more: Any,
) -> SubscriptionSnapshot:
    """A subscription of one item, made on that day."""
    item = SubscriptionItem(
        id="si", price="price_1", amount=amount, quantity=quantity, interval=interval, interval_count=count
    )
    status = more.pop("status", ACTIVE)
    return subscription(
        40 * DAY, status, id, customer=customer, made=made * DAY, items=more.pop("items", (item,)), **more
    )


def day_at(number: int) -> Any:
    return moment(number * DAY + 3600)


HISTORY = [
    plan("sub_a", 2000, "month", made=0, customer="cus_1"),  # 2000 a month
    plan("sub_b", 12000, "year", made=2, customer="cus_2", status=CANCELED, ended_at=day_at(12)),  # 1000
    plan("sub_c", 700, "week", made=5, customer="cus_3", quantity=2, trial_end=day_at(11)),  # 6066 2/3
    plan("sub_d", 900, "month", count=3, made=13, customer="cus_1"),  # 300
    plan("sub_e", 5000, "month", made=3, customer="cus_4", status=SubscriptionStatus.TRIALING),  # nothing
    plan("sub_f", 10, "day", made=1, customer="cus_5", status=SubscriptionStatus.PAST_DUE),  # 304 1/6
    plan("sub_g", 5000, "month", made=3, customer="cus_6", collection_paused=True),  # nothing
    plan("sub_h", 0, "month", made=3, customer="cus_7"),  # nothing
]
"""Twenty days; the period is days 10 to 19."""


def test_a_hand_computed_history(shop: Ledger) -> None:
    """Each figure of a period and of the one before it."""
    shop.tell(
        *HISTORY,
        payment(1, SUCCEEDED, "pi_1", amount=2000, made=4 * DAY),
        payment(1, SUCCEEDED, "pi_2", amount=1400, made=11 * DAY),
        payment(1, SUCCEEDED, "pi_3", amount=900, made=13 * DAY),
        payment(1, SUCCEEDED, "pi_4", amount=2000, made=14 * DAY),
        payment(1, FAILED, "pi_5", amount=310, made=15 * DAY),
        charge(1, id="ch_4", payment="pi_4", amount=2000, made=14 * DAY),
        refund(1, SUCCEEDED, 500, charge="ch_4", payment="pi_4", made=16 * DAY),
        refund(1, FAILED, 400, id="re_2", charge="ch_4", payment="pi_4", made=17 * DAY),
        # Failed at first, paid at the second attempt; a refund of it is told by the charge alone.
        charge(1, FAILED, id="ch_3a", payment="pi_3", amount=900, made=12 * DAY),
        charge(1, id="ch_3", payment="pi_3", amount=900, made=13 * DAY, amount_refunded=200),
        payment(1, CANCELED_PAYMENT, "pi_6", amount=5000, made=15 * DAY),
        charge(1, id="ch_2", payment="pi_2", amount=1400, made=11 * DAY),
        dispute(1, LOST, charge="ch_2", payment="pi_2", amount=300, funds_withdrawn=300, made=17 * DAY),
        dispute(1, WON, "du_2", charge="ch_2", payment="pi_2", funds_withdrawn=0, made=12 * DAY),
    )
    found = metrics.summary(shop.connection, [shop.account_id], days=10, today=of_day(19))
    assert (found.since, found.until) == (of_day(10), of_day(19))
    (usd,) = found.metrics
    now = {
        "mrr": 8671,  # 2000 + 6066 2/3 + 300 + 304 1/6
        "mrr_before": 3304,  # 2000 + 1000 + 304 1/6
        "new_mrr": 6367,  # 6066 2/3 + 300
        "churned_mrr": 1000,
        "arpu": 2890,  # 8670 5/6 / 3
        "subscriptions": 4,
        "customers": 3,
        "new_customers": 1,  # cus_3; cus_1 only took a second plan
        "churned_customers": 1,
        "churn_rate": 0.25,  # 1 / (3 + 1)
        "revenue_churn_rate": 0.1034,  # 1000 / (3304 1/6 + 6366 2/3)
        "gross": 4300,
        "refunded": 700,  # 500 told, 200 untold; the one that failed gave nothing
        "disputed": 300,  # what was won came back
        "net": 3300,
        "payments": 3,
        "failed_payments": 1,
        "failed_payment_rate": 0.25,
    }
    before = {
        "mrr": 3304,
        "mrr_before": 0,
        "new_mrr": 3304,
        "churned_mrr": 0,
        "arpu": 1101,  # 3304 1/6 / 3
        "subscriptions": 3,
        "customers": 3,
        "new_customers": 3,
        "churned_customers": 0,
        "churn_rate": 0.0,
        "revenue_churn_rate": 0.0,
        "gross": 2000,
        "refunded": 0,
        "disputed": 0,
        "net": 2000,
        "payments": 1,
        "failed_payments": 0,
        "failed_payment_rate": 0.0,
    }
    assert usd.model_dump() == {**now, "currency": "usd", "exponent": None, "previous": before}


@pytest.mark.parametrize(
    ("yearly", "mrr"),
    [([6], 0), ([18], 2), ([30], 2), ([6, 18], 2), ([6, 6, 6], 2), ([7], 1), ([5], 0)],
    ids=str,
)
def test_a_sum_is_rounded_once_half_to_even(shop: Ledger, yearly: list[int], mrr: int) -> None:
    """Half a yen is no yen, one and a half are two; halves that add up to a whole lose nothing."""
    for number, amount in enumerate(yearly):
        shop.tell(plan(f"sub_{number}", amount, "year", made=0, customer=f"cus_{number}", currency="jpy"))
    (jpy,) = metrics.summary(shop.connection, [shop.account_id], days=1, today=of_day(3)).metrics
    assert (jpy.currency, jpy.mrr) == ("jpy", mrr)


def test_days_to_come_count_in_no_figure(shop: Ledger) -> None:
    """With the provider's clock ahead of ours, the figures and their course over time still agree."""
    shop.tell(
        plan("sub_1", 2000, "month", made=0, customer="cus_1"),
        plan("sub_2", 900, "month", made=5, customer="cus_2"),
        payment(1, SUCCEEDED, "pi_1", amount=900, made=5 * DAY),
    )
    (usd,) = metrics.summary(shop.connection, [shop.account_id], days=3, today=of_day(4)).metrics
    series = metrics.mrr_timeseries(shop.connection, [shop.account_id], days=3, today=of_day(4)).series
    assert (usd.mrr, usd.subscriptions, usd.customers, usd.gross) == (2000, 1, 1, 0)
    assert series[0].points[-1].mrr == usd.mrr


def test_each_item_counts_by_its_own_interval(shop: Ledger) -> None:
    """A monthly seat and a yearly support contract on one subscription are two sums of one subscriber."""
    seat = SubscriptionItem(id="si_1", price="p1", amount=1000, quantity=3, interval="month")
    support = SubscriptionItem(id="si_2", price="p2", amount=2400, interval="year")
    once = SubscriptionItem(id="si_3", price="p3", amount=9999)
    shop.tell(plan("sub_1", 0, "month", made=0, customer="cus_1", items=(seat, support, once)))
    (usd,) = metrics.summary(shop.connection, [shop.account_id], days=1, today=of_day(1)).metrics
    assert (usd.mrr, usd.subscriptions, usd.customers) == (3200, 1, 1)


def test_currencies_are_never_summed(shop: Ledger) -> None:
    """Each currency has figures of its own; one that is asked for is answered even if nothing moved."""
    shop.tell(
        plan("sub_1", 1000, "month", made=0, customer="cus_1"),
        plan("sub_2", 1500, "month", made=0, customer="cus_1", currency="kwd"),
    )
    summary = metrics.summary(shop.connection, [shop.account_id], days=30, today=of_day(1))
    assert {one.currency: (one.mrr, one.customers) for one in summary.metrics} == {
        "usd": (1000, 1),
        "kwd": (1500, 1),
    }
    (eur,) = metrics.summary(
        shop.connection, [shop.account_id], days=30, today=of_day(1), currency="eur"
    ).metrics
    assert (eur.mrr, eur.arpu, eur.churn_rate, eur.failed_payment_rate) == (0, None, None, None)
    assert metrics.summary(shop.connection, [shop.account_id + 1], days=30, today=of_day(1)).metrics == []


@pytest.mark.parametrize(
    ("interval", "days", "expected"),
    [
        ("day", 3, [(10, 3304, 0, 0), (11, 9371, 6067, 0), (12, 8371, 0, 1000)]),
        ("week", 13, [(-6, 2000, 2000, 0), (1, 3304, 1304, 0), (8, 8371, 6067, 1000)]),
        ("month", 3, [(0, 8371, 6067, 1000)]),
    ],
)
def test_recurring_revenue_over_time(
    shop: Ledger, interval: Interval, days: int, expected: list[tuple[int, int, int, int]]
) -> None:
    """What stood at the end of each day, week or month, and what moved it."""
    shop.tell(*HISTORY)
    (series,) = metrics.mrr_timeseries(
        shop.connection, [shop.account_id], days=days, today=of_day(12), interval=interval
    ).series
    assert [(p.date, p.mrr, p.new_mrr, p.churned_mrr) for p in series.points] == [
        (of_day(number), *rest) for number, *rest in expected
    ]


def test_revenue_by_week_and_month(shop: Ledger) -> None:
    """The same sums as by day, under the first day of their week or month."""
    for number in (0, 3, 9, 35):
        shop.tell(payment(1, SUCCEEDED, f"pi_{number}", amount=100 + number, made=number * DAY))
    intervals: tuple[Interval, ...] = ("day", "week", "month")
    for interval in intervals:
        (usd,) = reports.timeseries(
            shop.connection, [shop.account_id], days=40, today=of_day(39), interval=interval
        ).series
        assert sum(point.net for point in usd.points) == 447
        dates = [point.date for point in usd.points]
        assert dates == sorted(set(dates))
        assert interval == "day" or all(
            (d.weekday() == 0 if interval == "week" else d.day == 1) for d in dates
        )
