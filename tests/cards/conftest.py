"""A shop, a host and a client for every test of the pages."""

from __future__ import annotations

from collections.abc import Iterator

import pytest
from starlette.testclient import TestClient

from tests.cards.fake_payments import FakePayments
from tests.cards.fakes import FakeHost, build_app, serving_payments
from tests.cards.shop import shop


@pytest.fixture
def payments() -> Iterator[FakePayments]:
    """What every host's service is during the test."""
    with serving_payments(shop()) as payments:
        yield payments


@pytest.fixture
def host() -> FakeHost:
    return FakeHost()


@pytest.fixture
def client(payments: FakePayments, host: FakeHost) -> Iterator[TestClient]:
    with TestClient(build_app(host), follow_redirects=False) as client:
        yield client
