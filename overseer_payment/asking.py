"""What people ask for: checks it against the ledger, stores it as an operation, sends it, answers the row."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from sqlalchemy import Connection, Row, Table, func, select

from overseer_payment import operations, redirects, tables
from overseer_payment.database import read, utcnow, write
from overseer_payment.errors import (
    Conflict,
    Forbidden,
    Invalid,
    NotFound,
    NotSupported,
    OutcomeUnknown,
    ProviderRejected,
    Unauthenticated,
)
from overseer_payment.ledger import accounts, queries
from overseer_payment.ledger.accounts import Account
from overseer_payment.ledger.scope import Scope
from overseer_payment.operations import Intent
from overseer_payment.provider import (
    Capability,
    CheckoutMode,
    CheckoutRequest,
    CheckoutSnapshot,
    CustomerRequest,
    CustomerSnapshot,
    DisputeKind,
    RefundRequest,
)
from overseer_payment.schemas import CheckoutBody, CheckoutCreated, RefundBody, TransactionRow, Viewer
from overseer_payment.sending import OPERATION, as_request

if TYPE_CHECKING:
    from overseer_payment.service import Payments

USER = "overseer_user"
"""Metadata key under which the provider keeps the host's user id of a customer we made."""

_MODES = {
    CheckoutMode.PAYMENT: Capability.CHECKOUT_PAYMENT,
    CheckoutMode.SUBSCRIPTION: Capability.CHECKOUT_SUBSCRIPTION,
    CheckoutMode.SETUP: Capability.CHECKOUT_SETUP,
}


def account_of(connection: Connection, table: Table, id: int) -> int:
    """The account that a row of ours belongs to."""
    return int(connection.execute(select(table.c.account_id).where(table.c.id == id)).scalar_one())


# -- refunds ----------------------------------------------------------------------------------------


async def refund(
    payments: Payments, viewer: Viewer, id: str, body: RefundBody, client_key: str | None
) -> TransactionRow:
    """Give money back, once for each intent. See `Payments.refund`."""
    found = await payments.transaction(viewer, id)
    viewer.require("payment.refund")
    async with write(payments.engine) as connection:
        account, operation = await connection.run_sync(
            _begin_refund, payments, viewer, found.id, body, client_key
        )
    if operation.status == operations.FAILED:
        raise ProviderRejected(
            operation.error or "The provider refused this refund.", code=operation.error_code
        )
    if operation.status in operations.OPEN:
        try:
            snapshots = await payments.sender.run(account, operation)
        except ProviderRejected as error:
            if error.code in {"charge_already_refunded", "charge_disputed"}:
                raise Conflict(error.detail, code=error.code) from None
            raise
        result = snapshots[0].id
    else:
        result = operation.result
    return await _refund_row(payments, operation.account_id, result)


def _begin_refund(
    connection: Connection,
    payments: Payments,
    viewer: Viewer,
    id: int,
    body: RefundBody,
    client_key: str | None,
) -> tuple[Account, Row[Any]]:
    """Under the payment's lock: may this much still be given back? Then reserve it."""
    table = tables.transaction
    row = connection.execute(select(table).where(table.c.id == id).with_for_update()).one_or_none()
    if row is None:
        raise NotFound(f"There is no transaction {id}.")
    by_id = {known: account for account, known in accounts.known(connection).items()}
    account = by_id[row.account_id]
    asked = {"amount": body.amount, "reason": body.reason}
    intent = Intent(kind="refund", actor=viewer.actor, target=str(id), request=asked, client_key=client_key)
    before = operations.earlier(connection, row.account_id, intent)
    if before is not None:
        return account, before
    amount = _refund_amount(connection, payments, account, row, body)
    key = Intent.fresh_key()
    request = RefundRequest(
        amount=amount,
        currency=row.currency,
        payment=row.provider_transaction_id if row.provider_transaction_id != row.charge_ref else None,
        charge=row.charge_ref if row.provider_transaction_id == row.charge_ref else None,
        reason=body.reason,
        metadata={OPERATION: key},
    )
    sent = Intent(
        kind="refund",
        actor=viewer.actor,
        target=str(id),
        request=as_request(request),
        transaction_id=id,
        amount=amount,
        currency=row.currency,
        reason=body.reason,
        client_key=client_key,
        key=key,
        asked=intent.digest,
    )
    return account, operations.begin(connection, row.account_id, sent, now=utcnow())


