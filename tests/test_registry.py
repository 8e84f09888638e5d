"""Which providers are there, in what state; one that is broken or contested costs only itself."""

from __future__ import annotations

import asyncio
from pathlib import Path
from typing import Any

import httpx
import pytest

from overseer_payment.errors import ConfigurationError, NotFound
from overseer_payment.registry import Registry
from overseer_payment.schemas import ProviderRow, ProviderState
from tests.support.distributions import Install, installer

GROUP = "overseer_payment.providers"

SOURCE = """
from typing import Any
from pydantic import BaseModel, Field, SecretStr
from overseer_payment import hookimpl
from overseer_payment.provider import API_LEVEL, Capability, ProviderSpec

class Settings(BaseModel):
    key: SecretStr | None = Field(None, alias="{KEY}_SECRET_KEY")
    retries: int = Field(2, alias="{KEY}_RETRIES")

class Wallet:
    livemode = False
    closed = False
    def __init__(self, settings, http):
        self.settings, self.http = settings, http
    async def aclose(self):
        self.closed = True
    def __getattr__(self, name):
        if name in {"create_checkout", "get_transaction", "refund", "create_customer", "verify_webhook",
                    "parse", "fetch", "list_prices", "health_check", "dashboard_url"}:
            return lambda *args, **kwargs: None
        raise AttributeError(name)

def spec(**changes: Any) -> ProviderSpec:
    sound = dict(
        key="{key}",
        title="{Key} Pay",
        api_version="7",
        capabilities=frozenset({Capability.REFUND}),
        settings=Settings,
        factory=Wallet,
        configured=lambda settings: settings.key is not None,
    )
    return ProviderSpec(**{**sound, **changes})

@hookimpl
def register_providers():
    yield spec()
"""


def provider(key: str, tail: str = "") -> str:
    """The source of a sound provider plugin; `tail` may redefine parts of it."""
    source = SOURCE.replace("{KEY}", key.upper()).replace("{Key}", key.title()).replace("{key}", key)
    return source + tail


def yielding(expression: str) -> str:
    """What replaces a plugin's hook by one that yields `expression`."""
    return f"\n@hookimpl\ndef register_providers():\n    yield {expression}\n"


