"""Pages: complete, in order, and no text that is not a cursor of ours."""

from __future__ import annotations

import base64
import json
from dataclasses import replace

import pytest
from hypothesis import given
from hypothesis import strategies as st
from sqlalchemy import Connection

from overseer_payment.errors import Invalid
from overseer_payment.ledger import accounts, queries
from overseer_payment.ledger.queries import amounts
from overseer_payment.ledger.scope import Scope
from overseer_payment.schemas import CustomerQuery, Page, TransactionQuery, TransactionRow
from tests.ledger.telling import (
    ACCOUNT,
    FAILED,
    SUCCEEDED,
    Ledger,
    payment,
    seen,
)


@given(
    moments=st.lists(st.integers(0, 4), min_size=0, max_size=25),
    limit=st.integers(1, 7),
    failed=st.booleans(),
    oldest=st.booleans(),
)
def test_pages_show_every_row_once_and_in_order(
    database: Connection, moments: list[int], limit: int, failed: bool, oldest: bool
) -> None:
    """Whatever the size of a page, many of one second, filtered or not, from either end, of two accounts."""
    with database.begin() as transaction:
        both = accounts.ensure(database, [ACCOUNT, replace(ACCOUNT, livemode=True)])
        ledger, other = (Ledger(database, id) for id in both.values())
        told = [
            payment(10, FAILED if number % 2 and failed else SUCCEEDED, f"pi_{number}", made=made)
            for number, made in enumerate(moments)
        ]
        ledger.tell(*told[::3], *told[1::3])
        other.tell(*told[2::3])
        wanted = [one for one in told if not failed or one.status is FAILED]
        order = {"order": "oldest" if oldest else "newest"}
        filters = order | ({"status": "failed"} if failed else {})
        query = TransactionQuery.model_validate({"limit": limit} | filters)
        found = seen(ledger, query, None, other)
        assert sorted(found) == sorted(one.id for one in wanted)
        made_at = {one.id: one.occurred_at for one in told}
        assert [made_at[id] for id in found] == sorted((made_at[id] for id in found), reverse=not oldest)
        transaction.rollback()


@given(
    rows=st.lists(st.tuples(st.integers(0, 3), st.booleans(), st.booleans()), max_size=14),
    limit=st.integers(1, 5),
    failed=st.booleans(),
    largest=st.booleans(),
    few=st.sampled_from([0, 2_000]),
)
def test_pages_by_amount_show_every_row_of_the_currency_once(
    database: Connection,
    rows: list[tuple[int, bool, bool]],
    limit: int,
    failed: bool,
    largest: bool,
    few: int,
) -> None:
    """From either end, many of one sum, walked along the index or sorted; nothing of another currency."""
    with database.begin() as transaction, pytest.MonkeyPatch.context() as patch:
        patch.setattr(amounts, "_FEW", few)
        ledger = Ledger(database, accounts.ensure(database, [ACCOUNT])[ACCOUNT])
        told = [
            payment(
                10, FAILED if bad else SUCCEEDED, f"pi_{n}", amount=sum_, currency="usd" if usd else "jpy"
            )
            for n, (sum_, bad, usd) in enumerate(rows)
        ]
        ledger.tell(*told)
        wanted = {
            one.id: one.amount for one in told if one.currency == "usd" and (one.status is FAILED) >= failed
        }
        asked = {"order": "largest" if largest else "smallest", "currency": "usd", "limit": limit}
        query = TransactionQuery.model_validate(asked | ({"status": "failed"} if failed else {}))
        found = seen(ledger, query)
        assert sorted(found) == sorted(wanted)
        sums = [wanted[id] for id in found]
        assert sums == sorted(sums, reverse=largest)
        transaction.rollback()


def test_amounts_are_sorted_within_one_currency_only(shop: Ledger) -> None:
    """Yen and dollars have no common order; and a cursor of one order is none of another."""
    shop.tell(*(payment(10, SUCCEEDED, f"pi_{n}", amount=n) for n in range(1, 4)))
    scope = Scope((shop.account_id,))

    def ask(**asked: object) -> Page[TransactionRow]:
        query = TransactionQuery.model_validate({"limit": 1} | asked)
        return queries.transactions(shop.connection, scope, query)

    with pytest.raises(Invalid, match="currency"):
        ask(order="largest")
    by_time, by_amount = ask().next_cursor, ask(order="largest", currency="usd").next_cursor
    for wrong in ({"order": "largest", "currency": "usd", "cursor": by_time}, {"cursor": by_amount}):
        with pytest.raises(Invalid, match="cursor"):
            ask(**wrong)


def test_a_row_that_comes_between_two_pages_is_not_shown_twice(shop: Ledger) -> None:
    """New payments don't shift the pages of somebody who is leafing through."""
    shop.tell(*(payment(10, SUCCEEDED, f"pi_{n}", made=n) for n in range(4)))
    scope = Scope((shop.account_id,))
    first = queries.transactions(shop.connection, scope, TransactionQuery(limit=2))
    shop.tell(payment(20, SUCCEEDED, "pi_new", made=20))
    second = queries.transactions(shop.connection, scope, TransactionQuery(limit=2, cursor=first.next_cursor))
    names = [row.provider_transaction_id for row in (*first.rows, *second.rows)]
    assert names == ["pi_3", "pi_2", "pi_1", "pi_0"]


def _cursor(value: object) -> str:
    return base64.urlsafe_b64encode(json.dumps(value).encode()).decode()


@pytest.mark.parametrize(
    "cursor",
    [
        "",
        "!",
        "é",
        "a",
        "AAAA",
        "%00",
        _cursor([]),
        _cursor([1]),
        _cursor([1, 2, 3]),
        _cursor(["1", "2"]),
        _cursor([1.5, 2]),
        _cursor([10**30, 1]),
        _cursor([-(10**30), 1]),
        _cursor([1, 2**63]),
        _cursor([1, -1]),
        _cursor([None, None]),
        _cursor({"a": 1}),
        _cursor(7),
        _cursor("x"),
        "9" * 200,
    ],
)
def test_a_cursor_that_is_not_ours_is_refused(shop: Ledger, cursor: str) -> None:
    """Garbage is the caller's mistake (422), never an error of ours, and never silently the first page."""
    scope = Scope((shop.account_id,))
    with pytest.raises(Invalid):
        queries.transactions(shop.connection, scope, TransactionQuery(cursor=cursor))


@given(
    cursor=st.one_of(st.text(max_size=40), st.binary(max_size=40).map(lambda b: base64.b64encode(b).decode()))
)
def test_no_text_breaks_a_cursor(database: Connection, cursor: str) -> None:
    """Any text is either one of our cursors or refused."""
    try:
        queries.customers(database, Scope((1,)), CustomerQuery(cursor=cursor))
    except Invalid:
        return
