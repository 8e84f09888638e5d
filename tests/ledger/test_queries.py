"""Filters, look-ups and whose rows they find."""

from __future__ import annotations

from typing import Any

import pytest
from pydantic import ValidationError
from sqlalchemy import Connection

from overseer_payment.errors import NotFound
from overseer_payment.ledger import accounts, queries
from overseer_payment.ledger.scope import Scope
from overseer_payment.schemas import CustomerQuery, DisputeQuery, SubscriptionQuery, TransactionQuery
from tests.ledger import books, properties
from tests.ledger.telling import (
    ACCOUNT,
    SUCCEEDED,
    Ledger,
    customer,
    moment,
    payment,
    refund,
    seen,
)


@pytest.mark.parametrize(
    ("asked", "expected"),
    [
        ({}, ["pi_4", "pi_3", "pi_2", "re_1", "pi_1"]),
        ({"status": "partially_refunded"}, ["pi_1"]),
        ({"status": "succeeded"}, ["pi_4", "re_1"]),
        ({"type": "refund"}, ["re_1"]),
        ({"type": "subscription"}, ["pi_4"]),
        ({"currency": "EUR"}, ["pi_2"]),
        ({"customer_id": "cus_1"}, ["pi_4", "re_1", "pi_1"]),
        ({"customer_id": "cus_1", "type": "charge"}, ["pi_1"]),
        ({"customer_id": "cus_9"}, []),
        ({"subscription_id": "sub_1"}, ["pi_4"]),
        ({"subscription_id": "sub_1", "customer_id": "cus_2"}, []),
        ({"subscription_id": "sub_9"}, []),
        ({"occurred_after": moment(20), "occurred_before": moment(40)}, ["pi_3", "pi_2"]),
        ({"occurred_after": moment(20).replace(tzinfo=None)}, ["pi_4", "pi_3", "pi_2"]),
        ({"q": "ch_1"}, ["re_1", "pi_1"]),
        ({"q": " cs_1 "}, ["pi_3"]),
        ({"q": "in_1", "status": "failed"}, []),
        ({"q": "du_1"}, ["re_1", "pi_1"]),
        ({"q": "re_1"}, ["re_1", "pi_1"]),
        ({"q": "zoë"}, ["pi_4", "re_1", "pi_1"]),
        ({"q": "O'Neil"}, ["pi_4", "re_1", "pi_1"]),
        ({"q": "GUEST@"}, ["pi_3"]),
        ({"q": "100%"}, ["re_1", "pi_1"]),
        ({"q": "l_s"}, ["re_1", "pi_1"]),
        ({"q": "%"}, ["re_1", "pi_1"]),
        ({"q": "nobody"}, []),
        ({"q": "   "}, ["pi_4", "pi_3", "pi_2", "re_1", "pi_1"]),
    ],
    ids=str,
)
def test_filters_show_what_they_say(busy: Ledger, asked: dict[str, Any], expected: list[str]) -> None:
    """Each filter and some together; what a person searches for is taken literally."""
    assert seen(busy, TransactionQuery.model_validate(asked)) == expected


def test_rows_are_found_by_our_id_too(busy: Ledger) -> None:
    """A filter or a look-up takes our own number wherever it takes the provider's name."""
    scope = Scope((busy.account_id,))
    whole = queries.transaction(busy.connection, scope, "pi_1")
    assert queries.transaction(busy.connection, scope, str(whole.id)) == whole
    assert whole.customer_id is not None
    by_number = TransactionQuery(customer_id=str(whole.customer_id))
    assert seen(busy, by_number) == ["pi_4", "re_1", "pi_1"]


@pytest.mark.parametrize("id", ["pi_1", "ch_1", "du_1", "re_1"])
def test_a_payment_is_found_by_any_of_its_names(busy: Ledger, id: str) -> None:
    """Intent, charge and dispute name the payment; a refund names its own row, which comes first."""
    found = queries.transaction(busy.connection, Scope((busy.account_id,)), id)
    assert found.provider_transaction_id == ("re_1" if id == "re_1" else "pi_1")
    assert found.customer_name == "Zoë O'Neil"


@pytest.mark.parametrize("id", ["", "pi_", "0", "-1", "9" * 18, "9" * 25, "²", "pi_1' OR 1=1 --", "\u0663"])
def test_an_id_that_names_nothing_is_not_found(busy: Ledger, id: str) -> None:
    """Odd ids are absent rows, not errors."""
    scope = Scope((busy.account_id,))
    for look in (queries.transaction, queries.subscription, queries.customer):
        with pytest.raises(NotFound):
            look(busy.connection, scope, id)
    with pytest.raises(NotFound):
        queries.checkout(busy.connection, [busy.account_id], id)


def test_a_placeholder_is_neither_listed_nor_found(shop: Ledger) -> None:
    """A payment that only a refund names has no sum and no currency to show yet; the refund has."""
    shop.tell(refund(10, SUCCEEDED, 300, payment=None, charge="ch_9"))
    assert seen(shop, TransactionQuery()) == ["re_1"]
    with pytest.raises(NotFound):
        queries.transaction(shop.connection, Scope((shop.account_id,)), "ch_9")


def test_a_customer_that_was_only_named_is_listed(shop: Ledger) -> None:
    """It paid, so people look for it; it stands where it was first named."""
    shop.tell(customer(1, "cus_1", made=5), payment(10, SUCCEEDED, customer="cus_2", made=10))
    page = queries.customers(shop.connection, Scope((shop.account_id,)), CustomerQuery())
    assert [(row.provider_customer_id, row.email) for row in page] == [
        ("cus_2", None),
        ("cus_1", "cus_1@example.com"),
    ]
    assert page.rows[0].occurred_at == moment(10)


