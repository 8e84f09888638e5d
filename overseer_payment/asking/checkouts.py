"""Opening hosted checkouts, and closing those that nobody is to pay any more."""

from __future__ import annotations

from contextlib import suppress
from typing import TYPE_CHECKING

from sqlalchemy import Connection, select

from overseer_payment import operations, redirects, tables
from overseer_payment.asking import customers, seconds
from overseer_payment.committing import committed, queried
from overseer_payment.database import utcnow
from overseer_payment.errors import (
    Conflict,
    Forbidden,
    Invalid,
    NotFound,
    NotSupported,
    PaymentError,
    ProviderRejected,
    Unauthenticated,
)
from overseer_payment.ledger import accounts, queries
from overseer_payment.ledger.accounts import Account
from overseer_payment.operations import Begun, Intent
from overseer_payment.provider import Capability, CheckoutMode, CheckoutRequest, CheckoutStatus, Kind, Ref
from overseer_payment.requesting import as_request
from overseer_payment.schemas import CheckoutBody, CheckoutCreated, CheckoutRow, Viewer

if TYPE_CHECKING:
    from overseer_payment.asking.seconds import Wish
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
    """Open a hosted checkout. Who may not manage others opens it for themselves only.

    Raises Conflict `already_subscribed` for what the customer subscribes to already.
    """
    if viewer.user is None and not viewer.permissions:
        raise Unauthenticated("Sign in to open a checkout.")
    account = payments.home(body.provider)
    spec = payments.registry.spec(account.provider)
    _require_own_terms(payments, viewer, body)
    _require_sellable(body, spec.capabilities, spec.title)
    request = await _request(payments, viewer, account, body)
    _require_terms(request, spec.capabilities, spec.title)
    intent = Intent(
        kind="checkout",
        actor=viewer.actor,
        target=_buyer(viewer),
        request=as_request(request),
        client_key=client_key,
    )
    wish = await _second(payments, account, request, body)
    begun = await committed(payments.engine, _begin, account, intent, wish)
    return await _opened(payments, begun, await payments.sender.carry_out(account, begun))


async def _request(
    payments: Payments, viewer: Viewer, account: Account, body: CheckoutBody
) -> CheckoutRequest:
    # Before anything is made at the provider: URLs that can't be used.
    success = redirects.success_url(payments.settings, body.success_url)
    cancel = redirects.cancel_url(payments.settings, body.cancel_url)
    taxed = payments.settings.automatic_tax and body.mode is not CheckoutMode.SETUP
    customer = await customers.paying(payments, viewer, account, body.customer_id)
    if customer is not None and body.customer_email is not None:
        raise Invalid("A checkout takes a customer or an e-mail address, not both.")
    return CheckoutRequest(
        mode=body.mode,
        success_url=success,
        cancel_url=cancel,
        price=body.price_id,
        quantity=body.quantity,
        currency=body.currency,
        customer=customer,
        email=body.customer_email,
        create_customer=body.create_customer,
        client_reference=_buyer(viewer),
        trial_period_days=body.trial_period_days,
        discount=body.discount,
        promotion_code=body.promotion_code,
        allow_promotion_codes=body.allow_promotion_codes,
        automatic_tax=taxed if body.automatic_tax is None else body.automatic_tax,
        collect_tax_id=body.collect_tax_id,
        expires_at=body.expires_at,
        metadata=body.metadata,
    )


def _buyer(viewer: Viewer) -> str | None:
    """The host's user who is to pay; None of staff: they open checkouts for others, who get what is paid."""
    if viewer.user is None or "payment.manage" in viewer.permissions:
        return None
    return viewer.user.id


def _require_own_terms(payments: Payments, viewer: Viewer, body: CheckoutBody) -> None:
    """A buyer chooses what to buy, not on which terms: those are the seller's."""
    if "payment.manage" not in viewer.permissions:
        if body.trial_period_days is not None:
            raise Forbidden("Only staff (payment.manage) can offer a trial.")
        if body.discount is not None:
            raise Forbidden(
                "Only staff (payment.manage) can give a discount; a promotion code anybody can use."
            )
        if body.automatic_tax not in (None, payments.settings.automatic_tax):
            raise Forbidden("Only staff (payment.manage) decide whether a checkout computes tax.")
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
    if body.expires_at is not None and body.expires_at <= utcnow():
        raise Invalid("expires_at is over already.")
    if body.mode is CheckoutMode.SETUP:
        if body.price_id is not None:
            raise Invalid("A setup checkout sells nothing: leave price_id out.")
        if body.currency is None:
            raise Invalid("A setup checkout needs a currency.")
    elif body.price_id is None:
        raise Invalid("price_id is missing: say what to sell.")


