"""Providers that are each wrong in one way: endpoints, signatures, events on demand."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import replace
from datetime import datetime
from typing import ClassVar

from overseer_payment.errors import ObjectAbsent
from overseer_payment.provider import Endpoint, EndpointRequest, Triggered
from overseer_payment.testing import FakeProvider
from tests.testing.wrong import Wrong


class TestTalkative(Wrong):
    """Tells the secret of an endpoint in every list."""

    class Talkative(FakeProvider):
        async def list_endpoints(self) -> Sequence[Endpoint]:
            return [replace(one, secret="fake_secret") for one in await super().list_endpoints()]

    provider_class = Talkative
    fails: ClassVar = {"an_endpoint_is_made_whole_and_its_secret_told_once"}


class TestDoubled(Wrong):
    """Makes another endpoint whenever it is asked."""

    class Doubled(FakeProvider):
        async def create_endpoint(self, request: EndpointRequest, *, idempotency_key: str) -> Endpoint:
            key = f"{idempotency_key} {len(self._backend.endpoints)}"
            return await super().create_endpoint(request, idempotency_key=key)

    provider_class = Doubled
    fails: ClassVar = {"one_key_makes_one_endpoint"}


class TestTwiceGone(Wrong):
    """Complains that an endpoint is gone already."""

    class TwiceGone(FakeProvider):
        async def delete_endpoint(self, id: str) -> None:
            if id not in {one.id for one in await self.list_endpoints()}:
                raise ObjectAbsent("Gone already.")
            await super().delete_endpoint(id)

    provider_class = TwiceGone
    fails: ClassVar = {"an_endpoint_goes_once"}


class TestForger(Wrong):
    """Signs with a secret of its own."""

    class Forger(FakeProvider):
        def sign(self, body: bytes, *, secret: str, now: datetime) -> Mapping[str, str]:
            return super().sign(body, secret=f"not {secret}", now=now)

    provider_class = Forger
    fails: ClassVar = {"what_is_signed_here_is_taken"}


class TestObliging(Wrong):
    """Says that it made an event that it doesn't know."""

    class Obliging(FakeProvider):
        async def trigger(self, type: str) -> Triggered:
            return Triggered(type=type, made=(), removed=())

    provider_class = Obliging
    fails: ClassVar = {"an_event_that_is_not_offered_is_refused"}
