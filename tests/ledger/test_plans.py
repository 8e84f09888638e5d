"""How rows and sums are found: no walk through everything, whatever is asked."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from datetime import date, timedelta
from functools import partial
from types import SimpleNamespace
from typing import Any, cast

import pytest
from sqlalchemy import Connection, Row, event, insert

from overseer_payment import inbox, tables
from overseer_payment.ledger import paging, queries, reports
from overseer_payment.ledger.paging import Order
from overseer_payment.ledger.queries import amounts
from overseer_payment.ledger.scope import Scope
from overseer_payment.provider import InvoiceStatus, SubscriptionStatus
from overseer_payment.schemas import (
    CustomerQuery,
    CustomerState,
    InvoiceQuery,
    SubscriptionQuery,
    TransactionQuery,
)
from tests.ledger.provider import START
from tests.ledger.telling import (
    Ledger,
    moment,
)


@contextmanager
def statements(connection: Connection) -> Iterator[list[tuple[str, Any]]]:
    """What is executed meanwhile."""
    executed: list[tuple[str, Any]] = []

    def note(_: Any, __: Any, statement: str, parameters: Any, *___: Any) -> None:
        executed.append((statement, parameters))

    event.listen(connection, "before_cursor_execute", note)
    yield executed
    event.remove(connection, "before_cursor_execute", note)


def plans(connection: Connection, ask: Callable[[], object]) -> list[str]:
    """The steps by which SQLite finds what `ask` asks for."""
    with statements(connection) as executed:
        ask()
    explained = [connection.exec_driver_sql(f"EXPLAIN QUERY PLAN {s}", p) for s, p in executed]
    return [str(step[3]) for rows in explained for step in rows]


LISTS: dict[str, dict[str, Any]] = {
    "all": {},
    "a later page": {"cursor": paging._write(moment(9), 5)},
    "the oldest": {"order": "oldest"},
    "a later page of the oldest": {
        "order": "oldest",
        "status": "failed",
        "cursor": paging._write(moment(9), 5),
    },
    "a status": {"status": "succeeded"},
    "a type": {"type": "refund", "cursor": paging._write(moment(9), 5)},
    "a currency": {"currency": "usd"},
    "the largest": {"order": "largest", "currency": "usd"},
    "a later page of the smallest": {
        "order": "smallest",
        "currency": "usd",
        "cursor": Order("amount").write(cast("Row[Any]", SimpleNamespace(amount=10, id=5))),
    },
    "a time": {"occurred_after": moment(0), "occurred_before": moment(9)},
}
FEW: dict[str, dict[str, Any]] = {
    "a customer": {"customer_id": "cus_1"},
    "a customer's refunds": {"customer_id": "cus_1", "type": "refund"},
    "a subscription": {"subscription_id": "sub_1"},
    "an id": {"q": "ch_1"},
}
TABLES = ("transaction", "customer", "subscription", "dispute", "event", "invoice", "checkout", "reference")


def assert_no_scan(steps: list[str]) -> None:
    assert steps
    assert not [step for step in steps if any(f"SCAN payment_{table}" in step for table in TABLES)]


@pytest.mark.parametrize("name", LISTS)
def test_a_page_is_read_off_the_end_of_an_index(busy: Ledger, name: str) -> None:
    """No page walks through a table or sorts it: it costs the same with any number of rows."""
    query = TransactionQuery.model_validate(LISTS[name])
    for scope in (Scope((busy.account_id,)), Scope((busy.account_id, busy.account_id + 1))):
        steps = plans(busy.connection, partial(queries.transactions, busy.connection, scope, query))
        assert_no_scan(steps)
        assert not [step for step in steps if "TEMP B-TREE" in step]


def test_lists_of_two_accounts_are_sorted_nowhere(busy: Ledger) -> None:
    """Each account's rows are read off its own part of an index: all of both would have to be sorted."""
    connection, both = busy.connection, Scope((busy.account_id, busy.account_id + 1))
    for ask in (
        lambda: queries.subscriptions(connection, both, SubscriptionQuery()),
        lambda: queries.customers(connection, both, CustomerQuery()),
        lambda: queries.customers(connection, both, CustomerQuery(q="zoë")),
        lambda: queries.invoices(connection, both, InvoiceQuery(status=InvoiceStatus.PAID)),
        lambda: queries.transactions(connection, both, TransactionQuery(q="sock")),
    ):
        steps = plans(connection, ask)
        assert_no_scan(steps)
        assert not [step for step in steps if "TEMP B-TREE" in step]


def test_amounts_of_few_rows_are_sorted_not_sought(busy: Ledger, monkeypatch: pytest.MonkeyPatch) -> None:
    """What a filter makes few is found by its own index; that of amounts would be walked to its end."""
    query = TransactionQuery.model_validate({"order": "largest", "currency": "usd", "status": "failed"})
    steps: dict[int, list[str]] = {}
    scope = Scope((busy.account_id,))
    for few in (0, 2_000):
        monkeypatch.setattr(amounts, "_FEW", few)
        steps[few] = plans(busy.connection, lambda: queries.transactions(busy.connection, scope, query))
        assert_no_scan(steps[few])
    assert not any("transaction_amount" in step for step in steps[2_000])
    assert not any("TEMP B-TREE" in step for step in steps[0])


