"""Giving money back: never more than remains, once for each intent, not while a bank decides."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING, Any

from sqlalchemy import Connection, Row, select

from overseer_payment import operations, tables
from overseer_payment.committing import committed, queried
from overseer_payment.database import utcnow
from overseer_payment.errors import Conflict, Invalid, NotFound, NotSupported, ProviderRejected
from overseer_payment.ledger import accounts, queries
from overseer_payment.ledger.accounts import Account
from overseer_payment.ledger.scope import Scope
from overseer_payment.operations import Begun, Intent
from overseer_payment.provider import Capability, RefundRequest
from overseer_payment.recording import OPERATION
from overseer_payment.requesting import as_request
from overseer_payment.schemas import RefundBody, TransactionRow, Viewer
from overseer_payment.shown import refundable

if TYPE_CHECKING:
    from overseer_payment.service import Payments

_ITS_STATE_FORBIDS = frozenset({"charge_already_refunded", "charge_disputed"})


async def refund(
    payments: Payments, viewer: Viewer, id: str, body: RefundBody, client_key: str | None
) -> TransactionRow:
    """Give money back. See `Payments.refund`."""
    found = await payments.transaction(viewer, id)
    viewer.require("payment.refund")
    account, begun = await committed(
        payments.engine, _begin, payments, viewer.actor, found.id, body, client_key
    )
    try:
        made = await payments.sender.carry_out(account, begun)
    except ProviderRejected as error:
        if error.code in _ITS_STATE_FORBIDS:
            raise Conflict(error.detail, code=error.code) from None
        raise
    scope = Scope((begun.operation.account_id,))
    return await queried(payments.engine, queries.transaction, scope, made)


def _begin(
    connection: Connection,
    payments: Payments,
    actor: str,
    id: int,
    body: RefundBody,
    client_key: str | None,
) -> tuple[Account, Begun]:
    """Under the payment's lock: may this much still be given back? Then reserve it."""
    row = _locked(connection, id)
    account = accounts.of(connection, row.account_id)
    asked = Intent(
        kind="refund",
        actor=actor,
        target=str(id),
        request={"amount": body.amount, "reason": body.reason},
        client_key=client_key,
    )
    before = operations.earlier(connection, row.account_id, asked)
    if before is not None:
        return account, before
    refundable.require(connection, payments, account, row)
    amount = _amount(connection, payments, account, row, body)
    key = Intent.fresh_key()
    intent = replace(
        asked,
        request=as_request(_request(row, amount, body.reason, key)),
        transaction_id=id,
        amount=amount,
        currency=row.currency,
        reason=body.reason,
        key=key,
        asked=asked.digest,
    )
    return account, operations.begin(connection, row.account_id, intent, now=utcnow())


def _locked(connection: Connection, id: int) -> Row[Any]:
    table = tables.transaction
    row = connection.execute(select(table).where(table.c.id == id).with_for_update()).one_or_none()
    if row is None:  # folded into another row since we looked
        raise NotFound(f"There is no transaction {id}.")
    return row


def _request(row: Row[Any], amount: int, reason: str | None, key: str) -> RefundRequest:
    by_charge = row.provider_transaction_id == row.charge_ref
    return RefundRequest(
        amount=amount,
        currency=row.currency,
        payment=None if by_charge else row.provider_transaction_id,
        charge=row.charge_ref if by_charge else None,
        reason=reason,
        metadata={OPERATION: key},
    )


def _amount(
    connection: Connection, payments: Payments, account: Account, row: Row[Any], body: RefundBody
) -> int:
    remaining = refundable.remaining(connection, row)
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