def _refund_amount(
    connection: Connection, payments: Payments, account: Account, row: Row[Any], body: RefundBody
) -> int:
    _require_refundable(connection, payments, account, row)
    remaining = row.amount_refundable - operations.reserved(connection, row.id)
    currencies = payments.currencies(account.provider)
    if remaining <= 0:
        raise Conflict("Nothing is left to refund of this payment.", code="nothing_left")
    amount = remaining if body.amount is None else currencies.check(body.amount, row.currency)
    if amount > remaining:
        left = currencies.format(remaining, row.currency)
        raise Invalid(f"Only {left} of this payment can still be refunded.", code="more_than_remains")
    capabilities = payments.registry.spec(account.provider).capabilities
    if amount < row.amount and Capability.PARTIAL_REFUND not in capabilities:
        raise NotSupported("This provider refunds payments only as a whole.")
    return amount


def _require_refundable(connection: Connection, payments: Payments, account: Account, row: Row[Any]) -> None:
    if row.type == "refund":
        raise Conflict("A refund can't be refunded. Choose the payment.", code="is_refund")
    if row.status not in {"succeeded", "partially_refunded", "refunded"} or row.placeholder:
        raise Conflict(f"This payment is {row.status}: there is nothing to give back.", code="not_refundable")
    if Capability.REFUND not in payments.registry.spec(account.provider).capabilities:
        raise NotSupported("This provider can't refund through its API.")
    if account not in payments.homes():
        raise Conflict(
            "This payment belongs to another account than the configured key.", code="other_account"
        )
    dispute = tables.dispute
    query = select(func.count()).where(
        dispute.c.transaction_id == row.id,
        dispute.c.kind == DisputeKind.CHARGEBACK.value,
        dispute.c.status.in_(queries.OPEN_STATES),
    )
    if connection.execute(query).scalar_one():
        raise Conflict(
            "A dispute about this payment is open: answer or accept it instead.", code="dispute_open"
        )


async def _refund_row(payments: Payments, account_id: int, result: str | None) -> TransactionRow:
    if result is None:
        raise OutcomeUnknown("The refund was sent; its row will appear shortly.")
    async with read(payments.engine) as connection:
        return await connection.run_sync(lambda c: queries.transaction(c, Scope((account_id,)), result))


# -- checkout ----------------------------------------------------------------------------------------


async def create_checkout(
    payments: Payments, viewer: Viewer, body: CheckoutBody, client_key: str | None
) -> CheckoutCreated:
    """Open a hosted checkout. Who may not manage others opens it for themselves only."""
    if viewer.user is None and not viewer.permissions:
        raise Unauthenticated("Sign in to open a checkout.")
    account = payments.home(body.provider)
    spec = payments.registry.spec(account.provider)
    _require_sellable(body, spec.capabilities, spec.title)
    customer = await _customer(payments, viewer, account, body)
    wanted = CheckoutRequest(
        mode=body.mode,
        success_url=redirects.success_url(payments.settings, body.success_url),
        cancel_url=redirects.cancel_url(payments.settings, body.cancel_url),
        price=body.price_id,
        quantity=body.quantity,
        currency=body.currency,
        customer=customer,
        client_reference=viewer.user.id if viewer.user else None,
        trial_period_days=body.trial_period_days,
        metadata=body.metadata,
    )
    intent = Intent(
        kind="checkout",
        actor=viewer.actor,
        target=viewer.user.id if viewer.user else None,
        request=as_request(wanted),
        client_key=client_key,
    )
    async with write(payments.engine) as connection:
        account_id, operation = await connection.run_sync(_begin, account, intent)
    if operation.status in operations.OPEN:
        snapshot = (await payments.sender.run(account, operation))[0]
        assert isinstance(snapshot, CheckoutSnapshot)
        session, url = snapshot.id, snapshot.url
    else:
        session, url = await _opened(payments, account_id, operation)
    if url is None:
        raise Conflict(f"The checkout {session} is no longer open. Open another one.", code="checkout_closed")
    return CheckoutCreated(session_id=session, checkout_url=url)


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


