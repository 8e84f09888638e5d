"""Changing subscriptions: checked under a lock, one change at a time, answered as the provider answers."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from contextlib import suppress
from dataclasses import replace
from typing import TYPE_CHECKING, Any, TypeAlias

from pydantic import BaseModel
from sqlalchemy import Connection, Row, select

from overseer_payment import operations, tables
from overseer_payment.asking.planning import Wish, as_change, as_pause, as_resumption, cancellation
from overseer_payment.committing import committed, queried
from overseer_payment.database import utcnow
from overseer_payment.errors import (
    Conflict,
    NotFound,
    NotSupported,
    ObjectAbsent,
    PaymentError,
    ProviderRejected,
)
from overseer_payment.ledger import accounts
from overseer_payment.ledger.accounts import Account
from overseer_payment.operations import Begun, Intent
from overseer_payment.provider import Capability, ChangesSubscriptions, Kind, Ref
from overseer_payment.requesting import as_request
from overseer_payment.schemas import (
    CancelBody,
    ChangePlanBody,
    ChangePreview,
    PauseBody,
    SubscriptionRow,
    Viewer,
)
from overseer_payment.shown.invoices import as_upcoming

if TYPE_CHECKING:
    from overseer_payment.service import Payments

CANCEL, RESUME, PAUSE, CHANGE = (
    "subscription_cancel",
    "subscription_resume",
    "subscription_pause",
    "subscription_change",
)
_KINDS = (CANCEL, RESUME, PAUSE, CHANGE)
_table = tables.subscription
_Check: TypeAlias = Callable[[Row[Any]], Wish]


async def cancel(
    payments: Payments, viewer: Viewer, id: str, body: CancelBody, *, idempotency_key: str | None = None
) -> SubscriptionRow:
    """End a subscription at the end of its period, or now and for good. Gives no money back.

    404 no such subscription; 409 it has ended, or is to end already; 403 without `payment.manage`.
    """
    found = await _visible(payments, viewer, id)
    asked = _asked(CANCEL, viewer, found, body, idempotency_key)
    return await _carried_out(payments, viewer, asked, lambda row: cancellation(row, body))


async def resume(
    payments: Payments, viewer: Viewer, id: str, *, idempotency_key: str | None = None
) -> SubscriptionRow:
    """Let a subscription go on: takes back a planned end, and ends a pause of either kind.

    404 no such subscription; 409 it has ended, or is neither to end nor paused; 403.
    """
    found = await _visible(payments, viewer, id)
    asked = _asked(RESUME, viewer, found, None, idempotency_key)
    return await _carried_out(payments, viewer, asked, as_resumption)


async def pause(
    payments: Payments, viewer: Viewer, id: str, body: PauseBody, *, idempotency_key: str | None = None
) -> SubscriptionRow:
    """Stop collecting for a subscription, or (`kind` subscription) stop it until it is resumed.

    404 no such subscription; 409 it has ended, is paused already, or can't be paused as it stands; 403.
    """
    found = await _visible(payments, viewer, id)
    asked = _asked(PAUSE, viewer, found, body, idempotency_key)
    return await _carried_out(payments, viewer, asked, lambda row: as_pause(row, body))


async def change_plan(
    payments: Payments, viewer: Viewer, id: str, body: ChangePlanBody, *, idempotency_key: str | None = None
) -> SubscriptionRow:
    """Another price, quantity or end of trial for one item of a subscription.

    404 no such subscription; 409 it has ended; 422 it isn't said which of several items, nothing would
    change, or the provider refuses the price; 403.
    """
    found = await _visible(payments, viewer, id)
    asked = _asked(CHANGE, viewer, found, body, idempotency_key)
    return await _carried_out(payments, viewer, asked, lambda row: as_change(row, body))


async def preview_change(payments: Payments, viewer: Viewer, id: str, body: ChangePlanBody) -> ChangePreview:
    """What `change_plan` with the same body would cost now. Changes nothing and stores nothing."""
    found = await _visible(payments, viewer, id)
    account, row = await queried(payments.engine, _with_account, found.id)
    _require_ours(payments, account, CHANGE)
    request = as_change(row, body)
    provider = payments.registry.get(account.provider)
    assert isinstance(provider, ChangesSubscriptions)  # it declares so
    try:
        told = await provider.preview_change(request)
    except ObjectAbsent as error:
        # The subscription is here: what is absent is what was asked for, as the change itself would say.
        raise ProviderRejected(error.detail) from None
    now, following = told.now, told.next
    shown = now or following
    return ChangePreview(
        subscription_id=found.id,
        currency=shown.currency if shown else found.currency,
        due_now=now.amount_due if now else 0,
        lines=as_upcoming(found.id, shown).lines if shown else [],
        next_invoice=as_upcoming(found.id, following) if following else None,
        proration_date=told.proration_date,
    )


async def _visible(payments: Payments, viewer: Viewer, id: str) -> SubscriptionRow:
    """The row, if there is one for this viewer; only then are they told that they may not change it."""
    found = await payments.subscription(viewer, id)
    viewer.require("payment.manage")
    return found


def _asked(
    kind: str, viewer: Viewer, found: SubscriptionRow, body: BaseModel | None, key: str | None
) -> Intent:
    request: Mapping[str, Any] = body.model_dump(mode="json") if body is not None else {}
    return Intent(kind=kind, actor=viewer.actor, target=str(found.id), request=request, client_key=key)


async def _carried_out(payments: Payments, viewer: Viewer, asked: Intent, check: _Check) -> SubscriptionRow:
    account, begun = await committed(payments.engine, _begin, payments, asked, check)
    try:
        await payments.sender.carry_out(account, begun)
    except ProviderRejected:
        await _look_why(payments, account, begun, check)
        raise
    return await payments.subscription(viewer, str(asked.target))


def _begin(connection: Connection, payments: Payments, asked: Intent, check: _Check) -> tuple[Account, Begun]:
    """Under the subscription's lock: may it be changed so? Then store the operation."""
    account, row = _with_account(connection, int(asked.target or 0), lock=True)
    before = operations.earlier(connection, row.account_id, asked)
    if before is not None:
        return account, before
    _require_ours(payments, account, asked.kind)
    # Before the state: it is about to be another one.
    _require_none_under_way(connection, row)
    intent = replace(asked, request=as_request(check(row)), asked=asked.digest)
    return account, operations.begin(connection, row.account_id, intent, now=utcnow())


