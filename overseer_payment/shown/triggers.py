"""Which events can be made happen."""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING

from overseer_payment.errors import NotSupported
from overseer_payment.provider import Capability, TriggersEvents

if TYPE_CHECKING:
    from overseer_payment.service import Payments


def triggering(payments: Payments, provider: str | None = None) -> TriggersEvents:
    """The provider that makes events. Raises NotSupported, ConfigurationError."""
    key = payments.provider_key(provider)
    spec, built = payments.registry.spec(key), payments.registry.get(key)
    if Capability.TRIGGERS not in spec.capabilities or not isinstance(built, TriggersEvents):
        raise NotSupported(f"{spec.title} has no way to make events happen for a test.")
    return built


async def types(payments: Payments, provider: str | None = None) -> Mapping[str, str]:
    """Each type with how it is made."""
    return triggering(payments, provider).trigger_types()
