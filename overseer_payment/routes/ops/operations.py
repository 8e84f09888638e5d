"""The audit trail."""

from __future__ import annotations

from overseer_payment.routes.answers import OperationList
from overseer_payment.routes.op import Call, Op
from overseer_payment.routes.ops.words import STAFF
from overseer_payment.schemas import JsonObject, OperationQuery
from overseer_payment.shown import operations as shown

_OPERATION: JsonObject = {
    "id": 12,
    "provider": "stripe",
    "account": "default",
    "livemode": False,
    "kind": "refund",
    "status": "succeeded",
    "actor": "user:42",
    "target": "7",
    "transaction_id": 7,
    "amount": 500,
    "currency": "usd",
    "reason": "requested_by_customer",
    "result": "re_1",
    "attempts": 1,
    "created_at": "2026-11-02T09:30:00Z",
    "finished_at": "2026-11-02T09:30:01Z",
}


async def list_operations(call: Call[OperationQuery, None]) -> OperationList:
    page = await shown.operations(call.payments, call.viewer, call.query)
    return OperationList(operations=page.rows, next_cursor=page.next_cursor)


OPS = (
    Op(
        method="GET",
        path="/operations",
        name="list_operations",
        tag="Operations",
        summary="See what was sent to the provider, by whom, with what outcome",
        description=(
            "Newest first, with what people decided about events. "
            f"`unknown` means: no answer yet, being settled under the same key. {STAFF}"
        ),
        handler=list_operations,
        answer=OperationList,
        example={"operations": [_OPERATION], "next_cursor": None},
        query=OperationQuery,
        needs="payment.view",
    ),
)
