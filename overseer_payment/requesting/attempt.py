"""One attempt to send one operation, and how old a key may be for it."""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Mapping, Sequence
from dataclasses import asdict, dataclass, field
from datetime import datetime, timedelta
from typing import TYPE_CHECKING, Any, TypeAlias

from sqlalchemy import Row

from overseer_payment.provider import Provider, Snapshot

if TYPE_CHECKING:
    from _typeshed import DataclassInstance

# Providers forget keys (Stripe: "at least 24 hours"). Older than this we look instead of sending again.
KEY_LIVES = timedelta(hours=23)


@dataclass(frozen=True, slots=True)
class Attempt:
    """An operation about to be sent, for the first time or again under the same key."""

    provider: Provider
    operation: Row[Any] = field(repr=False)
    request: Mapping[str, Any] = field(repr=False)
    """What `as_request` kept."""
    now: datetime

    @property
    def key(self) -> str:
        """The provider-side idempotency key."""
        return str(self.operation.idempotency_key)

    @property
    def is_first(self) -> bool:
        return bool(self.operation.attempts == 1)

    @property
    def is_forgotten(self) -> bool:
        """May the provider have forgotten an earlier attempt's key? Then the same key would do it twice."""
        return not self.is_first and self.now - self.operation.created_at > KEY_LIVES


Send: TypeAlias = Callable[[Attempt], Awaitable[Sequence[Snapshot]]]


def as_request(request: DataclassInstance) -> dict[str, Any]:
    """A request as the JSON that an operation keeps."""
    told = {name: value for name, value in asdict(request).items() if value is not None}
    return {name: v.isoformat() if isinstance(v, datetime) else v for name, v in told.items()}
