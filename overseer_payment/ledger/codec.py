"""Snapshots to and from the text that `payment_object` keeps."""

from __future__ import annotations

import json
from functools import cache
from typing import Any, get_args

from pydantic import TypeAdapter

from overseer_payment.provider import AsOf, Kind, Snapshot

_OUTSIDE = {
    "as_of",
    "raw",
}  # the moment has its own column; the provider's JSON too, and is no part of the news

_CLASSES: dict[Kind, Any] = {cls.kind: cls for cls in get_args(Snapshot)}


@cache
def _adapter(kind: Kind) -> TypeAdapter[Any]:
    return TypeAdapter(_CLASSES[kind])


def encode(snapshot: Snapshot) -> str:
    """The snapshot's fields as JSON, defaults left out. Equal news gives equal text."""
    dumped = _adapter(snapshot.kind).dump_json(snapshot, exclude=_OUTSIDE, exclude_defaults=True)
    return dumped.decode()


def decode(kind: Kind, data: str, as_of: AsOf, raw: str | None = None) -> Snapshot:
    """The inverse of `encode`. `raw` is only parsed when given: few readers need it."""
    fields = json.loads(data)
    fields["as_of"] = as_of
    if raw is not None:
        fields["raw"] = json.loads(raw)
    snapshot: Snapshot = _adapter(kind).validate_python(fields)
    return snapshot
