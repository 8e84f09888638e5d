"""The provider contract, implemented on Stripe. Receiving and parsing work without the SDK."""

from __future__ import annotations

from collections.abc import AsyncIterator, Mapping, Sequence
from datetime import datetime, timedelta
from typing import TYPE_CHECKING
from urllib.parse import quote

from overseer_payment.errors import ProviderAuthError, ProviderError
from overseer_payment.provider import (
    CheckoutRequest,
    CheckoutSnapshot,
    CustomerRequest,
    CustomerSnapshot,
    Event,
    EventPage,
    Health,
    Kind,
    Parsed,
    Price,
    Ref,
    RefundRequest,
    Snapshot,
    SnapshotPage,
)
from overseer_payment.provider_plugins.stripe import events, listing, requests, webhook
from overseer_payment.provider_plugins.stripe.billing import Billing
from overseer_payment.provider_plugins.stripe.calls import first
from overseer_payment.provider_plugins.stripe.disputes import Disputes
from overseer_payment.provider_plugins.stripe.endpoints import Endpoints
from overseer_payment.provider_plugins.stripe.settings import API_BASE
from overseer_payment.provider_plugins.stripe.subscriptions import Subscriptions
from overseer_payment.provider_plugins.stripe.translate import fields as f
from overseer_payment.provider_plugins.stripe.triggers import Triggers

if TYPE_CHECKING:
    pass

_DASHBOARD = "https://dashboard.stripe.com/"
_PAGES = {
    Kind.CUSTOMER: "customers",
    Kind.PAYMENT: "payments",
    Kind.CHARGE: "payments",
    Kind.INVOICE: "invoices",
    Kind.SUBSCRIPTION: "subscriptions",
    Kind.DISPUTE: "disputes",
}


class StripeProvider(Billing, Disputes, Endpoints, Subscriptions, Triggers):
    """Stripe for one API key."""

    # -- writes ------------------------------------------------------------------------------------

    async def create_checkout(self, request: CheckoutRequest, *, idempotency_key: str) -> CheckoutSnapshot:
        """Open a hosted checkout. The success URL gets `session_id` unless it tells it already."""
        params = requests.checkout(request)
        answer = await self._client.write(
            lambda stripe: stripe.v1.checkout.sessions.create_async(
                params, {"idempotency_key": idempotency_key}
            )
        )
        return first(self._told("checkout.session", answer), CheckoutSnapshot)

    async def refund(self, request: RefundRequest, *, idempotency_key: str) -> Sequence[Snapshot]:
        """Give money back: the refund, then its charge with every refund of it."""
        params = requests.refund(request)
        answer = await self._client.write(
            lambda stripe: stripe.v1.refunds.create_async(params, {"idempotency_key": idempotency_key})
        )
        return self._told("refund", answer)

    async def create_customer(self, request: CustomerRequest, *, idempotency_key: str) -> CustomerSnapshot:
        """Make a customer. Stripe does not mind two with the same address."""
        params = requests.customer(request)
        answer = await self._client.write(
            lambda stripe: stripe.v1.customers.create_async(params, {"idempotency_key": idempotency_key})
        )
        return first(self._told("customer", answer), CustomerSnapshot)

    # -- settings ----------------------------------------------------------------------------------

    def faults(self) -> Sequence[str]:
        """Signing secrets that are set and not trusted: a placeholder beside a good one is a mistake, too."""
        return [f"A secret in STRIPE_WEBHOOK_SECRET {fault}." for fault in self._settings.secret_faults]

    # -- webhooks ----------------------------------------------------------------------------------

    def verify_webhook(self, body: bytes, headers: Mapping[str, str], *, now: datetime) -> Event:
        """Check the raw bytes against every usable secret, within five minutes either way."""
        return webhook.verify(body, headers, self._secrets, now=now)

    def parse(self, event: Event) -> Parsed:
        """Translate an event of any API version; of unknown ones only which object to ask for."""
        return events.parse(event)

    # -- reads -------------------------------------------------------------------------------------

    async def get_transaction(self, provider_transaction_id: str) -> Sequence[Snapshot]:
        """Everything about one payment: `pi_…`, `ch_…`, `py_…`, `cs_…` or `in_…`."""
        return await self._reader.transaction(provider_transaction_id)

    async def fetch(self, ref: Ref) -> Sequence[Snapshot]:
        """The object and what it links to."""
        return await self._reader.fetch(ref)

    async def list_prices(self) -> AsyncIterator[Price]:
        """Every active price of an active product."""
        from overseer_payment.provider_plugins.stripe.prices import active_prices

        async for price in active_prices(self._client):
            yield price

    async def list_events(self, since: datetime | None, *, cursor: str | None = None) -> EventPage:
        """Events about money of at most the last 30 days."""
        return await listing.events(self._client, since, cursor)

    async def list_objects(
        self, kind: Kind, *, since: datetime | None = None, cursor: str | None = None
    ) -> SnapshotPage:
        """Up to a hundred objects, newest first; subscriptions that have not ended whatever their age."""
        return await listing.objects(self._client, self._reader, kind, since, cursor, livemode=self.livemode)

    async def health_check(self) -> Health:
        """Ask for the account, or, if the key may not see that, for the balance."""
        try:
            try:
                answer = await self._client.read(lambda stripe: stripe.v1.accounts.retrieve_current_async())
            except ProviderAuthError as error:
                if error.code != "provider_permission":
                    raise
                # A restricted key may do its work without seeing the account.
                await self._client.read(lambda stripe: stripe.v1.balance.retrieve_async())
                return Health(
                    healthy=True, message=self._healthy(), livemode=self.livemode, ahead=self._ahead()
                )
        except ProviderError as error:
            return Health(healthy=False, message=error.detail, livemode=self.livemode)
        return Health(
            healthy=True,
            message=self._healthy(),
            livemode=self.livemode,
            account=f.reference(answer.data, "id"),
            title=_title(answer.data),
            ahead=self._ahead(),
        )

    def dashboard_url(self, ref: Ref) -> str | None:
        """The object's page in Stripe's Dashboard; None where it has none, or a simulator stands in."""
        page = _PAGES.get(ref.kind)
        if page is None or ref.id.startswith("issfr_") or self._settings.is_local:
            return None
        mode = "" if self.livemode else "test/"
        return f"{_DASHBOARD}{mode}{page}/{quote(ref.id, safe='')}"

    async def aclose(self) -> None:
        """Nothing to close: the HTTP client is the caller's."""

    def _ahead(self) -> timedelta | None:
        # What stands in for Stripe may have a clock that is moved.
        return self._client.clock.ahead if self._settings.api_base == API_BASE else None

    def _healthy(self) -> str:
        return f"Stripe answers in {'live' if self.livemode else 'test'} mode."


def _title(account: f.Json) -> str | None:
    dashboard = f.inner(account, "settings", "dashboard")
    return f.text(dashboard, "display_name") or f.text(f.inner(account, "business_profile"), "name")
