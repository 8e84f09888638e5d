"""Snapshots to and from the text that `payment_object` keeps."""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import fields, is_dataclass, replace
from functools import cache
from typing import Any, get_args

from pydantic import TypeAdapter
from pydantic_core import PydanticSerializationError

from overseer_payment.ledger import jsontext
from overseer_payment.provider import AsOf, Kind, Snapshot

# The moment has a column of its own, the provider's JSON too, and neither is part of the news.
_OUTSIDE = {"as_of", "raw"}
# PostgreSQL keeps no NUL in texts, and half of a surrogate pair is no character that UTF-8 can write.
_UNWRITABLE = re.compile("[\x00\ud800-\udfff]")

_CLASSES: dict[Kind, Any] = {cls.kind: cls for cls in get_args(Snapshot)}


@cache
def _adapter(kind: Kind) -> TypeAdapter[Any]:
    return TypeAdapter(_CLASSES[kind])


def encode(snapshot: Snapshot) -> str:
    """The snapshot's fields as JSON, defaults left out. Equal news gives equal text."""
    dumped = _adapter(snapshot.kind).dump_json(snapshot, exclude=_OUTSIDE, exclude_defaults=True)
    return dumped.decode()


def encode_writable(snapshot: Snapshot) -> tuple[Snapshot, str]:
    """The snapshot and its text, characters that no database keeps replaced in both by U+FFFD."""
    try:
        data = encode(snapshot)
    except PydanticSerializationError:
        data = ""
    if data and "\\u0000" not in data:
        return snapshot, data
    told = {f.name: _writable(getattr(snapshot, f.name)) for f in fields(snapshot) if f.name not in _OUTSIDE}
    snapshot = replace(snapshot, **told)
    return snapshot, encode(snapshot)


def _writable(value: Any) -> Any:
    if type(value) is str:
        return _UNWRITABLE.sub("\ufffd", value)
    if isinstance(value, Mapping):
        return {_writable(key): _writable(inner) for key, inner in value.items()}
    if isinstance(value, tuple):
        return tuple(_writable(inner) for inner in value)
    if is_dataclass(value) and not isinstance(value, type):
        return replace(value, **{f.name: _writable(getattr(value, f.name)) for f in fields(value)})
    return value


def decode(kind: Kind, data: str, as_of: AsOf, raw: str | None = None) -> Snapshot:
    """The inverse of `encode`. `raw` is only parsed when given: few readers need it."""
    fields = jsontext.loads(data)
    fields["as_of"] = as_of
    if raw is not None:
        fields["raw"] = jsontext.loads(raw)
    snapshot: Snapshot = _adapter(kind).validate_python(fields)
    return snapshot
