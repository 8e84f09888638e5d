"""Puts the service together: one `Payments` for each host, shared by its routes, cards and lifespan."""

from __future__ import annotations

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import TYPE_CHECKING
from weakref import WeakKeyDictionary

from overseer_payment.environ import environ_of
from overseer_payment.ledger import accounts
from overseer_payment.listening import Listener, collect
from overseer_payment.registry import HttpFactory, Registry
from overseer_payment.service import Payments
from overseer_payment.settings import Settings, read_settings
from overseer_payment.telling.discovery import installed

if TYPE_CHECKING:
    from overseer_payment.host_contract import Host

# Weak, and not an attribute of the host: a stranger's host object is not ours to write to.
_services: WeakKeyDictionary[Host, Payments] = WeakKeyDictionary()


def payments_for(host: Host, *, http_factory: HttpFactory | None = None) -> Payments:
    """The host's service, built at the first call from its configuration, engine and installed providers.

    `http_factory` counts at that first call only. Raises ConfigurationError for a wrong setting.
    """
    known = _services.get(host)
    if known is None:
        environ = environ_of(host.config)
        settings = read_settings(Settings, environ)
        registry = Registry(host.config, http_factory=http_factory)
        account = accounts.DEMO if environ.get("OVERSEER_DEMO") else accounts.DEFAULT
        listeners = listeners_of(host)
        known = _services[host] = Payments(
            host.engine, registry, settings, account=account, listeners=listeners
        )
    return known


def listeners_of(host: Host) -> tuple[Listener, ...]:
    """Who is told of payments: those installed, those that the operator names, those that the host brings.

    Raises ConfigurationError if one of them can't be used: an application must not start half deaf.
    """
    # Not in the contract: a host that has nobody to bring need not say so.
    return collect([*installed(environ_of(host.config)), *getattr(host, "listeners", ())])


@asynccontextmanager
async def running(host: Host) -> AsyncIterator[Payments]:
    """The host's service with its background work under way; afterwards closed and forgotten."""
    payments = payments_for(host)
    # A demo delivers its history itself, and longer than a provider tells it: nothing of it is missed.
    heals = payments.settings.healing and payments.account not in accounts.MADE_UP
    await payments.start(healing=heals)
    try:
        yield payments
    finally:
        # Forgotten first: a host that starts again (tests do) gets a new service, never a closed one.
        _services.pop(host, None)
        await payments.aclose()
