"""The listeners of this installation: of installed distributions, and those that the operator names.

A provider's plugin that is broken costs only itself. A listener that is broken is an error: an application
that relies on being told must not start deaf.
"""

from __future__ import annotations

import sys
from collections.abc import Iterator, Mapping
from importlib import import_module
from pathlib import Path

from overseer_payment import mailing
from overseer_payment.errors import ConfigurationError
from overseer_payment.hookspecs import LISTENER_GROUP, PROJECT, ListenerHooks
from overseer_payment.listening import Listener, collect
from overseer_payment.plugins import PluginState, call_each, describe, load
from overseer_payment.settings import Settings, read_settings


def installed(environ: Mapping[str, str]) -> tuple[Listener, ...]:
    """Every listener of the group `overseer_payment.listeners` and of PAYMENT_LISTENERS, and our own mail.

    Of strangers none in safe mode: what they are to be told waits for them. Raises ConfigurationError.
    """
    settings = read_settings(Settings, environ)
    offered = [*mailing.listeners(environ), *_plugged(settings)]
    if not settings.safe_mode:
        offered += [_named(path) for path in settings.listeners]
    return collect(offered)


def _plugged(settings: Settings) -> Iterator[object]:
    loaded = load(
        PROJECT,
        LISTENER_GROUP,
        specs=ListenerHooks,
        disabled=settings.disabled_plugins,
        safe_mode=settings.safe_mode,
    )
    for record, offered in call_each(loaded, "register_listeners"):
        try:
            yield from list(offered)  # a generator's body, the application's own code, runs here
        except (Exception, SystemExit) as error:
            record.fail(f"register_listeners: {describe(error)}")
    for record in loaded.records:
        if record.state is PluginState.FAILED:
            raise ConfigurationError(f"The listeners of {record.name!r} can't be used: {record.error}")


def _named(path: str) -> object:
    """What `module` or `module:name` names."""
    here = str(Path.cwd())
    if here not in sys.path:  # as servers do that are given an application's name
        sys.path.append(here)
    module, _, name = path.partition(":")
    try:
        found: object = import_module(module)
        return getattr(found, name) if name else found
    except (Exception, SystemExit) as error:
        raise ConfigurationError(f"PAYMENT_LISTENERS: {path} can't be used: {describe(error)}") from None
