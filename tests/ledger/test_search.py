"""Searching: the newest rows for any text, all rows for what an index finds, and nothing twice."""

from __future__ import annotations

from collections.abc import Sequence

import pytest

from overseer_payment.ledger import queries
from overseer_payment.ledger.queries import search
from overseer_payment.ledger.scope import Scope
from overseer_payment.schemas import CustomerQuery, Page, TransactionQuery, TransactionRow
from tests.ledger.telling import FAILED, SUCCEEDED, Ledger, charge, customer, moment, payment, refund


@pytest.fixture
def long(shop: Ledger, monkeypatch: pytest.MonkeyPatch) -> Ledger:
    """Ten payments, of which the newest three (7, 8 and 9) are looked at text by text."""
    monkeypatch.setattr(search, "WINDOW", 2)
    shop.tell(
        customer(1, "cus_1", name="Zoë O'Neil", email="Zoe@Example.com", made=1),
        customer(1, "cus_2", name="Zacharias", email="zach@example.org", made=2),
        *(payment(1, SUCCEEDED, f"pi_{n}", made=n, description=f"wool no {n}") for n in range(4, 10)),
        payment(1, SUCCEEDED, "pi_0", made=0, customer="cus_1", description="old wool"),
        payment(1, FAILED, "pi_1", made=1, customer="cus_2", description="old wool"),
        payment(1, SUCCEEDED, "pi_2", made=2, email="Guest@Example.net"),
        payment(1, SUCCEEDED, "pi_3", made=3, customer="cus_2", email="billing@example.org"),
        charge(1, id="ch_2", payment="pi_2", made=2),
        refund(3, SUCCEEDED, 300, id="re_2", charge="ch_2", payment="pi_2", made=3),
    )
    return shop


def _page(ledger: Ledger, user: str | None = None, **asked: object) -> Page[TransactionRow]:
    query = TransactionQuery.model_validate(asked)
    return queries.transactions(ledger.connection, Scope((ledger.account_id,), user), query)


def names(rows: Sequence[TransactionRow] | Page[TransactionRow]) -> list[str]:
    return [row.provider_transaction_id for row in rows]


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("wool", ["pi_9", "pi_8", "pi_7"]),
        ("no 8", ["pi_8"]),
        ("no 4", []),
        ("pi_4", ["pi_4"]),
        ("ch_2", ["re_2", "pi_2"]),
        ("zoë", ["pi_0"]),
        ("ZOË O", ["pi_0"]),
        ("zoe@", ["pi_0"]),
        ("z", ["pi_3", "pi_1", "pi_0"]),
        ("guest@example", ["re_2", "pi_2"]),
        ("billing@", ["pi_3"]),
        ("cus_2", ["pi_3", "pi_1"]),
        ("o'neil", []),
        ("%", []),
        ("nobody", []),
    ],
)
def test_old_rows_are_found_by_ids_addresses_and_names(long: Ledger, text: str, expected: list[str]) -> None:
    """What is older than the newest rows is found by its beginning; told is since when all was read."""
    page = _page(long, q=text)
    assert names(page) == expected
    exact = text in {"pi_4", "ch_2"}
    assert page.searched_since == (None if exact else moment(7))


def test_an_older_time_can_be_searched(long: Ledger) -> None:
    """`occurred_before` moves the rows that are looked at."""
    page = _page(long, q="wool", occurred_before=moment(7))
    assert names(page) == ["pi_6", "pi_5", "pi_4"]
    assert page.searched_since == moment(4)
    assert names(_page(long, q="wool", occurred_before=moment(2))) == ["pi_1", "pi_0"]


def test_a_search_can_be_read_from_the_oldest_on(long: Ledger) -> None:
    """The same rows, the other way round, page by page."""
    first = _page(long, q="z", order="oldest", limit=2)
    rest = _page(long, q="z", order="oldest", limit=2, cursor=first.next_cursor)
    assert (names(first), names(rest)) == (["pi_0", "pi_1"], ["pi_3"])


def test_filters_hold_in_a_search(long: Ledger) -> None:
    """A state or a customer narrows what is found; a customer's own few rows are all looked at."""
    assert names(_page(long, q="z", status="failed")) == ["pi_1"]
    page = _page(long, q="wool", customer_id="cus_2")
    assert (names(page), page.searched_since) == (["pi_1"], None)


def test_pages_of_a_search_join(long: Ledger) -> None:
    """One by one: each row once, newest first, though several indexes know it."""
    found: list[str] = []
    cursor = None
    for _ in range(20):
        page = _page(long, q="z", limit=1, cursor=cursor)
        found += names(page)
        cursor = page.next_cursor
        if cursor is None:
            break
    assert found == ["pi_3", "pi_1", "pi_0"]


def test_what_everybody_begins_with_is_nobodys_name(long: Ledger, monkeypatch: pytest.MonkeyPatch) -> None:
    """A beginning that too many share is looked for in the newest rows only."""
    monkeypatch.setattr(search, "_PEOPLE", 1)
    assert names(_page(long, q="z")) == []
    assert names(_page(long, q="zo")) == ["pi_0"]


def test_old_customers_are_found_by_their_beginning(shop: Ledger, monkeypatch: pytest.MonkeyPatch) -> None:
    """A list of customers is searched the same way."""
    monkeypatch.setattr(search, "WINDOW", 1)
    shop.tell(*(customer(1, f"cus_{n}", name=f"Ann {n} Lee", email=f"{n}@x.org", made=n) for n in range(6)))

    def found(text: str) -> list[str]:
        page = queries.customers(shop.connection, Scope((shop.account_id,)), CustomerQuery(q=text))
        assert page.searched_since == moment(4)
        return [row.provider_customer_id for row in page]

    assert found("lee") == ["cus_5", "cus_4"]
    assert found("ann 2") == found("2@X.org") == found("cus_2") == ["cus_2"]
    assert found("ann") == [f"cus_{n}" for n in (5, 4, 3, 2, 1, 0)]
