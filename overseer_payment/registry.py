"""The providers of this installation, and the one built instance of each for this event loop.

Nothing is built, and no SDK imported, before a provider is first asked for.
"""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Mapping
from typing import TYPE_CHECKING, Any, TypeAlias

from overseer_payment.discovery import Claim, discover
from overseer_payment.environ import environ_of
from overseer_payment.errors import ConfigurationError, NotFound, PaymentError
from overseer_payment.provider import Provider, ProviderSpec
from overseer_payment.settings import Settings, read_settings
from overseer_payment.threads import loop_served

if TYPE_CHECKING:
    import httpx

    from overseer_payment.schemas import ProviderRow

HttpFactory: TypeAlias = "Callable[[str], httpx.AsyncClient]"
"""Provider key → the HTTP client that this provider is to use; the registry closes it."""


class Registry:
    """Every installed provider plugin, with the host's configuration applied to each.

    Raises ConfigurationError when a setting of ours is wrong; a provider's wrong setting breaks only
    that provider. `http_factory` replaces the HTTP clients (tests and the demo bring a transport).
    """

    def __init__(self, config: Mapping[str, Any], *, http_factory: HttpFactory | None = None) -> None:
        environ = environ_of(config)
        settings = read_settings(Settings, environ)
        self._wanted = settings.default_provider
        self._http_factory = http_factory or _http_client
        self._claims = discover(environ, settings)
        self._sound = {claim.key: claim for claim in self._claims if claim.spec}
        self._built: dict[asyncio.AbstractEventLoop, dict[str, tuple[Provider, httpx.AsyncClient]]] = {}

    def rows(self) -> list[ProviderRow]:
        """All of them, whatever their state, by key."""
        return [claim.row() for claim in self._claims]

    def spec(self, key: str) -> ProviderSpec:
        """What a provider declares, configured or not.

        Raises NotFound for an unknown key, ConfigurationError for a provider that could not be loaded.
        """
        claim = self._sound.get(key)
        if claim is not None and claim.spec is not None:
            return claim.spec
        for other in self._claims:
            if other.key == key:
                raise ConfigurationError(f"The payment provider {key!r} is {other.state}: {other.error}")
        known = ", ".join(sorted(self._sound)) or "none"
        raise NotFound(f"There is no payment provider {key!r} (installed: {known}).")

    def configured(self) -> list[str]:
        """Keys of the providers that are ready, sorted."""
        return sorted(key for key, claim in self._sound.items() if claim.configured)

    def default(self) -> str | None:
        """PAYMENT_PROVIDER, else the first ready provider by key, else None.

        Raises ConfigurationError when PAYMENT_PROVIDER names one that isn't there or can't be loaded.
        """
        if self._wanted is None:
            return next(iter(self.configured()), None)
        try:
            return self.spec(self._wanted).key
        except PaymentError as error:
            raise ConfigurationError(f"PAYMENT_PROVIDER can't be used: {error.detail}") from None

    def get(self, key: str) -> Provider:
        """The provider, built at its first use in this event loop.

        Raises NotFound for an unknown key, ConfigurationError when it is broken or not configured.
        """
        loop = loop_served()
        if key not in self._built.get(loop, {}):
            made = self._build(self.spec(key), self._sound[key])
            self._built = {known: built for known, built in self._built.items() if not known.is_closed()}
            self._built.setdefault(loop, {})[key] = made
        return self._built[loop][key][0]

    async def aclose(self) -> None:
        """Close what this event loop has built. The registry stays usable and would build again."""
        for provider, http in self._built.pop(asyncio.get_running_loop(), {}).values():
            try:
                await provider.aclose()
            finally:
                await http.aclose()

    def _build(self, spec: ProviderSpec, claim: Claim) -> tuple[Provider, httpx.AsyncClient]:
        if claim.error is not None:
            raise ConfigurationError(f"{spec.title}: {claim.error}")
        if not claim.configured:
            raise ConfigurationError(f"{spec.title} is not configured. Set {_needed(spec)} and restart.")
        http = self._http_factory(spec.key)
        try:
            provider = spec.factory(claim.settings, http)
        except PaymentError:
            raise
        except Exception as error:
            # Its text may hold a key: name its type only, and don't chain it into a traceback.
            raise ConfigurationError(f"{spec.title} could not be started ({type(error).__name__}).") from None
        if missing := _missing(provider):
            raise ConfigurationError(f"{spec.title} is broken: it lacks {', '.join(missing)}.")
        return provider, http


def _http_client(_: str) -> httpx.AsyncClient:
    import httpx  # 0.1 s that no command line's help needs

    return httpx.AsyncClient(
        timeout=httpx.Timeout(30, connect=5, pool=10),
        limits=httpx.Limits(max_connections=20, max_keepalive_connections=10, keepalive_expiry=30),
    )


def _needed(spec: ProviderSpec) -> str:
    """The variables most likely forgotten: those named like keys, else all of them."""
    names = [field.alias or name for name, field in spec.settings.model_fields.items()]
    return ", ".join([name for name in names if name.endswith(("_KEY", "_TOKEN"))] or names) or "its settings"


def _missing(provider: object) -> list[str]:
    """What the Provider protocol demands and this object lacks."""
    names = {*vars(Provider), *Provider.__annotations__}
    return sorted(name for name in names if not name.startswith("_") and not hasattr(provider, name))
