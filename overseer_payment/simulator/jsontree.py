"""Plain JSON trees: a copy that is several times faster than `copy.deepcopy`, and the previous values."""

from __future__ import annotations

from typing import Any


def copied(value: Any) -> Any:
    """Return an independent copy of a tree of dicts, lists and scalars."""
    if type(value) is dict:
        return {
            key: copied(item) if type(item) is dict or type(item) is list else item
            for key, item in value.items()
        }
    if type(value) is list:
        return [copied(item) if type(item) is dict or type(item) is list else item for item in value]
    return value


def previous_attributes(old: dict[str, Any], new: dict[str, Any]) -> dict[str, Any]:
    """Return the old values of what differs, as Stripe's events do: hashes in depth, arrays whole."""
    previous: dict[str, Any] = {}
    for key in old.keys() | new.keys():
        before, after = old.get(key), new.get(key)
        if before == after:
            continue
        if isinstance(before, dict) and isinstance(after, dict):
            previous[key] = previous_attributes(before, after)
        else:
            previous[key] = copied(before)
    return dict(sorted(previous.items()))
