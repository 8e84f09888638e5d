"""The fake provider's webhook endpoints, signatures and events on demand."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import replace
from datetime import datetime

from overseer_payment.errors import Forbidden, Invalid, ObjectAbsent
from overseer_payment.provider import Endpoint, EndpointRequest, LocalSecret, Triggered
from overseer_payment.testing.fake_backend import sign
from overseer_payment.testing.fake_calls import FakeCalls
from overseer_payment.testing.fake_wire import KINDS

_TRIGGERS = {"payment.created": "A payment that succeeds."}
_TYPES = frozenset(f"{kind}.created" for kind in KINDS) | {"checkout.completed"}


class FakeEndpoints(FakeCalls):
    """Endpoints live in the backend; nothing is delivered to them by itself."""

    async def event_types(self) -> frozenset[str]:
        return _TYPES

    async def list_endpoints(self) -> Sequence[Endpoint]:
        found = self._ask(lambda: list(self._backend.endpoints.values()))
        return [replace(one, secret=None) for one in reversed(found) if one.livemode == self.livemode]

    async def create_endpoint(self, request: EndpointRequest, *, idempotency_key: str) -> Endpoint:
        def make() -> Endpoint:
            endpoints = self._backend.endpoints
            if idempotency_key not in endpoints:
                number = len(endpoints) + 1
                endpoints[idempotency_key] = Endpoint(
                    id=f"fendpoint_{number:04d}",
                    url=request.url,
                    event_types=_TYPES,
                    api_version="1",
                    enabled=True,
                    livemode=self.livemode,
                    created_at=self._backend.now,
                    description=request.description,
                    replaces=request.replaces,
                    secret=f"fake_secret_{number:04d}",
                )
            return endpoints[idempotency_key]

        return self._ask(make)

    async def update_endpoint(self, id: str) -> Endpoint:
        key = self._key_of(id)
        if key is None:
            raise ObjectAbsent("The fake service has no such endpoint.")
        whole = replace(self._backend.endpoints[key], enabled=True, event_types=_TYPES)
        self._backend.endpoints[key] = whole
        return replace(whole, secret=None)

    async def delete_endpoint(self, id: str) -> None:
        key = self._key_of(id)
        if key is not None:
            del self._backend.endpoints[key]

    def local_secret(self) -> LocalSecret:
        configured = self._settings.secrets()
        return LocalSecret(configured[0] if configured else "fake_local", configured=bool(configured))

    def sign(self, body: bytes, *, secret: str, now: datetime) -> Mapping[str, str]:
        return sign(body, at=now, secret=secret)

    def trigger_types(self) -> Mapping[str, str]:
        return _TRIGGERS

    async def trigger(self, type: str) -> Triggered:
        if self.livemode:
            raise Forbidden("Events are made in test mode only.")
        if type not in _TRIGGERS:
            raise Invalid(f"The event {type} can't be made.")
        paid = self._ask(lambda: self._backend.pay(1000, "usd"))
        return Triggered(type=type, made=(paid["id"],), removed=())

    def _key_of(self, id: str) -> str | None:
        known = self._ask(lambda: dict(self._backend.endpoints))
        return next((key for key, one in known.items() if one.id == id), None)
