"""May this dispute be answered in this way? Asked under its lock, before the operation is stored."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from typing import TYPE_CHECKING, Any

from sqlalchemy import Connection, Row, select

from overseer_payment import operations, tables
from overseer_payment.database import utcnow
from overseer_payment.errors import Conflict, NotFound, NotSupported
from overseer_payment.ledger import accounts, queries
from overseer_payment.ledger.accounts import Account
from overseer_payment.operations import Begun, Intent
from overseer_payment.provider import AWAITS_RESPONSE, DisputeKind
from overseer_payment.schemas import Deadline
from overseer_payment.shown.disputes import answering

if TYPE_CHECKING:
    from overseer_payment.service import Payments

STAGING, SUBMISSION, ACCEPTANCE, UPLOAD = (
    "dispute_evidence",
    "dispute_submission",
    "dispute_acceptance",
    "dispute_file",
)
_FINAL = (SUBMISSION, ACCEPTANCE)
_EVIDENCE = (STAGING, SUBMISSION)
_table = tables.dispute


def begin(
    connection: Connection, payments: Payments, asked: Intent, request: Mapping[str, Any]
) -> tuple[Account, Begun]:
    """Under the dispute's lock: may it be answered in this way? Then store the operation."""
    row = _locked(connection, int(asked.target or 0))
    account = accounts.of(connection, row.account_id)
    before = operations.earlier(connection, row.account_id, asked)
    if before is not None:
        return account, before
    _require_ours(payments, account)
    require_answerable(row, accepting=asked.kind == ACCEPTANCE)
    _require_none_under_way(connection, row, asked.kind)
    conceded = asked.kind == ACCEPTANCE
    intent = replace(
        asked,
        request=request,
        transaction_id=row.transaction_id,
        amount=row.amount if conceded else None,
        currency=(row.currency or None) if conceded else None,
        asked=asked.digest,
    )
    return account, operations.begin(connection, row.account_id, intent, now=utcnow())


def _locked(connection: Connection, id: int) -> Row[Any]:
    row = connection.execute(select(_table).where(_table.c.id == id).with_for_update()).one_or_none()
    if row is None:
        raise NotFound(f"There is no dispute {id}.")
    return row


def _require_ours(payments: Payments, account: Account) -> None:
    payments.require_home(account, "dispute")
    if answering(payments, account.provider) is None:
        raise NotSupported("This provider takes no answers to disputes through its API: use its dashboard.")


def require_answerable(row: Row[Any], *, accepting: bool = False) -> None:
    """Raises Conflict, saying why and what to do instead, if the bank takes no (such) answer."""
    if row.kind == DisputeKind.FRAUD_WARNING:
        raise Conflict(
            "An early fraud warning can't be answered: refund the payment, or leave it.",
            code="refund_instead",
        )
    if row.status not in AWAITS_RESPONSE:
        if row.status in queries.OPEN_STATES:
            raise Conflict("Evidence was submitted; the bank decides now.", code="already_submitted")
        raise Conflict(f"This dispute is over ({row.status}). Nothing can be added.", code="dispute_closed")
    if accepting and row.kind == DisputeKind.INQUIRY:
        raise Conflict(
            "An inquiry can't be accepted: refund the payment, or answer the bank.", code="refund_instead"
        )
    stands = queries.deadline(row, utcnow())
    if stands is Deadline.CANNOT_RESPOND:
        raise Conflict("The bank takes no answer in this dispute.", code="cannot_respond")
    if stands is Deadline.PAST_DUE:
        raise Conflict("The deadline for an answer has passed.", code="past_due")


def _require_none_under_way(connection: Connection, row: Row[Any], kind: str) -> None:
    """While what is final is on its way, nothing else may overtake it; nor other evidence while evidence is.

    Evidence whose outcome is unknown is sent again: later than what was staged since, it would replace that.
    """
    blocking = {*_FINAL, *_EVIDENCE} if kind in _EVIDENCE else _FINAL
    if operations.under_way(connection, row.account_id, blocking, str(row.id)):
        raise Conflict(
            "An answer to this dispute is on its way. Look again in a moment.",
            code="answer_under_way",
            retry_after=5,
        )
