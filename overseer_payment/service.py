"""The one façade that REST, pages and CLI talk to (floor 4)."""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Iterable, Mapping
from dataclasses import asdict
from typing import TYPE_CHECKING, Any

from sqlalchemy import select

from overseer_payment import doctor, tables
from overseer_payment.applying import Applier
from overseer_payment.asking import catalog, checkouts, refunds
from overseer_payment.committing import queried
from overseer_payment.database import utcnow
from overseer_payment.errors import (
    ConfigurationError,
    DatabaseError,
    PayloadInvalid,
    WebhookNotConfigured,
)
from overseer_payment.health import HealthCheck
from overseer_payment.inbox import DEAD, FAILED, PENDING, Inbox
from overseer_payment.ledger import accounts, queries, reports
from overseer_payment.ledger.accounts import Account
from overseer_payment.ledger.writable import read_only
from overseer_payment.provider import (
    CheckoutStatus,
    Health,
    Kind,
    Ref,
)
from overseer_payment.reading import Reader
from overseer_payment.schemas import (
    Catalog,
    CatalogQuery,
    CheckoutBody,
    CheckoutCreated,
    CheckoutRow,
    Finding,
    ProviderRow,
    RefundBody,
    StatusView,
    TransactionRow,
    Viewer,
)
from overseer_payment.sending import Sender
from overseer_payment.shown import whose
from overseer_payment.shown.views import Views
from overseer_payment.sync import Schedule, sources, standing
from overseer_payment.telling.teller import Teller
from overseer_payment.work import Worker

if TYPE_CHECKING:
    from sqlalchemy import Connection
    from sqlalchemy.ext.asyncio import AsyncEngine

    from overseer_payment.listening import Listener
    from overseer_payment.registry import Registry
    from overseer_payment.settings import Settings

log = logging.getLogger("overseer_payment.service")

_LANDING_PATIENCE = 2.0  # seconds that a buyer's page waits for the provider


