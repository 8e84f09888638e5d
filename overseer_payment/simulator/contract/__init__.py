"""Compare requests, answers and events with the types of the installed `stripe` package.

The simulator is not judged by its author's memory: the SDK is generated from Stripe's own OpenAPI
description, so its annotations say which parameters an endpoint takes and which fields an object has.
"""

from __future__ import annotations

from typing import Any, Literal

from overseer_payment.simulator.contract.objects import object_problems

__all__ = ["Contract", "object_problems"]

_SAMPLE_EVERY = 20


class Contract:
    """How much of what the simulator produces is compared: everything, one in twenty, or nothing."""

    def __init__(self, mode: Literal["all", "sample", "off"]) -> None:
        if mode not in ("all", "sample", "off"):
            raise ValueError(f"check must be 'all', 'sample' or 'off', not {mode!r}")
        self.mode = mode
        self.checked = 0
        self._seen = 0

    def due(self) -> bool:
        """Say whether the next object is to be checked, and count it."""
        self._seen += 1
        if self.mode == "off" or (self.mode == "sample" and self._seen % _SAMPLE_EVERY != 1):
            return False
        self.checked += 1
        return True

    def problems(self, obj: dict[str, Any]) -> list[str]:
        """Return how `obj` differs from Stripe's type for it; empty when it conforms or is not sampled."""
        return object_problems(obj) if self.due() else []
