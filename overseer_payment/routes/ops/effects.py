"""The outbox: what applications are told, and what people decide about it."""

from __future__ import annotations

from typing import Final

from overseer_payment.asking import effects as asking
from overseer_payment.routes.answers import EffectList
from overseer_payment.routes.op import Call, Op
from overseer_payment.routes.ops.words import STAFF
from overseer_payment.schemas import EffectQuery, EffectRow, JsonObject
from overseer_payment.shown import effects as shown

_AT: Final = "2026-11-02T09:30:00Z"
_EFFECT: Final[JsonObject] = {
    "id": 7,
    "provider": "stripe",
    "account": "default",
    "livemode": False,
    "listener": "shop.mails.receipt",
    "topic": "payment.succeeded",
    "provider_id": "pi_1",
    "status": "failed",
    "attempts": 3,
    "last_error": "A listener failed: shop.mails.receipt raised OSError.",
    "due_at": _AT,
    "created_at": _AT,
}


async def list_effects(call: Call[EffectQuery, None]) -> EffectList:
    page = await shown.effects(call.payments, call.viewer, call.query)
    return EffectList(effects=page.rows, next_cursor=page.next_cursor)


async def replay_effect(call: Call[None, None]) -> EffectRow:
    return await asking.replay(call.payments, call.viewer, call.id, idempotency_key=call.idempotency_key)


OPS = (
    Op(
        method="GET",
        path="/effects",
        name="list_effects",
        tag="Effects",
        summary="List what applications are told",
        description=(
            "One row for each piece of news and listener, the last first, of every real account. "
            f"`failed=true` gives those that could not be told, tried again or not. {STAFF}"
        ),
        handler=list_effects,
        answer=EffectList,
        example={"effects": [_EFFECT], "next_cursor": None},
        query=EffectQuery,
        needs="payment.view",
    ),
    Op(
        method="POST",
        path="/effects/{id}/replay",
        name="replay_effect",
        tag="Effects",
        summary="Tell a listener again",
        description=(
            "Puts one that could not be told back to `pending`, with its attempts forgotten. "
            "409 `effect_done`: the listener was told already. Needs the permission `payment.admin`."
        ),
        handler=replay_effect,
        answer=EffectRow,
        example={**_EFFECT, "status": "pending", "attempts": 0},
        path_help="Our id.",
        needs="payment.admin",
        errors=(409,),
    ),
)
