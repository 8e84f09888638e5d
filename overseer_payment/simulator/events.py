"""The event log: what an event looks like, and how `/v1/events` finds it again."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from overseer_payment.simulator.jsontree import copied

if TYPE_CHECKING:
    from overseer_payment.simulator.world import World

Json = dict[str, Any]

API_VERSION = "2026-10-28.endive"
RETENTION_SECONDS = 30 * 86_400


def new_event(world: World, type: str, obj: Json, previous: Json | None) -> Json:
    """Return a new event that holds `obj` as it is now, nothing expanded."""
    data: Json = {"object": copied(obj)}
    if previous is not None:
        data["previous_attributes"] = copied(previous)
    return {
        "id": world.new_id("evt_"),
        "object": "event",
        "api_version": API_VERSION,
        "created": world.now(),
        "data": data,
        "livemode": False,
        "pending_webhooks": 0,
        "request": {"id": world.request.id, "idempotency_key": world.request.idempotency_key},
        "type": type,
    }
