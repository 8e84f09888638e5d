"""Settings: pydantic models read from the environment, nothing else.

A field's alias is the environment variable. Providers declare their own model (`ProviderSpec.settings`)
and it is read in the same way. Secrets are `SecretStr`: no repr, log or error shows them.
"""

from __future__ import annotations

import os
from collections.abc import Mapping
from typing import Annotated, Literal, TypeVar
from urllib.parse import urlsplit

from pydantic import (
    BaseModel,
    BeforeValidator,
    ConfigDict,
    Field,
    SecretStr,
    ValidationError,
    ValidationInfo,
    field_validator,
)

from overseer_payment.errors import ConfigurationError

Model = TypeVar("Model", bound=BaseModel)


def _split(value: object) -> object:
    if isinstance(value, str):
        return tuple(part.strip() for part in value.split(",") if part.strip())
    return value


CommaList = Annotated[tuple[str, ...], BeforeValidator(_split)]
"""A comma-separated environment variable."""


class Settings(BaseModel):
    """What this package reads for itself; `docs/configuration.md` documents each variable."""

    model_config = ConfigDict(frozen=True, populate_by_name=True, extra="ignore", hide_input_in_errors=True)

    database_url: SecretStr = Field(
        default=SecretStr("sqlite+aiosqlite:///overseer.db"), alias="OVERSEER_DATABASE_URL"
    )
    token: SecretStr | None = Field(default=None, alias="OVERSEER_TOKEN")
    public_url: str = Field(default="http://127.0.0.1:8000", alias="OVERSEER_PUBLIC_URL")
    success_url: str | None = Field(default=None, alias="PAYMENT_SUCCESS_URL")
    cancel_url: str | None = Field(default=None, alias="PAYMENT_CANCEL_URL")
    default_provider: str | None = Field(default=None, alias="PAYMENT_PROVIDER")
    allowed_redirect_hosts: CommaList = Field(default=(), alias="PAYMENT_ALLOWED_REDIRECT_HOSTS")
    listeners: CommaList = Field(default=(), alias="PAYMENT_LISTENERS")
    automatic_tax: bool = Field(default=False, alias="PAYMENT_AUTOMATIC_TAX")
    one_subscription: Literal["off", "product", "any"] = Field(
        default="product", alias="PAYMENT_ONE_SUBSCRIPTION"
    )
    disabled_plugins: CommaList = Field(default=(), alias="OVERSEER_DISABLE_PLUGINS")
    healing: bool = Field(default=True, alias="PAYMENT_HEALING")
    rate_limit: int = Field(default=60, ge=0, le=1_000_000, alias="PAYMENT_RATE_LIMIT")
    safe_mode: bool = Field(default=False, alias="OVERSEER_SAFE_MODE")

    @field_validator("public_url", "success_url", "cancel_url")
    @classmethod
    def _absolute(cls, value: str | None, info: ValidationInfo) -> str | None:
        if value is None:
            return None
        parts = urlsplit(value)
        if parts.scheme not in {"http", "https"} or not parts.hostname:
            raise ValueError("must be an absolute http or https URL")
        # Paths are put behind the public URL; the others are whole addresses and stay as they are.
        return value.rstrip("/") if info.field_name == "public_url" else value


def read_settings(model: type[Model], environ: Mapping[str, str] | None = None) -> Model:
    """Build `model` from the environment. Unset and empty variables keep the field's default.

    Raises ConfigurationError that names the variable and what is wrong, never its value.
    """
    environ = os.environ if environ is None else environ
    names = {field.alias or name for name, field in model.model_fields.items()}
    found = {name: environ[name].strip() for name in names if environ.get(name, "").strip()}
    try:
        return model.model_validate(found)
    except ValidationError as error:
        first = error.errors(include_input=False, include_url=False, include_context=False)[0]
        raise ConfigurationError(f"{first['loc'][0]} {first['msg'].removeprefix('Value error, ')}.") from None
