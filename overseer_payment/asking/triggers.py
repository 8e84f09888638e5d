"""Making an event happen: in test mode, by whoever administers."""

from __future__ import annotations

from typing import TYPE_CHECKING

from overseer_payment.errors import Forbidden
from overseer_payment.provider import Triggered
from overseer_payment.schemas import Viewer
from overseer_payment.shown.triggers import triggering

if TYPE_CHECKING:
    from overseer_payment.service import Payments


async def trigger(payments: Payments, viewer: Viewer, type: str, provider: str | None = None) -> Triggered:
    """Make the event happen, and clean up. Raises Forbidden, Invalid, NotSupported, ProviderError."""
    viewer.require("payment.admin")
    maker = triggering(payments, provider)
    # Before anything else, whatever the plugin looks at: this makes payments and customers.
    if payments.home(provider).livemode:
        raise Forbidden("Events are made in test mode only, and a live key is set. Use a test key.")
    return await maker.trigger(type)
