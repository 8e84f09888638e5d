"""The inbox: events as they arrived, and what people decide about them."""

from __future__ import annotations

from typing import Final

from overseer_payment.asking import events as asking
from overseer_payment.routes.answers import EventList
from overseer_payment.routes.op import Call, Op
from overseer_payment.routes.ops.words import STAFF
from overseer_payment.schemas import EventDetail, EventQuery, EventRow, JsonObject, Replayed
from overseer_payment.shown import events as shown

_ADMIN: Final = "Needs the permission `payment.admin`."
_ID: Final = "Our id, or the provider's (`evt_…`)."
_AT: Final = "2026-11-02T09:30:00Z"
_EVENT: Final[JsonObject] = {
    "id": 41,
    "provider": "stripe",
    "account": "default",
    "livemode": False,
    "provider_event_id": "evt_1",
    "type": "charge.refunded",
    "status": "failed",
    "attempts": 3,
    "last_error": "KeyError in translate/charge.py, line 61",
    "occurred_at": _AT,
    "received_at": _AT,
}
_DETAIL: Final[JsonObject] = {
    **_EVENT,
    "api_version": "2026-10-28.endive",
    "due_at": "2026-11-02T09:30:08Z",
    "payload": {"id": "evt_1", "object": "event", "type": "charge.refunded", "data": {"object": {}}},
}


async def list_events(call: Call[EventQuery, None]) -> EventList:
    page = await shown.events(call.payments, call.viewer, call.query)
    return EventList(events=page.rows, next_cursor=page.next_cursor)


async def get_event(call: Call[None, None]) -> EventDetail:
    return await shown.event(call.payments, call.viewer, call.id)


async def replay_event(call: Call[None, None]) -> EventRow:
    return await asking.replay(call.payments, call.viewer, call.id, idempotency_key=call.idempotency_key)


async def replay_failed_events(call: Call[None, None]) -> Replayed:
    key = call.idempotency_key
    return Replayed(replayed=await asking.replay_failed(call.payments, call.viewer, idempotency_key=key))


async def ignore_event(call: Call[None, None]) -> EventRow:
    return await asking.ignore(call.payments, call.viewer, call.id, idempotency_key=call.idempotency_key)


OPS = (
    Op(
        method="GET",
        path="/events",
        name="list_events",
        tag="Events",
        summary="List received events",
        description=(
            "The last received first, of every real account: each row names its account and mode. "
            f"`failed=true` gives those that could not be applied, tried again or not. {STAFF}"
        ),
        handler=list_events,
        answer=EventList,
        example={"events": [_EVENT], "next_cursor": None},
        query=EventQuery,
        needs="payment.view",
    ),
    # Before the path with an id, which it would fit as well.
    Op(
        method="POST",
        path="/events/replay",
        name="replay_failed_events",
        tag="Events",
        summary="Apply all failed events again",
        description=(
            "Puts every failed and dead event back to `pending`, and answers how many. Under the same "
            f"`Idempotency-Key` it goes on where it broke off. {_ADMIN}"
        ),
        handler=replay_failed_events,
        answer=Replayed,
        example={"replayed": 3},
        needs="payment.admin",
    ),
    Op(
        method="GET",
        path="/events/{id}",
        name="get_event",
        tag="Events",
        summary="See one event with its payload",
        description=f"A payload holds more of people than any view shows. {_ADMIN}",
        handler=get_event,
        answer=EventDetail,
        example=_DETAIL,
        path_help=_ID,
        needs="payment.admin",
    ),
    Op(
        method="POST",
        path="/events/{id}/replay",
        name="replay_event",
        tag="Events",
        summary="Apply an event again",
        description=(
            "Puts it back to `pending` with its attempts forgotten, whatever became of it, and answers it; "
            f"it is applied in the background. Safe for an applied one too: recording is a merge. {_ADMIN}"
        ),
        handler=replay_event,
        answer=EventRow,
        example={**_EVENT, "status": "pending", "attempts": 0, "last_error": None},
        path_help=_ID,
        needs="payment.admin",
    ),
    Op(
        method="POST",
        path="/events/{id}/ignore",
        name="ignore_event",
        tag="Events",
        summary="Take an event out",
        description=(
            "One that can't be applied and never will; a replay brings it back. "
            f"409 `event_applied`: it is applied already. {_ADMIN}"
        ),
        handler=ignore_event,
        answer=EventRow,
        example={**_EVENT, "status": "ignored"},
        path_help=_ID,
        needs="payment.admin",
        errors=(409,),
    ),
)
