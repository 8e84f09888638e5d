"""Every misconfiguration that can be seen from here, each with its cure: one small check in each module."""

from __future__ import annotations

import asyncio
from contextlib import suppress
from typing import TYPE_CHECKING

from overseer_payment.doctor.database import database
from overseer_payment.doctor.endpoints import endpoints
from overseer_payment.doctor.findings import CATALOGUE, ORDER, Known
from overseer_payment.doctor.healing import healing
from overseer_payment.doctor.network import health
from overseer_payment.doctor.providers import providers
from overseer_payment.doctor.reach import reach
from overseer_payment.doctor.urls import landing, public_url, redirect_hosts
from overseer_payment.doctor.webhooks import modes, secrets
from overseer_payment.errors import ConfigurationError

if TYPE_CHECKING:
    from overseer_payment.schemas import Finding
    from overseer_payment.service import Payments

__all__ = ["CATALOGUE", "Known", "examine"]


async def examine(payments: Payments, *, from_outside: bool = False) -> list[Finding]:
    """Findings, errors first. `from_outside`: knock at our own public address as well."""
    found = [*await database(payments), *providers(payments)]
    found += [*public_url(payments), *landing(payments), *redirect_hosts(payments)]
    if payments.registry.configured():
        found += [*secrets(payments), *await modes(payments), *await healing(payments)]
        # Both wait for the provider: side by side they take as long as one.
        for findings in await asyncio.gather(health(payments), endpoints(payments)):
            found += findings
    if from_outside:
        with suppress(ConfigurationError):  # a provider that isn't there is told already
            found += await reach(payments)
    return sorted(found, key=lambda finding: ORDER[finding.level])
