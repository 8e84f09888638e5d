"""Webhook endpoints: where events are delivered to, and the secrets that sign them."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from overseer_payment.simulator.api import Call
    from overseer_payment.simulator.world import World

Json = dict[str, Any]

SECRET_CHARACTERS = 32


def new_endpoint(world: World, url: str, secret: str, enabled_events: list[str]) -> Json:
    """Return a new endpoint object; the secret is kept apart, because only creation ever shows it."""
    from overseer_payment.simulator.events import API_VERSION

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


def create(call: Call) -> Json:
    """Create an endpoint; the answer is the only one that holds `secret`."""
    params, world = call.params, call.world
    secret = f"whsec_{world.new_id('')[-SECRET_CHARACTERS:]}"
    made = new_endpoint(world, params["url"], secret, params["enabled_events"])
    made["api_version"] = params.get("api_version")
    made["description"] = params.get("description") or None
    made["metadata"] = dict(params.get("metadata") or {})
    return {**world.put(made), "secret": secret}


def retrieve(call: Call) -> Json:
    """Return one endpoint, without its secret."""
    return call.world.get("webhook_endpoint", call.ids["id"], param="webhook_endpoint")


def update(call: Call) -> Json:
    """Change url, events, description, metadata, or enable and disable."""
    found, params = retrieve(call), call.params
    for name in ("url", "enabled_events", "description"):
        if name in params:
            found[name] = params[name]
    if "disabled" in params:
        found["status"] = "disabled" if params["disabled"] else "enabled"
    if "metadata" in params:
        merged = {**found["metadata"], **(params["metadata"] or {})}
        found["metadata"] = {
            key: value for key, value in merged.items() if params["metadata"] and value != ""
        }
    return call.world.put(found)


def delete(call: Call) -> Json:
    """Forget an endpoint and its secret."""
    found = retrieve(call)
    call.world.webhook_secrets.pop(found["id"], None)
    return call.world.remove(found, tombstone=False)


def list_all(call: Call) -> Json:
    """List endpoints, newest first."""
    from overseer_payment.simulator.api import paged

    return paged(call, call.world.find("webhook_endpoint"))
