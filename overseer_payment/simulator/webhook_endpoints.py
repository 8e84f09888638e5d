"""Webhook endpoints: where events are delivered to, and the secrets that sign them."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from overseer_payment.simulator.events import API_VERSION

if TYPE_CHECKING:
    from overseer_payment.simulator.world import World

Json = dict[str, Any]


def new_endpoint(world: World, url: str, secret: str, enabled_events: list[str]) -> Json:
    """Return a new endpoint object; the secret is kept apart, because only creation ever shows it."""
    id = world.new_id("we_")
    world.webhook_secrets[id] = [secret]
    return {
        "id": id,
        "object": "webhook_endpoint",
        "api_version": API_VERSION,
        "application": None,
        "created": world.now(),
        "description": None,
        "enabled_events": enabled_events,
        "livemode": False,
        "metadata": {},
        "status": "enabled",
        "url": url,
    }


def listens(endpoint: Json, type: str) -> bool:
    """Say whether an event of `type` is delivered to `endpoint`."""
    wanted = endpoint["enabled_events"]
    return endpoint["status"] == "enabled" and ("*" in wanted or type in wanted)
