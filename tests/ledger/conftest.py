"""Ledger tests: one database in memory, an account of its own for each history, nothing kept."""

from __future__ import annotations

import os
from collections.abc import Iterator

import pytest
from hypothesis import HealthCheck, settings
from sqlalchemy import Connection, update

from overseer_payment import tables
from overseer_payment.ledger import accounts
from overseer_payment.provider import CheckoutPaymentState, DisputeStatus, InvoiceStatus, SubscriptionStatus
from tests.ledger.books import memory
from tests.ledger.telling import (
    ACCOUNT,
    FAILED,
    PENDING,
    SUCCEEDED,
    Ledger,
    charge,
    checkout,
    customer,
    dispute,
    invoice,
    link,
    payment,
    refund,
    subscription,
)

# By hand: OVERSEER_TEST_EXAMPLES=5000 pytest tests/ledger
EXAMPLES = int(os.environ.get("OVERSEER_TEST_EXAMPLES", "15"))
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


@pytest.fixture
def shop(fresh: Connection) -> Ledger:
    """A ledger whose account exists, as lists need it."""
    return Ledger(fresh, accounts.ensure(fresh, [ACCOUNT])[ACCOUNT])


@pytest.fixture
def busy(shop: Ledger) -> Ledger:
    """Two customers of two users, a guest, a subscription, a refund, a dispute."""
    shop.tell(
        customer(1, "cus_1", name="Zoë O'Neil"),
        customer(1, "cus_2", email="other@example.com"),
        payment(10, SUCCEEDED, "pi_1", customer="cus_1", made=10, description="100% wool_sock"),
        charge(10, payment="pi_1", made=10),
        refund(12, SUCCEEDED, 300, made=12),
        payment(20, FAILED, "pi_2", customer="cus_2", made=20, currency="eur"),
        payment(30, PENDING, "pi_3", made=30),
        checkout(30, CheckoutPaymentState.UNPAID, payment="pi_3", email="guest@example.com", name="Bea"),
        subscription(40, SubscriptionStatus.ACTIVE, customer="cus_1"),
        invoice(40, InvoiceStatus.PAID, customer="cus_1", subscription="sub_1"),
        link(40, payment="pi_4"),
        payment(40, SUCCEEDED, "pi_4", customer="cus_1", made=40),
        dispute(50, DisputeStatus.NEEDS_RESPONSE, charge="ch_1", payment="pi_1"),
    )
    for id, user in (("cus_1", "u1"), ("cus_2", "u2")):
        mine = tables.customer.c.provider_customer_id == id
        shop.connection.execute(update(tables.customer).where(mine).values(user_id=user))
    return shop
