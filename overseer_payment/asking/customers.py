"""Who pays: the one customer that a host's user has at the provider, or one that is named.

And whose a customer is: linked to a host's user by staff, taken from them, or nobody's any more.
"""

from __future__ import annotations

import hashlib
from collections.abc import Mapping
from typing import TYPE_CHECKING, Any

from sqlalchemy import Connection, Row, select, update

from overseer_payment import operations, tables
from overseer_payment.asking import erasing
from overseer_payment.committing import committed, queried
from overseer_payment.database import utcnow
from overseer_payment.errors import Conflict, Forbidden, NotFound, NotSupported, ObjectAbsent
from overseer_payment.ledger import accounts
from overseer_payment.ledger.accounts import Account
from overseer_payment.operations import Begun, Intent
from overseer_payment.provider import Capability, CustomerRequest
from overseer_payment.recording import OPERATION
from overseer_payment.requesting import as_request
from overseer_payment.schemas import CustomerDetail, CustomerRow, EraseBody, Erased, Viewer

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
    require_living(found)
    if await _account_of(payments, found) != account:
        raise NotFound(f"There is no customer {id}.")
    return found.provider_customer_id


async def of_user(payments: Payments, viewer: Viewer, account: Account) -> str:
    """The one provider customer of a host user, made at first need.

    The operation's key follows from the user, so requests at the same moment make one customer.
    """
    found = await committed(payments.engine, _find_or_begin, viewer, account)
    if isinstance(found, str):
        return found
    try:
        return await payments.sender.carry_out(account, found)
    except ObjectAbsent:
        # An attempt of days ago never took effect, which is known now: this is a new decision.
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
    key = _unused_key(connection, account_id, viewer.user.id)
    marks = {USER: viewer.user.id, OPERATION: key}
    request = CustomerRequest(name=viewer.user.name or None, metadata=marks)
    intent = Intent(
        kind="customer",
        actor=viewer.actor,
        target=viewer.user.id,
        request=as_request(request),
        key=key,
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
        if not _is_spent(connection, account_id, key, user_id):
            return key
        generation += 1


def _is_spent(connection: Connection, account_id: int, key: str, user_id: str) -> bool:
    found = operations.by_key(connection, key)
    if found is None or found.status in operations.OPEN:
        return False
    if found.status == operations.FAILED:
        return True
    its = select(_customer.deleted, _customer.user_id).where(
        _customer.account_id == account_id, _customer.provider_customer_id == found.result
    )
    made = connection.execute(its).one_or_none()
    # Deleted, or taken from this user since: then they get another.
    return made is None or made.deleted or made.user_id != user_id


# -- whose it is ------------------------------------------------------------------------------------


def require_living(found: CustomerRow) -> None:
    """Raises Conflict for a customer with whom no business can be done any more."""
    if found.deleted:
        raise Conflict(f"The customer {found.id} was deleted.", code="customer_deleted")
    if found.erased_at is not None:
        raise Conflict(f"The customer {found.id} was erased.", code="customer_erased")


async def home_of(payments: Payments, found: CustomerRow) -> Account:
    """The account of a customer, if a configured key belongs to it. Raises Conflict."""
    account = await _account_of(payments, found)
    payments.require_home(account, "customer")
    return account


async def _account_of(payments: Payments, found: CustomerRow) -> Account:
    # Not by provider and mode: example data may share both with the real account.
    def ask(connection: Connection) -> Account:
        of = connection.execute(select(_customer.account_id).where(_customer.id == found.id)).scalar_one()
        return next(account for account, id in accounts.known(connection).items() if id == of)

    return await queried(payments.engine, ask)


async def link(
    payments: Payments, viewer: Viewer, id: str, user_id: str, *, idempotency_key: str | None = None
) -> CustomerDetail:
    """Say that a customer is this user of the host, who then sees its rows and pays as it.

    Twice is no error. Raises NotFound, Forbidden, and Conflict where it is linked to somebody else or
    erased: unlink it first, so that nobody is handed another's payments by a slip.
    """
    found = await _to_manage(payments, viewer, id)
    intent = _intent("customer_link", viewer, found, {"user_id": user_id}, idempotency_key)
    await committed(payments.engine, _set_user, found.id, intent, user_id)
    return await payments.customer(viewer, str(found.id))


async def unlink(
    payments: Payments, viewer: Viewer, id: str, *, idempotency_key: str | None = None
) -> CustomerDetail:
    """Take a customer from its user, who then gets a new one at the next checkout. Twice is no error."""
    found = await _to_manage(payments, viewer, id)
    intent = _intent("customer_unlink", viewer, found, {"user_id": None}, idempotency_key)
    await committed(payments.engine, _set_user, found.id, intent, None)
    return await payments.customer(viewer, str(found.id))


async def _to_manage(payments: Payments, viewer: Viewer, id: str) -> CustomerDetail:
    found = await payments.customer(viewer, id)
    viewer.require("payment.manage")
    return found


def _intent(
    kind: str, viewer: Viewer, found: CustomerRow, request: Mapping[str, Any], client_key: str | None
) -> Intent:
    return Intent(
        kind=kind,
        actor=viewer.actor,
        target=found.provider_customer_id,
        request=request,
        client_key=client_key,
    )


def _set_user(connection: Connection, id: int, intent: Intent, user_id: str | None) -> None:
    row = locked(connection, id)
    if not operations.note(connection, row.account_id, intent, now=utcnow()):
        return
    if user_id is not None and row.erased_at is not None:
        raise Conflict(
            f"The customer {id} was erased: there is nobody to link it to.", code="customer_erased"
        )
    if user_id is not None and row.user_id not in (None, user_id):
        raise Conflict("This customer is linked to another user. Unlink it first.", code="already_linked")
    connection.execute(update(tables.customer).where(_customer.id == id).values(user_id=user_id))


def locked(connection: Connection, id: int) -> Row[Any]:
    """The customer's row, held until the transaction ends."""
    return connection.execute(select(tables.customer).where(_customer.id == id).with_for_update()).one()


# -- nobody's any more ---------------------------------------------------------------------------------


async def erase(
    payments: Payments, viewer: Viewer, id: str, body: EraseBody, *, idempotency_key: str | None = None
) -> Erased:
    """Erase whom a customer is about and keep the books: `erasing` says how. Twice is no error.

    Raises NotFound, Forbidden; with `at_provider` also NotSupported, Conflict and ProviderError, the
    latter after everything here is erased: then ask again.
    """
    found = await _to_manage(payments, viewer, id)
    account = await _able_to_delete(payments, found) if body.at_provider else None
    intent = _intent("customer_erasure", viewer, found, {"at_provider": body.at_provider}, idempotency_key)
    events = await erasing.erase(payments.engine, found.id, intent)
    if account is not None:
        await erasing.delete_there(payments.engine, payments.sender, account, found, viewer.actor)
    after = await payments.customer(viewer, str(found.id))
    row = CustomerRow.model_validate(after.model_dump(include=set(CustomerRow.model_fields)))
    return Erased(customer=row, events=events, deleted_at_provider=after.deleted)


async def _able_to_delete(payments: Payments, found: CustomerRow) -> Account:
    """Asked before anything is erased. Raises Conflict, NotSupported."""
    account = await home_of(payments, found)
    spec = payments.registry.spec(account.provider)
    if Capability.CUSTOMER_DELETE not in spec.capabilities:
        raise NotSupported(f"{spec.title} can't delete customers through its API. Delete it there by hand.")
    return account
