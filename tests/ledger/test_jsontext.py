"""JSON as it is kept: the fast reader and writer say what Python's own say."""

from __future__ import annotations

import json
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from overseer_payment.ledger import jsontext

_TEXT = st.text(max_size=5) | st.sampled_from(["\x00", "\ud800", "\U0001f600"])
_SCALAR = st.none() | st.booleans() | st.integers() | st.floats(allow_nan=False) | _TEXT
_ANY = st.recursive(
    _SCALAR, lambda inner: st.lists(inner, max_size=3) | st.dictionaries(_TEXT, inner, max_size=3)
)


@given(value=_ANY)
def test_what_is_kept_is_read_back(value: Any) -> None:
    """Whatever JSON holds comes back as it was, whoever wrote it and whoever reads it."""
    assert jsontext.loads(jsontext.dumps(value)) == value
    assert json.loads(jsontext.dumps(value)) == value
    assert jsontext.loads(json.dumps(value)) == value


@given(text=st.text(max_size=10) | _ANY.map(json.dumps).map(lambda text: text[:-1]))
def test_what_is_no_json_is_refused_alike(text: str) -> None:
    """A text that Python's reader refuses is refused, one that it takes is taken."""
    try:
        expected = json.loads(text)
    except ValueError:
        with pytest.raises(ValueError):
            jsontext.loads(text)
    else:
        assert repr(jsontext.loads(text)) == repr(expected)


def test_nesting_beyond_the_fast_readers_bound_is_read() -> None:
    """Two hundred levels are nothing that an event has, and still no reason to lose one."""
    deep = "[" * 300 + "]" * 300
    assert jsontext.loads(deep) == json.loads(deep)
