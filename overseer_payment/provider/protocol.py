"""What a provider's plugin implements, and how it declares itself."""

from __future__ import annotations

from collections.abc import AsyncIterator, Callable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any, Protocol, runtime_checkable

from pydantic import BaseModel

from overseer_payment.money import CurrencyTable
from overseer_payment.provider.capabilities import Capability
from overseer_payment.provider.events import Event, EventPage, Parsed, SnapshotPage
from overseer_payment.provider.naming import API_LEVEL, Kind, Ref
from overseer_payment.provider.requests import CheckoutRequest, CustomerRequest, Health, Price, RefundRequest
from overseer_payment.provider.snapshots import (
    CheckoutSnapshot,
    CustomerSnapshot,
    Snapshot,
)


@runtime_checkable
class Provider(Protocol):
    """A configured provider. Built once for each event loop by `ProviderSpec.factory`.

    Methods that write take an idempotency key, stored by the caller *before* the call; the same key
    again must not move money twice. They return what the provider answered as snapshots (source READ).
    They raise `ProviderRejected` for a definite no, `ProviderUnavailable` or `ProviderRateLimited`
    when nothing happened, and `OutcomeUnknown` when it may have. No SDK error leaves a provider.
    """

    livemode: bool

    async def create_checkout(self, request: CheckoutRequest, *, idempotency_key: str) -> CheckoutSnapshot:
        """Open a hosted checkout; the snapshot's `url` is where to send the buyer."""

    async def get_transaction(self, provider_transaction_id: str) -> Sequence[Snapshot]:
        """Everything about one payment, known by its payment intent, charge, session or invoice id.

        Raises ObjectAbsent.
        """

    async def refund(self, request: RefundRequest, *, idempotency_key: str) -> Sequence[Snapshot]:
        """Give money back. The refund comes first in what is returned, its charge may follow."""

    async def create_customer(
        self, request: CustomerRequest, *, idempotency_key: str
    ) -> CustomerSnapshot: ...

    def verify_webhook(self, body: bytes, headers: Mapping[str, str], *, now: datetime) -> Event:
        """Check the signature of the raw bytes against every configured secret, and read the envelope.

        Header names are lower case. Raises WebhookNotConfigured, SignatureInvalid, PayloadInvalid.
        """

    def parse(self, event: Event) -> Parsed:
        """Translate an event. Pure: no I/O, no clock. An unknown type gives an empty `Parsed`.

        Raises PayloadInvalid when an event of a known type can't be read.
        """

    async def fetch(self, ref: Ref) -> Sequence[Snapshot]:
        """The present state of one object and of what it links to. Raises ObjectAbsent.

        An invoice comes with all its `InvoicePaymentSnapshot`s, a charge with all its refunds.
        """

    def list_prices(self) -> AsyncIterator[Price]:
        """Every active price (capability CATALOG)."""

    async def health_check(self) -> Health:
        """Can we talk to the provider with this key? Never raises a ProviderError: says so instead."""

    def dashboard_url(self, ref: Ref) -> str | None:
        """The page about this object in the provider's own dashboard."""

    async def aclose(self) -> None: ...


@runtime_checkable
class ListsEvents(Protocol):
    """What a provider that declares EVENT_LIST does besides. Others need not have the method."""

    async def list_events(self, since: datetime | None, *, cursor: str | None = None) -> EventPage:
        """Events about money since that moment (None: as far back as they are kept), a bounded page.

        Oldest first as far as the provider can; every event that a webhook would have brought, as it
        would have brought it. Lists lag behind: callers ask again for the last few minutes. `cursor` is
        a `next_cursor` with the same `since`, from any process and any day; ProviderRejected or
        ObjectAbsent says that it is too old. Raises ProviderError.
        """


@runtime_checkable
class ListsObjects(Protocol):
    """What a provider that declares OBJECT_LIST does besides. Others need not have the method."""

    async def list_objects(
        self, kind: Kind, *, since: datetime | None = None, cursor: str | None = None
    ) -> SnapshotPage:
        """The present state of objects of one kind made since that moment (None: of all), a bounded page.

        At the version of the API that the plugin speaks, source READ, complete like those of `fetch`.
        Older ones may be among them: a kind that lives on (subscriptions) is listed as long as it is
        alive. A kind that the provider doesn't have gives an empty page. Raises ProviderError.
        """


@runtime_checkable
class TellsFaults(Protocol):
    """What a provider may do besides, without declaring it."""

    def faults(self) -> Sequence[str]:
        """What is set and can't be used, while the provider works without it; a sentence each.

        `doctor` shows them. Names the setting, never its value.
        """


@runtime_checkable
class NamesItsKey(Provider, Protocol):
    """A provider whose key people can tell from another without seeing it. Optional, and no capability."""

    @property
    def key_fingerprint(self) -> str:
        """The same for the same key; nothing of the key can be learnt from it."""


@dataclass(frozen=True, slots=True, kw_only=True)
class ProviderSpec:
    """What `register_providers()` yields: a declaration that costs nothing to make.

    `settings` is read from the environment by `overseer_payment.settings`; `configured(settings)` says
    whether enough is set to build a provider. `factory(settings, http)` builds one; `http` is an
    `httpx.AsyncClient` that the caller owns (tests inject an ASGI transport there).
    """

    key: str
    """`^[a-z][a-z0-9_]*$`"""
    title: str
    api_version: str
    """The version of the provider's API that this plugin speaks."""
    capabilities: frozenset[Capability]
    settings: type[BaseModel]
    factory: Callable[[Any, Any], Provider]
    configured: Callable[[Any], bool]
    currencies: CurrencyTable = field(default_factory=CurrencyTable)
    api_level: int = API_LEVEL
