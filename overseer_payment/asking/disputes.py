"""Answering disputes: evidence that is staged and submitted once, and conceding; checked under a lock."""

from __future__ import annotations

from collections.abc import Mapping
from contextlib import suppress
from typing import TYPE_CHECKING, Any

from sqlalchemy import Connection, Row, select

from overseer_payment import tables
from overseer_payment.asking.answering import ACCEPTANCE, STAGING, SUBMISSION, begin, require_answerable
from overseer_payment.asking.dispute_files import add_file
from overseer_payment.asking.evidence import checked
from overseer_payment.committing import committed, queried
from overseer_payment.database import utcnow
from overseer_payment.errors import PaymentError, ProviderRejected
from overseer_payment.ledger.accounts import Account
from overseer_payment.operations import Begun, Intent
from overseer_payment.provider import Kind, Ref
from overseer_payment.recording import take
from overseer_payment.schemas import DisputeDetail, EvidenceBody, Viewer
from overseer_payment.shown.disputes import dispute

if TYPE_CHECKING:
    from overseer_payment.service import Payments

__all__ = ["accept", "add_file", "stage_evidence"]

_table = tables.dispute


async def stage_evidence(
    payments: Payments, viewer: Viewer, id: str, body: EvidenceBody, *, idempotency_key: str | None = None
) -> DisputeDetail:
    """Keep evidence with a dispute; with `body.submit` hand everything staged to the bank, once and for good.

    404 no such dispute; 409 closed, past due, submitted already, or the bank takes no answer; 422 for
    fields that the provider doesn't have or texts that are too long.
    """
    found = await dispute(payments, viewer, id)
    viewer.require("payment.disputes")
    evidence = checked(found, body)
    request = {
        "dispute": found.provider_dispute_id,
        "evidence": evidence,
        "submit": body.submit,
        "submissions": found.submission_count,
    }
    asked = Intent(
        kind=SUBMISSION if body.submit else STAGING,
        actor=viewer.actor,
        target=str(found.id),
        request=body.model_dump(),
        client_key=idempotency_key,
    )
    return await _carried_out(payments, viewer, found, asked, request)


async def accept(
    payments: Payments, viewer: Viewer, id: str, *, idempotency_key: str | None = None
) -> DisputeDetail:
    """Concede a chargeback: it is lost, for good.

    404 no such dispute; 409 closed, submitted, past due, or an inquiry or a warning: refund those instead.
    """
    found = await dispute(payments, viewer, id)
    viewer.require("payment.disputes")
    asked = Intent(
        kind=ACCEPTANCE, actor=viewer.actor, target=str(found.id), request={}, client_key=idempotency_key
    )
    return await _carried_out(payments, viewer, found, asked, {"dispute": found.provider_dispute_id})


async def _carried_out(
    payments: Payments, viewer: Viewer, found: DisputeDetail, asked: Intent, request: Mapping[str, Any]
) -> DisputeDetail:
    account, begun = await committed(payments.engine, begin, payments, asked, request)
    try:
        await payments.sender.carry_out(account, begun)
    except ProviderRejected:
        await _look_why(payments, account, begun, found)
        raise
    return await dispute(payments, viewer, str(found.id))


async def _look_why(payments: Payments, account: Account, begun: Begun, found: DisputeDetail) -> None:
    """The provider knows something that we don't: read it. Raises Conflict if that explains its no."""
    with suppress(PaymentError):
        ref = Ref(Kind.DISPUTE, found.provider_dispute_id)
        snapshots = await payments.registry.get(account.provider).fetch(ref)
        async with payments.sender.turn:
            account_id = begun.operation.account_id
            await committed(payments.engine, take, account_id, snapshots, now=utcnow())
    row = await queried(payments.engine, _reread, found.id)
    require_answerable(row, accepting=begun.operation.kind == ACCEPTANCE)


def _reread(connection: Connection, id: int) -> Row[Any]:
    return connection.execute(select(_table).where(_table.c.id == id)).one()
