"""What the loaded plugins bring to one host, asked for once; a plugin that fails a hook brings nothing."""

from __future__ import annotations

import logging
from collections.abc import AsyncIterator, Mapping
from contextlib import AsyncExitStack, asynccontextmanager
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from starlette.routing import BaseRoute

from overseer_payment.errors import ConfigurationError
from overseer_payment.host.specs import GROUP, PROJECT, HostHooks
from overseer_payment.plugins import Loaded, PluginRecord, call_each, describe, is_our_end, load
from overseer_payment.settings import Settings

if TYPE_CHECKING:
    from overseer_payment.host_contract import Card, Host, Schema

log = logging.getLogger("overseer")


@dataclass(frozen=True, slots=True)
class Contributions:
    """Routes, cards and the rest, in the plugins' order; cards in their own."""

    loaded: Loaded
    routes: tuple[BaseRoute, ...]
    public_routes: tuple[BaseRoute, ...]
    cards: tuple[Card, ...]
    schemas: tuple[tuple[PluginRecord, Schema], ...]
    permissions: Mapping[str, str]

    @property
    def stylesheets(self) -> list[str]:
        return list(dict.fromkeys(path for card in self.cards for path in card.stylesheets))

    @property
    def scripts(self) -> list[str]:
        return list(dict.fromkeys(path for card in self.cards for path in card.scripts))


def load_host_plugins(settings: Settings, *, own_only: bool = False) -> Loaded:
    """The plugins of this installation, as OVERSEER_DISABLE_PLUGINS and OVERSEER_SAFE_MODE allow."""
    return load(
        PROJECT,
        GROUP,
        specs=HostHooks,
        disabled=settings.disabled_plugins,
        safe_mode=settings.safe_mode or own_only,
    )


def collect(loaded: Loaded, host: Host, *, demo: bool = False) -> Contributions:
    """Ask every plugin for everything first, so that one which fails late leaves nothing half mounted.

    Raises ConfigurationError when one of them says that the host must not start so.
    """
    if complaints := [said for _, said in call_each(loaded, "check_configuration", host=host)]:
        raise ConfigurationError(" ".join(map(str, complaints)))
    routes = _lists(loaded, "register_routes", host=host)
    public = _lists(loaded, "register_public_routes", host=host)
    if demo:
        public += _lists(loaded, "demo_routes", host=host)
    cards = _lists(loaded, "register_cards", host=host)
    schemas = call_each(loaded, "register_tables")
    permissions = call_each(loaded, "register_permissions")
    return Contributions(
        loaded=loaded,
        routes=_of_active(routes),
        public_routes=_of_active(public),
        cards=tuple(sorted(_of_active(cards), key=lambda card: (card.order, card.title))),
        schemas=tuple(found for found in schemas if found[0].active),
        permissions={name: text for _, mapping in permissions for name, text in mapping.items()},
    )


def _lists(loaded: Loaded, hook: str, **kwargs: Any) -> list[tuple[PluginRecord, list[Any]]]:
    found = []
    for record, answer in call_each(loaded, hook, **kwargs):
        try:
            found.append((record, list(answer)))
        except KeyboardInterrupt:
            raise
        except BaseException as error:
            record.fail(f"{hook}: {describe(error)}")
    return found


def _of_active(found: list[tuple[PluginRecord, list[Any]]]) -> tuple[Any, ...]:
    return tuple(item for record, items in found if record.active for item in items)


@asynccontextmanager
async def running(loaded: Loaded, host: Host) -> AsyncIterator[None]:
    """Every plugin's lifespan, left in reverse. One that can't start is off; one that can't stop is told."""
    async with AsyncExitStack() as stack:
        for record, lifespan in call_each(loaded, "lifespan", host=host):
            try:
                await lifespan.__aenter__()
            except BaseException as error:
                if is_our_end(error):
                    raise
                record.fail(f"lifespan: {describe(error)}")
                continue
            stack.push_async_callback(_leave, record, lifespan)
        yield


async def _leave(record: PluginRecord, lifespan: Any) -> None:
    try:
        await lifespan.__aexit__(None, None, None)
    except BaseException as error:
        if is_our_end(error):
            raise
        log.warning("plugin %s did not stop cleanly: %s", record.name, describe(error))
