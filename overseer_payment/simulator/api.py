"""How resources are written: endpoints, paging, expansion and changes that emit events."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable
from dataclasses import dataclass, field
from typing import Any

from overseer_payment.simulator.errors import SimError
from overseer_payment.simulator.expansion import register_expander
from overseer_payment.simulator.jsontree import copied, previous_attributes
from overseer_payment.simulator.world import World

__all__ = ["Call", "Route", "changed", "endpoint", "paged", "register_expander", "routes"]

Json = dict[str, Any]

_DEFAULT_LIMIT = 10
_MAX_LIMIT = 100
_RANGE = {"gt": int.__gt__, "gte": int.__ge__, "lt": int.__lt__, "lte": int.__le__}


@dataclass(slots=True)
class Call:
    """One accepted API request: `params` is typed and valid by Stripe's own parameter types."""

    world: World
    method: str
    path: str
    ids: dict[str, str] = field(default_factory=dict)
    params: Json = field(default_factory=dict)
    expand: list[str] = field(default_factory=list)
    idempotency_key: str | None = None


Handler = Callable[[Call], Json]


@dataclass(frozen=True, slots=True)
class Route:
    """One endpoint: Stripe's path template, for example `/v1/refunds/{id}`, and what answers it."""

    method: str
    template: str
    handler: Handler
    pattern: re.Pattern[str]


_ROUTES: dict[tuple[str, str], Route] = {}


def endpoint(method: str, template: str) -> Callable[[Handler], Handler]:
    """Register the decorated function as the behaviour of one endpoint of Stripe's API."""

    def register(handler: Handler) -> Handler:
        pattern = re.compile(re.sub(r"\{(\w+)\}", r"(?P<\1>[^/]+)", template))
        key = (method.upper(), re.sub(r"\{\w+\}", "{}", template))
        if key in _ROUTES:
            raise ValueError(
                f"{method} {template} is already answered by {_ROUTES[key].handler.__qualname__}"
            )
        _ROUTES[key] = Route(method.upper(), template, handler, pattern)
        return handler

    return register


def routes() -> list[Route]:
    """Return every registered endpoint; literal paths come before templates that would swallow them."""
    return sorted(_ROUTES.values(), key=lambda route: (route.template.count("{"), route.template))


def paged(call: Call, items: Iterable[Json]) -> Json:
    """Return Stripe's list object for one page of `items` (newest first).

    Honours `limit`, `starting_after`, `ending_before` and ranges or moments in `created`.
    """
    params = call.params
    found = [item for item in items if _created_within(item, params.get("created"))]
    limit = params.get("limit", _DEFAULT_LIMIT)
    if not 1 <= limit <= _MAX_LIMIT:
        raise SimError(
            400, f"Invalid integer: limit must be between 1 and {_MAX_LIMIT}.",
            code="parameter_invalid_integer", param="limit",
        )  # fmt: skip
    if ending_before := params.get("ending_before"):
        before = found[: _position(found, ending_before, "ending_before")]
        page, more = before[-limit:], len(before) > limit
    else:
        start = params.get("starting_after")
        rest = found[_position(found, start, "starting_after") + 1 :] if start else found
        page, more = rest[:limit], len(rest) > limit
    # Live objects, not copies: the frame renders the answer, and copies what it expands.
    return {"object": "list", "data": page, "has_more": more, "url": call.path}


def changed(world: World, obj: Json, type: str | None, **new_values: Any) -> Json:
    """Update `obj`, store it and emit `type` with `previous_attributes`; None as `type` emits nothing.

    Nothing is emitted when no value differs.
    """
    before = {key: copied(obj.get(key)) for key in new_values}
    obj.update(new_values)
    world.put(obj)
    previous = previous_attributes(before, {key: obj[key] for key in new_values})
    if type is not None and previous:
        world.emit(type, obj, previous=previous)
    return obj


def _created_within(item: Json, wanted: int | Json | None) -> bool:
    if wanted is None:
        return True
    created = int(item["created"])
    if isinstance(wanted, int):
        return created == wanted
    return all(_RANGE[name](created, bound) for name, bound in wanted.items())


def _position(items: list[Json], id: str, param: str) -> int:
    for position, item in enumerate(items):
        if item["id"] == id:
            return position
    raise SimError(400, f"No such object: '{id}'", code="resource_missing", param=param)
