"""Hooks that this package calls: providers offer themselves here (and, later, applications listen here).

The pluggy project is `overseer_payment`, the entry-point group `overseer_payment.providers`. Always take
the marker from this package: pluggy ignores functions that carry a marker of any other name.
"""

from __future__ import annotations

from collections.abc import Iterable
from typing import TYPE_CHECKING

import pluggy

if TYPE_CHECKING:
    from overseer_payment.provider import ProviderSpec

PROJECT = "overseer_payment"
PROVIDER_GROUP = "overseer_payment.providers"

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
