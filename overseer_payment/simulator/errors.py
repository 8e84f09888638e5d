"""What the simulator raises: Stripe's error answers, and breaches of Stripe's own types.

SimError            an error answer, with Stripe's type, code, wording and HTTP status
ContractViolation   the simulator itself produced something that Stripe's types do not allow
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

_DOC_URL = "https://stripe.com/docs/error-codes/"


class SimError(Exception):
    """One Stripe error answer. `extra` is merged into the `error` object (for example `payment_intent`)."""

    def __init__(
        self,
        status: int,
        message: str,
        *,
        type: str = "invalid_request_error",
        code: str | None = None,
        param: str | None = None,
        decline_code: str | None = None,
        extra: Mapping[str, Any] | None = None,
        headers: Mapping[str, str] | None = None,
    ) -> None:
        super().__init__(message)
        self.status = status
        self.message = message
        self.type = type
        self.code = code
        self.param = param
        self.decline_code = decline_code
        self.extra = dict(extra or {})
        self.headers = dict(headers or {})

    def body(self) -> dict[str, Any]:
        """Return the JSON body; absent fields are left out, as Stripe does."""
        error: dict[str, Any] = {
            "code": self.code,
            "decline_code": self.decline_code,
            "doc_url": f"{_DOC_URL}{self.code.replace('_', '-')}" if self.code else None,
            "message": self.message,
            "param": self.param,
            "type": self.type,
        }
        return {"error": {k: v for k, v in error.items() if v is not None} | self.extra}


class ContractViolation(Exception):
    """An object, event or endpoint of the simulator contradicts the installed `stripe` package's types."""

    def __init__(self, what: str, problems: Sequence[str]) -> None:
        super().__init__(f"{what}: " + "; ".join(problems[:8]))
        self.what = what
        self.problems = list(problems)


def resource_missing(object_name: str, id: str, *, param: str = "id", status: int = 404) -> SimError:
    """Return Stripe's answer for an id that does not exist."""
    return SimError(status, f"No such {object_name}: '{id}'", code="resource_missing", param=param)


def parameter_missing(param: str) -> SimError:
    """Return Stripe's answer for a required parameter that was left out."""
    return SimError(400, f"Missing required param: {param}.", code="parameter_missing", param=param)
