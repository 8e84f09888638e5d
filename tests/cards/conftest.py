"""A shop, a host and a client for every test of the pages."""

from __future__ import annotations

from collections.abc import AsyncIterator, Iterator
from datetime import UTC, datetime, timedelta

import pytest
from starlette.testclient import TestClient

from overseer_payment import database
from overseer_payment.simulator import World, assert_contract
from tests.cards.desk import Desk, sitting_at
from tests.cards.fake_payments import FakePayments
from tests.cards.fakes import FakeHost, Stage, build_app, serving_payments
from tests.cards.shop import shop
from tests.service.shop import Shop
from tests.support.server import serving


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


@pytest.fixture(scope="module")
def open_stage() -> Iterator[Stage]:
    """One server for the browser tests of a module: starting one for each costs more than they do."""
    stage = Stage()
    with serving_payments(lambda: stage.payments), serving(build_app(stage.host)) as stage.url:
        yield stage


@pytest.fixture
def stage(open_stage: Stage) -> Stage:
    """The server, with a new shop behind it."""
    open_stage.clear()
    return open_stage


@pytest.fixture
def site(stage: Stage) -> str:
    """The dashboard with the card, on a real server. Its address, without a slash."""
    return stage.url


@pytest.fixture
def shop_payments(stage: Stage) -> FakePayments:
    """What is behind `site`."""
    return stage.payments


@pytest.fixture
async def desk(sqlite_url: str) -> AsyncIterator[Desk]:
    """The pages over the real service and the simulated provider, whose clock stands still two days ago.

    On one database: what the pages ask, the service's own tests ask on each.
    """
    world = World(start=datetime.now(UTC) - timedelta(days=2))
    world.clock.freeze()
    engine = database.create_engine(sqlite_url)
    async with Shop.opened(world, engine) as shop, sitting_at(shop) as desk:
        yield desk
    await engine.dispose()
    assert_contract(world)
