"""Subscriptions."""

from __future__ import annotations

from overseer_payment.routes import examples
from overseer_payment.routes.answers import SubscriptionList
from overseer_payment.routes.op import Call, Op
from overseer_payment.routes.ops.words import SCOPED
from overseer_payment.schemas import (
    SubscriptionQuery,
    SubscriptionRow,
)


async def list_subscriptions(call: Call[SubscriptionQuery, None]) -> SubscriptionList:
    page = await call.payments.subscriptions(call.viewer, call.query)
    return SubscriptionList(subscriptions=page.rows, next_cursor=page.next_cursor)


async def get_subscription(call: Call[None, None]) -> SubscriptionRow:
    return await call.payments.subscription(call.viewer, call.id)


OPS = (
    Op(
        method="GET",
        path="/subscriptions",
        name="list_subscriptions",
        tag="Subscriptions",
        summary="List subscriptions",
        description=f"Newest first. {SCOPED}",
        handler=list_subscriptions,
        answer=SubscriptionList,
        example={"subscriptions": [examples.SUBSCRIPTION], "next_cursor": None},
        query=SubscriptionQuery,
    ),
    Op(
        method="GET",
        path="/subscriptions/{id}",
        name="get_subscription",
        tag="Subscriptions",
        summary="See one subscription",
        description=SCOPED,
        handler=get_subscription,
        answer=SubscriptionRow,
        example=examples.SUBSCRIPTION,
        path_help="Our id, or the provider's.",
    ),
)
