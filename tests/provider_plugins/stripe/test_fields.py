"""Each reader of a field, given anything: what it promises, or a refusal."""

from __future__ import annotations

from datetime import UTC, datetime
from types import MappingProxyType
from typing import Any

import pytest

from overseer_payment.errors import PayloadInvalid
from overseer_payment.provider import AsOf, Source
from overseer_payment.provider_plugins.stripe.translate import fields as f
from overseer_payment.provider_plugins.stripe.translate import translate
from tests.provider_plugins.stripe import payloads as p

LARGEST = 10**18
LAST = 253_402_300_799
EVENT = f.Context(AsOf(p.at(), Source.EVENT), True, "charge.expired")

READERS: dict[str, tuple[Any, list[tuple[Any, Any]]]] = {
    "text": (f.text, [("a", "a"), ("", None), (7, None), (None, None), ({"id": "a"}, None)]),
    "flag": (f.flag, [(True, True), (False, False), (1, False), ("true", False), (None, False)]),
    "whole": (
        f.whole,
        [
            (7, 7),
            (-7, -7),
            (True, 0),
            ("7", 0),
            (7.0, 0),
            (None, 0),
            (LARGEST - 1, LARGEST - 1),
            (LARGEST, 0),
            (-LARGEST, 0),
        ],
    ),
    "currency_or_none": (
        f.currency_or_none,
        [
            ("usd", "usd"),
            ("USD", "usd"),
            ("us", None),
            ("usdx", None),
            ("u1d", None),
            ("usd\n", None),
            (7, None),
        ],
    ),
    "moment": (
        f.moment,
        [
            (1, datetime(1970, 1, 1, 0, 0, 1, tzinfo=UTC)),
            (LAST, datetime(9999, 12, 31, 23, 59, 59, tzinfo=UTC)),
            (LAST + 1, None),
            (0, None),
            (-1, None),
            ("7", None),
        ],
    ),
    "reference": (
        f.reference,
        [
            ("pi_1", "pi_1"),
            ({"id": "pi_1"}, "pi_1"),
            (MappingProxyType({"id": "pi_1"}), "pi_1"),
            ({"id": 7}, None),
            ({}, None),
            ("pi 1", None),
            ("pi_1\n", None),
            ("p" * 255, "p" * 255),
            ("p" * 256, None),
            (7, None),
            (None, None),
        ],
    ),
    "inner": (f.inner, [({"a": 1}, {"a": 1}), ("a", {}), (None, {}), ([{}], {})]),
    "rows": (
        lambda obj, key: list(f.rows(obj, key)),
        [
            ({"data": [{"a": 1}, 7, {}]}, [{"a": 1}, {}]),
            ([{"a": 1}], [{"a": 1}]),
            ({"data": {"a": 1}}, []),
            ("a", []),
            (None, []),
        ],
    ),
    "is_complete_list": (
        f.is_complete_list,
        [
            ({"data": []}, True),
            ({"data": [], "has_more": True}, False),
            ({"data": None}, False),
            ([], False),
            (None, False),
        ],
    ),
}


@pytest.mark.parametrize("name", READERS)
def test_each_reader_gives_what_it_promises(name: str) -> None:
    """Of each kind of value, and of the last that is still one."""
    read, cases = READERS[name]
    assert [read({"key": value}, "key") for value, _ in cases] == [expected for _, expected in cases]
    assert read({}, "key") == read({"key": None}, "key")


def test_a_path_ends_where_something_on_the_way_is_missing() -> None:
    """However deep, and whatever stands there."""
    obj = {"a": {"b": {"c": 1}, "d": "text"}}
    assert f.inner(obj, "a", "b") == {"c": 1}
    for path in (("a", "d"), ("a", "d", "e"), ("a", "x", "b"), ("x", "b"), ("a", "b", "c")):
        assert f.inner(obj, *path) == {}


def test_what_is_demanded_is_named_when_it_is_missing() -> None:
    """By the object's own noun and the field."""
    for read, key in ((f.amount, "amount"), (f.currency, "currency"), (f.required_id, "charge")):
        with pytest.raises(PayloadInvalid) as refused:
            read({"object": "refund"}, key)
        assert str(refused.value) == f"Stripe's refund has no usable {key}."
    assert f.amount({"amount": 0}, "amount") == 0
    assert f.currency({"settled": "EUR"}, "settled") == "eur"


def test_metadata_are_texts() -> None:
    """Other values are left out."""
    assert f.metadata({"metadata": {"a": "1", "b": 2, "c": None}}) == {"a": "1"}


def test_what_is_inside_another_object_knows_no_event() -> None:
    """The event's type speaks of the outer object alone; moment and mode are the same."""
    assert EVENT.nested() == f.Context(EVENT.as_of, True, "")
    assert EVENT.nested().nested() == EVENT.nested()
    charge = p.charge(captured=False, amount_captured=0, amount_refunded=0)
    outside, inside = translate("payment_intent", p.payment_intent(latest_charge=charge), EVENT)[::2]
    assert (outside.id, inside.id) == ("pi_1", "ch_1")
    assert inside.status.value == "pending"  # type: ignore[union-attr]  # a charge is what it is


def test_no_secret_is_kept_at_any_depth() -> None:
    """Stripe's objects are cleaned, also in lists and on paths to payments; all else stays as it is."""
    secret = {"object": "payment_intent", "id": "pi_1", "client_secret": "x", "secret": "y"}
    plain = {"object": "payment_intent", "id": "pi_1"}
    obj = {
        "id": "in_1",
        "confirmation_secret": {"client_secret": "x"},
        "nothing": None,
        "payment_intent": secret,
        "payment": {"type": "payment_intent", "payment_intent": secret},
        "payments": {"object": "list", "data": [secret, secret]},
        "counts": ["payment_intent", 2],
        "none": [],
        "free": {"client_secret": "a person's own"},
    }
    assert f.without_secrets(obj) == {
        "id": "in_1",
        "nothing": None,
        "payment_intent": plain,
        "payment": {"type": "payment_intent", "payment_intent": plain},
        "payments": {"object": "list", "data": [plain, plain]},
        "counts": ["payment_intent", 2],
        "none": [],
        "free": {"client_secret": "a person's own"},
    }


def test_objects_are_looked_for_in_others_eight_levels_deep() -> None:
    """Stripe expands four; a payload that nests without end is left there."""
    obj: dict[str, Any] = p.charge(id="ch_9")
    for number in range(9):
        outer = p.payment_intent if number % 2 == 0 else p.charge
        field = "latest_charge" if number % 2 == 0 else "payment_intent"
        obj = outer(p.NEW, id=f"{'pi' if number % 2 == 0 else 'ch'}_{8 - number}", **{field: obj})
    kinds = [s.id for s in translate("payment_intent", obj, EVENT) if s.id[:2] in {"pi", "ch"}]
    assert kinds == ["pi_0", "ch_1", "pi_2", "ch_3", "pi_4", "ch_5", "pi_6", "ch_7", "pi_8"]
