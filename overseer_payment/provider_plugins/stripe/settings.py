"""Stripe's settings, and what makes a key or a signing secret unusable.

A signing secret that everybody knows is worse than none: whoever reads the documentation could sign
events with it. So a placeholder counts as not set, and the webhook stays closed.
"""

from __future__ import annotations

import hashlib
import ipaddress
import re
from typing import Annotated
from urllib.parse import urlsplit

from pydantic import (
    BaseModel,
    BeforeValidator,
    ConfigDict,
    Field,
    SecretStr,
    field_validator,
    model_validator,
)

from overseer_payment.errors import ConfigurationError

API_VERSION = "2026-10-28.endive"
"""Every request names it, so that an upgrade of the SDK alone never changes what we are told."""

API_BASE = "https://api.stripe.com"

_KEY = re.compile(r"(?P<kind>sk|rk)_(?P<mode>test|live)_(?P<rest>\S+)\Z")
_SECRET = re.compile(r"whsec_(?P<rest>[A-Za-z0-9+/=_.*<>-]+)\Z")
_SAMPLE = re.compile(r"(.)\1*\Z", re.IGNORECASE)
# A sentence to the reader ("your_secret_here") has one of the first and nothing but both.
# fmt: off
_TO_THE_READER = frozenset({
    "your", "my", "here", "placeholder", "example", "sample", "dummy", "changeme", "change", "replace",
    "insert", "todo", "fixme", "goes",
})
_FILLING = frozenset({
    "the", "a", "me", "with", "webhook", "endpoint", "signing", "secret", "secrets", "stripe", "key",
    "value", "test", "live", "none", "null",
})
# fmt: on


def _secrets(value: object) -> object:
    if isinstance(value, SecretStr):
        value = value.get_secret_value()
    if isinstance(value, str):
        return tuple(part.strip() for part in value.split(",") if part.strip())
    return value


def _empty_is_none(value: object) -> object:
    return None if isinstance(value, str) and not value.strip() else value


_ADDRESSED = ("your", "replace", "placeholder", "changeme", "insert")
# `whsec_` and 32 characters; a test's own secret may be shorter.
_LIVE_LENGTH = 22

SecretList = Annotated[tuple[SecretStr, ...], BeforeValidator(_secrets)]


class StripeSettings(BaseModel):
    """What the Stripe plugin reads from the environment."""

    model_config = ConfigDict(frozen=True, populate_by_name=True, extra="ignore", hide_input_in_errors=True)

    secret_key: Annotated[SecretStr | None, BeforeValidator(_empty_is_none)] = Field(
        None, alias="STRIPE_SECRET_KEY"
    )
    webhook_secrets: SecretList = Field((), alias="STRIPE_WEBHOOK_SECRET")
    api_base: str = Field(API_BASE, alias="STRIPE_API_BASE")

    @field_validator("secret_key")
    @classmethod
    def _known_key(cls, value: SecretStr | None) -> SecretStr | None:
        if value is None:
            return None
        value = SecretStr(value.get_secret_value().strip())
        if fault := key_fault(value.get_secret_value()):
            raise ValueError(fault)
        return value

    @field_validator("api_base")
    @classmethod
    def _absolute(cls, value: str) -> str:
        parts = urlsplit(value.strip())
        if parts.scheme not in {"http", "https"} or not parts.hostname or parts.query or parts.fragment:
            raise ValueError(
                "must be an absolute http or https URL without a query, like https://api.stripe.com"
            )
        if parts.username or parts.password:
            raise ValueError("must not contain a user name or password")
        return value.strip().rstrip("/")

    @model_validator(mode="after")
    def _no_live_key_in_clear(self) -> StripeSettings:
        if (
            self.secret_key is not None
            and self.livemode
            and self.api_base.startswith("http:")
            and not self.is_local
        ):
            raise ConfigurationError(
                "STRIPE_API_BASE must be https: it would receive a live key in clear text."
            )
        return self

    @property
    def livemode(self) -> bool:
        """Does the key belong to live mode? Raises ConfigurationError without a key."""
        return _parts(self.key)["mode"] == "live"

    @property
    def key(self) -> str:
        """The secret key itself. Raises ConfigurationError when it isn't set."""
        if self.secret_key is None:
            raise ConfigurationError("Stripe is not configured. Set STRIPE_SECRET_KEY and restart.")
        return self.secret_key.get_secret_value()

    @property
    def key_fingerprint(self) -> str:
        """A name for the key that is not the key: its kind, its mode and eight digits of a digest."""
        parts = _parts(self.key)
        digest = hashlib.sha256(b"overseer-payment stripe key\0" + self.key.encode()).hexdigest()
        return f"{parts['kind']}_{parts['mode']}_#{digest[:8]}"

    @property
    def usable_secrets(self) -> tuple[bytes, ...]:
        """The signing secrets that may be trusted, without placeholders."""
        found = (secret.get_secret_value() for secret in self.webhook_secrets)
        return tuple(secret.encode() for secret in found if self._secret_fault(secret) is None)

    @property
    def secret_faults(self) -> tuple[str, ...]:
        """What is wrong with each unusable signing secret, in the order they are set. Never shows one."""
        found = (self._secret_fault(secret.get_secret_value()) for secret in self.webhook_secrets)
        return tuple(fault for fault in found if fault is not None)

    def _secret_fault(self, secret: str) -> str | None:
        fault = secret_fault(secret)
        if fault is None and self.secret_key is not None and self.livemode and len(secret) < _LIVE_LENGTH:
            return "is too short to be one of Stripe's: with a live key, whoever guesses it writes the books"
        return fault

    @property
    def is_local(self) -> bool:
        """Does STRIPE_API_BASE name this machine (a simulator)?"""
        host = urlsplit(self.api_base).hostname or ""
        if host == "localhost" or host.endswith(".localhost"):
            return True
        try:
            return ipaddress.ip_address(host).is_loopback
        except ValueError:
            return False


def key_fault(key: str) -> str | None:
    """Why `key` can't be a secret key of Stripe's, or None. Does not repeat the key."""
    if key.startswith("pk_"):
        return "is a publishable key (pk_…). Use the secret key (sk_…) or a restricted one (rk_…)"
    found = _KEY.match(key)
    if found is None:
        return "must start with sk_test_, rk_test_, sk_live_ or rk_live_"
    if not found["rest"].strip(".*<>…"):
        return "is a placeholder. Copy the key from Stripe's Dashboard, Developers, API keys"
    return None


def secret_fault(secret: str) -> str | None:
    """Why `secret` can't be trusted as a webhook signing secret, or None. Does not repeat it."""
    found = _SECRET.match(secret)
    if found is None:
        return "does not start with whsec_, as Stripe's signing secrets do"
    if _is_placeholder(found["rest"]):
        return "is a placeholder that anybody could guess"
    return None


def _is_placeholder(rest: str) -> bool:
    if rest.lower().startswith(_ADDRESSED):
        return True
    words = [word for word in re.split(r"[_.*<>-]+", rest.lower()) if word]
    known = [word for word in words if word in _TO_THE_READER or word in _FILLING or _SAMPLE.match(word)]
    if len(known) < len(words):
        return False
    # `whsec_test` is a poor secret, but somebody's choice; `whsec_xxx` is nobody's.
    return not words or any(_SAMPLE.match(word) for word in words) or not _TO_THE_READER.isdisjoint(words)


def _parts(key: str) -> re.Match[str]:
    found = _KEY.match(key)
    if found is None:
        raise ConfigurationError("STRIPE_SECRET_KEY " + (key_fault(key) or "can't be read") + ".")
    return found
