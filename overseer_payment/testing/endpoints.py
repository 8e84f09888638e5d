"""Webhook endpoints, local deliveries and events on demand: set up, signed and made as the plugin says."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import datetime

import pytest

from overseer_payment.errors import Invalid, NotSupported, SignatureInvalid
from overseer_payment.provider import (
    Capability,
    EndpointRequest,
    ManagesEndpoints,
    Provider,
    ProviderSpec,
    SignsDeliveries,
    TriggersEvents,
)
from overseer_payment.testing.billing import Use
from overseer_payment.testing.case import ConformanceCase, SampleEvent, needs

_URL = "https://shop.example/api/v1/payment/webhook"


class EndpointTests(ConformanceCase):
    """Where the provider delivers to, and who else can sign."""

    @needs(Capability.WEBHOOK_ENDPOINTS)
    async def test_an_endpoint_is_made_whole_and_its_secret_told_once(
        self, provider: Provider, spec: ProviderSpec
    ) -> None:
        """It has the plugin's event types and version; only the call that made it tells the secret."""
        managing = _managing(provider)
        made = await managing.create_endpoint(EndpointRequest(url=_URL), idempotency_key="endpoint-1")
        assert made.secret
        assert made.secret not in repr(made)
        (listed,) = [one for one in await managing.list_endpoints() if one.id == made.id]
        assert (listed.url, listed.enabled, listed.secret) == (_URL, True, None)
        assert (listed.event_types, listed.api_version) == (await managing.event_types(), spec.api_version)
        assert listed.livemode == provider.livemode

    @needs(Capability.WEBHOOK_ENDPOINTS)
    async def test_one_key_makes_one_endpoint(self, provider: Provider) -> None:
        """The same idempotency key again answers the endpoint that it made."""
        managing = _managing(provider)
        request = EndpointRequest(url=_URL, description="Twice")
        first = await managing.create_endpoint(request, idempotency_key="endpoint-2")
        again = await managing.create_endpoint(request, idempotency_key="endpoint-2")
        assert first.id == again.id
        assert len([one for one in await managing.list_endpoints() if one.id == first.id]) == 1

    @needs(Capability.WEBHOOK_ENDPOINTS)
    async def test_an_endpoint_goes_once(self, provider: Provider) -> None:
        """A deleted endpoint is listed no more, and deleting it again is no error."""
        managing = _managing(provider)
        made = await managing.create_endpoint(EndpointRequest(url=_URL), idempotency_key="endpoint-3")
        await managing.delete_endpoint(made.id)
        await managing.delete_endpoint(made.id)
        assert made.id not in {one.id for one in await managing.list_endpoints()}

    @needs(Capability.LOCAL_DELIVERY)
    async def test_what_is_signed_here_is_taken(
        self, provider: Provider, sample_events: list[SampleEvent], now: datetime
    ) -> None:
        """`sign` makes headers that `verify_webhook` takes, for that body and no other."""
        signing, body = _signing(provider), sample_events[0].body
        known = signing.local_secret()
        assert known.configured
        assert known.value not in repr(known)
        headers = signing.sign(body, secret=known.value, now=now)
        assert all(name == name.lower() for name in headers)
        assert provider.verify_webhook(body, headers, now=now).id
        with pytest.raises(SignatureInvalid):
            provider.verify_webhook(body + b" ", headers, now=now)

    @needs(Capability.TRIGGERS)
    async def test_an_event_that_is_not_offered_is_refused(self, provider: Provider) -> None:
        """Each type that is offered says how it is made; any other is Invalid."""
        triggering = _triggering(provider)
        offered: Mapping[str, str] = triggering.trigger_types()
        assert offered
        assert all(type and how for type, how in offered.items())
        with pytest.raises(Invalid):
            await triggering.trigger("weather.changed")


def endpoint_uses(provider: Provider) -> Mapping[Capability, Use]:
    """For each of these capabilities, the least that uses it."""

    async def endpoints() -> object:
        return await _managing(provider).list_endpoints()

    async def secret() -> object:
        return _signing(provider).local_secret()

    async def types() -> object:
        return _triggering(provider).trigger_types()

    return {
        Capability.WEBHOOK_ENDPOINTS: endpoints,
        Capability.LOCAL_DELIVERY: secret,
        Capability.TRIGGERS: types,
    }


def _managing(provider: Provider) -> ManagesEndpoints:
    if not isinstance(provider, ManagesEndpoints):
        raise NotSupported("It manages no webhook endpoints.")
    return provider


def _signing(provider: Provider) -> SignsDeliveries:
    if not isinstance(provider, SignsDeliveries):
        raise NotSupported("It can't sign deliveries.")
    return provider


def _triggering(provider: Provider) -> TriggersEvents:
    if not isinstance(provider, TriggersEvents):
        raise NotSupported("It can't make events happen.")
    return provider
