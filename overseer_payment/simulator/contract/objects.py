"""Check plain JSON objects against the annotations of the SDK's `StripeObject` classes.

A class is compiled once into nested closures. A closure returns None for a value that fits (the fast
path allocates nothing) and a list of `(path, problem)` otherwise.
"""

from __future__ import annotations

import typing
from collections.abc import Callable
from decimal import Decimal
from functools import cache
from typing import Any

from stripe import ListObject, SearchResultObject, StripeObject
from stripe._object_classes import OBJECT_CLASSES, get_object_class
from stripe._stripe_object import UntypedStripeObject

from overseer_payment.simulator.contract.annotations import closed, literal_values, resolved, union_members

Problems = list[tuple[str, str]]
Check = Callable[[Any], Problems | None]

_LISTS = (ListObject, SearchResultObject)
_DELETED_KEYS = {"id", "object", "deleted"}
_SCALARS: dict[Any, tuple[type, ...]] = {
    int: (int,),
    float: (int, float),
    bool: (bool,),
    str: (str,),
    Decimal: (str,),  # Stripe sends decimals as strings
    type(None): (type(None),),
}
# Event types are named after the object they carry, with these exceptions.
_SUBJECTS = {
    "balance": "balance",
    "charge.dispute": "dispute",
    "charge.refund": "refund",
    "customer.discount": "discount",
    "customer.source": None,
    "customer.subscription": "subscription",
    "customer.tax_id": "tax_id",
    "account.application": "application",
    "account.external_account": None,
    "invoice.payment": "invoice",
}


def object_problems(obj: dict[str, Any]) -> list[str]:
    """Return every difference between `obj` and Stripe's type for it, as `path: problem`."""
    found = _object(obj) or []
    if obj.get("object") == "event":
        found = found + _event(obj)
    return [f"{path.lstrip('.') or obj.get('object')}: {problem}" for path, problem in found]


def _object(obj: Any) -> Problems | None:
    if type(obj) is not dict or type(obj.get("object")) is not str:
        return [("", "not an object with an `object` field")]
    if obj["object"] in ("list", "search_result"):
        return _list(_object, obj)
    if obj["object"] not in OBJECT_CLASSES:
        return [(".object", f"{obj['object']!r} is not an object of Stripe's API")]
    cls: type = get_object_class("V1", obj["object"])
    return _class_check(cls)(obj)


def _event(event: dict[str, Any]) -> Problems:
    data = event.get("data")
    subject = data.get("object") if isinstance(data, dict) else None
    problems = _within(".data.object", _object(subject) or [])
    if isinstance(subject, dict):
        prefix = str(event.get("type")).rsplit(".", 1)[0]
        expected = _SUBJECTS.get(prefix, prefix)
        if expected in OBJECT_CLASSES and subject.get("object") != expected:
            problems.append((".data.object", f"{event['type']} carries a {expected}"))
    return problems


@cache
def _class_check(cls: type) -> Check:
    """Compile one StripeObject class; unknown, missing and ill-typed fields are all problems."""
    hints = hints_of(cls)
    fields = {name: checker(hint) for name, hint in hints.items()}
    required = frozenset(name for name, hint in hints.items() if type(None) not in union_members(hint))

    def check(value: Any) -> Problems | None:
        if type(value) is not dict:
            return [("", f"expected an object, not {value!r:.40}")]
        if value.get("deleted") is True and value.keys() == _DELETED_KEYS:
            return None
        problems: Problems = []
        for name, item in value.items():
            field = fields.get(name)
            if field is None:
                problems.append((f".{name}", "no such field"))
            elif found := field(item):
                problems += _within(f".{name}", found)
        if not required <= value.keys():
            problems += [(f".{name}", "missing") for name in sorted(required - value.keys())]
        return problems or None

    return check


@cache
def hints_of(cls: type) -> dict[str, Any]:
    """Collect the annotations of the API object, leaving out those of the SDK's machinery."""
    hints: dict[str, Any] = {}
    for base in reversed(cls.__mro__):
        machinery = base is StripeObject or base.__module__.endswith("_api_resource")
        if base.__module__.startswith("stripe.") and not machinery:
            hints |= {
                name: hint
                for name, hint in resolved(base).items()
                if not name.startswith("_") and typing.get_origin(hint) is not typing.ClassVar
            }
    return hints


def checker(annotation: Any) -> Check:
    """Compile one annotation; API objects in it are compiled when the first value reaches them."""
    members = closed(union_members(annotation))
    if any(m is Any or m is object or isinstance(m, typing.TypeVar) for m in members):
        return _anything
    types = frozenset(kind for m in members for kind in _SCALARS.get(m, ()))
    literals = frozenset(v for m in members for v in literal_values(m) or ())
    arrays = [_array(m) for m in members if typing.get_origin(m) is list]
    hashes = _hashes([m for m in members if _is_hash(m)])
    return _union(types, literals, arrays[0] if arrays else None, hashes)


def _union(
    types: frozenset[type], literals: frozenset[Any], array: Check | None, hashes: Check | None
) -> Check:
    expected = ", ".join([t.__name__ for t in types] + sorted(map(repr, literals)))

    def check(value: Any) -> Problems | None:
        kind = type(value)
        if kind in types:
            return None
        if kind is dict and hashes is not None:
            return hashes(value)
        if kind is list:
            return array(value) if array is not None else [("", "unexpected array")]
        if kind is not dict and value in literals:
            return None
        return [("", f"{value!r:.60} is not {expected or 'what the field holds'}"[:300])]

    return check


def _anything(_value: Any) -> None:
    """Accept what the SDK leaves untyped."""


def _is_hash(member: Any) -> bool:
    origin = typing.get_origin(member) or member
    return origin is dict or (isinstance(origin, type) and issubclass(origin, StripeObject))


def _hashes(members: list[Any]) -> Check | None:
    """Check a JSON object against one class, or against the member of a union that its `object` names."""
    if not members:
        return None
    checks = [_hash(member) for member in members]
    if len(checks) == 1:
        return checks[0]
    by_name = {getattr(m, "OBJECT_NAME", None): c for m, c in zip(members, checks, strict=True)}

    def check(value: Any) -> Problems | None:
        named = by_name.get(value.get("object"))
        if named is not None:
            return named(value)
        results = [one(value) for one in checks]
        return None if any(r is None for r in results) else results[0]

    return check


def _hash(member: Any) -> Check:
    origin = typing.get_origin(member)
    if origin in _LISTS:
        item = checker(typing.get_args(member)[0])
        return lambda value: _list(item, value)
    if member is UntypedStripeObject or origin is UntypedStripeObject or origin is dict or member is dict:
        return _anything
    # Late: API objects refer to each other in circles.
    return lambda value: _class_check(member)(value)


def _array(annotation: Any) -> Check:
    item = checker(typing.get_args(annotation)[0])

    def check(value: Any) -> Problems | None:
        problems: Problems = []
        for position, element in enumerate(value):
            if found := item(element):
                problems += _within(f"[{position}]", found)
        return problems or None

    return check


def _list(item: Check, value: dict[str, Any]) -> Problems | None:
    if value.get("object") not in ("list", "search_result") or not isinstance(value.get("data"), list):
        return [("", "expected a list object")]
    problems: Problems = [(f".{name}", "missing") for name in ("has_more", "url") if name not in value]
    for position, element in enumerate(value["data"]):
        if found := item(element):
            problems += _within(f".data[{position}]", found)
    return problems or None


def _within(path: str, problems: Problems) -> Problems:
    return [(path + inner, problem) for inner, problem in problems]
