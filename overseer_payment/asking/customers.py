"""Who pays: the one customer that a host's user has at the provider, or one that is named."""

from __future__ import annotations

import hashlib
from typing import TYPE_CHECKING

from sqlalchemy import Connection, select

from overseer_payment import operations, tables
from overseer_payment.committing import committed
from overseer_payment.database import utcnow
from overseer_payment.errors import Conflict, Forbidden, NotFound
from overseer_payment.ledger import accounts
from overseer_payment.ledger.accounts import Account
from overseer_payment.operations import Begun, Intent
from overseer_payment.provider import CustomerRequest
from overseer_payment.requesting import as_request
from overseer_payment.schemas import Viewer

if TYPE_CHECKING:
    from overseer_payment.service import Payments

USER = "overseer_user"
"""Metadata key under which the provider keeps the host's user id of a customer we made."""

_customer = tables.customer.c


async def paying(payments: Payments, viewer: Viewer, account: Account, named: str | None) -> str | None:
    """The provider's id of the customer who will pay, or None for a guest."""
    if named is not None:
        return await _named(payments, viewer, account, named)
    if viewer.user is None or "payment.manage" in viewer.permissions:
        return None
    return await of_user(payments, viewer, account)


async def _named(payments: Payments, viewer: Viewer, account: Account, id: str) -> str:
    found = await payments.customer(viewer, id)
    own = viewer.user is not None and found.user_id == viewer.user.id
    if not own and "payment.manage" not in viewer.permissions:
        raise Forbidden("You may open a checkout only for yourself (payment.manage: for others too).")
    if found.deleted:
        raise Conflict(f"The customer {id} was deleted.", code="customer_deleted")
    if (found.provider, found.livemode) != (account.provider, account.livemode):
        raise NotFound(f"There is no customer {id}.")
    return found.provider_customer_id


async def of_user(payments: Payments, viewer: Viewer, account: Account) -> str:
    """The one provider customer of a host user, made at first need.

    The operation's key follows from the user, so requests at the same moment make one customer.
    """
    found = await committed(payments.engine, _find_or_begin, viewer, account)
    return found if isinstance(found, str) else await payments.sender.carry_out(account, found)


def _find_or_begin(connection: Connection, viewer: Viewer, account: Account) -> str | Begun:
    assert viewer.user is not None
    account_id = accounts.ensure(connection, [account])[account]
    mine = select(_customer.provider_customer_id).where(
        _customer.account_id == account_id, _customer.user_id == viewer.user.id, _customer.deleted.is_(False)
    )
    known = connection.execute(mine.order_by(_customer.id).limit(1)).scalar_one_or_none()
    if known is not None:
        return str(known)
    request = CustomerRequest(name=viewer.user.name or None, metadata={USER: viewer.user.id})
    intent = Intent(
        kind="customer",
        actor=viewer.actor,
        target=viewer.user.id,
        request=as_request(request),
        key=_unused_key(connection, account_id, viewer.user.id),
    )
    return operations.begin(connection, account_id, intent, now=utcnow())


def _unused_key(connection: Connection, account_id: int, user_id: str) -> str:
    """The user's key for as long as its customer may come to be; after a refusal or a deletion the next."""
    table = tables.provider
    # Another installation may share the provider's account and have a user of the same id.
    made = connection.execute(select(table.c.created_at).where(table.c.id == account_id)).scalar_one()
    generation = 0
    while True:
        text = f"{made.isoformat()}\n{account_id}\n{user_id}\n{generation}"
        key = f"customer_{hashlib.sha256(text.encode()).hexdigest()[:40]}"
        if not _is_spent(connection, account_id, key):
            return key
        generation += 1


def _is_spent(connection: Connection, account_id: int, key: str) -> bool:
    found = operations.by_key(connection, key)
    if found is None or found.status in operations.OPEN:
        return False
    if found.status == operations.FAILED:
        return True
    its = select(_customer.deleted).where(
        _customer.account_id == account_id, _customer.provider_customer_id == found.result
    )
    return connection.execute(its).scalar_one_or_none() is not False
