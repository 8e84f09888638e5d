"""A business at the simulator, and this package installed for it, on both databases."""

from __future__ import annotations

from collections.abc import AsyncIterator, Iterator
from datetime import UTC, datetime, timedelta

import pytest
from sqlalchemy.ext.asyncio import AsyncEngine

from overseer_payment import database
from overseer_payment.simulator import World, assert_contract
from tests.service.shop import Shop
from tests.sync.healing import Healer, prepared


@pytest.fixture
def world() -> Iterator[World]:
    """An account whose clock stands still, far enough back to be advanced; it must keep Stripe's contract."""
    world = World(start=datetime.now(UTC) - timedelta(days=90))
    world.clock.freeze()
    yield world
    assert_contract(world)


@pytest.fixture
async def engine(database_url: str) -> AsyncIterator[AsyncEngine]:
    """A migrated database of each kind."""
    engine = database.create_engine(database_url)
    await prepared(engine)
    yield engine
    await engine.dispose()


@pytest.fixture
async def shop(world: World, engine: AsyncEngine) -> AsyncIterator[Shop]:
    async with Shop.opened(world, engine) as shop:
        yield shop


@pytest.fixture
def healer(shop: Shop) -> Healer:
    """Heals the shop's ledger without waiting."""
    return Healer(shop)
