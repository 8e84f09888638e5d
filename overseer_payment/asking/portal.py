"""Opening the provider's own page on which a customer looks after subscriptions, cards and invoices."""

from __future__ import annotations

import asyncio
from typing import TYPE_CHECKING

from sqlalchemy import Connection

from overseer_payment import operations, redirects
from overseer_payment.asking import customers
from overseer_payment.committing import committed
from overseer_payment.database import utcnow
from overseer_payment.errors import Forbidden, NotSupported, ProviderUnavailable
from overseer_payment.ledger import accounts
from overseer_payment.ledger.accounts import Account
from overseer_payment.operations import Intent
from overseer_payment.provider import OpensPortal, PortalRequest, PortalSession
from overseer_payment.schemas import CustomerDetail, PortalBody, PortalCreated, Viewer

if TYPE_CHECKING:
    from overseer_payment.service import Payments

_PATIENCE = 20.0


async def open_portal(
    payments: Payments, viewer: Viewer, customer_id: str, body: PortalBody
) -> PortalCreated:
    """A short-lived link of one customer's own: for the customer, and for staff with `payment.manage`.

    Each call makes a new one, so that an Idempotency-Key changes nothing; who opened it is written down,
    the link is not. Raises NotFound, Forbidden, Invalid for a return URL that isn't allowed, Conflict
    for a customer who is gone, NotSupported, ProviderError.
    """
    found = await payments.customer(viewer, customer_id)
    _require_theirs(viewer, found)
    back = redirects.return_url(payments.settings, body.return_url)
    account = await customers.home_of(payments, found)
    customers.require_living(found)
    provider = payments.registry.get(account.provider)
    if not isinstance(provider, OpensPortal):
        raise NotSupported(f"{payments.registry.spec(account.provider).title} has no customer portal.")
    request = PortalRequest(customer=found.provider_customer_id, return_url=back)
    opened = await _opened(provider, request)
    await committed(payments.engine, _write_down, account, viewer.actor, request, opened.id)
    return PortalCreated(url=opened.url)


def _require_theirs(viewer: Viewer, found: CustomerDetail) -> None:
    own = viewer.user is not None and found.user_id == viewer.user.id
    if not own and "payment.manage" not in viewer.permissions:
        # The portal shows cards and ends subscriptions: seeing a customer is not acting for them.
        raise Forbidden("You may open only your own portal (payment.manage: that of others too).")


async def _opened(provider: OpensPortal, request: PortalRequest) -> PortalSession:
    try:
        async with asyncio.timeout(_PATIENCE):
            return await provider.open_portal(request)
    except TimeoutError:
        raise ProviderUnavailable("The payment provider takes too long to open its portal.") from None


def _write_down(
    connection: Connection, account: Account, actor: str, request: PortalRequest, session: str
) -> None:
    account_id = accounts.ensure(connection, [account])[account]
    intent = Intent(
        kind="portal",
        actor=actor,
        target=request.customer,
        request={"customer": request.customer, "return_url": request.return_url, "session": session},
    )
    operations.note(connection, account_id, intent, now=utcnow())
