"""Decode form bodies and query strings the way Stripe nests them: `a[b][0][c]=1`, `a[]=1`."""

from __future__ import annotations

import re
from collections.abc import Iterable
from dataclasses import dataclass, field
from typing import Any
from urllib.parse import parse_qsl

from overseer_payment.simulator.errors import SimError

_NAME = re.compile(r"([^\[\]]+)((?:\[[^\[\]]*\])*)\Z")
_KEY = re.compile(r"\[([^\[\]]*)\]")


@dataclass(frozen=True, slots=True)
class Upload:
    """One uploaded file of a multipart request."""

    filename: str
    content_type: str
    content: bytes = field(repr=False)


Pairs = list[tuple[str, Any]]


def pairs_of(text: str) -> Pairs:
    """Return the name and value pairs of a query string or an urlencoded body."""
    return list(parse_qsl(text, keep_blank_values=True))


def nested(pairs: Iterable[tuple[str, Any]]) -> dict[str, Any]:
    """Return the tree that bracketed names spell; arrays written with indexes stay maps with number keys.

    Raises SimError 400 for a name that cannot be read or is used both as value and as hash.
    """
    tree: dict[str, Any] = {}
    for name, value in pairs:
        found = _NAME.match(name)
        if found is None:
            raise _unreadable(name)
        _put(tree, [found[1], *_KEY.findall(found[2])], value, name)
    return tree


def _put(tree: dict[str, Any], keys: list[str], value: Any, name: str) -> None:
    node = tree
    for position, key in enumerate(keys):
        # `a[]=` appends: the next free number takes the place of the missing key.
        key = key or str(len(node))
        if position == len(keys) - 1:
            node[key] = value
            return
        child = node.setdefault(key, {})
        if not isinstance(child, dict):
            raise _unreadable(name)
        node = child


def _unreadable(name: str) -> SimError:
    return SimError(
        400, f"Invalid request: the parameter name {name[:60]!r} cannot be read.", param=name[:60]
    )