def _require_terms(request: CheckoutRequest, capabilities: frozenset[Capability], title: str) -> None:
    if request.mode is CheckoutMode.SETUP and (request.is_discounted or request.is_taxed):
        raise Invalid("A setup checkout sells nothing: leave discounts and tax out.")
    if sum(map(bool, (request.discount, request.promotion_code, request.allow_promotion_codes))) > 1:
        raise Invalid("A checkout takes one coupon or one promotion code, or lets the buyer type one.")
    if request.is_discounted and Capability.DISCOUNTS not in capabilities:
        raise NotSupported(f"{title} can't do discounts in a checkout.")
    if request.is_taxed and Capability.AUTOMATIC_TAX not in capabilities:
        raise NotSupported(f"{title} can't compute tax in a checkout.")


async def _second(
    payments: Payments, account: Account, request: CheckoutRequest, body: CheckoutBody
) -> Wish | None:
    """What must not be subscribed to already; None where it may."""
    subscribes = request.mode is CheckoutMode.SUBSCRIPTION and not body.allow_second
    if not subscribes or request.customer is None or request.price is None:
        return None
    return await seconds.wish(payments, account, request.customer, request.price)


def _begin(connection: Connection, account: Account, intent: Intent, wish: Wish | None) -> Begun:
    account_id = accounts.ensure(connection, [account])[account]
    # First: what was opened under this key is answered again, whatever became of it.
    before = operations.earlier(connection, account_id, intent)
    if before is not None:
        return before
    if wish is not None:
        seconds.require_first(connection, account_id, wish)
    return operations.begin(connection, account_id, intent, now=utcnow())


async def _opened(payments: Payments, begun: Begun, session: str) -> CheckoutCreated:
    """The answer as it was first given: a replay tells the page also when it was paid meanwhile."""
    kept = await queried(payments.engine, operations.again, begun.operation.id)
    if kept.answer is not None:
        return CheckoutCreated(session_id=session, checkout_url=kept.answer)
    row = await queried(payments.engine, queries.checkout, [begun.operation.account_id], session)
    if row.checkout_url is None:
        raise Conflict(f"The checkout {session} is no longer open. Open another one.", code="checkout_closed")
    return CheckoutCreated(session_id=session, checkout_url=row.checkout_url)


# -- closing ----------------------------------------------------------------------------------------


async def expire(
    payments: Payments, viewer: Viewer, session_id: str, *, idempotency_key: str | None = None
) -> CheckoutRow:
    """Close an open checkout, so that nobody pays it; for its buyer, and for staff with `payment.manage`.

    One that has expired already is no error. Raises NotFound, Forbidden, Conflict for one that was paid,
    NotSupported, ProviderError.
    """
    row = await payments.checkout(viewer, session_id)
    await _require_own(payments, viewer, session_id)
    account = await queried(payments.engine, _account_of, session_id)
    if row.status is CheckoutStatus.COMPLETE:
        raise _paid(session_id)
    if row.status is CheckoutStatus.EXPIRED:
        return row
    payments.require_home(account, "checkout")
    spec = payments.registry.spec(account.provider)
    if Capability.CHECKOUT_EXPIRE not in spec.capabilities:
        raise NotSupported(f"{spec.title} can't close checkouts through its API.")
    intent = Intent(
        kind="checkout_expiry",
        actor=viewer.actor,
        target=session_id,
        request={"session": session_id},
        client_key=idempotency_key,
    )
    begun = await committed(payments.engine, _begin, account, intent, None)
    try:
        await payments.sender.carry_out(account, begun)
    except ProviderRejected:
        # It was open when we looked. Whether somebody paid in between is for the session to say.
        with suppress(PaymentError):
            ref = Ref(Kind.CHECKOUT, session_id)
            await payments.sender.look(account, begun.operation.account_id, ref)
        stands = await payments.checkout(viewer, session_id)
        if stands.status is CheckoutStatus.COMPLETE:
            raise _paid(session_id) from None
        if stands.status is CheckoutStatus.EXPIRED:
            return stands
        raise
    return await payments.checkout(viewer, session_id)


async def _require_own(payments: Payments, viewer: Viewer, session_id: str) -> None:
    if "payment.manage" in viewer.permissions:
        return
    try:
        await payments.checkout(Viewer(viewer.actor, viewer.user), session_id)
    except NotFound:
        raise Forbidden("You may close only your own checkouts (payment.manage: others' too).") from None


def _account_of(connection: Connection, session_id: str) -> Account:
    table = tables.checkout.c
    found = connection.execute(select(table.account_id).where(table.session_id == session_id).limit(1))
    return accounts.of(connection, found.scalar_one())


def _paid(session_id: str) -> Conflict:
    return Conflict(f"The checkout {session_id} is complete: nothing is open.", code="checkout_complete")
