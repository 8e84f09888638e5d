"""Fixtures of the REST tests."""

from __future__ import annotations

import pytest
from starlette.testclient import TestClient

from tests.routes.fake_payments import FakeHost, FakePayments, client_of


@pytest.fixture
def payments() -> FakePayments:
    return FakePayments()


@pytest.fixture
def host() -> FakeHost:
    return FakeHost()


@pytest.fixture
def admin(payments: FakePayments, host: FakeHost) -> TestClient:
    return client_of(payments, host, caller="admin")


@pytest.fixture
def anonymous(payments: FakePayments, host: FakeHost) -> TestClient:
    return client_of(payments, host)