class Payments(Views):
    """Everything a person or a program can ask of payments, for one database and one set of providers.

    Make one per event loop. `start()` begins the background work (applying events, healing); without it
    everything else works, only later. `aclose()` ends it and closes the providers, not the engine.
    `account` names the account that the API key belongs to, where it is not the operator's own.
    `listeners` are told of what is recorded over this engine, whoever records it in this process.
    """

    def __init__(
        self,
        engine: AsyncEngine,
        registry: Registry,
        settings: Settings,
        *,
        account: str = accounts.DEFAULT,
        listeners: Iterable[Listener] = (),
    ) -> None:
        super().__init__(engine, registry, account)
        self.settings = settings
        self.health_check = HealthCheck(lambda: registry.get(self.provider_key()))
        self.other_checks: dict[str, HealthCheck] = {}
        self.hearing = doctor.Hearing(lambda: doctor.ask_provider(self))
        self.reading_catalog: dict[Account, asyncio.Task[None]] = {}
        turn = asyncio.Lock()
        self.inbox = Inbox(engine, stored=lambda: self.worker.wake())
        self.sender = Sender(engine, registry.get, self.homes, turn)
        self.worker = Worker(
            Applier(engine, self.built, turn),
            Reader(engine, self.built, self.homes, turn),
            self.sender,
            Teller(engine, listeners, turn),
            Schedule(engine, lambda: sources(registry, self.homes()), self.inbox.store),
        )

    async def start(self, *, healing: bool = False) -> None:
        """Begin the background work in the running event loop; with `healing` also ask the provider for
        what was missed, half a minute later and then every so often. Hosts ask for it (PAYMENT_HEALING).

        Raises ConfigurationError for a live key on a demo's database.
        """
        try:
            await self.require_no_demo()
        except DatabaseError as error:
            # A host must come up without its database too; `doctor` repeats the check.
            log.error("payments start without a database: %s", error.detail)
        except ConfigurationError as error:
            self._refusal = error
            raise
        self.worker.start(healing=healing)

    async def aclose(self) -> None:
        """End the background work, let what is being sent end, and close the providers."""
        await self.worker.stop()
        self.inbox.close()
        await self.sender.aclose()
        await catalog.ended(self)
        await self.hearing.aclose()
        for check in (self.health_check, *self.other_checks.values()):
            await check.aclose()
        await self.registry.aclose()

    # -- what there is ---------------------------------------------------------------------------

    async def status(self, viewer: Viewer, provider: str | None = None) -> StatusView:
        """How payments are doing, at one provider alone if one is named. Raises Invalid for an unknown one.

        Never waits long for the provider: the ledger answers at once.
        """
        viewer.require("payment.view")
        self._require_accepted()
        which = self.of_provider(provider)
        listed, counted = await queried(self.engine, self._counted, which)
        health = await self.health(provider)
        # Of the rows that are summed, where there are any: the key may be of another mode.
        livemode = any(account.livemode for account in listed) if listed else health.livemode
        key, configured = provider or self.registry.default(), self.registry.configured()
        spec = self.registry.spec(key) if key and (provider is None or key in configured) else None
        return StatusView(
            provider=key,
            providers=sorted({account.provider for account in listed}),
            enabled=bool(configured if provider is None else spec),
            livemode=livemode,
            is_test_mode=not livemode,
            healthy=health.healthy,
            health_message=health.message,
            api_version=spec.api_version if spec else None,
            **counted,
        )

    def _counted(self, connection: Connection, which: whose.Which) -> tuple[list[Account], dict[str, Any]]:
        listed = which(connection, self.homes(), self.account)
        scope = self.scope(listed)
        ids = scope.account_ids
        revenue = reports.revenue(connection, ids, scope.counting)
        inbox = list(whose.received(connection, self.homes(), self.account).values())
        now = reports.gauges(connection, ids)
        names = sorted({account.account for account in listed}) or [self.account]
        return list(listed), {
            "account": names[0],
            "read_only": read_only(connection),
            "total_transactions": reports.transactions(connection, ids),
            "active_subscriptions": now["active_subscriptions"],
            "open_disputes": now["open_disputes"],
            "failed_events": reports.events(connection, inbox, [FAILED, DEAD]),
            "pending_events": reports.events(connection, inbox, [PENDING]),
            "lag_seconds": reports.lag(connection, inbox, utcnow()),
            "last_event_at": reports.last_event_at(connection, ids),
            "revenue": revenue,
            "exponents": scope.counting.exponents(one.currency for one in revenue),
            **asdict(standing(connection, ids)),
        }

    async def health(self, provider: str | None = None, *, fresh: bool = False) -> Health:
        """What the provider last said of itself, a few seconds ago at most; waits for it briefly."""
        if provider is None or provider == self.registry.default():
            return await self.health_check(fresh=fresh)
        of_it = HealthCheck(lambda: self.registry.get(provider))
        return await self.other_checks.setdefault(provider, of_it)(fresh=fresh)

    async def landing(self, session_id: str) -> CheckoutRow:
        """The same for the public success page: who knows the unguessable session id may see it.

        Of a session that nothing was heard of since it was opened the provider is asked, briefly.
        """
        account, row = await self._session(session_id)
        if row.status is CheckoutStatus.OPEN and account in self.homes() and self.worker.running:
            await self.worker.look(account, Ref(Kind.CHECKOUT, session_id), patience=_LANDING_PATIENCE)
            return (await self._session(session_id))[1]
        return row

    async def _session(self, session_id: str) -> tuple[Account, CheckoutRow]:
        def ask(connection: Connection) -> tuple[Account, CheckoutRow]:
            known = {id: account for account, id in accounts.known(connection).items()}
            row = queries.checkout(connection, list(known), session_id)
            of = select(tables.checkout.c.account_id).where(tables.checkout.c.session_id == session_id)
            return known[connection.execute(of.limit(1)).scalar_one()], row

        return await queried(self.engine, ask)

    async def catalog(
        self,
        viewer: Viewer,
        provider: str | None = None,
        *,
        query: CatalogQuery | None = None,
        patience: float | None = None,
    ) -> Catalog:
        """What can be sold now, a page of it. Raises NotSupported, ConfigurationError, ProviderError."""
        self._require_accepted()
        asked = query or CatalogQuery(provider=provider)
        return await catalog.catalog(self, viewer, asked, patience=patience)

    def providers(self) -> list[ProviderRow]:
        """Every provider plugin, whatever its state."""
        return self.registry.rows()

    async def doctor(self, *, from_outside: bool = False) -> list[Finding]:
        """Every misconfiguration with its cure. `from_outside`: knock at our own public address as well."""
        return await doctor.examine(self, from_outside=from_outside)

    # -- what to do --------------------------------------------------------------------------------

    async def create_checkout(
        self, viewer: Viewer, body: CheckoutBody, *, idempotency_key: str | None = None
    ) -> CheckoutCreated:
        """Open a hosted checkout at the provider."""
        self._require_accepted()
        return await checkouts.create_checkout(self, viewer, body, idempotency_key)

    async def refund(
        self, viewer: Viewer, id: str, body: RefundBody, *, idempotency_key: str | None = None
    ) -> TransactionRow:
        """Answers the refund's row; 409 nothing left or dispute open, 422 more than remains, 404."""
        self._require_accepted()
        return await refunds.refund(self, viewer, id, body, idempotency_key)

    async def receive(self, provider: str | None, body: bytes, headers: Mapping[str, str]) -> None:
        """Verify and store one webhook delivery; returns after the commit. Header names lower case.

        Raises WebhookNotConfigured (503), SignatureInvalid or PayloadInvalid (400), DatabaseError (503),
        NotFound for an unknown provider key.
        """
        self._require_accepted()
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
