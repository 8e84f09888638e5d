"""Every misconfiguration that can be seen from here, each with its cure: one small check in each module."""

from __future__ import annotations

import asyncio
from contextlib import suppress
from typing import TYPE_CHECKING

from overseer_payment.doctor.database import database
from overseer_payment.doctor.endpoints import endpoints
from overseer_payment.doctor.findings import CATALOGUE, ORDER, Known
from overseer_payment.doctor.healing import healing
from overseer_payment.doctor.hearing import Heard, Hearing
from overseer_payment.doctor.network import health
from overseer_payment.doctor.providers import providers
from overseer_payment.doctor.reach import reach
from overseer_payment.doctor.urls import landing, public_url, redirect_hosts
from overseer_payment.doctor.webhooks import modes, secrets
from overseer_payment.errors import ConfigurationError

if TYPE_CHECKING:
    from overseer_payment.schemas import Finding
    from overseer_payment.service import Payments

__all__ = ["CATALOGUE", "Heard", "Hearing", "Known", "ask_provider", "at_once", "examine"]


async def examine(payments: Payments, *, from_outside: bool = False) -> list[Finding]:
    """Findings, errors first. `from_outside`: knock at our own public address as well."""
    found = [*await _here(payments), *await ask_provider(payments)]
    if from_outside:
        with suppress(ConfigurationError):  # a provider that isn't there is told already
            found += await reach(payments)
    return _ordered(found)


async def at_once(payments: Payments) -> tuple[list[Finding], Heard]:
    """The same for a page, which never waits long: what a provider is asked may be of a moment ago.

    Also when that was; where it has not answered yet, its findings are missing.
    """
    found, heard = await _here(payments), await payments.hearing()
    return _ordered([*found, *heard.findings]), heard


async def ask_provider(payments: Payments) -> list[Finding]:
    """What only the provider can tell, whatever it costs to wait for it."""
    if not payments.registry.configured():
        return []
    # Both wait for the provider: side by side they take as long as one.
    return [one for found in await asyncio.gather(health(payments), endpoints(payments)) for one in found]


async def _here(payments: Payments) -> list[Finding]:
    """What can be seen without asking a provider."""
    found = [*await database(payments), *providers(payments)]
    found += [*public_url(payments), *landing(payments), *redirect_hosts(payments)]
    if payments.registry.configured():
        found += [*secrets(payments), *await modes(payments), *await healing(payments)]
    return found


def _ordered(found: list[Finding]) -> list[Finding]:
    return sorted(found, key=lambda finding: ORDER[finding.level])