@pytest.mark.parametrize("name", FEW)
def test_few_rows_are_gone_to_directly(busy: Ledger, name: str) -> None:
    """One customer's, subscription's or payment's rows aren't searched for among all of an account."""
    query, scope = TransactionQuery.model_validate(FEW[name]), Scope((busy.account_id,))
    steps = plans(busy.connection, lambda: queries.transactions(busy.connection, scope, query))
    assert_no_scan(steps)
    assert not [step for step in steps if "transaction_newest" in step]


def test_no_look_up_walks_through_all_rows_of_an_account(busy: Ledger) -> None:
    """Details, subscriptions, customers, a user's own rows: each by an index that names them."""
    connection, all_, own = busy.connection, Scope((busy.account_id,)), Scope((busy.account_id,), "u1")
    asks: list[Callable[[], object]] = [
        lambda: queries.transaction(connection, all_, "ch_1"),
        lambda: queries.transactions(connection, own, TransactionQuery()),
        lambda: queries.subscription(connection, all_, "sub_1"),
        lambda: queries.subscriptions(connection, all_, SubscriptionQuery(customer_id="cus_1")),
        lambda: queries.subscriptions(connection, own, SubscriptionQuery()),
        lambda: queries.how_many(connection, all_, [SubscriptionStatus.UNPAID], at_most=2),
        lambda: queries.customer(connection, all_, "cus_1"),
        lambda: queries.customers(connection, own, CustomerQuery()),
        lambda: queries.customers(connection, all_, CustomerQuery(status=CustomerState.DELETED)),
    ]
    for ask in asks:
        steps = plans(connection, ask)
        assert_no_scan(steps)
        assert not [step for step in steps if "_newest" in step or step.endswith("(account_id=?)")]


# -- sums ------------------------------------------------------------------------------------------


def _reports(connection: Connection, account: int) -> None:
    reports.revenue(connection, [account])
    reports.transactions(connection, [account])
    reports.gauges(connection, [account])
    reports.events(connection, [account], ["failed", "dead"])
    reports.last_event_at(connection, [account])
    reports.timeseries(connection, [account], days=30, today=START.date())


def test_status_never_looks_at_transactions(busy: Ledger) -> None:
    """What the card shows comes from the totals, whose size is days times currencies."""
    with statements(busy.connection) as executed:
        _reports(busy.connection, busy.account_id)
    assert executed
    assert not [s for s, _ in executed if "payment_transaction" in s or "payment_object" in s]
    steps = plans(busy.connection, lambda: _reports(busy.connection, busy.account_id))
    assert_no_scan(steps)
    assert not [step for step in steps if "payment_event" in step and "(account_id=?)" in step]


def test_a_series_has_a_point_for_each_day(busy: Ledger) -> None:
    """Dense and oldest first, per currency; a currency that was asked for is there without any sum."""
    today = START.date() + timedelta(days=1)
    connection, account = busy.connection, [busy.account_id]
    found = reports.timeseries(connection, account, days=3, today=today)
    assert [one.currency for one in found.series] == ["usd", "eur"]
    points = found.series[0].points
    assert [point.date for point in points] == [today - timedelta(days=n) for n in (2, 1, 0)]
    assert [(point.gross, point.refunded, point.net) for point in points] == [
        (0, 0, 0),
        (2000, 300, 1700),
        (0, 0, 0),
    ]
    asked = reports.timeseries(connection, account, days=2, today=date(2020, 1, 1), currency="chf")
    assert [(one.currency, len(one.points)) for one in asked.series] == [("chf", 2)]


def test_the_last_event_is_the_newest_received(fresh: Connection) -> None:
    """Of several accounts and states the newest; none before anything was received."""
    assert reports.last_event_at(fresh, [1, 2]) is None
    for number, (account, status) in enumerate([(1, "applied"), (2, "dead"), (1, "pending"), (3, "failed")]):
        values = {"account_id": account, "status": status, "provider_event_id": f"evt_{number}"}
        times = dict.fromkeys(("occurred_at", "received_at", "due_at"), moment(number))
        fresh.execute(insert(tables.event).values(type="x", payload="{}", **values, **times))
    assert reports.last_event_at(fresh, [1, 2]) == moment(2)


def test_reports_know_every_state_of_an_event() -> None:
    """The states are the inbox's own: a new one must be added here, or its events are not seen."""
    states = {inbox.PENDING, inbox.APPLIED, inbox.IGNORED, inbox.FAILED, inbox.DEAD}
    assert set(reports.EVENT_STATES) == states
