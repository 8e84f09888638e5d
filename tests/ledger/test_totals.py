"""Sums: what each row adds to which, and how sums that are wrong are found and mended."""

from __future__ import annotations

from collections import Counter
from datetime import UTC, date, datetime
from typing import Any

import pytest
from sqlalchemy import Connection, Select, delete, event, insert, select, update

from overseer_payment import tables
from overseer_payment.ledger import recurring, totals
from overseer_payment.ledger.totals import WrongSum
from overseer_payment.provider import DisputeKind, DisputeStatus, InvoiceStatus, SubscriptionStatus
from tests.ledger.telling import (
    SUCCEEDED,
    Ledger,
    charge,
    dispute,
    invoice,
    link,
    payment,
    refund,
    subscription,
)

DAY = date(2026, 3, 1)
_BASE = {
    "account_id": 1,
    "customer_id": 7,
    "currency": "usd",
    "occurred_at": datetime(2026, 3, 1, 23, 59, tzinfo=UTC),
    "placeholder": False,
}
TRANSACTION = {**_BASE, "type": "charge", "status": "succeeded", "amount": 1000, "amount_refunded_untold": 0}
DISPUTE = {**_BASE, "kind": "chargeback", "status": "needs_response", "funds_withdrawn": 900}
Sums = dict[str, int]

# A transaction's own word, and what it adds on its day and to its customer.
TRANSACTIONS: dict[str, tuple[dict[str, Any], Sums, Sums]] = {
    "paid": ({}, {"transactions": 1, "gross": 1000, "payments": 1}, {"gross": 1000, "payments": 1}),
    "paid by nobody known": ({"customer_id": None}, {"transactions": 1, "gross": 1000, "payments": 1}, {}),
    "partly refunded": (
        {"status": "partially_refunded", "type": "subscription"},
        {"transactions": 1, "gross": 1000, "payments": 1},
        {"gross": 1000, "payments": 1},
    ),
    "refunded by nobody knows what": (
        {"status": "refunded", "amount_refunded_untold": 300},
        {"transactions": 1, "gross": 1000, "payments": 1, "refunded": 300},
        {"gross": 1000, "payments": 1, "refunded": 300},
    ),
    "of nothing": ({"amount": 0}, {"transactions": 1, "payments": 1}, {"payments": 1}),
    "failed": (
        {"status": "failed", "amount_refunded_untold": 5},
        {"transactions": 1, "failed_payments": 1},
        {},
    ),
    "canceled": ({"status": "canceled"}, {"transactions": 1}, {}),
    "pending": ({"status": "pending"}, {"transactions": 1}, {}),
    "refund": ({"type": "refund"}, {"transactions": 1, "refunded": 1000}, {"refunded": 1000}),
    "refund that failed": ({"type": "refund", "status": "failed"}, {"transactions": 1}, {}),
    "refund that is under way": ({"type": "refund", "status": "pending"}, {"transactions": 1}, {}),
    "placeholder": ({"placeholder": True}, {}, {}),
}


@pytest.mark.parametrize("name", TRANSACTIONS)
def test_what_a_transaction_adds(name: str) -> None:
    """On its day by UTC in its currency, and to its customer; nothing else, and each once."""
    changes, daily, theirs = TRANSACTIONS[name]
    found = list(totals.contributions("payment_transaction", TRANSACTION | changes))
    expected: dict[Any, int] = {
        ("payment_total", (1, DAY, "usd"), column): amount for column, amount in daily.items()
    }
    expected |= {("payment_customer_total", (7, "usd"), column): amount for column, amount in theirs.items()}
    assert Counter(found) == Counter(expected.items())


# A dispute's own word; what it takes, and which gauges it is counted in.
DISPUTES: dict[str, tuple[dict[str, Any], int, set[str]]] = {
    "open": ({}, 900, {"open_disputes", "open_chargebacks"}),
    "appealed": ({"status": "appeal_under_review"}, 900, {"open_disputes", "open_chargebacks"}),
    "an inquiry": ({"kind": DisputeKind.INQUIRY.value, "funds_withdrawn": 0}, 0, {"open_disputes"}),
    "lost": ({"status": DisputeStatus.LOST.value}, 900, set()),
    "won": ({"status": DisputeStatus.WON.value, "funds_withdrawn": 0}, 0, set()),
    "a warning": ({"kind": "fraud_warning", "currency": ""}, 0, {"open_disputes"}),
}