def test_customers_are_asked_for_by_state(shop: Ledger) -> None:
    """Who was deleted at the provider, and who wasn't; both stand in the whole list."""
    shop.tell(customer(1, "cus_1"), customer(2, "cus_2", deleted=True))

    def found(**asked: Any) -> list[str]:
        page = queries.customers(shop.connection, Scope((shop.account_id,)), CustomerQuery(**asked))
        return [row.provider_customer_id for row in page]

    assert found() == ["cus_2", "cus_1"]
    assert (found(status="active"), found(status="deleted")) == (["cus_1"], ["cus_2"])
    assert (found(status="active", q="cus_1"), found(status="deleted", q="cus_1")) == (["cus_1"], [])


def test_a_customers_page_tells_value_per_currency_and_subscriptions(busy: Ledger) -> None:
    """Lifetime value is never summed across currencies; failed payments are no value."""
    scope = Scope((busy.account_id,))
    detail = queries.customer(busy.connection, scope, "cus_1")
    assert [(v.currency, v.gross, v.refunded, v.net) for v in detail.value] == [("usd", 2000, 300, 1700)]
    assert [one.provider_subscription_id for one in detail.subscriptions] == ["sub_1"]
    assert queries.customer(busy.connection, scope, "cus_2").value == []


# -- whose rows ------------------------------------------------------------------------------------


@pytest.mark.parametrize(("user", "mine"), [("u1", ["pi_4", "re_1", "pi_1"]), ("u2", ["pi_2"]), ("", [])])
def test_a_user_sees_own_rows_only(busy: Ledger, user: str, mine: list[str]) -> None:
    """Lists hold rows of the user's customers; guests' rows belong to nobody."""
    assert seen(busy, TransactionQuery(), user) == mine
    assert seen(busy, TransactionQuery(customer_id="cus_1"), user) == (mine if user == "u1" else [])
    assert seen(busy, TransactionQuery(subscription_id="sub_1"), user) == (["pi_4"] if user == "u1" else [])
    for text in ("ch_1", "re_1", "zoë"):
        assert set(seen(busy, TransactionQuery(q=text), user)) <= set(mine)


@pytest.mark.parametrize("user", ["u2", "", "nobody"])
def test_a_strangers_row_does_not_exist(busy: Ledger, user: str) -> None:
    """By whatever id and on whatever page: what belongs to somebody else is not found."""
    connection, scope = busy.connection, Scope((busy.account_id,), user)
    row = queries.transaction(connection, Scope((busy.account_id,)), "pi_1")
    for id in ("pi_1", "ch_1", "re_1", "du_1", str(row.id)):
        with pytest.raises(NotFound):
            queries.transaction(connection, scope, id)
    for look, id in ((queries.subscription, "sub_1"), (queries.customer, "cus_1")):
        with pytest.raises(NotFound):
            look(connection, scope, id)
    assert queries.refunds(connection, scope, row.id) == []
    assert queries.disputes_about(connection, scope, row.id, now=row.occurred_at) == []
    assert queries.disputes(connection, scope, DisputeQuery(), now=row.occurred_at).rows == []
    assert queries.subscriptions(connection, scope, SubscriptionQuery()).rows == []
    with pytest.raises(NotFound):
        queries.checkout(connection, [busy.account_id], "cs_1", scope=scope)


def test_another_account_is_never_seen(busy: Ledger) -> None:
    """Not even with the same ids, ours or the provider's."""
    other = Scope((busy.account_id + 1,))
    row = queries.transaction(busy.connection, Scope((busy.account_id,)), "pi_1")
    for id in ("pi_1", "ch_1", str(row.id)):
        with pytest.raises(NotFound):
            queries.transaction(busy.connection, other, id)
    for asked in ({}, {"customer_id": "cus_1"}, {"customer_id": str(row.customer_id)}, {"q": "pi_1"}):
        query = TransactionQuery.model_validate(asked)
        assert queries.transactions(busy.connection, other, query).rows == []


def test_every_listed_row_of_a_long_history_can_be_read(fresh: Connection) -> None:
    """Rows of made-up histories validate as what is answered, and lead to themselves."""
    ledger = Ledger(fresh, accounts.ensure(fresh, [ACCOUNT])[ACCOUNT])
    for seed in range(6):
        books.tell(fresh, ledger.account_id, properties.made_up(seed, length=60).told, size=100)
    scope = Scope((ledger.account_id,))
    names = seen(ledger, TransactionQuery(limit=7))
    assert len(names) > 20
    for name in names:
        assert queries.transaction(fresh, scope, name).provider_transaction_id == name


def test_a_number_is_an_id_and_also_part_of_a_text(busy: Ledger) -> None:
    """Looking for `1` finds transaction 1 and every payment whose texts hold a 1."""
    first = seen(busy, TransactionQuery(q="1"))
    assert set(first) > set(seen(busy, TransactionQuery(q="no such text 1")))
    assert len(first) > 1


def test_a_currency_that_does_not_exist_is_no_filter() -> None:
    """`zzz` is a mistake to be told, not an empty list."""
    with pytest.raises(ValidationError, match="ISO 4217"):
        TransactionQuery(currency="zzz")
