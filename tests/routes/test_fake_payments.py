"""The substitute is held to the façade that it stands for."""

from __future__ import annotations

import inspect

import pytest

from overseer_payment.service import Payments
from tests.routes.fake_payments import FakePayments

METHODS = [
    name for name, _ in inspect.getmembers(FakePayments, inspect.isfunction) if not name.startswith("_")
]


@pytest.mark.parametrize("name", METHODS)
def test_fake_has_the_signature_of_the_facade(name: str) -> None:
    """Each method of the fake is one of the façade's, with the same parameters and answer."""
    real = inspect.signature(getattr(Payments, name))
    assert inspect.signature(getattr(FakePayments, name)) == real


@pytest.mark.parametrize("name", METHODS)
def test_fake_is_asynchronous_where_the_facade_is(name: str) -> None:
    """A fake that is awaited stands for a method that is awaited."""
    real = inspect.iscoroutinefunction(getattr(Payments, name))
    assert inspect.iscoroutinefunction(getattr(FakePayments, name)) == real
