"""Running the commands over a façade that remembers what it was asked for."""

from __future__ import annotations

from collections.abc import Callable

import pytest
from click.testing import CliRunner, Result

from overseer_payment.cli.payment import payment
from tests.cli.fake_payments import FakePayments, opener

Run = Callable[..., Result]


@pytest.fixture
def payments() -> FakePayments:
    """The façade that the commands of this test talk to."""
    return FakePayments()


@pytest.fixture
def run(payments: FakePayments) -> Run:
    """`run("refund", "412")`: the command's result."""

    def invoke(*words: str) -> Result:
        return CliRunner().invoke(payment, words, prog_name="overseer payment", obj=opener(payments))

    return invoke
