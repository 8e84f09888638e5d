"""Idempotency keys: replay of stored answers, and refusal of reuse with other parameters or in parallel.

Rules from Stripe's documentation ("Idempotent requests"): keys live at least 24 hours; the status and
body of the first execution are stored, 500s included; requests that failed validation are not.
"""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Any, Protocol

from overseer_payment.simulator.errors import SimError

_LIFETIME_SECONDS = 86_400
_MAX_LENGTH = 255


class _HasStatusAndBody(Protocol):
    status: int
    body: dict[str, Any]


@dataclass(slots=True)
class StoredAnswer:
    """The first answer under a key; `body` is None while that first request is still being executed."""

    path: str
    parameters: str
    at: int
    status: int = 0
    body: dict[str, Any] | None = None

    def keep(self, answer: _HasStatusAndBody) -> None:
        """Remember the answer of the execution."""
        self.status, self.body = answer.status, answer.body


class IdempotencyKeys:
    """The keys of one account."""

    def __init__(self) -> None:
        self._stored: dict[str, StoredAnswer] = {}

    @contextmanager
    def held(self, key: str, path: str, parameters: str, now: int) -> Iterator[StoredAnswer]:
        """Hold a key for one request: its stored answer, or an empty one to `keep` the result in.

        A key under which nothing was kept is free again afterwards.
        Raises SimError: 409 while the first request runs, 400 for other parameters or another endpoint.
        """
        if len(key) > _MAX_LENGTH:
            raise _refused(400, f"Idempotency keys can be at most {_MAX_LENGTH} characters long.")
        stored = self._known(key, now)
        if stored is None:
            stored = self._stored[key] = StoredAnswer(path, parameters, now)
        else:
            _same_request(stored, key, path, parameters)
        try:
            yield stored
        finally:
            if stored.body is None:
                del self._stored[key]

    def _known(self, key: str, now: int) -> StoredAnswer | None:
        stored = self._stored.get(key)
        expired = stored is not None and stored.body is not None and stored.at + _LIFETIME_SECONDS <= now
        return None if expired else stored


def _same_request(stored: StoredAnswer, key: str, path: str, parameters: str) -> None:
    if stored.body is None:
        message = (
            "There is currently another in-progress request using this Idempotent Key (that probably "
            "means you submitted twice, and the other request is still going through): "
            f"{key}. Please try again later."
        )
        raise _refused(409, message, code="idempotency_key_in_use")
    if (stored.path, stored.parameters) != (path, parameters):
        what = "parameters they were" if stored.path == path else f"endpoint they were ('{stored.path}')"
        message = (
            f"Keys for idempotent requests can only be used with the same {what} first used with. "
            f"Try using a key other than '{key}' if you meant to execute a different request."
        )
        raise _refused(400, message)


def _refused(status: int, message: str, *, code: str | None = None) -> SimError:
    return SimError(status, message, type="idempotency_error", code=code)
