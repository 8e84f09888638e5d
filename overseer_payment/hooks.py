"""The plugin's face: what it gives to any host that loads `overseer.plugins`.

Hosts import this module for each of their commands, so everything but the markers is imported inside
the hooks.
"""

from __future__ import annotations

from collections.abc import Awaitable, Mapping, Sequence
from contextlib import AbstractAsyncContextManager, asynccontextmanager
from typing import TYPE_CHECKING

import pluggy

from overseer_payment.hookspecs import ListenerHooks, ProviderHooks, hookimpl, hookspec

if TYPE_CHECKING:
    from collections.abc import AsyncIterator

    import click
    from starlette.routing import BaseRoute

    from overseer_payment.host_contract import Card, Host, Schema

__all__ = ["ListenerHooks", "ProviderHooks", "hookimpl", "hookspec"]

# The marker of the *host's* project; `hookimpl` is for those who extend this package.
_for_host = pluggy.HookimplMarker("overseer")


@_for_host
def check_configuration(host: Host) -> str | None:
    from overseer_payment.composition import listeners_of
    from overseer_payment.errors import ConfigurationError

    try:
        listeners_of(host)
    except ConfigurationError as error:
        return error.detail
    return None


@_for_host
def register_routes(host: Host) -> Sequence[BaseRoute]:
    from overseer_payment.routes import admin_routes

    return admin_routes(host)


@_for_host
def register_public_routes(host: Host) -> Sequence[BaseRoute]:
    from overseer_payment.routes import public_routes

    return public_routes(host)


@_for_host
def register_commands(cli: click.Group) -> None:
    from overseer_payment.cli.payment import payment

    cli.add_command(payment)


@_for_host
def register_tables() -> Schema:
    from overseer_payment.migrations import SCHEMA

    return SCHEMA


@_for_host
def register_permissions() -> Mapping[str, str]:
    from overseer_payment.host_contract import PERMISSIONS

    return PERMISSIONS


@_for_host
def register_cards(host: Host) -> Sequence[Card]:
    from overseer_payment.cards import cards

    return cards(host)


@_for_host
def lifespan(host: Host) -> AbstractAsyncContextManager[None]:
    return _payments_running(host)


@asynccontextmanager
async def _payments_running(host: Host) -> AsyncIterator[None]:
    from overseer_payment.composition import running
    from overseer_payment.demo import stop

    async with running(host):
        try:
            yield
        finally:
            await stop(host)


@_for_host
def prepare_demo(config: Mapping[str, str]) -> Mapping[str, str]:
    from overseer_payment.demo import prepare

    return prepare(config)


@_for_host
def demo_routes(host: Host) -> Sequence[BaseRoute]:
    from overseer_payment.demo import routes

    return routes(host)


@_for_host
def demo_ready(host: Host) -> Awaitable[None] | None:
    from overseer_payment.demo import ready

    return ready(host)
