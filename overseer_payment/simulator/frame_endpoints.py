"""The endpoints that the frame itself answers: the event log and webhook endpoints."""

from __future__ import annotations

from typing import Any

from overseer_payment.simulator.api import Call, endpoint, paged
from overseer_payment.simulator.errors import SimError, resource_missing
from overseer_payment.simulator.events import RETENTION_SECONDS
from overseer_payment.simulator.webhook_endpoints import new_endpoint
from overseer_payment.simulator.world import World

Json = dict[str, Any]

_MAX_TYPES = 20
_MAX_ENDPOINTS = 16


@endpoint("GET", "/v1/events")
def list_events(call: Call) -> Json:
    """List the events of the last 30 days, newest first ("List all events")."""
    params, deliveries = call.params, call.world.deliveries
    if "type" in params and "types" in params:
        raise SimError(400, "You may only specify one of these parameters: type, types.", param="types")
    if len(params.get("types", [])) > _MAX_TYPES:
        raise SimError(400, f"types can hold at most {_MAX_TYPES} event types.", param="types")
    wanted = params.get("types") or ([params["type"]] if "type" in params else ["*"])
    found = [event for event in _retained(call.world) if _any_matches(wanted, event["type"])]
    if "delivery_success" in params:
        success = params["delivery_success"]
        found = [event for event in found if deliveries.succeeded(event["id"]) is success]
    return paged(call, found)


@endpoint("GET", "/v1/events/{id}")
def retrieve_event(call: Call) -> Json:
    """Return one event of the last 30 days."""
    for event in _retained(call.world):
        if event["id"] == call.ids["id"]:
            return event
    raise resource_missing("event", call.ids["id"])


@endpoint("POST", "/v1/webhook_endpoints")
def create_webhook_endpoint(call: Call) -> Json:
    """Create an endpoint; this answer is the only one that holds its `secret`."""
    params, world = call.params, call.world
    if len(world.find("webhook_endpoint")) >= _MAX_ENDPOINTS:
        raise SimError(400, f"You have reached the maximum of {_MAX_ENDPOINTS} test webhook endpoints.")
    secret = world.new_id("whsec_")
    made = new_endpoint(world, _url(params["url"]), secret, params["enabled_events"])
    made["api_version"] = params.get("api_version")
    made["description"] = params.get("description") or None
    made["metadata"] = dict(params.get("metadata") or {})
    return {**world.put(made), "secret": secret}


@endpoint("GET", "/v1/webhook_endpoints")
def list_webhook_endpoints(call: Call) -> Json:
    """List endpoints, newest first, without secrets."""
    return paged(call, call.world.find("webhook_endpoint"))


@endpoint("GET", "/v1/webhook_endpoints/{id}")
def retrieve_webhook_endpoint(call: Call) -> Json:
    """Return one endpoint without its secret."""
    return call.world.get("webhook_endpoint", call.ids["id"], param="webhook_endpoint")


@endpoint("POST", "/v1/webhook_endpoints/{id}")
def update_webhook_endpoint(call: Call) -> Json:
    """Change url, events, description or metadata; enable or disable."""
    found, params = retrieve_webhook_endpoint(call), call.params
    if "url" in params:
        found["url"] = _url(params["url"])
    if "enabled_events" in params:
        found["enabled_events"] = params["enabled_events"]
    if "description" in params:
        found["description"] = params["description"] or None
    if "disabled" in params:
        found["status"] = "disabled" if params["disabled"] else "enabled"
    if "metadata" in params:
        kept = {**found["metadata"], **params["metadata"]} if params["metadata"] else {}
        found["metadata"] = {key: value for key, value in kept.items() if value != ""}
    return call.world.put(found)


@endpoint("DELETE", "/v1/webhook_endpoints/{id}")
def delete_webhook_endpoint(call: Call) -> Json:
    """Forget an endpoint and its secrets; what is still on its way to it fails."""
    found = retrieve_webhook_endpoint(call)
    call.world.webhook_secrets.pop(found["id"], None)
    return call.world.remove(found, tombstone=False)


def _retained(world: World) -> list[Json]:
    oldest = world.now() - RETENTION_SECONDS
    return [event for event in reversed(world.events) if event["created"] >= oldest]


def _any_matches(wanted: list[str], type: str) -> bool:
    """Say whether a type is wanted; Stripe also takes `charge.*` and `*`."""
    return any(w in (type, "*") or (w.endswith(".*") and type.startswith(w[:-1])) for w in wanted)


def _url(url: str) -> str:
    if not url.startswith(("http://", "https://")):
        message = "Invalid URL: An explicit scheme (such as https) must be provided."
        raise SimError(400, message, code="url_invalid", param="url")
    return url
