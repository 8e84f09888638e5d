"""What is about a person, and what is not: the pure rules of erasing."""

from __future__ import annotations

import json

from hypothesis import given
from hypothesis import strategies as st

from overseer_payment.ledger.persons import impersonal, without_persons
from tests.ledger import telling

_KEYS = st.sampled_from(["id", "amount", "email", "name", "metadata", "billing_details", "data", "customer"])
_JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.text(),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(_KEYS, inner, max_size=4),
    max_leaves=12,
)


@given(_JSON)
def test_taking_persons_out_twice_changes_nothing(value: object) -> None:
    """And never fails, whatever a provider sends."""
    once = without_persons(value)
    assert without_persons(once) == once


def test_sums_and_ids_stay() -> None:
    """What books need is untouched, wherever it stands beside what goes."""
    charge = {
        "id": "ch_1",
        "amount": 4900,
        "customer": "cus_1",
        "billing_details": {"email": "ada@lovelace.example", "address": {"city": "London"}},
        "metadata": {"Ada Lovelace": "yes"},
        "refunds": {"data": [{"id": "re_1", "amount": 900, "description": "for Lovelace"}]},
    }
    left = without_persons(charge)
    assert (left["id"], left["amount"], left["customer"]) == ("ch_1", 4900, "cus_1")
    assert left["refunds"]["data"][0] | {"description": None} == {
        "id": "re_1",
        "amount": 900,
        "description": None,
    }
    assert "lovelace" not in json.dumps(left).lower()
    assert "london" not in json.dumps(left).lower()


def test_a_snapshot_keeps_its_news_and_loses_its_person() -> None:
    """State, sum and version stay, so that it has the same place among the words on its object."""
    told = telling.charge(1, email="ada@lovelace.example", name="Lovelace", method="visa •••• 4242")
    left = impersonal(told)
    assert (left.id, left.as_of, left.kind) == (told.id, told.as_of, told.kind)
    assert (getattr(left, "amount", 0), getattr(left, "method", "")) == (told.amount, "visa")
    assert "lovelace" not in repr(left).lower()
    assert (getattr(left, "email", ""), getattr(left, "name", "")) == (None, None)
    assert impersonal(left) == left
