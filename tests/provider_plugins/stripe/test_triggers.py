"""Each event that is offered happens at the simulator, over the SDK; what can be removed is removed."""

from __future__ import annotations

from collections.abc import AsyncIterator, Iterator

import httpx
import pytest

from overseer_payment.errors import Forbidden, Invalid, ProviderError
from overseer_payment.provider_plugins.stripe.endpoints import handled_types
from overseer_payment.provider_plugins.stripe.provider import StripeProvider
from overseer_payment.provider_plugins.stripe.triggers import _RECIPES
from overseer_payment.simulator import World, assert_contract, transport
from tests.provider_plugins.stripe.payloads import settings

pytestmark = pytest.mark.anyio

_MONTH = 30 * 86_400


@pytest.fixture
def world() -> Iterator[World]:
    """A frozen account that must keep Stripe's own types."""
    world = World()
    world.clock.freeze()
    yield world
    assert_contract(world)


@pytest.fixture
async def provider(world: World) -> AsyncIterator[StripeProvider]:
    async def pause(seconds: float) -> None:
        world.clock.advance(seconds)

    async with httpx.AsyncClient(transport=transport(world)) as http:
        known = settings(STRIPE_SECRET_KEY=world.secret_key, STRIPE_API_BASE="http://simulator.invalid")
        yield StripeProvider(known, http, sleep=pause)


def test_only_events_that_are_handled_are_offered() -> None:
    """Whatever can be triggered is something that an endpoint of ours listens to."""
    assert set(_RECIPES) <= handled_types()


@pytest.mark.parametrize("type", sorted(_RECIPES))
async def test_an_event_happens(type: str, provider: StripeProvider, world: World) -> None:
    """The event is among the account's, later ones once their time has come; no customer stays."""
    done = await provider.trigger(type)
    world.clock.advance(_MONTH)
    assert type in {event["type"] for event in world.events}
    assert set(done.removed) <= set(done.made)
    assert not world.find("customer")
    assert not [one for one in world.find("product") if one["active"]]
    assert not [one for one in world.find("subscription") if one["status"] == "active"]


async def test_a_live_key_is_refused_before_any_call() -> None:
    """With a live key nothing leaves: the transport would fail the test."""

    def refuse(request: httpx.Request) -> httpx.Response:
        raise AssertionError(f"asked for {request.url}")

    async with httpx.AsyncClient(transport=httpx.MockTransport(refuse)) as http:
        provider = StripeProvider(settings(STRIPE_SECRET_KEY="sk_live_4eC39HqLyjWDarjtT1"), http)
        with pytest.raises(Forbidden, match="test mode only"):
            await provider.trigger("customer.created")


async def test_an_unknown_type_is_refused(provider: StripeProvider, world: World) -> None:
    """A type that the API can't cause is refused before anything is made."""
    with pytest.raises(Invalid, match="--list"):
        await provider.trigger("checkout.session.completed")
    assert not world.requests


async def test_what_was_made_is_removed_after_a_failure(provider: StripeProvider, world: World) -> None:
    """The customer of a subscription that could not be made is deleted all the same."""
    world.faults.answer(503, "POST", "/v1/subscriptions", times=None)
    with pytest.raises(ProviderError):
        await provider.trigger("invoice.paid")
    assert not world.find("customer")