def _begin(connection: Connection, account: Account, intent: Intent) -> tuple[int, Row[Any]]:
    account_id = accounts.ensure(connection, [account])[account]
    before = operations.earlier(connection, account_id, intent)
    if before is not None:
        if before.status == operations.FAILED:
            raise ProviderRejected(before.error or "The provider refused this.", code=before.error_code)
        return account_id, before
    return account_id, operations.begin(connection, account_id, intent, now=utcnow())


async def _opened(payments: Payments, account_id: int, operation: Row[Any]) -> tuple[str, str | None]:
    async with read(payments.engine) as connection:
        row = await connection.run_sync(lambda c: queries.checkout(c, [account_id], operation.result))
    return row.session_id, row.checkout_url


# -- customers ---------------------------------------------------------------------------------------


async def _customer(payments: Payments, viewer: Viewer, account: Account, body: CheckoutBody) -> str | None:
    """The provider's id of the customer who will pay, or None for a guest."""
    if body.customer_id is not None:
        return await _named_customer(payments, viewer, account, body.customer_id)
    if viewer.user is None or "payment.manage" in viewer.permissions:
        return None
    return await customer_of_user(payments, viewer, account)


async def _named_customer(payments: Payments, viewer: Viewer, account: Account, id: str) -> str:
    if "payment.manage" not in viewer.permissions and viewer.user is None:
        raise Forbidden("You may open a checkout only for yourself.")
    found = await payments.customer(viewer, id)
    if found.deleted:
        raise Conflict(f"The customer {id} was deleted.", code="customer_deleted")
    if (found.provider, found.livemode) != (account.provider, account.livemode):
        raise NotFound(f"There is no customer {id}.")
    return found.provider_customer_id


async def customer_of_user(payments: Payments, viewer: Viewer, account: Account) -> str:
    """The one provider customer of a host user, made at first need.

    The operation's key follows from the user, so two requests at the same moment make one customer.
    """
    assert viewer.user is not None
    async with write(payments.engine) as connection:
        known, operation = await connection.run_sync(_begin_customer, account, viewer)
    if known is not None:
        return known
    assert operation is not None
    snapshot = (await payments.sender.run(account, operation))[0]
    assert isinstance(snapshot, CustomerSnapshot)
    return snapshot.id


def _begin_customer(
    connection: Connection, account: Account, viewer: Viewer
) -> tuple[str | None, Row[Any] | None]:
    assert viewer.user is not None
    account_id = accounts.ensure(connection, [account])[account]
    table = tables.customer
    query = select(table.c.provider_customer_id).where(
        table.c.account_id == account_id, table.c.user_id == viewer.user.id, table.c.deleted.is_(False)
    )
    known = connection.execute(query.order_by(table.c.id).limit(1)).scalar_one_or_none()
    if known is not None:
        return known, None
    key = f"customer:{account.provider}:{account_id}:{viewer.user.id}"
    request = CustomerRequest(name=viewer.user.name or None, metadata={USER: viewer.user.id})
    intent = Intent(
        kind="customer", actor=viewer.actor, target=viewer.user.id, request=as_request(request), key=key
    )
    return None, operations.resume_or_begin(connection, account_id, intent, now=utcnow())
