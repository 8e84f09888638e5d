"""The SDK's errors as ours: the decision what a failed call means for the money.

The rule: a *definite no* must be one whichever attempt it answers. A request is repeated under its key
after a time-out, so "connection refused" on the second attempt says nothing about the first. Whatever
doesn't prove that nothing happened is OutcomeUnknown, for writes; a read changes nothing, so it is then
just unavailable.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Any

import stripe

from overseer_payment.errors import (
    ObjectAbsent,
    OutcomeUnknown,
    ProviderAuthError,
    ProviderError,
    ProviderRateLimited,
    ProviderRejected,
    ProviderUnavailable,
)

_DEFINITE = frozenset({400, 402, 404, 422})
_RUNNING = frozenset({"idempotency_key_in_use", "idempotency_error"})
_RETRY_AFTER = 2  # seconds; Stripe's limits are per second and it seldom says
_LONGEST_WAIT = 3600

_KEY_LIKE = re.compile(r"\b(?:sk|rk|pk|whsec)_[\w*]+")
_EMAIL_LIKE = re.compile(r"[^\s'\"<>,;]+@[^\s'\"<>,;]+")
_CARD_LIKE = re.compile(r"\b(?:[0-9][ -]?){12,19}\b")
_LONGEST = 300


@dataclass(slots=True)
class Exchange:
    """What happened on the wire during one call, all its attempts together.

    `uncertain`: some attempt may have taken effect without our learning of it. `replayed`: the answer is
    the one that an earlier use of the idempotency key got, as old as that.
    """

    writes: bool
    uncertain: bool = False
    replayed: bool = False
    read_at: datetime | None = None


def translated(error: stripe.StripeError, exchange: Exchange) -> ProviderError:
    """The error of ours that says what `error` means after this exchange."""
    status, told = error.http_status, _told(error)
    code = told.get("code") if isinstance(told.get("code"), str) else None
    if code in _RUNNING or told.get("type") in _RUNNING:
        # The key was used before: that first use decides, and it may have moved money.
        return _unknown(code or "idempotency_error")
    if told and status in _DEFINITE and not isinstance(error, stripe.RateLimitError):
        return _refused(told, code, exchange)
    if exchange.writes and exchange.uncertain:
        return _unknown()
    if isinstance(error, stripe.APIConnectionError):
        return _unreachable()
    if status in {401, 403}:
        return _no_permission(status)
    if status == 429 or isinstance(error, stripe.RateLimitError) or code == "lock_timeout":
        return _limited(error.headers or {})
    return garbled(exchange) if status is None or status < 300 or status == 409 else _failing(status)


def garbled(exchange: Exchange) -> ProviderError:
    """For an answer that can't be understood: something may have happened, if we asked for something."""
    if exchange.writes:
        return _unknown()
    return ProviderUnavailable("Stripe's answer could not be read. Try again later.")


def safe_text(text: str) -> str:
    """A sentence of Stripe's without keys, addresses and card numbers, short enough to show."""
    for pattern, stand_in in ((_KEY_LIKE, "[key]"), (_EMAIL_LIKE, "[email]"), (_CARD_LIKE, "[number]")):
        text = pattern.sub(stand_in, text)
    return " ".join(text.split())[:_LONGEST]


def _told(error: stripe.StripeError) -> Mapping[str, Any]:
    body = error.json_body
    told = body.get("error") if isinstance(body, Mapping) else None
    return told if isinstance(told, Mapping) else {}


def _refused(told: Mapping[str, Any], code: str | None, exchange: Exchange) -> ProviderError:
    message = told.get("message")
    detail = (
        safe_text(message) if isinstance(message, str) and message.strip() else "Stripe refused the request."
    )
    if code == "resource_missing" and not exchange.writes:
        return ObjectAbsent(detail)  # of a write it is one more definite no: its price, say, is gone
    declined = told.get("decline_code")
    if isinstance(declined, str) and code == "card_declined":
        code = declined
    return ProviderRejected(detail, code=code)


def _unknown(code: str | None = None) -> OutcomeUnknown:
    return OutcomeUnknown(
        "Stripe received the request but its answer is not known. It will be settled by asking again "
        "under the same idempotency key; don't repeat it under a new one.",
        code=code,
    )


def _unreachable() -> ProviderUnavailable:
    return ProviderUnavailable("Stripe could not be reached. Nothing was changed; try again later.")


def _no_permission(status: int) -> ProviderAuthError:
    if status == 401:
        return ProviderAuthError("Stripe does not accept the API key. Check STRIPE_SECRET_KEY.")
    return ProviderAuthError(
        "The API key lacks a permission for this. Give the restricted key more rights in Stripe's Dashboard.",
        code="provider_permission",
    )


def _limited(headers: Mapping[str, str]) -> ProviderRateLimited:
    told = headers.get("retry-after") or ""
    wait = min(int(told), _LONGEST_WAIT) if told.isdecimal() and len(told) < 8 else _RETRY_AFTER
    return ProviderRateLimited(
        "Stripe is limiting requests. Try again in a moment.", retry_after=max(1, wait)
    )


def _failing(status: int) -> ProviderUnavailable:
    if status >= 500:
        return ProviderUnavailable("Stripe has a problem at the moment. Try again later.")
    return ProviderUnavailable(
        f"Something that isn't Stripe's API answered (HTTP {status}). Check STRIPE_API_BASE and proxies."
    )
