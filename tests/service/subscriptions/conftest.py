"""A shop with a subscription that somebody changes."""

from __future__ import annotations

import httpx
import pytest

from tests.service.shop import Shop
from tests.service.subscriptions.changing import subscribed


@pytest.fixture
def shop(shop: Shop) -> Shop:
    """Nobody does two things within one moment: each request comes a second later."""

    async def tick(_: httpx.Request) -> None:
        shop.world.clock.advance(1)

    shop.wire.before = tick
    return shop


@pytest.fixture
async def sub(shop: Shop) -> str:
    """An active subscription of 15.00 USD a month; its id at the provider."""
    return await subscribed(shop)