def _with_account(connection: Connection, id: int, *, lock: bool = False) -> tuple[Account, Row[Any]]:
    query = select(_table).where(_table.c.id == id)
    row = connection.execute(query.with_for_update() if lock else query).one_or_none()
    if row is None:
        raise NotFound(f"There is no subscription {id}.")
    return accounts.of(connection, row.account_id), row


def _require_ours(payments: Payments, account: Account, kind: str) -> None:
    payments.require_home(account, "subscription")
    capabilities = payments.registry.spec(account.provider).capabilities
    if Capability.SUBSCRIPTION_CHANGES not in capabilities:
        raise NotSupported("This provider can't change subscriptions through its API: use its dashboard.")
    if kind == PAUSE and Capability.SUBSCRIPTION_PAUSE not in capabilities:
        raise NotSupported("This provider can't pause subscriptions through its API.")


def _require_none_under_way(connection: Connection, row: Row[Any]) -> None:
    """Two changes at once could each be right and together wrong: the second one is asked to look again."""
    if operations.under_way(connection, row.account_id, _KINDS, str(row.id)):
        raise Conflict(
            "A change of this subscription is on its way. Look again in a moment.",
            code="change_under_way",
            retry_after=5,
        )


async def _look_why(payments: Payments, account: Account, begun: Begun, check: _Check) -> None:
    """The provider knows something that we don't: read it. Raises Conflict if that explains its no."""
    with suppress(PaymentError):
        ref = Ref(Kind.SUBSCRIPTION, await queried(payments.engine, _provider_id, begun.operation))
        await payments.sender.look(account, begun.operation.account_id, ref)
    _, row = await queried(payments.engine, _with_account, int(begun.operation.target))
    check(row)


def _provider_id(connection: Connection, operation: Row[Any]) -> str:
    query = select(_table.c.provider_subscription_id).where(_table.c.id == int(operation.target))
    return str(connection.execute(query).scalar_one())
