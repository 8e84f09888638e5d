"""Selling: checkouts, and what can be sold."""

from __future__ import annotations

from overseer_payment.asking import checkouts
from overseer_payment.routes import examples
from overseer_payment.routes.op import Call, Op
from overseer_payment.routes.ops.words import SCOPED, STAFF
from overseer_payment.schemas import (
    Catalog,
    CatalogQuery,
    CheckoutBody,
    CheckoutCreated,
    CheckoutRow,
)


async def create_checkout(call: Call[None, CheckoutBody]) -> CheckoutCreated:
    return await call.payments.create_checkout(call.viewer, call.body, idempotency_key=call.idempotency_key)


async def get_checkout(call: Call[None, None]) -> CheckoutRow:
    return await call.payments.checkout(call.viewer, call.id)


async def expire_checkout(call: Call[None, None]) -> CheckoutRow:
    key = call.idempotency_key
    return await checkouts.expire(call.payments, call.viewer, call.id, idempotency_key=key)


async def get_catalog(call: Call[CatalogQuery, None]) -> Catalog:
    return await call.payments.catalog(call.viewer, query=call.query)


OPS = (
    Op(
        method="POST",
        path="/checkout",
        name="create_checkout",
        limited=True,
        tag="Checkout",
        summary="Open a hosted checkout",
        description=(
            "Opens a checkout page at the provider and answers where to send the buyer. "
            "Everything but setup mode needs a price. 409 `already_subscribed`: the customer has a live "
            "subscription to it; `allow_second` sells another. 409 `checkout_closed`: what was opened under "
            "the same key is closed by now."
        ),
        handler=create_checkout,
        answer=CheckoutCreated,
        example=examples.CHECKOUT_CREATED,
        body=CheckoutBody,
        body_example=examples.CHECKOUT_BODY,
        errors=(404, 409, 502),
    ),
    Op(
        method="GET",
        path="/checkouts/{session_id}",
        name="get_checkout",
        tag="Checkout",
        summary="See what became of a checkout",
        description=f"`payment_state` says whether money was collected. {SCOPED}",
        handler=get_checkout,
        answer=CheckoutRow,
        example=examples.CHECKOUT,
        path_help="The `session_id` that opening the checkout answered.",
    ),
    Op(
        method="POST",
        path="/checkouts/{session_id}/expire",
        name="expire_checkout",
        tag="Checkout",
        summary="Close an open checkout",
        description=(
            "Nobody can pay it any more. For its own buyer; for others it needs `payment.manage`. One that "
            "has expired already is no error; 409 `checkout_complete` for one that was paid, `other_account` "
            "for one of another account than the configured key's."
        ),
        handler=expire_checkout,
        answer=CheckoutRow,
        example=examples.CHECKOUT | {"status": "expired", "payment_state": "unpaid", "transaction_id": None},
        path_help="The `session_id` that opening the checkout answered.",
        errors=(409, 502),
    ),
    Op(
        method="GET",
        path="/catalog",
        name="get_catalog",
        tag="Checkout",
        summary="List what can be sold",
        description=(
            "The prices on sale, newest first, with their products. Answered from what events told since it "
            "was last read from the provider; `note` says where that could not be done anew. "
            f"{STAFF}"
        ),
        handler=get_catalog,
        answer=Catalog,
        example=examples.CATALOG,
        query=CatalogQuery,
        needs="payment.view",
        errors=(404, 409, 502),
    ),
)
