"""Which providers are there, and can each be used?"""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

from overseer_payment.doctor.findings import error, ok
from overseer_payment.errors import PaymentError
from overseer_payment.schemas import Finding, ProviderState

if TYPE_CHECKING:
    from overseer_payment.service import Payments


def providers(payments: Payments) -> list[Finding]:
    rows = payments.providers()
    found = [
        error(f"provider.{row.key}", f"{row.title} can't be used: {row.error}", _cure(row.error))
        for row in rows
        if row.state is ProviderState.BROKEN
    ]
    try:
        key = payments.registry.default()
        if key is None:
            return [*found, *([] if found else [_nothing_configured()])]
        mode = "live" if payments.registry.get(key).livemode else "test"
    except PaymentError as failure:
        return [*found, error("provider", failure.detail, "Correct the setting and restart.")]
    return [*found, ok("provider", f"{payments.registry.spec(key).title} is configured, in {mode} mode.")]


def _cure(problem: str | None) -> str:
    """A wrong setting is corrected; a plugin that can't be loaded is mended by its author."""
    if problem and re.match(r"[A-Z][A-Z0-9]*_[A-Z0-9_]+ ", problem):
        return f"Correct {problem.split()[0]} and restart."
    return "Mend the plugin, uninstall it, or name it in OVERSEER_DISABLE_PLUGINS."


def _nothing_configured() -> Finding:
    return error(
        "provider",
        "No payment provider is configured.",
        "Set STRIPE_SECRET_KEY (a restricted key, rk_test_… or rk_live_…) and restart.",
    )
