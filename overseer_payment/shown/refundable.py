"""May this payment be refunded, and how much of it? One decision for who refunds and for what is offered."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from sqlalchemy import Connection, Row, func, select

from overseer_payment import operations, tables
from overseer_payment.errors import Conflict, NotSupported
from overseer_payment.ledger import accounts, queries
from overseer_payment.ledger.accounts import Account
from overseer_payment.provider import Capability, DisputeKind, Kind

if TYPE_CHECKING:
    from overseer_payment.shown.views import Views

_DOCUMENTS = (Kind.INVOICE.value, Kind.CHECKOUT.value)


def remaining(connection: Connection, row: Row[Any]) -> int:
    """Minor units that can still be refunded, less what refunds under way may take."""
    return int(row.amount_refundable) - operations.reserved(connection, row.id)


def refused(connection: Connection, payments: Views, row: Row[Any]) -> str | None:
    """The code under which a refund would be refused now; None where it would be taken."""
    account = accounts.of(connection, row.account_id)
    try:
        require(connection, payments, account, row)
    except (Conflict, NotSupported) as error:
        return error.code
    return None if remaining(connection, row) > 0 else "nothing_left"


def require(connection: Connection, payments: Views, account: Account, row: Row[Any]) -> None:
    """Raises Conflict or NotSupported, saying why and what to do, where nothing of it can be refunded now."""
    if row.type == "refund":
        raise Conflict("A refund can't be refunded. Choose the payment.", code="is_refund")
    payments.require_home(account, "payment")
    if Capability.REFUND not in payments.registry.spec(account.provider).capabilities:
        raise NotSupported("This provider can't refund through its API.")
    if row.placeholder:
        raise Conflict("This payment is not known well enough yet. Try again shortly.", code="not_known")
    if row.status not in {"succeeded", "partially_refunded", "refunded"}:
        raise Conflict(f"This payment is {row.status}: there is nothing to give back.", code="not_refundable")
    if _is_document(connection, row):
        raise Conflict("Which payment this was is not known yet. Try again shortly.", code="not_known")
    if _is_disputed(connection, row):
        raise Conflict(
            "A dispute about this payment is open: answer or accept it instead.", code="dispute_open"
        )


def _is_document(connection: Connection, row: Row[Any]) -> bool:
    """Does an invoice or a session stand in for the payment until the link is known?"""
    known = tables.provider_object.c
    query = select(func.count()).where(
        known.account_id == row.account_id,
        known.provider_id == row.provider_transaction_id,
        known.kind.in_(_DOCUMENTS),
    )
    return bool(connection.execute(query).scalar_one())


def _is_disputed(connection: Connection, row: Row[Any]) -> bool:
    """An open chargeback forbids refunding: the money would go twice. An inquiry does not."""
    dispute = tables.dispute.c
    query = select(func.count()).where(
        dispute.transaction_id == row.id,
        dispute.kind == DisputeKind.CHARGEBACK.value,
        dispute.status.in_(queries.OPEN_STATES),
    )
    return bool(connection.execute(query).scalar_one())
