"""The one façade that REST, pages and CLI talk to (floor 4). Implementation under way: signatures are fixed."""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING

from overseer_payment.schemas import (
    Catalog,
    CheckoutBody,
    CheckoutCreated,
    CheckoutRow,
    CustomerDetail,
    CustomerQuery,
    CustomerRow,
    Finding,
    Page,
    ProviderRow,
    RefundBody,
    RevenueQuery,
    RevenueTimeseries,
    StatusView,
    SubscriptionQuery,
    SubscriptionRow,
    TransactionDetail,
    TransactionQuery,
    TransactionRow,
    Viewer,
)

if TYPE_CHECKING:
    from sqlalchemy.ext.asyncio import AsyncEngine

    from overseer_payment.registry import Registry
    from overseer_payment.settings import Settings


class Payments:
    """Everything a person or a program can ask of payments, for one database and one set of providers.

    Make one per event loop. `start()` begins the background work (applying events, healing);
    without it everything else works, only later. `aclose()` ends it and closes the providers, not the
    engine.
    """

    def __init__(self, engine: AsyncEngine, registry: Registry, settings: Settings) -> None: ...

    async def start(self) -> None: ...
    async def aclose(self) -> None: ...

    # what there is ------------------------------------------------------------------------------
    async def status(self, viewer: Viewer) -> StatusView: ...
    async def revenue(self, viewer: Viewer, query: RevenueQuery) -> RevenueTimeseries: ...
    async def transactions(self, viewer: Viewer, query: TransactionQuery) -> Page[TransactionRow]: ...
    async def transaction(self, viewer: Viewer, id: str) -> TransactionDetail:
        """`id` is ours, or any provider id of the payment (payment intent, charge, session, invoice)."""

    async def subscriptions(self, viewer: Viewer, query: SubscriptionQuery) -> Page[SubscriptionRow]: ...
    async def subscription(self, viewer: Viewer, id: str) -> SubscriptionRow: ...
    async def customers(self, viewer: Viewer, query: CustomerQuery) -> Page[CustomerRow]: ...
    async def customer(self, viewer: Viewer, id: str) -> CustomerDetail: ...
    async def checkout(self, viewer: Viewer, session_id: str) -> CheckoutRow: ...
    async def landing(self, session_id: str) -> CheckoutRow:
        """The same for the public success page: who knows the unguessable session id may see it."""

    async def catalog(self, viewer: Viewer) -> Catalog: ...
    def providers(self) -> list[ProviderRow]: ...
    async def doctor(self) -> list[Finding]: ...

    # what to do ---------------------------------------------------------------------------------
    async def create_checkout(
        self, viewer: Viewer, body: CheckoutBody, *, idempotency_key: str | None = None
    ) -> CheckoutCreated: ...
    async def refund(
        self, viewer: Viewer, id: str, body: RefundBody, *, idempotency_key: str | None = None
    ) -> TransactionRow:
        """Answers the refund's row; 409 nothing left or dispute open, 422 more than remains, 404."""

    async def receive(self, provider: str | None, body: bytes, headers: Mapping[str, str]) -> None:
        """Verify and store one webhook delivery; returns after the commit. Header names lower case.

        Raises WebhookNotConfigured (503), SignatureInvalid or PayloadInvalid (400), DatabaseError (503),
        NotFound for an unknown provider key.
        """
