"""The one façade that REST, pages and CLI talk to (floor 4)."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Mapping
from typing import TYPE_CHECKING, Any, TypeVar

from overseer_payment import asking, doctor, tables
from overseer_payment.database import read, utcnow
from overseer_payment.errors import (
    ConfigurationError,
    NotSupported,
    PayloadInvalid,
    PaymentError,
    WebhookNotConfigured,
)
from overseer_payment.inbox import DEAD, FAILED, PENDING, Inbox
from overseer_payment.ledger import accounts, queries, reports, timeline
from overseer_payment.ledger.accounts import Account
from overseer_payment.ledger.scope import Scope
from overseer_payment.money import ISO, CurrencyTable
from overseer_payment.provider import Capability, Health, Provider, Ref
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
    PriceRow,
    ProviderRow,
    Reference,
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
from overseer_payment.sending import Sender
from overseer_payment.work import Worker

if TYPE_CHECKING:
    from sqlalchemy import Connection
    from sqlalchemy.ext.asyncio import AsyncEngine

    from overseer_payment.registry import Registry
    from overseer_payment.settings import Settings

T = TypeVar("T")

_HEALTH_LASTS = 30.0  # seconds that the provider isn't asked again
_HEALTH_PATIENCE = 3.0  # seconds that a page waits for it


class Payments:
    """Everything a person or a program can ask of payments, for one database and one set of providers.

    Make one per event loop. `start()` begins the background work (applying events, healing); without it
    everything else works, only later. `aclose()` ends it and closes the providers, not the engine.
    `account` names the account that the API key belongs to, where it is not the operator's own.
    """

    def __init__(
        self, engine: AsyncEngine, registry: Registry, settings: Settings, *, account: str = accounts.DEFAULT
    ) -> None:
        self.engine = engine
        self.registry = registry
        self.settings = settings
        self.account = account
        self.sender = Sender(engine, registry.get)
        self.worker = Worker(engine, registry.get, self.homes, self._settle)
        self.inbox = Inbox(engine, stored=self.worker.wake)
        self._health: tuple[float, Health] | None = None

    async def start(self) -> None:
        """Begin the background work in the running event loop."""
        self.worker.start()

    async def aclose(self) -> None:
        """End the background work and close the providers."""
        await self.worker.stop()
        await self.registry.aclose()

    # -- whose rows ------------------------------------------------------------------------------

    def provider_key(self, asked: str | None = None) -> str:
        """The provider to use. Raises ConfigurationError when none is configured."""
        key = asked or self.registry.default()
        if key is None:
            raise ConfigurationError("No payment provider is configured. Set STRIPE_SECRET_KEY and restart.")
        return key

    def home(self, asked: str | None = None) -> Account:
        """The account that the configured key belongs to. Raises ConfigurationError."""
        key = self.provider_key(asked)
        return Account(key, self.account, self.registry.get(key).livemode)

    def homes(self) -> list[Account]:
        """The accounts that configured keys belong to."""
        return [
            Account(key, self.account, self.registry.get(key).livemode) for key in self.registry.configured()
        ]

    async def _settle(self) -> int:
        return await self.sender.settle(self.homes())

    def looked_at(self, connection: Connection) -> dict[Account, int]:
        """The accounts whose rows are shown: the configured ones, and example data until there is real."""
        known = accounts.known(connection)
        home = {account: known[account] for account in self.homes() if account in known}
        if any(reports.transactions(connection, [id]) for id in home.values()):
            return home
        example = {account: id for account, id in known.items() if account.account == accounts.EXAMPLE}
        return example or home or {a: id for a, id in known.items() if a.account in accounts.MADE_UP}

    async def _ask(self, viewer: Viewer, question: Callable[[Connection, Scope], T]) -> T:
        user = None if viewer.sees_all else (viewer.user.id if viewer.user else "")

        def ask(connection: Connection) -> T:
            return question(connection, Scope(tuple(self.looked_at(connection).values()), user))

        async with read(self.engine) as connection:
            return await connection.run_sync(ask)

    # -- what there is ---------------------------------------------------------------------------

    async def status(self, viewer: Viewer) -> StatusView:
        """How payments are doing. Never waits long for the provider: the ledger answers at once."""
        viewer.require("payment.view")
        async with read(self.engine) as connection:
            counted = await connection.run_sync(self._counted)
        health = await self.health()
        key = self.registry.default()
        spec = self.registry.spec(key) if key else None
        return StatusView(
            provider=key,
            enabled=bool(self.registry.configured()),
            livemode=health.livemode,
            is_test_mode=not health.livemode,
            healthy=health.healthy,
            health_message=health.message,
            api_version=spec.api_version if spec else None,
            **counted,
        )

    def _counted(self, connection: Connection) -> dict[str, Any]:
        shown = self.looked_at(connection)
        ids = list(shown.values())
        names = sorted({account.account for account in shown}) or [self.account]
        return {
            "account": names[0],
            "total_transactions": reports.transactions(connection, ids),
            "active_subscriptions": reports.gauge(connection, ids, "active_subscriptions"),
            "open_disputes": reports.gauge(connection, ids, "open_disputes"),
            "failed_events": reports.events(connection, ids, [FAILED, DEAD]),
            "pending_events": reports.events(connection, ids, [PENDING]),
            "last_event_at": reports.last_event_at(connection, ids),
            "revenue": reports.revenue(connection, ids),
        }

    async def health(self) -> Health:
        """What the provider last said of itself; asked anew after half a minute, waiting briefly."""
        now = asyncio.get_running_loop().time()
        if self._health is None or now - self._health[0] > _HEALTH_LASTS:
            self._health = (now, await self._check())
        return self._health[1]

    async def _check(self) -> Health:
        provider: Provider | None = None
        try:
            provider = self.registry.get(self.provider_key())
            return await asyncio.wait_for(provider.health_check(), _HEALTH_PATIENCE)
        except TimeoutError:
            message = "The payment provider does not answer. What the ledger knows is shown."
        except PaymentError as error:
            message = error.detail
        return Health(healthy=False, message=message, livemode=bool(provider and provider.livemode))

    async def revenue(self, viewer: Viewer, query: RevenueQuery) -> RevenueTimeseries:
        """Daily sums per currency, dense, oldest first. Days are UTC days."""
        viewer.require("payment.view")
        today = utcnow().date()
        return await self._ask(
            viewer,
            lambda connection, scope: reports.timeseries(
                connection, scope.account_ids, days=query.days, today=today, currency=query.currency
            ),
        )

    async def transactions(self, viewer: Viewer, query: TransactionQuery) -> Page[TransactionRow]:
        """Payments and refunds, newest first."""
        return await self._ask(viewer, lambda c, scope: queries.transactions(c, scope, query))

    async def transaction(self, viewer: Viewer, id: str) -> TransactionDetail:
        """`id` is ours, or any provider id of the payment (payment intent, charge, session, invoice)."""
        return await self._ask(
            viewer, lambda c, scope: self._detail(c, scope, queries.transaction(c, scope, id))
        )

    def _detail(self, connection: Connection, scope: Scope, row: TransactionRow) -> TransactionDetail:
        account_id = asking.account_of(connection, tables.transaction, row.id)
        names = timeline.references(connection, account_id, row.id) or [row.provider_transaction_id]
        found = timeline.snapshots(connection, account_id, names)
        return TransactionDetail(
            **row.model_dump(),
            refunds=queries.refunds(connection, scope, row.id),
            disputes=queries.disputes(connection, scope, row.id),
            timeline=timeline.timeline(connection, row.id, found),
            references=[self._reference(row.provider, snapshot.ref) for snapshot in found],
        )

    def _reference(self, provider: str, ref: Ref) -> Reference:
        built = provider in self.registry.configured()
        url = self.registry.get(provider).dashboard_url(ref) if built else None
        return Reference(kind=ref.kind.value, id=ref.id, url=url)

    async def subscriptions(self, viewer: Viewer, query: SubscriptionQuery) -> Page[SubscriptionRow]:
        """Subscriptions, newest first."""
        return await self._ask(viewer, lambda c, scope: queries.subscriptions(c, scope, query))

    async def subscription(self, viewer: Viewer, id: str) -> SubscriptionRow:
        """One subscription by our id or the provider's. Raises NotFound."""
        return await self._ask(viewer, lambda c, scope: queries.subscription(c, scope, id))

    async def customers(self, viewer: Viewer, query: CustomerQuery) -> Page[CustomerRow]:
        """Customers, newest first."""
        return await self._ask(viewer, lambda c, scope: queries.customers(c, scope, query))

    async def customer(self, viewer: Viewer, id: str) -> CustomerDetail:
        """One customer with lifetime value per currency. Raises NotFound."""
        return await self._ask(viewer, lambda c, scope: queries.customer(c, scope, id))

    async def checkout(self, viewer: Viewer, session_id: str) -> CheckoutRow:
        """The state of one checkout session. Raises NotFound."""
        return await self._ask(
            viewer, lambda c, scope: queries.checkout(c, scope.account_ids, session_id, scope=scope)
        )

    async def landing(self, session_id: str) -> CheckoutRow:
        """The same for the public success page: who knows the unguessable session id may see it."""
        async with read(self.engine) as connection:
            return await connection.run_sync(
                lambda c: queries.checkout(c, list(accounts.known(c).values()), session_id)
            )

    async def catalog(self, viewer: Viewer, provider: str | None = None) -> Catalog:
        """What can be sold now. Raises NotSupported, ConfigurationError, ProviderError."""
        viewer.require("payment.view")
        key = self.provider_key(provider)
        if Capability.CATALOG not in self.registry.spec(key).capabilities:
            raise NotSupported(f"{self.registry.spec(key).title} has no catalogue that can be read.")
        prices = [
            PriceRow(
                id=price.id,
                product_id=price.product,
                product_name=price.product_name,
                nickname=price.nickname,
                amount=price.amount,
                currency=price.currency,
                interval=price.interval,
                interval_count=price.interval_count,
            )
            async for price in self.registry.get(key).list_prices()
        ]
        return Catalog(provider=key, prices=prices)

    def providers(self) -> list[ProviderRow]:
        """Every provider plugin, whatever its state."""
        return self.registry.rows()

    def currencies(self, provider: str) -> CurrencyTable:
        """How a provider counts money; ISO 4217 for one that is no longer installed."""
        try:
            return self.registry.spec(provider).currencies
        except PaymentError:
            return ISO

    async def doctor(self) -> list[Finding]:
        """Every misconfiguration with its cure."""
        return await doctor.examine(self)

    # -- what to do --------------------------------------------------------------------------------

    async def create_checkout(
        self, viewer: Viewer, body: CheckoutBody, *, idempotency_key: str | None = None
    ) -> CheckoutCreated:
        """Open a hosted checkout at the provider."""
        return await asking.create_checkout(self, viewer, body, idempotency_key)

    async def refund(
        self, viewer: Viewer, id: str, body: RefundBody, *, idempotency_key: str | None = None
    ) -> TransactionRow:
        """Answers the refund's row; 409 nothing left or dispute open, 422 more than remains, 404."""
        return await asking.refund(self, viewer, id, body, idempotency_key)

    async def receive(self, provider: str | None, body: bytes, headers: Mapping[str, str]) -> None:
        """Verify and store one webhook delivery; returns after the commit. Header names lower case.

        Raises WebhookNotConfigured (503), SignatureInvalid or PayloadInvalid (400), DatabaseError (503),
        NotFound for an unknown provider key.
        """
        try:
            key = self.provider_key(provider)
            built = self.registry.get(key)
        except ConfigurationError as error:
            raise WebhookNotConfigured(error.detail) from None
        event = built.verify_webhook(body, headers, now=utcnow())
        try:
            text = body.decode()
        except UnicodeDecodeError:
            raise PayloadInvalid("The event is not UTF-8.") from None
        account = Account(key, event.account or self.account, event.livemode)
        await self.inbox.store(account, event, text)
