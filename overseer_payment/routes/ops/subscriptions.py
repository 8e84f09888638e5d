"""Subscriptions: shown, ended, paused, resumed, changed."""

from __future__ import annotations

from overseer_payment.asking import subscriptions as asking
from overseer_payment.routes import examples
from overseer_payment.routes.answers import SubscriptionList
from overseer_payment.routes.op import Call, Op
from overseer_payment.routes.ops.words import SCOPED
from overseer_payment.schemas import (
    CancelBody,
    ChangePlanBody,
    ChangePreview,
    PauseBody,
    SubscriptionQuery,
    SubscriptionRow,
)


async def list_subscriptions(call: Call[SubscriptionQuery, None]) -> SubscriptionList:
    page = await call.payments.subscriptions(call.viewer, call.query)
    return SubscriptionList(subscriptions=page.rows, next_cursor=page.next_cursor)


async def get_subscription(call: Call[None, None]) -> SubscriptionRow:
    return await call.payments.subscription(call.viewer, call.id)


async def cancel_subscription(call: Call[None, CancelBody]) -> SubscriptionRow:
    return await asking.cancel(
        call.payments, call.viewer, call.id, call.body, idempotency_key=call.idempotency_key
    )


async def resume_subscription(call: Call[None, None]) -> SubscriptionRow:
    return await asking.resume(call.payments, call.viewer, call.id, idempotency_key=call.idempotency_key)


async def pause_subscription(call: Call[None, PauseBody]) -> SubscriptionRow:
    return await asking.pause(
        call.payments, call.viewer, call.id, call.body, idempotency_key=call.idempotency_key
    )


async def change_plan(call: Call[None, ChangePlanBody]) -> SubscriptionRow:
    return await asking.change_plan(
        call.payments, call.viewer, call.id, call.body, idempotency_key=call.idempotency_key
    )


async def preview_plan_change(call: Call[None, ChangePlanBody]) -> ChangePreview:
    return await asking.preview_change(call.payments, call.viewer, call.id, call.body)


_STAFF = "Needs the permission `payment.manage`; a user doesn't change even an own subscription here."
_ONE = "Our id, or the provider's."
_BUSY = "409 `change_under_way` while another change is on its way."

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
    Op(
        method="POST",
        path="/subscriptions/{id}/cancel",
        name="cancel_subscription",
        tag="Subscriptions",
        summary="End a subscription",
        description=(
            "Ends it at the provider: with its period, or now and for good. Nothing is given back. "
            f"{_STAFF} 409 `ended` or `already_canceling`. {_BUSY}"
        ),
        handler=cancel_subscription,
        answer=SubscriptionRow,
        example=examples.CANCELING,
        path_help=_ONE,
        body=CancelBody,
        body_optional=True,
        body_example={"at_period_end": True},
        needs="payment.manage",
        sight=get_subscription,
        errors=(409, 502),
    ),
    Op(
        method="POST",
        path="/subscriptions/{id}/resume",
        name="resume_subscription",
        tag="Subscriptions",
        summary="Let a subscription go on",
        description=(
            "Takes back a planned end, and ends a pause. One that stood still begins a new period and is "
            f"billed for it. {_STAFF} 409 `ended`, or `not_paused`: neither paused nor to end. {_BUSY}"
        ),
        handler=resume_subscription,
        answer=SubscriptionRow,
        example=examples.SUBSCRIPTION,
        path_help=_ONE,
        needs="payment.manage",
        sight=get_subscription,
        errors=(409, 502),
    ),
    Op(
        method="POST",
        path="/subscriptions/{id}/pause",
        name="pause_subscription",
        tag="Subscriptions",
        summary="Pause a subscription",
        description=(
            "Stops asking for money (`kind` `collection`), or stops the subscription itself. "
            f"{_STAFF} 409 `ended`, `already_paused`, or `not_pausable` as it stands. {_BUSY}"
        ),
        handler=pause_subscription,
        answer=SubscriptionRow,
        example=examples.PAUSED,
        path_help=_ONE,
        body=PauseBody,
        body_optional=True,
        body_example={"kind": "collection", "behavior": "void", "resumes_at": "2026-12-20T00:00:00Z"},
        needs="payment.manage",
        sight=get_subscription,
        errors=(409, 502),
    ),
    Op(
        method="POST",
        path="/subscriptions/{id}/change-plan",
        name="change_plan",
        tag="Subscriptions",
        summary="Change plan, quantity or trial",
        description=(
            "Changes one item at the provider: another price, another quantity, another end of the trial. "
            f"The quantity stays unless it is named. {_STAFF} 409 `ended`. 422 `which_item` of "
            f"several, `no_such_item`, `nothing_changes`, or the provider refuses the price. {_BUSY}"
        ),
        handler=change_plan,
        answer=SubscriptionRow,
        example=examples.SUBSCRIPTION,
        path_help=_ONE,
        body=ChangePlanBody,
        body_example=examples.CHANGE_PLAN_BODY,
        needs="payment.manage",
        sight=get_subscription,
        errors=(409, 502),
    ),
    Op(
        method="POST",
        path="/subscriptions/{id}/change-plan/preview",
        name="preview_plan_change",
        tag="Subscriptions",
        summary="See what a change would cost",
        description=(
            "What `change-plan` with the same body would ask for now and next time. Changes nothing. Send "
            f"`proration_date` with the change to get exactly this. {_STAFF} 409 and 422 as there."
        ),
        handler=preview_plan_change,
        answer=ChangePreview,
        example=examples.CHANGE_PREVIEW,
        path_help=_ONE,
        body=ChangePlanBody,
        body_example=examples.CHANGE_PLAN_BODY,
        needs="payment.manage",
        sight=get_subscription,
        errors=(409, 502),
    ),
)
