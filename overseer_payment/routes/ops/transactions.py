"""Payments and refunds."""

from __future__ import annotations

from overseer_payment.routes import examples
from overseer_payment.routes.answers import TransactionList
from overseer_payment.routes.op import Call, Op
from overseer_payment.routes.ops.words import SCOPED
from overseer_payment.schemas import (
    RefundBody,
    TransactionDetail,
    TransactionQuery,
    TransactionRow,
)


async def list_transactions(call: Call[TransactionQuery, None]) -> TransactionList:
    page = await call.payments.transactions(call.viewer, call.query)
    return TransactionList(
        transactions=page.rows, next_cursor=page.next_cursor, searched_since=page.searched_since
    )


async def get_transaction(call: Call[None, None]) -> TransactionDetail:
    return await call.payments.transaction(call.viewer, call.id)


async def refund_transaction(call: Call[None, RefundBody]) -> TransactionRow:
    return await call.payments.refund(call.viewer, call.id, call.body, idempotency_key=call.idempotency_key)


OPS = (
    Op(
        method="GET",
        path="/transactions",
        name="list_transactions",
        tag="Transactions",
        summary="List payments and refunds",
        description=f"Newest first. One payment is one row; a refund is a row with `parent_id`. {SCOPED}",
        handler=list_transactions,
        answer=TransactionList,
        example={"transactions": [examples.TRANSACTION], "next_cursor": None},
        query=TransactionQuery,
    ),
    Op(
        method="GET",
        path="/transactions/{id}",
        name="get_transaction",
        tag="Transactions",
        summary="See one payment with its history",
        description=f"The row plus its refunds, disputes and timeline. {SCOPED}",
        handler=get_transaction,
        answer=TransactionDetail,
        example=examples.TRANSACTION_DETAIL,
        path_help="Our id, or any id by which the provider knows the payment.",
    ),
    Op(
        method="POST",
        path="/refund/{transaction_id}",
        name="refund_transaction",
        tag="Transactions",
        summary="Give money back",
        description=(
            "Refunds a payment in full or in part at the provider, and answers the refund's row. Needs the "
            "permission `payment.refund`. 409, by `code`: `nothing_left`, `dispute_open`, `not_refundable`, "
            "`is_refund`, `not_known` (yet: try again shortly), `other_account`. 422 `more_than_remains`."
        ),
        handler=refund_transaction,
        answer=TransactionRow,
        example=examples.REFUND,
        path_help="The payment's id: ours, or any by which the provider knows it.",
        body=RefundBody,
        body_optional=True,
        body_example=examples.REFUND_BODY,
        needs="payment.refund",
        sight=get_transaction,
        errors=(409, 502),
    ),
)
