"""Opening hosted checkouts."""

from __future__ import annotations

from typing import TYPE_CHECKING

from sqlalchemy import Connection

from overseer_payment import operations, redirects
from overseer_payment.asking import customers
from overseer_payment.committing import committed, queried
from overseer_payment.database import utcnow
from overseer_payment.errors import Conflict, Forbidden, Invalid, NotSupported, Unauthenticated
from overseer_payment.ledger import accounts, queries
from overseer_payment.ledger.accounts import Account
from overseer_payment.operations import Begun, Intent
from overseer_payment.provider import Capability, CheckoutMode, CheckoutRequest
from overseer_payment.requesting import as_request
from overseer_payment.schemas import CheckoutBody, CheckoutCreated, Viewer

if TYPE_CHECKING:
    from overseer_payment.service import Payments

RESERVED = "overseer_"
"""Begins the metadata names by which we find again what we made."""

_MODES = {
    CheckoutMode.PAYMENT: Capability.CHECKOUT_PAYMENT,
    CheckoutMode.SUBSCRIPTION: Capability.CHECKOUT_SUBSCRIPTION,
    CheckoutMode.SETUP: Capability.CHECKOUT_SETUP,
}


async def create_checkout(
    payments: Payments, viewer: Viewer, body: CheckoutBody, client_key: str | None
) -> CheckoutCreated:
    """Open a hosted checkout. Who may not manage others opens it for themselves only."""
    if viewer.user is None and not viewer.permissions:
        raise Unauthenticated("Sign in to open a checkout.")
    account = payments.home(body.provider)
    spec = payments.registry.spec(account.provider)
    _require_own_terms(viewer, body)
    _require_sellable(body, spec.capabilities, spec.title)
    # Before anything is made at the provider: URLs that can't be used.
    success = redirects.success_url(payments.settings, body.success_url)
    cancel = redirects.cancel_url(payments.settings, body.cancel_url)
    request = CheckoutRequest(
        mode=body.mode,
        success_url=success,
        cancel_url=cancel,
        price=body.price_id,
        quantity=body.quantity,
        currency=body.currency,
        customer=await customers.paying(payments, viewer, account, body.customer_id),
        client_reference=viewer.user.id if viewer.user else None,
        trial_period_days=body.trial_period_days,
        metadata=body.metadata,
    )
    intent = Intent(
        kind="checkout",
        actor=viewer.actor,
        target=viewer.user.id if viewer.user else None,
        request=as_request(request),
        client_key=client_key,
    )
    begun = await committed(payments.engine, _begin, account, intent)
    return await _opened(payments, begun, await payments.sender.carry_out(account, begun))


def _require_own_terms(viewer: Viewer, body: CheckoutBody) -> None:
    """A buyer chooses what to buy, not on which terms: those are the seller's."""
    if body.trial_period_days is not None and "payment.manage" not in viewer.permissions:
        raise Forbidden("Only staff (payment.manage) can offer a trial.")
    ours = sorted(name for name in body.metadata if name.startswith(RESERVED))
    if ours:
        raise Invalid(f"metadata names that begin with {RESERVED} are ours: rename {ours[0]}.")


def _require_sellable(body: CheckoutBody, capabilities: frozenset[Capability], title: str) -> None:
    if _MODES[body.mode] not in capabilities:
        raise NotSupported(f"{title} can't do a checkout in {body.mode} mode.")
    if body.trial_period_days is not None and body.mode is not CheckoutMode.SUBSCRIPTION:
        raise Invalid("Only a subscription can have a trial.")
    if body.trial_period_days is not None and Capability.TRIAL not in capabilities:
        raise NotSupported(f"{title} can't do trials.")
    if body.mode is CheckoutMode.SETUP:
        if body.price_id is not None:
            raise Invalid("A setup checkout sells nothing: leave price_id out.")
        if body.currency is None:
            raise Invalid("A setup checkout needs a currency.")
    elif body.price_id is None:
        raise Invalid("price_id is missing: say what to sell.")


def _begin(connection: Connection, account: Account, intent: Intent) -> Begun:
    account_id = accounts.ensure(connection, [account])[account]
    before = operations.earlier(connection, account_id, intent)
    return before or operations.begin(connection, account_id, intent, now=utcnow())


async def _opened(payments: Payments, begun: Begun, session: str) -> CheckoutCreated:
    row = await queried(payments.engine, queries.checkout, [begun.operation.account_id], session)
    if row.checkout_url is None:
        raise Conflict(f"The checkout {session} is no longer open. Open another one.", code="checkout_closed")
    return CheckoutCreated(session_id=session, checkout_url=row.checkout_url)
