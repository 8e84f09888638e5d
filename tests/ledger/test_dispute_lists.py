"""How disputes are found: every list off the end of an index, and how each stands with time."""

from __future__ import annotations

from dataclasses import replace
from datetime import timedelta
from functools import partial
from types import SimpleNamespace
from typing import Any, cast

import pytest
from sqlalchemy import Connection, Row

from overseer_payment.ledger import accounts, paging, queries
from overseer_payment.ledger.scope import Scope
from overseer_payment.provider import DisputeStatus
from overseer_payment.schemas import Deadline, DisputeQuery
from tests.ledger.provider import START
from tests.ledger.telling import ACCOUNT, Ledger, dispute, moment
from tests.ledger.test_plans import assert_no_scan, plans

LATER = paging._write(moment(9), 5)
LISTS: dict[str, tuple[dict[str, Any], str]] = {
    "all": ({}, "newest"),
    "a later page": ({"cursor": LATER}, "newest"),
    "a status": ({"status": "lost", "cursor": LATER}, "status"),
    "a kind": ({"kind": "inquiry"}, "kind"),
    "a currency": ({"currency": "jpy"}, "currency"),
    "the open ones": ({"status": "open"}, "open"),
    "more open ones": ({"status": "open", "kind": "chargeback", "cursor": LATER}, "open"),
    "those due soon": ({"due_soon": True, "currency": "usd"}, "open"),
}


@pytest.mark.parametrize("name", LISTS)
def test_a_page_of_disputes_is_read_off_an_index(busy: Ledger, name: str) -> None:
    """The index that fits the question, in its own order: nothing is sorted or walked through."""
    asked, index = LISTS[name]
    query = DisputeQuery.model_validate(asked)
    for ids in ((busy.account_id,), (busy.account_id, busy.account_id + 1)):
        scope = Scope(ids)
        steps = plans(busy.connection, partial(queries.disputes, busy.connection, scope, query, now=START))
        assert_no_scan(steps)
        assert len([step for step in steps if f"ix_payment_dispute_{index}" in step]) == len(ids)
        assert not [step for step in steps if "TEMP B-TREE" in step]


def test_deadlines_of_two_accounts_come_in_one_order(fresh: Connection) -> None:
    """Page by page, whichever account a dispute belongs to; and newest first, if all are asked for."""
    both = accounts.ensure(fresh, [ACCOUNT, replace(ACCOUNT, livemode=True)]).values()
    for number, days in enumerate((5, 3, 9, 3, 7)):
        Ledger(fresh, list(both)[number % 2]).tell(
            dispute(
                1,
                DisputeStatus.NEEDS_RESPONSE,
                f"du_{number}",
                made=number,
                evidence_due_by=START + timedelta(days=days),
            )
        )
    scope = Scope(tuple(both))
    for status, expected in (("open", [1, 3, 0, 4, 2]), (None, [4, 3, 2, 1, 0])):
        found, query = list[str](), DisputeQuery.model_validate({"status": status, "limit": 2})
        for _ in range(3):
            page = queries.disputes(fresh, scope, query, now=START)
            found += [row.provider_dispute_id for row in page.rows]
            query = query.model_copy(update={"cursor": page.next_cursor})
        assert (found, page.next_cursor) == ([f"du_{number}" for number in expected], None)


def test_one_dispute_and_a_buyers_are_gone_to_directly(busy: Ledger) -> None:
    """By id, by payment, by the customers of a user: never through all of an account."""
    all_, own = Scope((busy.account_id,)), Scope((busy.account_id,), "u1")
    for ask in (
        lambda: queries.disputes_about(busy.connection, all_, 1, now=START),
        lambda: queries.disputes(busy.connection, own, DisputeQuery(), now=START),
    ):
        steps = plans(busy.connection, ask)
        assert_no_scan(steps)
        assert not [step for step in steps if "_newest" in step or step.endswith("(account_id=?)")]


@pytest.mark.parametrize(
    ("kind", "status", "due_in", "deadline", "answers"),
    [
        ("chargeback", "needs_response", 8, Deadline.OPEN, True),
        ("inquiry", "needs_response", 7, Deadline.DUE_SOON, True),
        ("chargeback", "appeal_needs_response", 1, Deadline.DUE_SOON, True),
        ("chargeback", "needs_response", 0, Deadline.PAST_DUE, False),
        ("chargeback", "needs_response", -3, Deadline.PAST_DUE, False),
        ("chargeback", "needs_response", None, Deadline.CANNOT_RESPOND, False),
        ("chargeback", "lost", None, Deadline.CANNOT_RESPOND, False),
        ("chargeback", "lost", -3, Deadline.NONE, False),
        ("chargeback", "under_review", 3, Deadline.NONE, False),
        ("chargeback", "appeal_under_review", None, Deadline.NONE, False),
        ("chargeback", "won", 3, Deadline.NONE, False),
        ("chargeback", "prevented", None, Deadline.NONE, False),
        ("inquiry", "closed", 3, Deadline.NONE, False),
        ("fraud_warning", "needs_response", None, Deadline.NONE, False),
    ],
)
def test_how_an_answer_stands_with_time(
    kind: str, status: str, due_in: int | None, deadline: Deadline, answers: bool
) -> None:
    """Each state and each distance to the deadline."""
    due = None if due_in is None else START + timedelta(days=due_in)
    row = cast(Row[Any], SimpleNamespace(kind=kind, status=status, evidence_due_by=due))
    assert queries.deadline(row, START) is deadline
    assert queries.can_respond(row, START) is answers
