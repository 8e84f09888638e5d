"""The façade that the other tests stand on asks and answers as the real one does."""

from __future__ import annotations

import inspect

import pytest

from overseer_payment.service import Payments
from tests.cards.fake_payments import FakePayments

ASKED = [name for name, member in inspect.getmembers(FakePayments, inspect.isfunction) if name[0] != "_"]


@pytest.mark.parametrize("name", ASKED)
def test_the_fake_has_the_real_signature(name: str) -> None:
    """What the pages may pass to the fake, they may pass to the service, and it answers the same type."""
    real = inspect.signature(getattr(Payments, name))
    fake = inspect.signature(getattr(FakePayments, name))
    taken = list(real.parameters.values())[: len(fake.parameters)]
    assert [(one.name, one.kind, one.annotation) for one in taken] == [
        (one.name, one.kind, one.annotation) for one in fake.parameters.values()
    ]
    assert real.return_annotation == fake.return_annotation
