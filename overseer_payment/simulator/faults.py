"""Faults on demand: what goes wrong between the simulator and the code under test, when, and how often.

A fault hits the next `times` matching deliveries or requests (None: all of them) and is then spent.
Delivery faults match event types, API faults match method and path; both take shell patterns
(`charge.*`, `/v1/refunds*`).
"""

from __future__ import annotations

import random
import time
from collections import deque
from collections.abc import Mapping
from dataclasses import asdict, dataclass, field
from fnmatch import fnmatchcase
from typing import Any, Literal, TypeVar

DeliveryFaultKind = Literal["drop", "duplicate", "delay", "reorder"]
ApiFaultKind = Literal["time_out", "answer", "slow", "stale"]
T = TypeVar("T")


@dataclass(slots=True)
class DeliveryFault:
    """What happens to the deliveries of matching events."""

    kind: DeliveryFaultKind
    types: str = "*"
    times: int | None = 1
    copies: int = 1
    seconds: float = 0
    window: int = 10
    acknowledged: bool = False


@dataclass(slots=True)
class ApiFault:
    """What happens to matching API requests; `after_effect` says on which side of the effect."""

    kind: ApiFaultKind
    method: str = "*"
    path: str = "*"
    times: int | None = 1
    after_effect: bool = False
    seconds: float = 0
    status: int = 500
    headers: dict[str, str] = field(default_factory=dict)


class Faults:
    """The faults that are armed. Methods arm one; `clear` disarms all."""

    def __init__(self, seed: int) -> None:
        self._random = random.Random(seed)
        self.for_deliveries: list[DeliveryFault] = []
        self.for_requests: list[ApiFault] = []
        self._rate_limit: int | None = None
        self._recent: deque[float] = deque()

    # -- webhook deliveries ------------------------------------------------------------------------

    def drop(self, types: str = "*", *, times: int | None = 1, acknowledged: bool = False) -> None:
        """Lose deliveries for good. `acknowledged`: the sender believes they arrived (a swallowing proxy)."""
        self._arm(DeliveryFault("drop", types, times, acknowledged=acknowledged))

    def duplicate(self, copies: int = 1, types: str = "*", *, times: int | None = 1) -> None:
        """Deliver the same event `copies` more times."""
        self._arm(DeliveryFault("duplicate", types, times, copies=copies))

    def delay(self, seconds: float, types: str = "*", *, times: int | None = 1) -> None:
        """Hold deliveries back for `seconds` of the simulated clock."""
        self._arm(DeliveryFault("delay", types, times, seconds=seconds))

    def reorder(self, window: int = 10) -> None:
        """Shuffle what is due in windows of `window` deliveries, until cleared; the seed fixes the order."""
        self._arm(DeliveryFault("reorder", "*", None, window=window))

    # -- API requests ------------------------------------------------------------------------------

    def time_out(
        self, method: str = "*", path: str = "*", *, after_effect: bool, times: int | None = 1
    ) -> None:
        """Break the connection without an answer, before or after the request took effect."""
        self._arm(ApiFault("time_out", method, path, times, after_effect))

    def answer(
        self,
        status: int,
        method: str = "*",
        path: str = "*",
        *,
        times: int | None = 1,
        after_effect: bool = False,
        headers: Mapping[str, str] | None = None,
    ) -> None:
        """Answer with an error status (429, 500, 503, …) instead of the result.

        After the effect, an idempotency key remembers a 500, but of any other status the true result.
        """
        self._arm(
            ApiFault("answer", method, path, times, after_effect, status=status, headers=dict(headers or {}))
        )

    def slow(self, seconds: float, method: str = "*", path: str = "*", *, times: int | None = 1) -> None:
        """Take `seconds` of real time before the request takes effect."""
        self._arm(ApiFault("slow", method, path, times, seconds=seconds))

    def stale(self, path: str = "*", *, times: int | None = 1) -> None:
        """Answer a read of one object with its state before the latest change (a lagging replica)."""
        self._arm(ApiFault("stale", "GET", path, times))

    def limit_rate(self, per_second: int | None) -> None:
        """Answer 429 to what exceeds this many requests in a second of real time (a sandbox: 25)."""
        self._rate_limit = per_second

    # -- for the frame -----------------------------------------------------------------------------

    def add(self, target: str, values: Mapping[str, Any]) -> None:
        """Arm a fault given as plain values (control API). Raises TypeError for an unknown field."""
        self._arm(DeliveryFault(**values) if target == "delivery" else ApiFault(**values))

    def hit_event(self, type: str) -> list[DeliveryFault]:
        """Return, and use up, the faults that hit one delivery of an event of `type`."""
        found = [f for f in self.for_deliveries if f.kind != "reorder" and fnmatchcase(type, f.types)]
        return _spent(self.for_deliveries, found)

    def hit_request(self, method: str, path: str) -> list[ApiFault]:
        """Return, and use up, the faults that hit one API request."""
        found = [
            f
            for f in self.for_requests
            if fnmatchcase(method, f.method.upper()) and fnmatchcase(path, f.path)
        ]
        if self._exceeds_rate():
            return [ApiFault("answer", status=429)]
        return _spent(self.for_requests, found)

    def ordered(self, items: list[T]) -> list[T]:
        """Return `items` in the order of delivery: as they are, or shuffled window by window."""
        window = max((f.window for f in self.for_deliveries if f.kind == "reorder"), default=0)
        if not window:
            return items
        windows = [items[start : start + window] for start in range(0, len(items), window)]
        for one in windows:
            self._random.shuffle(one)
        return [item for one in windows for item in one]

    def clear(self) -> None:
        """Disarm every fault."""
        self.for_deliveries.clear()
        self.for_requests.clear()
        self._rate_limit = None

    def described(self) -> dict[str, list[dict[str, Any]]]:
        """Return what is armed, as plain values."""
        return {
            "delivery": [asdict(f) for f in self.for_deliveries],
            "api": [asdict(f) for f in self.for_requests],
        }

    def _exceeds_rate(self) -> bool:
        now = time.monotonic()
        while self._recent and self._recent[0] <= now - 1:
            self._recent.popleft()
        self._recent.append(now)
        return self._rate_limit is not None and len(self._recent) > self._rate_limit

    def _arm(self, fault: DeliveryFault | ApiFault) -> None:
        if isinstance(fault, DeliveryFault):
            self.for_deliveries.append(fault)
        else:
            self.for_requests.append(fault)


F = TypeVar("F", DeliveryFault, ApiFault)


def _spent(armed: list[F], hit: list[F]) -> list[F]:
    for fault in hit:
        if fault.times is not None:
            fault.times -= 1
            if fault.times <= 0:
                armed.remove(fault)
    return hit
