"""Making a provider's events happen, in test mode only."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Protocol, runtime_checkable


@dataclass(frozen=True, slots=True, kw_only=True)
class Triggered:
    """What was done for an event: `made` names the objects, `removed` those that were cleaned up again.

    What is in `made` alone can't be deleted at the provider (payments, for one) and stays in its test data.
    """

    type: str
    made: tuple[str, ...]
    removed: tuple[str, ...]


@runtime_checkable
class TriggersEvents(Protocol):
    """What a provider that declares TRIGGERS does besides. Others need not have the methods."""

    def trigger_types(self) -> Mapping[str, str]:
        """Every event type that can be made happen, each with how, in one sentence."""

    async def trigger(self, type: str) -> Triggered:
        """Make it happen and clean up.

        Raises Forbidden for a live key before any call, Invalid for a type that isn't offered, ProviderError.
        """
