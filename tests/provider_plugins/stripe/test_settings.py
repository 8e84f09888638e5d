"""Keys, secrets and addresses: what is taken, what is refused with its reason, what is never shown."""

from __future__ import annotations

import pytest

from overseer_payment.errors import ConfigurationError
from overseer_payment.provider_plugins.stripe.settings import StripeSettings, secret_fault
from overseer_payment.settings import read_settings
from tests.provider_plugins.stripe.payloads import KEY, SECRET, settings


@pytest.mark.parametrize(
    ("key", "live"),
    [("sk_test_1", False), ("rk_test_51abc", False), ("sk_live_51abc", True), ("rk_live_51abc", True)],
)
def test_the_key_tells_the_mode(key: str, live: bool) -> None:
    """Secret and restricted keys of both modes are taken, and the infix decides."""
    assert settings(STRIPE_SECRET_KEY=f" {key} ").livemode is live


@pytest.mark.parametrize(
    ("key", "reason"),
    [
        ("pk_test_51abc", "publishable"),
        ("sk_51abc", "sk_test_"),
        ("whsec_abc", "sk_test_"),
        ("sk_prod_abc", "sk_test_"),
        ("sk_test_", "sk_test_"),
        ("sk_test_...", "placeholder"),
    ],
)
def test_a_key_of_another_sort_is_refused_without_being_shown(key: str, reason: str) -> None:
    """The error names the variable and the cure, never the value."""
    with pytest.raises(ConfigurationError, match=f"STRIPE_SECRET_KEY .*{reason}") as caught:
        read_settings(StripeSettings, {"STRIPE_SECRET_KEY": key})
    assert "51abc" not in str(caught.value)


def test_nothing_set_is_not_configured() -> None:
    """Without a key settings can be read, and asking for the key says what to do."""
    empty = read_settings(StripeSettings, {})
    assert empty.secret_key is None
    with pytest.raises(ConfigurationError, match="Set STRIPE_SECRET_KEY"):
        _ = empty.livemode


@pytest.mark.parametrize(
    "secret",
    [
        "whsec_...",
        "whsec_xxx",
        "whsec_XXXXXXXX",
        "whsec_your_secret",
        "whsec_your_webhook_secret_here",
        "whsec_<your-secret>",
        "whsec_placeholder",
        "whsec_placeholder1",
        "whsec_REPLACEME",
        "whsec_yoursecret",
        "whsec_changeme123",
        "whsec_",
        "changeme",
    ],
)
def test_placeholders_are_told_from_secrets(secret: str) -> None:
    """What documentation prints is not usable."""
    assert secret_fault(secret)


@pytest.mark.parametrize(
    "secret",
    [
        "whsec_3f9aB27cD1e84560",
        "whsec_test",
        "whsec_test_secret",
        "whsec_abc123",
        "whsec_" + "0123456789abcdef" * 4,
        "whsec_xxxYourTest9",
        "whsec_Zm9v+/==",
    ],
)
def test_real_secrets_are_usable(secret: str) -> None:
    """Random letters that happen to contain a word are not taken for a placeholder."""
    assert secret_fault(secret) is None


def test_several_secrets_and_their_faults() -> None:
    """The list is comma separated; the usable ones are used, each other one has its reason."""
    several = settings(STRIPE_WEBHOOK_SECRET=f"{SECRET}, whsec_xxx ,, sk_test_9")
    assert several.usable_secrets == (SECRET.encode(),)
    assert [fault.split()[0] for fault in several.secret_faults] == ["is", "does"]


@pytest.mark.parametrize(
    "base", ["ftp://x", "stripe.com", "https://", "https://u:p@x", "https://x/?a=1", "https://x/#f"]
)
def test_a_base_that_is_no_address_is_refused(base: str) -> None:
    """STRIPE_API_BASE must be an absolute address and nothing more."""
    with pytest.raises(ConfigurationError, match="STRIPE_API_BASE"):
        read_settings(StripeSettings, {"STRIPE_API_BASE": base})


def test_a_live_key_is_never_sent_in_clear() -> None:
    """http is for this machine and for test keys only."""
    live = {"STRIPE_SECRET_KEY": "sk_live_51abc"}
    with pytest.raises(ConfigurationError, match="https"):
        read_settings(StripeSettings, {**live, "STRIPE_API_BASE": "http://stripe.internal"})
    assert read_settings(StripeSettings, {**live, "STRIPE_API_BASE": "http://127.0.0.1:12111/"}).is_local
    assert read_settings(StripeSettings, {"STRIPE_API_BASE": "http://sim"}).api_base == "http://sim"


def test_no_repr_shows_a_key_or_a_secret() -> None:
    """Settings can be logged."""
    shown = repr(settings()) + str(settings()) + settings().key_fingerprint
    assert KEY not in shown
    assert SECRET not in shown


def test_the_fingerprint_tells_keys_apart() -> None:
    """Same key, same fingerprint; another key, another; kind and mode stay readable."""
    one, other = settings().key_fingerprint, settings(STRIPE_SECRET_KEY="rk_live_51other").key_fingerprint
    assert one == settings().key_fingerprint
    assert one.startswith("sk_test_")
    assert other.startswith("rk_live_")
    assert one[8:] != other[8:]


def test_with_a_live_key_a_short_secret_is_not_trusted() -> None:
    """A test may sign with whatever it likes; real money needs a secret that nobody guesses."""
    short = {"STRIPE_WEBHOOK_SECRET": "whsec_test"}
    assert settings(STRIPE_SECRET_KEY="sk_test_1", **short).usable_secrets == (b"whsec_test",)
    live = settings(STRIPE_SECRET_KEY="sk_live_1", **short)
    assert live.usable_secrets == ()
    assert "too short" in live.secret_faults[0]
    assert settings(STRIPE_SECRET_KEY="sk_live_1", STRIPE_WEBHOOK_SECRET=SECRET).usable_secrets
