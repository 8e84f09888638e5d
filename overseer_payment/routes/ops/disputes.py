"""Disputes: chargebacks, inquiries and early fraud warnings."""

from __future__ import annotations

from typing import Final

from overseer_payment.asking import disputes as asking
from overseer_payment.asking.dispute_files import add_file
from overseer_payment.routes.answers import DisputeList
from overseer_payment.routes.examples import TRANSACTION
from overseer_payment.routes.op import Call, Op
from overseer_payment.routes.ops.words import SCOPED
from overseer_payment.schemas import (
    DisputeDetail,
    DisputeQuery,
    EvidenceBody,
    EvidenceFileBody,
    EvidenceFileRow,
    JsonObject,
)
from overseer_payment.shown import disputes as shown

_ID: Final = "Our id, or the provider's (`du_…`, `issfr_…`)."
_NEEDS: Final = "Needs the permission `payment.disputes`."
_CONFLICTS: Final = (
    "409, by `code`: `dispute_closed`, `already_submitted`, `answer_under_way`, `past_due`, "
    "`cannot_respond`; `refund_instead` where only a refund ends it."
)
_AT: Final = "2026-11-02T09:30:00Z"
_MAX_EVIDENCE: Final = 2 * 1024 * 1024  # 150,000 characters, each escaped at its longest
_MAX_FILE: Final = 16 * 1024 * 1024  # what any provider may want; which size fits is its own to say
_DISPUTE: Final[JsonObject] = {
    "id": 5,
    "provider": "stripe",
    "livemode": False,
    "provider_dispute_id": "du_1",
    "kind": "chargeback",
    "status": "needs_response",
    "reason": "product_not_received",
    "amount": 2000,
    "currency": "usd",
    "funds_withdrawn": 2000,
    "evidence_due_by": "2026-11-20T23:59:59Z",
    "deadline": "open",
    "can_respond": True,
    "can_accept": True,
    "refundable": False,
    "has_evidence": True,
    "submission_count": 0,
    "transaction_id": 7,
    "customer_id": 3,
    "url": "https://dashboard.example/disputes/du_1",
    "occurred_at": _AT,
    "created_at": _AT,
}
_DETAIL: Final[JsonObject] = {
    **_DISPUTE,
    "transaction": TRANSACTION,
    "evidence": {"shipping_carrier": "UPS", "receipt": "file_1"},
    "form": {
        "fields": [
            {"name": "shipping_carrier", "title": "Shipping carrier", "kind": "text", "longest": 20000},
            {"name": "receipt", "title": "Receipt", "kind": "file"},
        ],
        "longest_together": 150000,
        "file_types": ["application/pdf", "image/png", "image/jpeg"],
        "largest_file": 5242880,
    },
    "timeline": [{"at": _AT, "kind": "dispute", "title": "Chargeback opened", "status": "needs_response"}],
}
_LOST: Final[JsonObject] = {
    **_DETAIL,
    "status": "lost",
    "deadline": "none",
    "can_respond": False,
    "can_accept": False,
}
_FILE: Final[JsonObject] = {
    "id": "file_1",
    "name": "receipt.pdf",
    "media_type": "application/pdf",
    "size": 48210,
}


async def list_disputes(call: Call[DisputeQuery, None]) -> DisputeList:
    page = await shown.disputes(call.payments, call.viewer, call.query)
    return DisputeList(disputes=page.rows, next_cursor=page.next_cursor)


async def get_dispute(call: Call[None, None]) -> DisputeDetail:
    return await shown.dispute(call.payments, call.viewer, call.id)


async def stage_evidence(call: Call[None, EvidenceBody]) -> DisputeDetail:
    return await asking.stage_evidence(
        call.payments, call.viewer, call.id, call.body, idempotency_key=call.idempotency_key
    )


async def accept_dispute(call: Call[None, None]) -> DisputeDetail:
    return await asking.accept(call.payments, call.viewer, call.id, idempotency_key=call.idempotency_key)


async def add_evidence_file(call: Call[EvidenceFileBody, None]) -> EvidenceFileRow:
    return await add_file(
        call.payments, call.viewer, call.id, call.raw, call.query, idempotency_key=call.idempotency_key
    )


OPS = (
    Op(
        method="GET",
        path="/disputes",
        name="list_disputes",
        tag="Disputes",
        summary="List disputes",
        description=(
            "Newest first; with `status=open` or `due_soon` the nearest deadline first. Early fraud warnings "
            f"are shown to staff only. {SCOPED}"
        ),
        handler=list_disputes,
        answer=DisputeList,
        example={"disputes": [_DISPUTE], "next_cursor": None},
        query=DisputeQuery,
    ),
    Op(
        method="GET",
        path="/disputes/{id}",
        name="get_dispute",
        tag="Disputes",
        summary="See one dispute with its evidence",
        description=(
            "The row, the payment, the timeline, and for staff what was staged so far and which fields the "
            f"provider takes. {SCOPED}"
        ),
        handler=get_dispute,
        answer=DisputeDetail,
        example=_DETAIL,
        path_help=_ID,
    ),
    Op(
        method="POST",
        path="/disputes/{id}/evidence",
        name="stage_evidence",
        tag="Disputes",
        summary="Stage evidence, or submit it",
        description=(
            "Keeps evidence with the dispute; fields that are not named keep what was staged. With `submit` "
            "everything staged goes to the bank: once, and for good. The dispute's `form` lists the fields. "
            f"{_NEEDS} {_CONFLICTS}"
        ),
        handler=stage_evidence,
        answer=DisputeDetail,
        example=_DETAIL,
        path_help=_ID,
        body=EvidenceBody,
        body_example={"evidence": {"shipping_carrier": "UPS", "receipt": "file_1"}, "submit": False},
        max_body=_MAX_EVIDENCE,
        needs="payment.disputes",
        sight=get_dispute,
        errors=(409, 502),
    ),
    Op(
        method="POST",
        path="/disputes/{id}/files",
        name="add_evidence_file",
        tag="Disputes",
        summary="Upload a file for evidence",
        description=(
            "Send the file itself as the body; its `id` then goes into a field of the evidence. Its type is "
            f"told by its content. {_NEEDS} {_CONFLICTS} 413: larger than the provider takes. 415: of "
            "another type."
        ),
        handler=add_evidence_file,
        answer=EvidenceFileRow,
        example=_FILE,
        path_help=_ID,
        query=EvidenceFileBody,
        uploads=("application/pdf", "image/png", "image/jpeg"),
        max_body=_MAX_FILE,
        needs="payment.disputes",
        sight=get_dispute,
        errors=(409, 502),
    ),
    Op(
        method="POST",
        path="/disputes/{id}/accept",
        name="accept_dispute",
        tag="Disputes",
        summary="Accept a chargeback",
        description=(
            f"Concedes: the dispute is lost, and the money stays with the buyer, for good. {_NEEDS} "
            f"{_CONFLICTS}"
        ),
        handler=accept_dispute,
        answer=DisputeDetail,
        example=_LOST,
        path_help=_ID,
        needs="payment.disputes",
        sight=get_dispute,
        errors=(409, 502),
    ),
)
