"""Where a provider delivers its events to, and the secrets that sign them."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from typing import Protocol, runtime_checkable


@dataclass(frozen=True, slots=True, kw_only=True)
class EndpointRequest:
    """A webhook endpoint to be made. `replaces` names the one whose secret this one's is to follow."""

    url: str
    description: str = ""
    replaces: str | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Endpoint:
    """One webhook endpoint as the provider has it.

    `event_types` may hold `*` for all. `api_version` is the one in which payloads are written, None: the
    account's own. `secret` is told once, by the call that made the endpoint. `secret_set` says whether that
    secret is among the configured ones; None: it can't be told.
    """

    id: str
    url: str
    event_types: frozenset[str]
    api_version: str | None
    enabled: bool
    livemode: bool
    created_at: datetime
    description: str = ""
    replaces: str | None = None
    secret_set: bool | None = None
    secret: str | None = field(default=None, repr=False)


@runtime_checkable
class ManagesEndpoints(Protocol):
    """What a provider that declares WEBHOOK_ENDPOINTS does besides. Others need not have the methods.

    Endpoints get exactly the event types that the plugin reads, at the API version that it speaks.
    """

    async def event_types(self) -> frozenset[str]:
        """Every type of event that the plugin reads, by the provider's own names."""

    async def list_endpoints(self) -> Sequence[Endpoint]:
        """Every endpoint of the account, newest first, without secrets. Raises ProviderError."""

    async def create_endpoint(self, request: EndpointRequest, *, idempotency_key: str) -> Endpoint:
        """Make an endpoint; the answer is the only one with its secret. Raises ProviderError."""

    async def update_endpoint(self, id: str) -> Endpoint:
        """Enable an endpoint and set its event types right. Its API version can't be changed.

        Raises ObjectAbsent, ProviderError.
        """

    async def delete_endpoint(self, id: str) -> None:
        """Delete an endpoint; one that is gone already is no error. Raises ProviderError."""


@dataclass(frozen=True, slots=True)
class LocalSecret:
    """A secret to sign local deliveries with. `configured`: the webhook's setting holds it already."""

    value: str = field(repr=False)
    configured: bool


@runtime_checkable
class SignsDeliveries(Protocol):
    """What a provider that declares LOCAL_DELIVERY does besides: it signs as the provider itself would.

    With it and `ListsEvents`, events reach a machine that nobody can deliver to.
    """

    def local_secret(self) -> LocalSecret:
        """The first usable configured signing secret, else one that follows from the API key alone."""

    def sign(self, body: bytes, *, secret: str, now: datetime) -> Mapping[str, str]:
        """The headers that make `verify_webhook` take `body`, lower-case names. Pure."""