@pytest.fixture
def install(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Install:
    return installer(tmp_path, monkeypatch, group=GROUP)


def row(registry: Registry, distribution: str) -> ProviderRow:
    [found] = [row for row in registry.rows() if row.distribution == distribution]
    return found


CONFIGURED = {"ACME_SECRET_KEY": "k_acme", "ZETA_SECRET_KEY": "k_zeta"}


def test_sound_provider_is_ready_once_configured(install: Install) -> None:
    """A provider is not configured without its settings, and ready with them."""
    install("acme-pay", provider("acme"))

    assert ProviderState.NOT_CONFIGURED is row(Registry({}), "acme-pay").state
    found = row(Registry(CONFIGURED), "acme-pay")
    assert (
        found.state,
        found.title,
        found.api_version,
        found.capabilities,
    ) == (ProviderState.READY, "Acme Pay", "7", ["refund"])


BROKEN = {
    "import error": ("raise ImportError('no wallet')", "ImportError: no wallet"),
    "bad key": (provider("weed", yielding("spec(key='Weed Pay')")), "'Weed Pay' must be lower case"),
    "other level": (provider("weed", yielding("spec(api_level=99)")), "level 99 of the provider contract"),
    "no spec": (provider("weed", yielding("{'key': 'weed'}")), "ProviderSpec objects, not dict"),
    "no settings model": (provider("weed", yielding("spec(settings=dict)")), "pydantic model class"),
    "made-up capability": (provider("weed", yielding("spec(capabilities={'fly'})")), "members of Capability"),
    "no factory": (provider("weed", yielding("spec(factory=None)")), "callable"),
    "dies while yielding": (provider("weed", yielding("1 / 0")), "ZeroDivisionError"),
    "ends while yielding": (
        "import asyncio\n"
        + provider(
            "weed",
            "\n@hookimpl\ndef register_providers():\n    yield spec()\n    raise asyncio.CancelledError\n",
        ),
        "CancelledError",
    ),
    "exits when configured": (
        provider(
            "weed",
            "class Plain(BaseModel): ...\n"
            + yielding("spec(settings=Plain, configured=lambda s: (_ for _ in ()).throw(SystemExit(3)))"),
        ),
        "SystemExit",
    ),
    "offers nothing": (provider("weed", yielding("from ()")), "named no provider"),
    "wrong setting": (provider("weed"), "WEED_RETRIES"),
    "configured() fails": (
        provider(
            "weed",
            "class Plain(BaseModel): ...\n" + yielding("spec(settings=Plain, configured=lambda s: s.nope)"),
        ),
        "AttributeError",
    ),
}


@pytest.mark.parametrize(("source", "error"), BROKEN.values(), ids=BROKEN)
def test_broken_provider_costs_only_itself(install: Install, source: str, error: str) -> None:
    """Whatever is wrong with one provider is told in its row, and the others work."""
    install("acme-pay", provider("acme"))
    install("weed-pay", source)

    registry = Registry({**CONFIGURED, "WEED_RETRIES": "many"})

    assert ProviderState.BROKEN is row(registry, "weed-pay").state
    assert error in str(row(registry, "weed-pay").error)
    assert registry.configured() == ["acme"]


def test_wrong_setting_is_told_without_its_value(install: Install) -> None:
    """An error about a setting names the variable and never quotes what was typed."""
    install("acme-pay", provider("acme"))

    error = str(row(Registry({**CONFIGURED, "ACME_RETRIES": "sk_live_pasted_here"}), "acme-pay").error)

    assert "ACME_RETRIES" in error
    assert "sk_live" not in error


def test_declaration_survives_a_wrong_setting(install: Install) -> None:
    """What a provider declares (how it counts money) is known although its settings are wrong."""
    install("acme-pay", provider("acme"))

    registry = Registry({"ACME_RETRIES": "many"})

    assert registry.spec("acme").title == "Acme Pay"


def test_contested_key_goes_to_nobody(install: Install) -> None:
    """Two distributions that offer one key are both broken, and each error names the other."""
    install("acme-pay", provider("acme"))
    install("evil-pay", provider("acme"))

    registry = Registry(CONFIGURED)

    assert "evil-pay" in str(row(registry, "acme-pay").error)
    assert "acme-pay" in str(row(registry, "evil-pay").error)
    with pytest.raises(ConfigurationError, match="claimed"):
        registry.spec("acme")


def test_built_in_key_can_not_be_taken(install: Install) -> None:
    """A stranger that offers our own provider's key is broken, and ours stays what it is."""
    install("evil-pay", provider("stripe"))

    registry = Registry({"STRIPE_SECRET_KEY": "k"})

    assert ProviderState.BROKEN is row(registry, "evil-pay").state
    assert registry.spec("stripe").title != "Stripe Pay"


def test_disabling_a_claimant_settles_a_contest(install: Install) -> None:
    """OVERSEER_DISABLE_PLUGINS gives a contested key to the distribution that stays."""
    install("acme-pay", provider("acme"))
    install("evil-pay", provider("acme"))

    registry = Registry({**CONFIGURED, "OVERSEER_DISABLE_PLUGINS": "evil-pay"})

    assert ProviderState.READY is row(registry, "acme-pay").state
    assert ProviderState.BLOCKED is row(registry, "evil-pay").state


def test_safe_mode_blocks_third_parties(install: Install) -> None:
    """Safe mode keeps the built-in providers and blocks all others."""
    install("acme-pay", provider("acme"))

    registry = Registry({**CONFIGURED, "OVERSEER_SAFE_MODE": "1"})

    assert ProviderState.BLOCKED is row(registry, "acme-pay").state
    assert registry.spec("stripe").key == "stripe"


def test_default_is_the_first_ready_provider(install: Install) -> None:
    """Without PAYMENT_PROVIDER the first ready provider by key is the default; without any, there is none."""
    install("zeta-pay", provider("zeta"))
    install("acme-pay", provider("acme"))

    assert None is Registry({}).default()
    assert Registry({"ZETA_SECRET_KEY": "k"}).default() == "zeta"
    assert Registry(CONFIGURED).default() == "acme"
    assert Registry({**CONFIGURED, "PAYMENT_PROVIDER": "zeta"}).default() == "zeta"


@pytest.mark.parametrize(
    ("wanted", "why"), [("paypall", "no payment provider 'paypall'"), ("weed_pay", "broken")]
)
def test_wanted_provider_that_is_not_there_is_said(install: Install, wanted: str, why: str) -> None:
    """A PAYMENT_PROVIDER that is unknown or broken is an error that says which, never another provider."""
    install("acme-pay", provider("acme"))
    install("weed-pay", "raise ImportError('no wallet')")

    with pytest.raises(ConfigurationError, match=why):
        Registry({**CONFIGURED, "PAYMENT_PROVIDER": wanted}).default()


def test_configuration_of_another_type_is_read_like_an_environment(install: Install) -> None:
    """A host's configuration may hold booleans, numbers and lists where an environment has strings."""
    install("acme-pay", provider("acme"))
    config: dict[str, Any] = {
        **CONFIGURED,
        "OVERSEER_DISABLE_PLUGINS": ["acme-pay"],
        "PAYMENT_PROVIDER": None,
    }

    assert ProviderState.BLOCKED is row(Registry(config), "acme-pay").state


@pytest.mark.anyio
async def test_provider_is_built_once(install: Install) -> None:
    """In one event loop everybody gets the same provider, built at the first use with a client of its own."""
    install("acme-pay", provider("acme"))
    asked: list[str] = []

    def client(key: str) -> httpx.AsyncClient:
        asked.append(key)
        return httpx.AsyncClient()

    registry = Registry(CONFIGURED, http_factory=client)

    assert asked == []
    assert registry.get("acme") is registry.get("acme")
    assert asked == ["acme"]
    await registry.aclose()


@pytest.mark.anyio
async def test_closing_closes_provider_and_client(install: Install) -> None:
    """After `aclose` the provider and its client are closed, and the next use builds new ones."""
    install("acme-pay", provider("acme"))
    registry = Registry(CONFIGURED)
    first: Any = registry.get("acme")

    await registry.aclose()

    assert (first.closed, first.http.is_closed) == (True, True)
    assert first is not registry.get("acme")
    await registry.aclose()


def test_each_event_loop_has_its_own(install: Install) -> None:
    """A provider holds connections of one event loop, so another loop gets another provider."""
    install("acme-pay", provider("acme"))
    registry = Registry(CONFIGURED)

    async def get() -> object:
        provider = registry.get("acme")
        await registry.aclose()
        return provider

    assert asyncio.run(get()) is not asyncio.run(get())


@pytest.mark.anyio
async def test_client_gives_up_in_bounded_time(install: Install) -> None:
    """Our own HTTP client has a limit for each phase of a request and follows no redirect."""
    install("acme-pay", provider("acme"))
    registry = Registry(CONFIGURED)
    http: httpx.AsyncClient = registry.get("acme").http  # type: ignore[attr-defined]  # what this factory made has it

    assert None not in http.timeout.as_dict().values()
    assert not http.follow_redirects
    await registry.aclose()


@pytest.mark.anyio
@pytest.mark.parametrize(
    ("tail", "config", "why"),
    [
        ("", {}, "Set ACME_SECRET_KEY"),
        ("", {**CONFIGURED, "ACME_RETRIES": "many"}, "ACME_RETRIES"),
        (
            yielding("spec(factory=lambda s, h: 1 / 0)"),
            CONFIGURED,
            r"could not be started \(ZeroDivisionError\)",
        ),
        (yielding("spec(factory=lambda s, h: object())"), CONFIGURED, "it lacks aclose, create_checkout"),
    ],
    ids=["not configured", "wrong setting", "factory fails", "not a provider"],
)
async def test_provider_that_can_not_be_built_says_why(
    install: Install, tail: str, config: dict[str, str], why: str
) -> None:
    """Asking for a provider that can't be had is a ConfigurationError with the reason and the cure."""
    install("acme-pay", provider("acme", tail))
    registry = Registry(config)

    with pytest.raises(ConfigurationError, match=why):
        registry.get("acme")


@pytest.mark.anyio
async def test_failing_factory_does_not_tell_secrets(install: Install) -> None:
    """The text of an exception from a provider's factory is not passed on: it may hold a key."""
    install("acme-pay", provider("acme", yielding("spec(factory=lambda s, h: {}[s.key.get_secret_value()])")))

    with pytest.raises(ConfigurationError) as caught:
        Registry(CONFIGURED).get("acme")

    assert "k_acme" not in str(caught.value)
    assert caught.value.__suppress_context__


@pytest.mark.anyio
async def test_unknown_key_is_not_found() -> None:
    """A key that nobody offers is NotFound, with those that are offered."""
    with pytest.raises(NotFound, match="stripe"):
        Registry({}).get("nobody")
