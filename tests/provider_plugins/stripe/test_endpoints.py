"""Endpoints, signatures and local secrets of the Stripe plugin."""

from __future__ import annotations

import inspect
import re
from datetime import UTC, datetime

import httpx
import pytest
import stripe

from overseer_payment.errors import ObjectAbsent, ProviderAuthError, ProviderError
from overseer_payment.provider import EndpointRequest, SignsDeliveries
from overseer_payment.provider_plugins.stripe.endpoints import FINGERPRINT, fingerprint, handled_types
from overseer_payment.provider_plugins.stripe.events import object_name
from overseer_payment.provider_plugins.stripe.provider import StripeProvider
from overseer_payment.provider_plugins.stripe.settings import secret_fault
from overseer_payment.simulator import World, transport
from tests.provider_plugins.stripe.payloads import SECRET, settings

NOW = datetime(2026, 11, 2, 9, 30, tzinfo=UTC)
BODY = b'{"id":"evt_1","object":"event","type":"charge.refunded","created":1}'
URL = "https://shop.example/api/v1/payment/webhook"


def _known_to_the_sdk() -> set[str]:
    """Types by the SDK's source, read another way than the plugin reads them."""
    import stripe.params._webhook_endpoint_create_params as params

    return set(re.findall(r'"([a-z_0-9]+(?:\.[a-z_0-9]+)+)"', inspect.getsource(params)))


def test_handled_types_are_those_of_the_sdk_that_are_parsed() -> None:
    """Neither a type that is parsed and not listened to, nor one that is listened to and not parsed."""
    known = _known_to_the_sdk()
    assert len(known) > 200
    assert handled_types() == {type for type in known if object_name(type)}
    assert {
        "charge.refunded",
        "checkout.session.completed",
        "invoice.paid",
        "refund.failed",
    } <= handled_types()
    assert not {"invoice.upcoming", "customer.tax_id.created", "payout.paid"} & handled_types()


def test_a_signature_is_the_one_that_stripe_makes() -> None:
    """Equal to the SDK's own for the same bytes, secret and moment."""
    provider: SignsDeliveries = StripeProvider(settings(), httpx.AsyncClient())
    wanted = stripe.WebhookSignature.generate_signature_header(
        BODY.decode(), SECRET, timestamp=int(NOW.timestamp())
    )
    assert provider.sign(BODY, secret=SECRET, now=NOW) == {"stripe-signature": wanted}


def test_a_local_secret_follows_from_the_key_alone() -> None:
    """The same at each start, another for another key, usable, and no part of the key."""

    def of(key: str) -> str:
        found = StripeProvider(
            settings(STRIPE_SECRET_KEY=key, STRIPE_WEBHOOK_SECRET=""), httpx.AsyncClient()
        ).local_secret()
        assert not found.configured
        assert found.value not in repr(found)
        return found.value

    first = of("sk_test_51AbCdEf")
    assert first == of("sk_test_51AbCdEf") != of("sk_test_51AbCdEg")
    assert secret_fault(first) is None
    assert "51AbCdEf" not in first


def test_a_configured_secret_is_used_and_a_placeholder_is_not() -> None:
    """The first usable one signs; what everybody knows never does."""
    known = StripeProvider(settings(STRIPE_WEBHOOK_SECRET=f"whsec_...,{SECRET}"), httpx.AsyncClient())
    assert (known.local_secret().value, known.local_secret().configured) == (SECRET, True)


@pytest.mark.anyio
async def test_a_fingerprint_is_kept_and_the_secret_is_not() -> None:
    """The endpoint's metadata tells whose secret it is, in eight digits of a digest."""
    world = World()
    async with httpx.AsyncClient(transport=transport(world)) as http:
        known = settings(STRIPE_SECRET_KEY=world.secret_key, STRIPE_API_BASE="http://simulator.invalid")
        provider = StripeProvider(known, http)
        made = await provider.create_endpoint(EndpointRequest(url=URL), idempotency_key="k")
        assert made.secret is not None
        stored = world.get("webhook_endpoint", made.id)
        assert stored["metadata"] == {FINGERPRINT: fingerprint(made.secret.encode())}
        assert made.secret not in repr(stored) + repr(made)
        with pytest.raises((ObjectAbsent, ProviderError)):
            await provider.update_endpoint("we_unknown")


@pytest.mark.anyio
async def test_without_the_mark_the_endpoint_works_all_the_same() -> None:
    """If marking fails the secret is told: it would be lost with an error."""
    world = World()
    world.faults.answer(400, "POST", "/v1/webhook_endpoints/*", times=None)
    async with httpx.AsyncClient(transport=transport(world)) as http:
        known = settings(STRIPE_SECRET_KEY=world.secret_key, STRIPE_API_BASE="http://simulator.invalid")
        made = await StripeProvider(known, http).create_endpoint(
            EndpointRequest(url=URL), idempotency_key="k"
        )
    assert (bool(made.secret), made.secret_set) == (True, None)


@pytest.mark.anyio
async def test_a_key_without_the_permission_says_so() -> None:
    """A restricted key that may not see endpoints is told apart from an outage."""
    world = World()
    world.faults.answer(403, "GET", "/v1/webhook_endpoints", times=None)
    async with httpx.AsyncClient(transport=transport(world)) as http:
        known = settings(STRIPE_SECRET_KEY=world.secret_key, STRIPE_API_BASE="http://simulator.invalid")
        with pytest.raises(ProviderAuthError, match="permission"):
            await StripeProvider(known, http).list_endpoints()
