"""Which fields of which objects can be expanded, read from the SDK's `ExpandableField` annotations."""

from __future__ import annotations

import typing
from functools import cache
from typing import Any

from stripe import ListObject, StripeObject
from stripe._object_classes import OBJECT_CLASSES, get_object_class

from overseer_payment.simulator.contract.annotations import union_members
from overseer_payment.simulator.contract.objects import hints_of


@cache
def expandable_names(object_name: str, field: str) -> list[str] | None:
    """Return the objects that the id in `field` (dotted when nested) may name; None: not expandable.

    An empty list means a field that already holds its object or hash, through which a path may lead.
    """
    if object_name not in OBJECT_CLASSES:
        return None
    classes: list[type] = [get_object_class("V1", object_name)]
    annotation: Any = None
    for name in field.split("."):
        found = [hints_of(cls)[name] for cls in classes if name in hints_of(cls)]
        if not found:
            return None
        annotation = found[0]
        classes = _classes(annotation)
    members = [m for part in _parts(annotation) for m in union_members(part)]
    named = [c.OBJECT_NAME for c in classes if hasattr(c, "OBJECT_NAME") and c is not ListObject]
    if str in members and named:
        return named
    return [] if classes or any(typing.get_origin(m) is dict for m in members) else None


def _parts(annotation: Any) -> list[Any]:
    """Return the annotation, and of arrays also that of the elements."""
    members = union_members(annotation)
    inner = [arg for m in members if typing.get_origin(m) is list for arg in typing.get_args(m)]
    return [*members, *inner]


def _classes(annotation: Any) -> list[type]:
    members = [m for part in _parts(annotation) for m in union_members(part)]
    origins = [typing.get_origin(m) or m for m in members]
    return [o for o in origins if isinstance(o, type) and issubclass(o, StripeObject)]
