"""What may be offered: a change appears only where it can be made, and only to those who may make it."""

from __future__ import annotations

from typing import TYPE_CHECKING

from overseer_payment.schemas import ProviderState

if TYPE_CHECKING:
    from overseer_payment.cards.frame import Frame
    from overseer_payment.cards.visit import Visit
    from overseer_payment.provider import Capability

MANAGES = "payment.manage"
ANSWERS = "payment.disputes"
REFUNDS = "payment.refund"


def offers(
    seen: Visit, frame: Frame, provider: str, *capabilities: Capability, permission: str = MANAGES
) -> bool:
    """May this viewer do it, does `provider` declare it, and is there an account behind these rows?"""
    # Example data is nobody's business: whatever is sent about it would be refused.
    if not seen.may(permission) or frame.mode == "example":
        return False
    ready = any(row.key == provider and row.state is ProviderState.READY for row in seen.payments.providers())
    return ready and all(seen.can(provider, one) for one in capabilities)
