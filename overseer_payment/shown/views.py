"""Whose rows there are to see, and the questions about them that the ledger alone answers."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from contextlib import suppress
from typing import TYPE_CHECKING, TypeVar

from sqlalchemy import select

from overseer_payment import tables
from overseer_payment.committing import queried
from overseer_payment.database import utcnow
from overseer_payment.errors import ConfigurationError, Conflict, Invalid, PaymentError
from overseer_payment.ledger import accounts, queries, reports, timeline
from overseer_payment.ledger.accounts import Account
from overseer_payment.ledger.counting import Counting
from overseer_payment.ledger.scope import Scope
from overseer_payment.money import ISO, CurrencyTable
from overseer_payment.provider import Provider, Ref
from overseer_payment.schemas import (
    CheckoutRow,
    CustomerDetail,
    CustomerQuery,
    CustomerRow,
    MetricsQuery,
    MetricsSeriesQuery,
    Page,
    Reference,
    RevenueQuery,
    RevenueTimeseries,
    SubscriptionQuery,
    SubscriptionRow,
    TransactionDetail,
    TransactionQuery,
    TransactionRow,
    Viewer,
)
from overseer_payment.shown import refundable, whose
from overseer_payment.shown.disputes import completed

if TYPE_CHECKING:
    from sqlalchemy import Connection
    from sqlalchemy.ext.asyncio import AsyncEngine

    from overseer_payment.registry import Registry

T = TypeVar("T")


class Views:
    """What can be asked without asking a provider. `Payments` is this and what changes things."""

    def __init__(self, engine: AsyncEngine, registry: Registry, account: str) -> None:
        self.engine = engine
        self.registry = registry
        self.account = account
        self._refusal: ConfigurationError | None = None

    def _require_accepted(self) -> None:
        # A host may stay up after `start` refused: then nobody is shown or sells anything either.
        if self._refusal is not None:
            raise self._refusal

    # -- whose rows ------------------------------------------------------------------------------

    def provider_key(self, asked: str | None = None) -> str:
        """The provider to use. Raises ConfigurationError when none is configured."""
        key = asked or self.registry.default()
        if key is None:
            raise ConfigurationError("No payment provider is configured. Set STRIPE_SECRET_KEY and restart.")
        return key

    def home(self, asked: str | None = None) -> Account:
        """The account that the configured key belongs to. Raises Invalid, ConfigurationError."""
        self._require_installed(asked)
        key = self.provider_key(asked)
        return Account(key, self.account, self.registry.get(key).livemode)

    def built(self) -> dict[str, Provider]:
        """The configured providers by key, without those that can't be built: they cost only themselves."""
        found = {}
        for key in self.registry.configured():
            with suppress(PaymentError):
                found[key] = self.registry.get(key)
        return found

    def homes(self) -> list[Account]:
        """The accounts that configured keys belong to."""
        return [Account(key, self.account, provider.livemode) for key, provider in self.built().items()]

    def require_home(self, account: Account, what: str) -> None:
        """Raises Conflict, naming `what` it is about, for an account that no configured key belongs to."""
        homes = self.homes()
        if account not in homes:
            keys = (
                "another account than the configured key" if homes else "an account without a configured key"
            )
            raise Conflict(f"This {what} belongs to {keys}.", code="other_account")

    async def require_no_demo(self) -> None:
        """Raises ConfigurationError when a live key meets a demo's rows: one of the two is a mistake."""
        if self.account in accounts.MADE_UP or not any(account.livemode for account in self.homes()):
            return
        known = await queried(self.engine, accounts.known)
        if any(account.account == accounts.DEMO for account in known):
            raise ConfigurationError(
                "The key is a live key, but this database holds a demo's rows. "
                "Set OVERSEER_DATABASE_URL to another database, or use a test key.",
                code="live_key_on_demo",
            )

    async def ask(
        self,
        viewer: Viewer,
        question: Callable[[Connection, Scope], T],
        *,
        one: bool = False,
        which: whose.Which | None = None,
    ) -> T:
        """What `question` finds among the rows that `viewer` may see; with `one`, of any account of ours."""
        self._require_accepted()
        user = None if viewer.sees_all else (viewer.user.id if viewer.user else "")
        which = which or (whose.findable if one else whose.listed)

        def ask(connection: Connection) -> T:
            return question(connection, self.scope(which(connection, self.homes(), self.account), user))

        return await queried(self.engine, ask)

    def scope(self, listed: Mapping[Account, int], user: str | None = None) -> Scope:
        """These accounts, and how what they sum up is added."""
        counting = Counting({id: self.currencies(account.provider) for account, id in listed.items()})
        return Scope(tuple(listed.values()), user, counting)

    def currencies(self, provider: str) -> CurrencyTable:
        """How a provider counts money; ISO 4217 for one that is no longer installed."""
        try:
            return self.registry.spec(provider).currencies
        except PaymentError:
            return ISO

    def of_provider(self, key: str | None) -> whose.Which:
        """The accounts that a report is about, of one provider alone if one is named. Raises Invalid."""
        self._require_installed(key)
        return whose.of(key)

    def _require_installed(self, key: str | None) -> None:
        if key is not None and key not in (known := [row.key for row in self.registry.rows()]):
            raise Invalid(f"There is no payment provider {key[:40]!r} (installed: {', '.join(known)}).")

    # -- lists and rows --------------------------------------------------------------------------

    async def report(
        self,
        viewer: Viewer,
        query: RevenueQuery | MetricsQuery | MetricsSeriesQuery,
        compute: Callable[..., T],
    ) -> T:
        """What one of the ledger's reports makes of `query`, up to today (UTC). Raises Forbidden, Invalid."""
        viewer.require("payment.view")
        which, today = self.of_provider(query.provider), utcnow().date()
        asked = query.model_dump(exclude={"provider"})
        return await self.ask(
            viewer,
            lambda connection, scope: compute(
                connection, scope.account_ids, today=today, counting=scope.counting, **asked
            ),
            which=which,
        )

    async def revenue(self, viewer: Viewer, query: RevenueQuery) -> RevenueTimeseries:
        """Sums per currency by day, week or month, dense, oldest first. Days are UTC days."""
        return await self.report(viewer, query, reports.timeseries)

    async def transactions(self, viewer: Viewer, query: TransactionQuery) -> Page[TransactionRow]:
        """Payments and refunds, newest first."""
        which = self.of_provider(query.provider)
        return await self.ask(viewer, lambda c, scope: queries.transactions(c, scope, query), which=which)

    async def transaction(self, viewer: Viewer, id: str) -> TransactionDetail:
        """`id` is ours, or any provider id of the payment (payment intent, charge, session, invoice)."""
        found = await self.ask(
            viewer, lambda c, scope: self._detail(c, scope, queries.transaction(c, scope, id)), one=True
        )
        told = [completed(self, viewer, dispute) for dispute in found.disputes]
        return found.model_copy(update={"disputes": told})

    def _detail(self, connection: Connection, scope: Scope, row: TransactionRow) -> TransactionDetail:
        of = select(tables.transaction).where(tables.transaction.c.id == row.id)
        stored = connection.execute(of).one()
        account_id = stored.account_id
        names = timeline.references(connection, account_id, row.id) or [row.provider_transaction_id]
        found = timeline.snapshots(connection, account_id, names)
        # A buyer learns what happened to the money, not who of the staff did it, where it is looked at, or
        # what banks suspect.
        staff = scope.user_id is None
        if not staff:
            found = [snapshot for snapshot in found if not timeline.is_warning(snapshot)]
        return TransactionDetail(
            **row.model_dump(),
            refunds=queries.refunds(connection, scope, row.id),
            disputes=queries.disputes_about(connection, scope, row.id, now=utcnow()),
            timeline=timeline.timeline(connection, account_id, row.id, found, operations=staff),
            references=[self._reference(row.provider, snapshot.ref, staff) for snapshot in found],
            refund_refused=refundable.refused(connection, self, stored) if staff else None,
        )

    def _reference(self, provider: str, ref: Ref, staff: bool) -> Reference:
        built = self.built().get(provider) if staff else None
        return Reference(kind=ref.kind.value, id=ref.id, url=built.dashboard_url(ref) if built else None)

    async def subscriptions(self, viewer: Viewer, query: SubscriptionQuery) -> Page[SubscriptionRow]:
        """Subscriptions, newest first."""
        which = self.of_provider(query.provider)
        return await self.ask(viewer, lambda c, scope: queries.subscriptions(c, scope, query), which=which)

    async def subscription(self, viewer: Viewer, id: str) -> SubscriptionRow:
        """One subscription by our id or the provider's. Raises NotFound."""
        return await self.ask(viewer, lambda c, scope: queries.subscription(c, scope, id), one=True)

    async def customers(self, viewer: Viewer, query: CustomerQuery) -> Page[CustomerRow]:
        """Customers, newest first."""
        which = self.of_provider(query.provider)
        return await self.ask(viewer, lambda c, scope: queries.customers(c, scope, query), which=which)

    async def customer(self, viewer: Viewer, id: str) -> CustomerDetail:
        """One customer with lifetime value per currency. Raises NotFound."""
        return await self.ask(viewer, lambda c, scope: queries.customer(c, scope, id), one=True)

    async def checkout(self, viewer: Viewer, session_id: str) -> CheckoutRow:
        """The state of one checkout session. Raises NotFound."""
        return await self.ask(
            viewer, lambda c, scope: queries.checkout(c, scope.account_ids, session_id, scope=scope), one=True
        )