@pytest.mark.parametrize("name", DISPUTES)
@pytest.mark.parametrize("customer", [7, None])
def test_what_a_dispute_adds(name: str, customer: int | None) -> None:
    """What is withdrawn, from whom, and that it waits."""
    changes, withdrawn, gauges = DISPUTES[name]
    found = dict(totals.contributions("payment_dispute", DISPUTE | {"customer_id": customer} | changes))
    expected: dict[Any, int] = {("payment_gauge", (1, name), "value"): 1 for name in gauges}
    if withdrawn:
        expected["payment_total", (1, DAY, "usd"), "disputed"] = withdrawn
        if customer:
            expected["payment_customer_total", (7, "usd"), "disputed"] = withdrawn
    assert found == expected


@pytest.mark.parametrize(
    ("status", "placeholder", "counts"),
    [("active", False, 1), ("trialing", False, 1), ("past_due", False, 0), ("active", True, 0)],
)
def test_a_subscription_is_active_or_on_trial(status: str, placeholder: bool, counts: int) -> None:
    """And what of it recurs is added beside."""
    items = '[{"total": 100, "interval": "month", "interval_count": 1}]'
    never = dict.fromkeys(("trial_end", "ended_at", "canceled_at"))
    row = _BASE | never | {"status": status, "placeholder": placeholder, "items": items}
    row |= {"collection_paused": False}
    found = dict(totals.contributions("payment_subscription", row))
    assert found.pop(("payment_gauge", (1, "active_subscriptions"), "value"), 0) == counts
    assert found == dict(recurring.of_row(row))


def test_other_rows_add_nothing() -> None:
    """A customer's, for one."""
    assert list(totals.contributions("payment_customer", _BASE)) == []


# -- wrong sums ----------------------------------------------------------------------------------------


@pytest.fixture
def told(shop: Ledger) -> Ledger:
    """A payment of a customer, refunded in part and disputed; a subscription, told twice."""
    shop.tell(
        payment(10, SUCCEEDED, customer="cus_1"),
        charge(10, customer="cus_1"),
        refund(20, SUCCEEDED, 300, made=20),
        dispute(30, DisputeStatus.NEEDS_RESPONSE, funds_withdrawn=1000),
        invoice(40, InvoiceStatus.PAID, customer="cus_1"),
        link(40),
    )
    shop.tell(subscription(50, SubscriptionStatus.ACTIVE))
    shop.tell(subscription(60, SubscriptionStatus.ACTIVE, plan="Enterprise"))
    return shop


def _standing(connection: Connection) -> list[Any]:
    sums = (tables.total, tables.customer_total, tables.gauge, tables.recurring, tables.subscriber)
    return [sorted(tuple(row) for row in connection.execute(select(table))) for table in sums]


def test_sums_that_are_right_stay_as_they_are(told: Ledger) -> None:
    """None is wrong, and computing all of them anew changes none."""
    before = _standing(told.connection)
    assert totals.wrong_sums(told.connection) == []
    assert totals.rebuild(told.connection) == 0
    assert _standing(told.connection) == before
    assert told.sums() == (1000, 300, 1000, -300)


def test_wrong_sums_are_told_one_by_one_and_mended(told: Ledger) -> None:
    """One too great, one that is missing, and one of nothing: what stood, and what the rows say."""
    connection, right = told.connection, _standing(told.connection)
    connection.execute(update(tables.total).values(gross=1100))
    connection.execute(delete(tables.gauge).where(tables.gauge.c.name == "open_disputes"))
    connection.execute(insert(tables.gauge).values(account_id=99, name="ghosts", value=3))
    key = {"account_id": told.account_id}
    expected = [
        WrongSum(table="payment_gauge", key=key | {"name": "open_disputes"}, column="value", stood=0, rows=1),
        WrongSum(
            table="payment_gauge", key={"account_id": 99, "name": "ghosts"}, column="value", stood=3, rows=0
        ),
        WrongSum(
            table="payment_total",
            key=key | {"day": DAY, "currency": "usd"},
            column="gross",
            stood=1100,
            rows=1000,
        ),
    ]
    assert totals.wrong(connection) == 3
    assert totals.wrong_sums(connection) == expected
    assert totals.mend(connection) == expected
    assert _standing(connection) == right
    assert totals.mend(connection) == []


