"""The stand-in of these tests answers to the real façade's names and parameters."""

from __future__ import annotations

import inspect

import pytest

from overseer_payment.service import Payments
from tests.cli.fake_payments import FakePayments

NAMES = [name for name, _ in inspect.getmembers(FakePayments, inspect.isfunction) if not name.startswith("_")]


@pytest.mark.parametrize("name", NAMES)
def test_the_fake_has_the_real_signature(name: str) -> None:
    """Parameters, their kinds, defaults and types are the façade's own."""
    assert inspect.signature(getattr(FakePayments, name)) == inspect.signature(getattr(Payments, name))
    assert inspect.iscoroutinefunction(getattr(FakePayments, name)) == inspect.iscoroutinefunction(
        getattr(Payments, name)
    )
