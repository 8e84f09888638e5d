"""Ledger tests: one database in memory, an account of its own for each history, nothing kept."""

from __future__ import annotations

import os
from collections.abc import Iterator

import pytest
from hypothesis import HealthCheck, settings
from sqlalchemy import Connection

from tests.ledger.books import memory
from tests.ledger.telling import Ledger

# By hand: OVERSEER_TEST_EXAMPLES=5000 pytest tests/ledger
EXAMPLES = int(os.environ.get("OVERSEER_TEST_EXAMPLES", "30"))
settings.register_profile(
    "ledger",
    max_examples=EXAMPLES,
    deadline=None,
    print_blob=True,
    suppress_health_check=[HealthCheck.too_slow, HealthCheck.function_scoped_fixture],
)
settings.load_profile("ledger")


@pytest.fixture(scope="module")
def database() -> Iterator[Connection]:
    connection = memory()
    yield connection
    connection.close()


@pytest.fixture
def fresh(database: Connection) -> Iterator[Connection]:
    """The same database, empty; what a test records is rolled back."""
    with database.begin() as transaction:
        yield database
        transaction.rollback()


@pytest.fixture
def ledger(fresh: Connection) -> Ledger:
    """An empty ledger."""
    return Ledger(fresh, 1)
