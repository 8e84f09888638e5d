"""Fixtures: the real service over a real database; Stripe is the simulator, reached in this process."""

from __future__ import annotations

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

import pytest
from sqlalchemy.ext.asyncio import AsyncEngine

from overseer_payment import database
from overseer_payment.listening import Listener
from overseer_payment.simulator import World
from tests.service.application import Ears, Open, own
from tests.service.shop import Shop


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
