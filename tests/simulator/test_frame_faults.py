"""Faults on demand: each one does what it says, as often as it was armed for, and no more."""

from __future__ import annotations

import time
from collections.abc import Callable

import httpx
import pytest
import stripe

from overseer_payment.simulator import World

pytestmark = pytest.mark.anyio


async def test_a_time_out_before_the_effect_changes_nothing(world: World, sdk: stripe.StripeClient) -> None:
    """The connection breaks and nothing was created."""
    world.faults.time_out("POST", "/v1/products", after_effect=False)
    with pytest.raises(stripe.APIConnectionError, match="ReadTimeout"):
        await sdk.v1.products.create_async({"name": "a"})
    assert world.find("product") == []


async def test_a_time_out_after_the_effect_hides_that_it_happened(
    world: World, sdk: stripe.StripeClient
) -> None:
    """The connection breaks, and the effect and its event are there."""
    world.faults.time_out("POST", "/v1/products", after_effect=True)
    with pytest.raises(stripe.APIConnectionError, match="ReadTimeout"):
        await sdk.v1.products.create_async({"name": "a"})
    assert len(world.find("product")) == 1
    assert [event["type"] for event in world.events] == ["product.created"]
    assert [record.status for record in world.requests] == [0]


async def test_the_sdk_retries_a_lost_answer_without_doing_it_twice(
    world: World, new_sdk: Callable[..., stripe.StripeClient]
) -> None:
    """The SDK repeats under the same key, and the second attempt is the first one's answer."""
    world.faults.time_out("POST", "/v1/products", after_effect=True)
    await new_sdk(retries=1).v1.products.create_async({"name": "a"})
    assert len(world.find("product")) == 1
    assert [record.replayed for record in world.requests] == [False, True]


async def test_a_rate_limit_carries_stripes_headers(world: World, sdk: stripe.StripeClient) -> None:
    """429 says which limit was hit, and headers of the test's choice are added."""
    world.faults.answer(429, headers={"Stripe-Should-Retry": "true"})
    with pytest.raises(stripe.RateLimitError) as caught:
        await sdk.v1.products.list_async()
    assert caught.value.headers is not None
    assert caught.value.headers["stripe-rate-limited-reason"] == "global-rate"
    assert caught.value.headers["stripe-should-retry"] == "true"
    assert caught.value.error is not None
    assert caught.value.error.code == "rate_limit"


async def test_a_limited_rate_refuses_what_exceeds_it(
    world: World, http: httpx.AsyncClient, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Two per second: the third is 429, and a second later there is room again."""
    now = [100.0]
    monkeypatch.setattr("overseer_payment.simulator.faults.time.monotonic", lambda: now[0])
    world.faults.limit_rate(2)
    assert [(await http.get("/v1/products")).status_code for _ in range(3)] == [200, 200, 429]
    now[0] += 1
    assert (await http.get("/v1/products")).status_code == 200


async def test_a_fault_is_spent_after_its_times(world: World, http: httpx.AsyncClient) -> None:
    """It hits exactly the number of matching requests, and others not at all."""
    world.faults.answer(503, "GET", "/v1/products*", times=2)
    paths = ["/v1/prices", "/v1/products", "/v1/products", "/v1/products"]
    assert [(await http.get(path)).status_code for path in paths] == [200, 503, 503, 200]


async def test_cleared_faults_hit_nothing(world: World, http: httpx.AsyncClient) -> None:
    """`clear` disarms also what would last for ever."""
    world.faults.answer(500, times=None)
    assert (await http.get("/v1/products")).status_code == 500
    world.faults.clear()
    assert (await http.get("/v1/products")).status_code == 200


async def test_a_slow_answer_takes_real_time(world: World, http: httpx.AsyncClient) -> None:
    """The delay comes before the effect."""
    world.faults.slow(0.05)
    began = time.monotonic()
    assert (await http.get("/v1/products")).status_code == 200
    assert time.monotonic() - began >= 0.05


async def test_a_stale_read_shows_the_state_before_the_latest_change_once(
    world: World, sdk: stripe.StripeClient
) -> None:
    """A lagging replica: the next read is right again."""
    product = await sdk.v1.products.create_async({"name": "old"})
    await sdk.v1.products.update_async(product.id, {"name": "new"})
    world.faults.stale("/v1/products/*")
    names = [(await sdk.v1.products.retrieve_async(product.id)).name for _ in range(2)]
    assert names == ["old", "new"]


async def test_an_unknown_fault_is_refused(world: World) -> None:
    """A misspelt field of a fault given as plain values is an error, not a fault that never strikes."""
    with pytest.raises(TypeError, match="tmes"):
        world.faults.add("api", {"kind": "slow", "tmes": 3})
