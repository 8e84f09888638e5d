"""Expansion: replace ids by the objects they name, along the paths a request's `expand[]` gives.

Which fields can be expanded is read from the SDK's types; `register_expander` adds what those cannot
say, above all the lists that Stripe leaves out unless asked (`refunds` of a charge).
"""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING, Any

from overseer_payment.simulator.contract.expandable import expandable_names
from overseer_payment.simulator.errors import SimError
from overseer_payment.simulator.jsontree import copied

if TYPE_CHECKING:
    from overseer_payment.simulator.world import World

Json = dict[str, Any]
Loader = Callable[["World", Json], Any]

_MAX_LEVELS = 4
_EXPANDERS: dict[tuple[str, str], str | Loader] = {}


def register_expander(object_name: str, field: str, target: str | Loader) -> None:
    """Make `field` (dotted when nested) of an object expandable.

    `target` is the name of the object its id refers to, or a function of the world and the object that
    returns the value of a field which is absent unless expanded.
    """
    _EXPANDERS[object_name, field] = target


def rendered(world: World, answer: Json, expand: list[str]) -> Json:
    """Return a copy of `answer` with `expand` applied. Raises SimError for a path that cannot be expanded."""
    result: Json = copied(answer)
    for path in expand:
        segments = path.split(".")
        if len([s for s in segments if s != "data"]) > _MAX_LEVELS:
            raise SimError(400, "You cannot expand more than 4 levels of a property.", param="expand")
        if result.get("object") in ("list", "search_result") and segments[0] != "data":
            raise _cannot(path)
        _expand(world, result, segments, "", result, path)
    return result


def _expand(world: World, node: Any, segments: list[str], prefix: str, owner: Json, path: str) -> None:
    """Walk one path; `owner` is the nearest API object and `prefix` the way from it to `node`."""
    if isinstance(node, list):
        for item in node:
            _expand(world, item, segments, prefix, owner, path)
        return
    if not isinstance(node, dict) or not segments:
        return
    if "object" in node and node["object"] != "list":
        owner, prefix = node, ""
    head, rest = segments[0], segments[1:]
    if node.get("object") in ("list", "search_result") and head == "data":
        _expand(world, node["data"], rest, prefix, owner, path)
        return
    field = f"{prefix}.{head}".lstrip(".")
    _load(world, node, head, field, owner, path)
    if rest:
        _expand(world, node.get(head), rest, field, owner, path)


def _load(world: World, node: Json, key: str, field: str, owner: Json, path: str) -> None:
    target = _EXPANDERS.get((owner["object"], field))
    if callable(target):
        if not isinstance(node.get(key), dict | list):
            node[key] = copied(target(world, owner))
        return
    value = node.get(key)
    if isinstance(value, dict):
        return
    names = [target] if target else expandable_names(owner["object"], field)
    if names is None:
        raise _cannot(path)
    if isinstance(value, list):
        node[key] = [_named(world, names, item) for item in value]
    elif value is not None:
        node[key] = _named(world, names, value)


def _named(world: World, names: list[str], value: Any) -> Any:
    if not isinstance(value, str):
        return value
    for name in names:
        if (found := world.peek(name, value)) is not None:
            return copied(found)
    # An id without its object would be a lie of this simulator; leaving the id is visible to the caller.
    return value


def _cannot(path: str) -> SimError:
    return SimError(400, f"This property cannot be expanded ({path}).", param="expand")