def test_a_subscription_that_is_told_again_counts_once(told: Ledger) -> None:
    """One subscriber, one customer who pays, one active subscription, and what it costs now."""
    connection = told.connection
    (row,) = connection.execute(select(tables.subscriber)).mappings().all()
    assert (row["started"], row["joined"], row["ended"], row["departed"]) == (1, 1, 0, 0)
    gauges = {name: value for _, name, value in connection.execute(select(tables.gauge))}
    assert gauges == {"active_subscriptions": 1, "open_disputes": 1, "open_chargebacks": 1}
    told.tell(subscription(70, SubscriptionStatus.CANCELED, ended_at=None, canceled_at=None))
    (row,) = connection.execute(select(tables.subscriber)).mappings().all()
    assert (row["started"], row["joined"]) == (0, 0)
    assert totals.wrong(connection) == 0


def test_two_subscriptions_of_one_customer_are_one_customer(told: Ledger) -> None:
    """Told in one transaction or in several, before another customer's or after; that one's are another."""
    told.tell(subscription(50, SubscriptionStatus.ACTIVE, "sub_2"))
    told.tell(
        subscription(50, SubscriptionStatus.ACTIVE, "sub_3", customer="cus_2"),
        subscription(50, SubscriptionStatus.ACTIVE, "sub_4", customer="cus_2"),
    )
    told.tell(subscription(50, SubscriptionStatus.ACTIVE, "sub_5"))
    (row,) = told.connection.execute(select(tables.subscriber)).mappings().all()
    assert (row["started"], row["joined"]) == (5, 2)
    assert totals.wrong(told.connection) == 0


def test_a_subscription_whose_customer_is_told_later_was_nobody_s_until_then(ledger: Ledger) -> None:
    """It was not the first customer's, whose id is the smallest there is; it is counted with theirs now."""
    ledger.tell(subscription(50, SubscriptionStatus.ACTIVE))
    ledger.tell(subscription(50, SubscriptionStatus.ACTIVE, "sub_2", customer=None))
    ledger.tell(subscription(50, SubscriptionStatus.ACTIVE, "sub_3"))
    assert ledger.connection.scalars(select(tables.customer.c.id)).all() == [1]
    for joined in (2, 1):
        (row,) = ledger.connection.execute(select(tables.subscriber)).mappings().all()
        assert (row["started"], row["joined"]) == (3, joined)
        assert totals.wrong(ledger.connection) == 0
        ledger.tell(subscription(60, SubscriptionStatus.ACTIVE, "sub_2"))


def test_wrong_sums_of_several_days_are_told_day_by_day(told: Ledger) -> None:
    """And account by account, as numbers go."""
    gone = [(5, date(2026, 10, 1)), (5, date(2026, 9, 2)), (12, date(2026, 1, 1))]
    for account, day in gone:
        told.connection.execute(
            insert(tables.total).values(account_id=account, day=day, currency="usd", gross=1)
        )
    found = [(one.key["account_id"], one.key["day"]) for one in totals.wrong_sums(told.connection)]
    assert found == sorted(gone)


def test_rows_are_read_a_few_at_a_time(told: Ledger) -> None:
    """Of those that grow without end never all at once are in memory."""
    read: dict[str, Any] = {}

    def watch(_: Any, clause: Any, __: Any, ___: Any, options: Any) -> None:
        if isinstance(clause, Select):
            read[str(clause.get_final_froms()[0])] = options.get("yield_per")

    event.listen(told.connection, "before_execute", watch)
    assert totals.wrong(told.connection) == 0
    event.remove(told.connection, "before_execute", watch)
    grow = {name: read[f"payment_{name}"] for name in ("transaction", "dispute", "subscription")}
    assert grow == dict.fromkeys(grow, 1000)
