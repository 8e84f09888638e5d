"""How mail leaves, and which letters are written."""

from __future__ import annotations

import difflib
from email.utils import parseaddr
from pathlib import Path
from urllib.parse import SplitResult, urlsplit

from pydantic import BaseModel, ConfigDict, Field, SecretStr, field_validator

from overseer_payment.settings import CommaList

TO_BUYER = (
    "payment.succeeded",
    "payment.failed",
    "refund.succeeded",
    "subscription.started",
    "subscription.trial_ending",
    "subscription.changed",
    "subscription.cancellation_scheduled",
    "subscription.ended",
)
TO_OPERATOR = ("dispute.opened", "dispute.due_soon")
LETTERS = (*TO_BUYER, *TO_OPERATOR)
_LOCAL = frozenset({"localhost", "127.0.0.1", "::1"})


class MailSettings(BaseModel):
    """What the mailing reads. Without PAYMENT_SMTP_URL none of it counts."""

    model_config = ConfigDict(frozen=True, populate_by_name=True, extra="ignore", hide_input_in_errors=True)

    smtp_url: SecretStr | None = Field(default=None, alias="PAYMENT_SMTP_URL")
    sender: str | None = Field(default=None, alias="PAYMENT_MAIL_FROM")
    operator: str | None = Field(default=None, alias="PAYMENT_MAIL_OPERATOR")
    events: CommaList = Field(default=LETTERS, alias="PAYMENT_MAIL_EVENTS")
    texts: Path | None = Field(default=None, alias="PAYMENT_MAIL_TEXTS")

    @property
    def server(self) -> SplitResult:
        """Where mail is handed in. Holds the password."""
        return urlsplit(self.smtp_url.get_secret_value() if self.smtp_url else "")

    @field_validator("smtp_url")
    @classmethod
    def _reachable(cls, value: SecretStr | None) -> SecretStr | None:
        try:
            parts = urlsplit(value.get_secret_value() if value else "smtp://localhost")
            sound = parts.scheme in {"smtp", "smtps"} and bool(parts.hostname) and parts.port != 0
        except ValueError:
            sound = False
        if not sound:
            raise ValueError("must look like smtp://host:587 or smtps://user:password@host:465")
        return value

    @field_validator("sender", "operator")
    @classmethod
    def _address(cls, value: str | None) -> str | None:
        if value is not None and not is_address(value):
            raise ValueError("must be one e-mail address")
        return value

    @field_validator("events")
    @classmethod
    def _known(cls, value: tuple[str, ...]) -> tuple[str, ...]:
        for name in value:
            if name not in LETTERS:
                close = difflib.get_close_matches(name, LETTERS, n=1)
                hint = f"did you mean {close[0]}?" if close else f"there are {', '.join(LETTERS)}."
                raise ValueError(f"names {name[:60]}, of which there is no letter; {hint}")
        return value

    @field_validator("texts")
    @classmethod
    def _folder(cls, value: Path | None) -> Path | None:
        if value is not None and not value.is_dir():
            raise ValueError("must be a folder")
        return value

    @property
    def is_local(self) -> bool:
        """Does mail stay on this machine until somebody else encrypts it?"""
        return self.server.hostname in _LOCAL


def is_address(text: str) -> bool:
    """Is this one address that a header can carry?"""
    address = parseaddr(text)[1]
    return bool(address) and "@" in address and text.isprintable() and "," not in address
