"""Acme Pay for overseer-payment: the declaration. What the provider needs is imported when it is used."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

from pydantic import BaseModel, ConfigDict, Field, SecretStr

from overseer_payment import hookimpl
from overseer_payment.provider import Capability, Provider, ProviderSpec


class AcmeSettings(BaseModel):
    """What an operator sets. Field aliases are the environment variables."""

    model_config = ConfigDict(frozen=True, hide_input_in_errors=True)

    api_key: SecretStr | None = Field(None, alias="ACMEPAY_API_KEY")
    webhook_secret: SecretStr = Field(SecretStr(""), alias="ACMEPAY_WEBHOOK_SECRET")
    api_base: str = Field("https://api.acmepay.example", alias="ACMEPAY_API_BASE")

    @property
    def secrets(self) -> list[str]:
        """Comma separated, so that one can be rotated out while the other is already in use."""
        parts = self.webhook_secret.get_secret_value().split(",")
        return [part.strip() for part in parts if part.strip()]


def _build(settings: AcmeSettings, http: Any) -> Provider:
    from overseer_acmepay.provider import AcmeProvider

    return AcmeProvider(settings, http)


SPEC = ProviderSpec(
    key="acmepay",
    title="Acme Pay",
    api_version="3",
    capabilities=frozenset(
        {Capability.CHECKOUT_PAYMENT, Capability.REFUND, Capability.PARTIAL_REFUND},
    ),
    settings=AcmeSettings,
    factory=_build,
    configured=lambda settings: settings.api_key is not None,
)


@hookimpl
def register_providers() -> Iterable[ProviderSpec]:
    return [SPEC]
