"""Reading Stripe's JSON with suspicion: every reader takes anything and gives what it promises, or refuses.

Only what a snapshot can't do without is demanded (PayloadInvalid); the rest falls back, because a new
field or enum value at Stripe must not stop payments here.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, replace
from datetime import UTC, datetime
from typing import Any, TypeAlias, TypedDict

from overseer_payment.errors import PayloadInvalid
from overseer_payment.provider import AsOf

Json: TypeAlias = Mapping[str, Any]

OBJECT = (dict, Mapping)
"""For `isinstance`: what JSON brings comes first, for asking an abstract class costs five times as much."""

_ID = re.compile(r"[^\s\x00-\x1f]{1,255}\Z")
_CURRENCY = re.compile(r"[A-Za-z]{3}\Z")
_LARGEST = 10**18  # what a BIGINT column holds, with room for sums
_LAST_SECOND = 253_402_300_799  # 9999-12-31: where datetime ends
_BEARER_FIELDS = frozenset({"client_secret", "confirmation_secret", "secret"})


@dataclass(frozen=True, slots=True)
class Context:
    """What the envelope says about the objects inside."""

    as_of: AsOf
    livemode: bool
    event_type: str = ""

    def nested(self) -> Context:
        """For objects inside the object: the event's type says nothing about those."""
        return replace(self, event_type="") if self.event_type else self


class Common(TypedDict):
    """What all snapshots have."""

    id: str
    as_of: AsOf
    livemode: bool
    occurred_at: datetime
    metadata: Mapping[str, str]
    raw: Json


def common(obj: Json, ctx: Context) -> Common:
    """The fields of every snapshot. Raises PayloadInvalid without an id.

    The mode is the envelope's: some objects (refunds) don't tell theirs.
    """
    return {
        "id": required_id(obj, "id"),
        "as_of": ctx.as_of,
        "livemode": ctx.livemode,
        "occurred_at": moment(obj, "created") or ctx.as_of.moment,
        "metadata": metadata(obj),
        "raw": without_secrets(obj),
    }


def noun(obj: Json) -> str:
    """What Stripe calls this kind of object, for error messages."""
    return text(obj, "object") or "object"


def text(obj: Json, key: str) -> str | None:
    """A string that isn't empty."""
    value = obj.get(key)
    return value if isinstance(value, str) and value else None


def flag(obj: Json, key: str) -> bool:
    """True only for JSON's `true`."""
    return obj.get(key) is True


def whole(obj: Json, key: str, default: int = 0) -> int:
    """An integer of a size that a database holds."""
    value = obj.get(key)
    if isinstance(value, int) and not isinstance(value, bool) and abs(value) < _LARGEST:
        return value
    return default


def amount(obj: Json, key: str) -> int:
    """A sum in minor units. Raises PayloadInvalid when it isn't there."""
    value = whole(obj, key, _LARGEST)
    if value == _LARGEST:
        raise PayloadInvalid(f"Stripe's {noun(obj)} has no usable {key}.")
    return value


def currency(obj: Json, key: str = "currency") -> str:
    """A currency code as Stripe writes it, in lower case. Raises PayloadInvalid when it isn't there."""
    found = currency_or_none(obj, key)
    if found is None:
        raise PayloadInvalid(f"Stripe's {noun(obj)} has no usable {key}.")
    return found


def currency_or_none(obj: Json, key: str = "currency") -> str | None:
    value = obj.get(key)
    return value.lower() if isinstance(value, str) and _CURRENCY.match(value) else None


def moment(obj: Json, key: str) -> datetime | None:
    """Stripe's Unix seconds as a moment; None for 0 too, which Stripe uses for "never"."""
    value = whole(obj, key)
    return datetime.fromtimestamp(value, UTC) if 0 < value <= _LAST_SECOND else None


def reference(obj: Json, key: str) -> str | None:
    """The id of another object, which may stand here as an id or expanded."""
    value = obj.get(key)
    if isinstance(value, OBJECT):
        value = value.get("id")
    return value if isinstance(value, str) and _ID.match(value) else None


def required_id(obj: Json, key: str) -> str:
    """Like `reference`. Raises PayloadInvalid when it isn't there."""
    found = reference(obj, key)
    if found is None:
        raise PayloadInvalid(f"Stripe's {noun(obj)} has no usable {key}.")
    return found


def inner(obj: Json, *keys: str) -> Json:
    """The object at the end of a path of keys; empty when anything on the way is missing."""
    found: Any = obj
    for key in keys:
        found = found.get(key) if isinstance(found, OBJECT) else None
    return found if isinstance(found, OBJECT) else {}


def rows(obj: Json, key: str) -> Iterator[Json]:
    """The objects of a list, embedded as Stripe's list object or as plain JSON."""
    value = obj.get(key)
    if isinstance(value, OBJECT):
        value = value.get("data")
    if isinstance(value, list):
        yield from (row for row in value if isinstance(row, OBJECT))


def is_complete_list(obj: Json, key: str) -> bool:
    """Is the embedded list there, and whole?"""
    value = obj.get(key)
    return isinstance(value, OBJECT) and isinstance(value.get("data"), list) and not value.get("has_more")


def metadata(obj: Json) -> dict[str, str]:
    return {str(key): value for key, value in inner(obj, "metadata").items() if isinstance(value, str)}


_PLAIN = frozenset({str, int, float, bool, type(None)})


def without_secrets(obj: Json) -> dict[str, Any]:
    """`obj` without what lets its holder act: a payment intent's client secret, for one."""
    return {
        # Nearly all are plain, and a call for each costs more than all the rest.
        key: value if type(value) in _PLAIN else _cleaned(value)
        for key, value in obj.items()
        if key not in _BEARER_FIELDS
    }


def _cleaned(value: Any) -> Any:
    if type(value) in _PLAIN:  # asking a Mapping's ABC costs ten times as much
        return value
    # Only Stripe's own objects and lists of them can hold such a field; plain values stay as they are.
    if isinstance(value, OBJECT) and "object" in value:
        return without_secrets(value)
    if isinstance(value, list) and value and isinstance(value[0], OBJECT):
        return [_cleaned(item) for item in value]
    if isinstance(value, OBJECT) and "payment_intent" in value:
        return {key: _cleaned(item) for key, item in value.items()}
    return value
