"""Is a delivery Stripe's? The decision this module owns: which bytes to trust.

Stripe signs `"{t}.{body}"` with HMAC-SHA256, once for each secret that is active while one is being
replaced (documentation: "Verify webhook signatures manually"). The standard library does it, so that
receiving needs no SDK; a test holds it equal to the SDK's own check. Unlike the SDK's, this check also
refuses timestamps from the future: a delivery that was recorded must not stay valid for longer.
"""

from __future__ import annotations

import hmac
import json
import re
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any, NoReturn

from pydantic import BaseModel, ValidationError

from overseer_payment.errors import PayloadInvalid, SignatureInvalid, WebhookNotConfigured
from overseer_payment.provider import Event

HEADER = "stripe-signature"
TOLERANCE = 300
"""Seconds that a signature's time may differ from ours, either way. Each retry is signed anew."""

_TIME = re.compile(r"[0-9]{1,12}\Z")
_SIGNATURE = re.compile(r"[0-9a-f]{64}\Z")
_MOST_SIGNATURES = 16  # Stripe sends one for each active secret; more is somebody trying
_HELD = 2047  # bytes that are hashed without giving the lock away
_SURROGATE = re.compile("[\x00\ud800-\udfff]")
_LONGEST_ID = 255


@dataclass(frozen=True, slots=True)
class _Signature:
    time: str
    candidates: Sequence[str]


def verify(body: bytes, headers: Mapping[str, str], secrets: Sequence[bytes], *, now: datetime) -> Event:
    """The event in `body`, if one of `secrets` signed it within the tolerance around `now`.

    Raises WebhookNotConfigured without secrets, SignatureInvalid, PayloadInvalid.
    """
    if not secrets:
        raise WebhookNotConfigured(
            "No usable webhook signing secret is set. "
            "Set STRIPE_WEBHOOK_SECRET to the endpoint's own whsec_… and restart."
        )
    signature = _read_header(headers.get(HEADER))
    if not _is_signed(body, signature, secrets):
        raise SignatureInvalid("The signature fits none of the configured secrets.")
    if abs(now.timestamp() - int(signature.time)) > TOLERANCE:
        raise SignatureInvalid("The signature's time is too far from ours. Check this machine's clock.")
    return _read_fields(body) or envelope(_read_json(body))


def envelope(payload: Any) -> Event:
    """The event's own fields. Raises PayloadInvalid when an essential one is missing."""
    if not isinstance(payload, dict):
        raise PayloadInvalid("The body is JSON, but not an object.")
    return _event(payload, payload)


class _Fields(BaseModel):
    """What an event says of itself, as it comes."""

    id: Any = None
    type: Any = None
    created: Any = None
    livemode: Any = None
    api_version: Any = None
    account: Any = None


def _read_fields(body: bytes) -> Event | None:
    """The event, all of whose body is JSON, though nothing is made of what storing it doesn't need.

    None: it takes Python's reader, which forgives half a surrogate pair and refuses NaN, to decide.
    """
    if b"NaN" in body or b"Infinity" in body:
        return None
    try:
        fields = _Fields.model_validate_json(body)
    except ValidationError:
        return None
    return _event(vars(fields), _Later(body))


class _Later(Mapping[str, Any]):
    """A payload that is read when somebody asks for it: whoever stores a delivery does not."""

    __slots__ = ("_body", "_read")

    def __init__(self, body: bytes) -> None:
        self._body = body
        self._read: dict[str, Any] | None = None

    def _all(self) -> dict[str, Any]:
        if self._read is None:
            self._read = _read_json(self._body)
        return self._read

    def __getitem__(self, key: str) -> Any:
        return self._all()[key]

    def __iter__(self) -> Iterator[str]:
        return iter(self._all())

    def __len__(self) -> int:
        return len(self._all())


def _event(fields: Mapping[str, Any], payload: Mapping[str, Any]) -> Event:
    version, account = fields.get("api_version"), fields.get("account")
    return Event(
        id=_name(fields, "id"),
        type=_name(fields, "type"),
        occurred_at=_created(fields.get("created")),
        livemode=fields.get("livemode") is True,
        api_version=version if isinstance(version, str) else None,
        account=account if isinstance(account, str) and account else None,
        payload=payload,
    )


def _read_header(header: str | None) -> _Signature:
    if not header:
        raise SignatureInvalid("The Stripe-Signature header is missing.")
    times, candidates = list[str](), list[str]()
    for item in header.split(","):
        key, _, value = item.partition("=")
        if key == "t":
            times.append(value)
        elif key == "v1" and _SIGNATURE.match(value):
            candidates.append(value)
    if len(set(times)) != 1 or not _TIME.match(times[0]):
        raise SignatureInvalid("The Stripe-Signature header has no readable timestamp.")
    if not candidates or len(candidates) > _MOST_SIGNATURES:
        raise SignatureInvalid("The Stripe-Signature header has no readable v1 signature.")
    return _Signature(times[0], candidates)


def _is_signed(body: bytes, signature: _Signature, secrets: Sequence[bytes]) -> bool:
    signed = str(int(signature.time)).encode() + b"." + body
    found = False
    for secret in secrets:
        expected = _digest(secret, signed)
        for candidate in signature.candidates:
            # No early end: how long this takes must not tell which secret or signature came close.
            found |= hmac.compare_digest(expected, candidate)
    return found


def _digest(secret: bytes, signed: bytes) -> str:
    # In pieces: for more, hashlib gives the interpreter's lock away, and a delivery that is checked in
    # microseconds would wait milliseconds for whoever applies events in another thread.
    made = hmac.new(secret, digestmod="sha256")
    for start in range(0, len(signed), _HELD):
        made.update(signed[start : start + _HELD])
    return made.hexdigest()


def _read_json(body: bytes) -> Any:
    try:
        text = body.decode()
        payload = _DECODER.decode(text)
    except (ValueError, RecursionError):
        raise PayloadInvalid("The body is not JSON in UTF-8.") from None
    # Databases refuse both, and JSON may write them as escapes: \u0000, and half of a surrogate pair.
    if "\\u0000" in text or "\\ud" in text or "\\uD" in text:
        payload = _storable(payload)
    return payload


def _refuse(constant: str) -> NoReturn:
    raise ValueError(constant)


_DECODER = json.JSONDecoder(parse_constant=_refuse)


def _storable(value: Any) -> Any:
    if isinstance(value, str):
        return _SURROGATE.sub("\ufffd", value)
    if isinstance(value, list):
        return [_storable(item) for item in value]
    if isinstance(value, dict):
        return {_storable(key): _storable(item) for key, item in value.items()}
    return value


def _name(payload: Mapping[str, Any], key: str) -> str:
    value = payload.get(key)
    if (
        not isinstance(value, str)
        or not 0 < len(value) <= _LONGEST_ID
        or not value.isprintable()
        or " " in value
    ):
        raise PayloadInvalid(f"The event has no usable {key}.")
    return value


def _created(value: Any) -> datetime:
    """Unix seconds; a thin event writes an ISO date instead."""
    try:
        if isinstance(value, int) and not isinstance(value, bool):
            return datetime.fromtimestamp(value, UTC)
        if isinstance(value, str):
            moment = datetime.fromisoformat(value)
            return moment.astimezone(UTC) if moment.tzinfo else moment.replace(tzinfo=UTC)
    except (ValueError, OverflowError, OSError):
        pass
    raise PayloadInvalid("The event has no usable created.")
