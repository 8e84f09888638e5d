"""The inbox and the audit trail are read off the ends of indexes, however many rows there are."""

from __future__ import annotations

import re
from typing import Any

import pytest
from sqlalchemy import Connection, insert

from overseer_payment import tables
from overseer_payment.ledger import paging, reports
from overseer_payment.ledger.accounts import Account, ensure
from overseer_payment.ledger.queries.effects import effects
from overseer_payment.ledger.queries.events import events
from overseer_payment.ledger.queries.operations import operations
from overseer_payment.schemas import EffectQuery, EventQuery, OperationQuery
from tests.ledger.telling import Ledger, moment
from tests.ledger.test_plans import plans

_LATER = {"cursor": paging._write(moment(9), 5)}
EVENTS: dict[str, dict[str, Any]] = {
    "all": {},
    "a later page": _LATER,
    "a status": {"status": "applied"},
    "failed ones": {"failed": True, **_LATER},
    "a type": {"type": "invoice.paid"},
    "failed ones of a type": {"failed": True, "type": "invoice.paid"},
}


def _found(steps: list[str], table: str) -> list[str]:
    """By which index and columns rows of that table are found."""
    return [step for step in steps if table in step]


@pytest.mark.parametrize("name", EVENTS)
def test_events_are_read_off_the_end_of_an_index(busy: Ledger, name: str) -> None:
    """By account and state, or account and type, backwards from the newest; then each row by its id."""
    query = EventQuery.model_validate(EVENTS[name])
    steps = _found(plans(busy.connection, lambda: events(busy.connection, [1, 2], query)), "payment_event")
    assert steps
    for step in steps:
        assert re.search(r"\((account_id=\? AND (status|type)=\?.*|rowid=\?)\)$", step), step


EFFECTS: dict[str, dict[str, Any]] = {
    "all": {},
    "failed ones": {"failed": True, **_LATER},
    "a listener's": {"listener": "shop.mails.receipt", **_LATER},
    "what a listener could not be told": {"listener": "shop.mails.receipt", "status": "dead"},
}


@pytest.mark.parametrize("name", EFFECTS)
def test_effects_are_read_off_the_end_of_an_index(busy: Ledger, name: str) -> None:
    """By account and state, for a listener by its name as well: not all are looked at to find its own."""
    query = EffectQuery.model_validate(EFFECTS[name])
    steps = _found(plans(busy.connection, lambda: effects(busy.connection, [1, 2], query)), "payment_effect")
    named = r"AND listener=\? " if query.listener else ""
    assert steps
    for step in steps:
        assert re.search(rf"\((account_id=\? {named}AND status=\?.*|rowid=\?)\)$", step), step


@pytest.mark.parametrize("query", [{}, _LATER, {"status": "unknown"}])
def test_operations_are_read_off_the_end_of_an_index(busy: Ledger, query: dict[str, Any]) -> None:
    """By account, or account and outcome; then each row by its id."""
    asked = OperationQuery.model_validate(query)
    steps = plans(busy.connection, lambda: operations(busy.connection, [1, 2], asked))
    for step in _found(steps, "payment_operation"):
        assert re.search(r"\((account_id=\?.*|rowid=\?)\)$", step), step
    assert not [step for step in steps if "SCAN payment_operation" in step]


def test_how_far_applying_is_behind_is_found_at_once(busy: Ledger) -> None:
    """One event of each account is looked at, whatever waits behind it."""
    steps = plans(busy.connection, lambda: reports.lag(busy.connection, [1, 2], moment(0)))
    assert not [step for step in steps if "SCAN payment_event" in step]


def test_pages_of_many_accounts_are_complete(fresh: Connection) -> None:
    """Few accounts or more than are asked for one by one: every event once, the last stored first."""
    for count in (3, paging.MOST_RUNS + 5):
        accounts = [Account("stripe", f"acct_{number}", False) for number in range(count)]
        ids = sorted(ensure(fresh, accounts).values())
        for number, account_id in enumerate(ids):
            values = {"account_id": account_id, "provider_event_id": f"evt_{count}_{number}"}
            times = dict.fromkeys(("occurred_at", "received_at", "due_at"), moment(number))
            fresh.execute(
                insert(tables.event).values(type="x", payload="{}", status="dead", **values, **times)
            )
        for query in ({}, {"failed": True}, {"type": "x"}):
            seen, cursor = list[int](), None
            for _ in range(count * 2):
                page = events(fresh, ids, EventQuery.model_validate({**query, "limit": 7, "cursor": cursor}))
                seen += [row.id for row in page]
                if (cursor := page.next_cursor) is None:
                    break
            assert seen == sorted(set(seen), reverse=True)
            assert len(seen) >= count
