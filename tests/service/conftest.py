"""Fixtures: the real service over a real database; Stripe is the simulator, reached in this process."""

from __future__ import annotations

from collections.abc import AsyncIterator, Iterator
from contextlib import asynccontextmanager
from datetime import UTC, datetime, timedelta

import pytest
from sqlalchemy.ext.asyncio import AsyncEngine

from overseer_payment import database
from overseer_payment.listening import Listener
from overseer_payment.simulator import World, assert_contract
from tests.service.application import Ears, Open, own
from tests.service.shop import Shop


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
    yield engine
    await engine.dispose()


@pytest.fixture
async def shop(world: World, engine: AsyncEngine) -> AsyncIterator[Shop]:
    """A business at the simulator, and this package installed for it."""
    async with Shop.opened(world, engine) as shop:
        yield shop


@pytest.fixture
def ears() -> Ears:
    return Ears()


@pytest.fixture
def opened(world: World, engine: AsyncEngine) -> Open:
    """Opens a shop whose application listens; the application's table exists."""

    @asynccontextmanager
    async def open(*listeners: Listener) -> AsyncIterator[Shop]:
        async with database.write(engine) as connection:
            await connection.run_sync(own.create_all)
        async with Shop.opened(world, engine, listeners=listeners) as shop:
            yield shop

    return open
