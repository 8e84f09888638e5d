"""Hooks that this package calls: providers offer themselves here, and applications listen.

The pluggy project is `overseer_payment`, the entry-point groups `overseer_payment.providers` and
`overseer_payment.listeners`. Always take the marker from this package: pluggy ignores functions that
carry a marker of any other name.
"""

from __future__ import annotations

from collections.abc import Iterable
from typing import TYPE_CHECKING

import pluggy

if TYPE_CHECKING:
    from overseer_payment.listening import Listener
    from overseer_payment.provider import ProviderSpec

PROJECT = "overseer_payment"
PROVIDER_GROUP = "overseer_payment.providers"
LISTENER_GROUP = "overseer_payment.listeners"

hookspec = pluggy.HookspecMarker(PROJECT)
hookimpl = pluggy.HookimplMarker(PROJECT)


class ProviderHooks:
    """What a payment provider's plugin implements."""

    @hookspec
    def register_providers(self) -> Iterable[ProviderSpec]:
        """Name the providers that this plugin brings: no I/O, and no import of a provider's SDK.

        Example:

            from overseer_payment import hookimpl

            @hookimpl
            def register_providers():
                yield ProviderSpec(key="acme", title="Acme Pay", ...)
        """


class ListenerHooks:
    """What an application implements that wants to be told of payments in every process."""

    @hookspec
    def register_listeners(self) -> Iterable[Listener]:
        """Name what is to be told of payments: functions marked with `on` or `inside`."""
