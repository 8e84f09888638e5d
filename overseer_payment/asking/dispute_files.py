"""Files for evidence: uploaded once for each key, and kept nowhere here.

An upload moves no money, and a file that no evidence names does nothing. So an upload whose outcome
is unknown is not settled: it has failed, and is made again.
"""

from __future__ import annotations

import asyncio
from typing import TYPE_CHECKING

from overseer_payment import operations
from overseer_payment.asking.answering import UPLOAD, begin
from overseer_payment.asking.evidence import digest, fitting_file
from overseer_payment.committing import committed, unbroken
from overseer_payment.database import utcnow
from overseer_payment.errors import (
    IdempotencyConflict,
    PaymentError,
    ProviderRejected,
    ProviderUnavailable,
)
from overseer_payment.ledger.accounts import Account
from overseer_payment.operations import Begun, Intent
from overseer_payment.provider import EvidenceFile
from overseer_payment.schemas import EvidenceFileBody, EvidenceFileRow, Viewer
from overseer_payment.shown.disputes import answering, dispute

if TYPE_CHECKING:
    from overseer_payment.service import Payments

_PATIENCE = 100.0  # seconds; shorter than an operation's lease


async def add_file(
    payments: Payments,
    viewer: Viewer,
    id: str,
    content: bytes,
    body: EvidenceFileBody | None = None,
    *,
    idempotency_key: str | None = None,
) -> EvidenceFileRow:
    """Upload a file for a dispute; its id then goes into a field of the evidence.

    404 no such dispute; 409 as for evidence; 413 too large; 415 neither PDF nor PNG nor JPEG.
    """
    found = await dispute(payments, viewer, id)
    viewer.require("payment.disputes")
    file = fitting_file(found, content, (body or EvidenceFileBody()).name)
    request = {
        "dispute": found.provider_dispute_id,
        "name": file.name,
        "media_type": file.media_type,
        "size": len(content),
        "sha256": digest(file),
    }
    asked = Intent(
        kind=UPLOAD, actor=viewer.actor, target=str(found.id), request=request, client_key=idempotency_key
    )
    account, begun = await committed(payments.engine, begin, payments, asked, request)
    made = await _once(payments, account, begun, file)
    return EvidenceFileRow(id=made, name=file.name, media_type=file.media_type, size=len(content))


async def _once(payments: Payments, account: Account, begun: Begun, file: EvidenceFile) -> str:
    operation = begun.operation
    if begun.fresh:
        return await unbroken(_uploaded(payments, account, operation.id, operation.idempotency_key, file))
    if operation.status in operations.OPEN:
        raise IdempotencyConflict(
            "The first upload with this Idempotency-Key is still running.", retry_after=5
        )
    if operation.result is None:
        raise ProviderRejected(operation.error or "The provider refused this.", code=operation.error_code)
    return str(operation.result)


async def _uploaded(payments: Payments, account: Account, id: int, key: str, file: EvidenceFile) -> str:
    provider = answering(payments, account.provider)
    assert provider is not None  # as `begin` required
    try:
        async with asyncio.timeout(_PATIENCE):
            made = await provider.upload_evidence_file(file, idempotency_key=key)
    except Exception as error:
        failure = _failure(error)
        await _finish(
            payments,
            id,
            operations.FAILED,
            error=failure.detail,
            code=failure.code,
            release=not isinstance(failure, ProviderRejected),
        )
        raise failure from None
    await _finish(payments, id, operations.SUCCEEDED, result=made)
    return made


def _failure(error: Exception) -> PaymentError:
    if isinstance(error, PaymentError):
        return error
    return ProviderUnavailable("The upload did not come to its end. Try again.")


async def _finish(
    payments: Payments,
    id: int,
    status: str,
    *,
    result: str | None = None,
    code: str | None = None,
    error: str | None = None,
    release: bool = False,
) -> None:
    await committed(
        payments.engine,
        operations.finish,
        id,
        status,
        now=utcnow(),
        result=result,
        code=code,
        error=error,
        release=release,
    )
