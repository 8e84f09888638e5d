"""A provider over a mocked wire, and over the simulator."""

from __future__ import annotations

from collections.abc import AsyncIterator

import httpx
import pytest

from overseer_payment.provider_plugins.stripe.provider import StripeProvider
from tests.provider_plugins.stripe.payloads import at, settings


class Naps:
    """Stands in for waiting between attempts: counts instead."""

    def __init__(self) -> None:
        self.taken: list[float] = []

    async def __call__(self, seconds: float) -> None:
        self.taken.append(seconds)


@pytest.fixture
def naps() -> Naps:
    return Naps()


@pytest.fixture
async def http() -> AsyncIterator[httpx.AsyncClient]:
    async with httpx.AsyncClient() as client:
        yield client


@pytest.fixture
def provider(http: httpx.AsyncClient, naps: Naps) -> StripeProvider:
    """In test mode, with a clock that stands still and no waiting."""
    return StripeProvider(settings(), http, now=at, sleep=naps)
