"""Whom to ask about which account."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from typing import TYPE_CHECKING

from overseer_payment.errors import NotSupported
from overseer_payment.ledger.accounts import Account
from overseer_payment.provider import (
    Capability,
    ListsEvents,
    ListsObjects,
    Provider,
    ProviderSpec,
)

if TYPE_CHECKING:
    from overseer_payment.registry import Registry


@dataclass(frozen=True, slots=True)
class Source:
    """One account, and the configured provider whose key belongs to it."""

    account: Account
    spec: ProviderSpec
    provider: Provider

    @property
    def tells_events(self) -> bool:
        return Capability.EVENT_LIST in self.spec.capabilities and isinstance(self.provider, ListsEvents)

    @property
    def tells_objects(self) -> bool:
        return Capability.OBJECT_LIST in self.spec.capabilities and isinstance(self.provider, ListsObjects)

    def events(self) -> ListsEvents:
        """Raises NotSupported when the provider doesn't list its past events."""
        if self.tells_events and isinstance(self.provider, ListsEvents):
            return self.provider
        raise NotSupported(
            f"{self.spec.title} does not list past events. Read its objects: payment sync --all"
        )

    def objects(self) -> ListsObjects:
        """Raises NotSupported when the provider doesn't list its objects."""
        if self.tells_objects and isinstance(self.provider, ListsObjects):
            return self.provider
        raise NotSupported(f"{self.spec.title} does not list its objects, so nothing can be compared.")


def sources(registry: Registry, homes: Iterable[Account]) -> list[Source]:
    """The accounts that configured keys belong to (`Payments.homes()`), each with its provider."""
    return [Source(home, registry.spec(home.provider), registry.get(home.provider)) for home in homes]
