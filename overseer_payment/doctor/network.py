"""Does the provider answer, and do its clock and ours agree?"""

from __future__ import annotations

from datetime import timedelta
from typing import TYPE_CHECKING

from overseer_payment.doctor.findings import error, ok, warning
from overseer_payment.schemas import Finding

if TYPE_CHECKING:
    from overseer_payment.provider import Health
    from overseer_payment.service import Payments

_SLACK = timedelta(seconds=30)
_REFUSED = timedelta(minutes=5)  # deliveries are refused whose signature is that far from our time


async def health(payments: Payments) -> list[Finding]:
    """One question to the provider, whatever it costs to wait for the answer."""
    found = await payments.health(fresh=True)
    if not found.healthy:
        return [error("health", found.message, "Check the API key, STRIPE_API_BASE and the network.")]
    return [ok("health", found.message), *_clock(found)]


def _clock(found: Health) -> list[Finding]:
    if found.ahead is None:
        return []
    if abs(found.ahead) <= _SLACK:
        return [ok("clock", "This machine's clock agrees with the provider's.")]
    seconds, late = int(abs(found.ahead).total_seconds()), found.ahead > timedelta(0)
    problem = f"This machine's clock is {seconds} s {'behind' if late else 'ahead of'} the provider's."
    cure = "Let the clock be set over the network (NTP)."
    if abs(found.ahead) < _REFUSED:
        return [warning("clock", problem, cure)]
    return [error("clock", f"{problem} Signed deliveries are refused.", cure)]
