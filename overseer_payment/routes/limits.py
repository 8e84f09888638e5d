"""How often one caller may do what costs: a token bucket for each caller and operation, in this process.

It keeps one buyer from filling the provider's account with checkouts, not a crowd from coming: whoever
needs limits over several processes sets them in the proxy. Staff are not counted, and neither are
deliveries: all of a provider's come from a few addresses.
"""

from __future__ import annotations

import math
import time
from collections import OrderedDict
from collections.abc import Callable
from dataclasses import dataclass, field
from functools import cached_property
from typing import TYPE_CHECKING

from starlette.requests import Request

from overseer_payment.environ import environ_of
from overseer_payment.errors import ConfigurationError, RateLimited
from overseer_payment.settings import Settings, read_settings

if TYPE_CHECKING:
    from overseer_payment.host_contract import Host
    from overseer_payment.schemas import Viewer

_MOST_CALLERS = 10_000
_STAFF = "payment.manage"


@dataclass(slots=True)
class Buckets:
    """`per_minute` calls for each key, all at once if they come at once; 0: no limit."""

    per_minute: int
    now: Callable[[], float] = time.monotonic
    _left: OrderedDict[str, tuple[float, float]] = field(default_factory=OrderedDict)

    def take(self, key: str) -> None:
        """Count one call. Raises RateLimited with the seconds until the next one is free."""
        if not self.per_minute:
            return
        now, rate = self.now(), self.per_minute / 60
        left, at = self._left.pop(key, (float(self.per_minute), now))
        left = min(float(self.per_minute), left + (now - at) * rate)
        free = left >= 1
        self._left[key] = (left - free, now)
        if len(self._left) > _MOST_CALLERS:
            self._left.popitem(last=False)  # who was away longest has the fullest bucket
        if not free:
            wait = max(1, math.ceil((1 - left) / rate))
            raise RateLimited(
                f"Too many requests of this kind from you. Try again in {wait} s.", retry_after=wait
            )


class Limits:
    """The buckets of one host's routes, with the limit that is configured when the first is needed."""

    def __init__(self, host: Host) -> None:
        self._host = host

    def count(self, operation: str, viewer: Viewer, request: Request) -> None:
        """Count this call against whoever makes it. Raises RateLimited."""
        if _STAFF in viewer.permissions:
            return
        # Nobody that we know is told apart by where they come from.
        address = request.client.host if request.client else ""
        self._buckets.take(f"{operation} {viewer.actor if viewer.user else address}")

    @cached_property
    def _buckets(self) -> Buckets:
        return Buckets(_limit(self._host))


def _limit(host: Host) -> int:
    try:
        return read_settings(Settings, environ_of(host.config)).rate_limit
    except ConfigurationError:  # of another setting: told where that is used
        return int(Settings.model_fields["rate_limit"].get_default())
