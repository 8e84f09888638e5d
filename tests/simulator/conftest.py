"""A simulated account, and the real SDK talking to it without a socket."""

from __future__ import annotations

from collections.abc import AsyncIterator, Callable, Iterator, Mapping
from datetime import UTC, datetime
from functools import partial
from typing import Any

import httpx
import pytest
import stripe

from overseer_payment.simulator import World, assert_contract, base_addresses, transport

START = datetime(2026, 6, 1, 12, tzinfo=UTC)


class InjectedHTTP(stripe.HTTPClient):
    """The SDK's requests on a client of ours; nothing but the transport is replaced."""

    name = "httpx"

    def __init__(self, client: httpx.AsyncClient) -> None:
        super().__init__()
        self._client = client
        self.slept: list[float] = []

    async def request_async(
        self, method: str, url: str, headers: Mapping[str, str], post_data: Any = None
    ) -> tuple[bytes, int, Mapping[str, str]]:
        try:
            answer = await self._client.request(method, url, headers=dict(headers), content=post_data)
        except httpx.TransportError as error:
            raise _lost(type(error).__name__) from error
        return answer.content, answer.status_code, answer.headers

    async def sleep_async(self, secs: float) -> None:
        self.slept.append(secs)


def _lost(reason: str) -> stripe.APIConnectionError:
    return stripe.APIConnectionError(reason, should_retry=True)  # type: ignore[no-untyped-call]  # the SDK leaves it untyped


@pytest.fixture
def world() -> Iterator[World]:
    """An empty account with a frozen clock; whatever a test does with it must keep Stripe's contract."""
    world = World(start=START)
    world.clock.freeze()
    yield world
    assert_contract(world)


@pytest.fixture
async def http(world: World) -> AsyncIterator[httpx.AsyncClient]:
    """A plain client with the account's key, for what the SDK hides."""
    headers = {"Authorization": f"Bearer {world.secret_key}"}
    async with httpx.AsyncClient(
        transport=transport(world), base_url="http://simulator", headers=headers
    ) as client:
        yield client


@pytest.fixture
def sdk_over() -> Callable[..., stripe.StripeClient]:
    """Make SDK clients over any HTTP client: `sdk_over(client, key=…, retries=…)`."""
    stripe.enable_telemetry = False

    def new(client: httpx.AsyncClient, *, key: str = "sk_test_sim", retries: int = 0) -> stripe.StripeClient:
        return stripe.StripeClient(
            key,
            base_addresses=base_addresses(),  # type: ignore[arg-type]  # a plain dict of the same names
            max_network_retries=retries,
            http_client=InjectedHTTP(client),
        )

    return new


@pytest.fixture
async def new_sdk(
    world: World, sdk_over: Callable[..., stripe.StripeClient]
) -> AsyncIterator[Callable[..., stripe.StripeClient]]:
    """Make SDK clients of the account: `new_sdk(key=…, retries=…)`."""
    async with httpx.AsyncClient(transport=transport(world)) as client:
        yield partial(sdk_over, client)


@pytest.fixture
def sdk(new_sdk: Callable[..., stripe.StripeClient]) -> stripe.StripeClient:
    """The real SDK with the account's key, without retries."""
    return new_sdk()
