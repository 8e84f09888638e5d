"""A host's configuration, seen as environment variables."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any


def environ_of(config: Mapping[str, Any]) -> dict[str, str]:
    """`config` with every value a string: lists become comma-separated, None counts as unset."""
    return {name: _as_text(value) for name, value in config.items() if value is not None}


def _as_text(value: Any) -> str:
    return ",".join(map(str, value)) if isinstance(value, list | tuple | set | frozenset) else str(value)
