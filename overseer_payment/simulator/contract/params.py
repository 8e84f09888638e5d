"""Read decoded form values as one of the SDK's parameter types, and refuse what Stripe refuses.

A TypedDict is compiled once into nested readers. A reader returns the typed value or raises SimError
with Stripe's wording and the bracketed name of the parameter (`line_items[0][price]`).
"""

from __future__ import annotations

import difflib
import re
import typing
from collections.abc import Callable
from decimal import Decimal
from functools import cache
from typing import Any

import typing_extensions
from stripe import RequestOptions
from stripe._stripe_object import UntypedStripeObject

from overseer_payment.simulator.contract.annotations import closed, literal_values, resolved, union_members
from overseer_payment.simulator.errors import SimError, parameter_missing

Reader = Callable[[Any, str], Any]

_WRAPPERS = (typing.NotRequired, typing.Required, typing_extensions.NotRequired, typing_extensions.Required)
_INTEGER = re.compile(r"-?[0-9]{1,18}")
_NUMBER = re.compile(r"-?[0-9]{1,18}(\.[0-9]{1,18})?")
_BOOLEANS = {"true": True, "false": False}
# Arguments of the SDK's call, not of Stripe's API.
_OPTIONS = frozenset(RequestOptions.__annotations__)
_WORDS: dict[Any, tuple[str, str]] = {
    int: ("integer", "parameter_invalid_integer"),
    float: ("number", "parameter_invalid_number"),
    Decimal: ("decimal", "parameter_invalid_decimal"),
    bool: ("boolean", "parameter_invalid_boolean"),
}


def read_parameters(parameters: Any, values: dict[str, Any]) -> dict[str, Any]:
    """Return `values` typed as the TypedDict `parameters` (None: nothing is accepted) says.

    Raises SimError 400: `parameter_unknown`, `parameter_missing`, or an invalid value.
    """
    if parameters is None:
        for name in values:
            raise _unknown(name, [])
        return {}
    result: dict[str, Any] = _hash_reader(parameters)(values, "")
    return result


@cache
def _hash_reader(typed_dict: Any) -> Reader:
    hints = resolved(typed_dict, without=_OPTIONS)
    readers: dict[str, Reader] = {}
    required = [name for name, hint in hints.items() if typing.get_origin(hint) not in _WRAPPERS]

    def read(value: Any, name: str) -> dict[str, Any]:
        result: dict[str, Any] = {}
        for key, item in _hash(value, name).items():
            inner = f"{name}[{key}]" if name else key
            if key not in hints:
                raise _unknown(inner, list(hints))
            if key not in readers:
                readers[key] = _reader(hints[key])
            result[key] = readers[key](item, inner)
        for key in required:
            if key not in result:
                raise parameter_missing(f"{name}[{key}]" if name else key)
        return result

    return read


@cache
def _reader(annotation: Any) -> Reader:
    while typing.get_origin(annotation) in _WRAPPERS:
        annotation = typing.get_args(annotation)[0]
    members = closed([m for m in union_members(annotation) if m is not type(None)])
    if Any in members:
        return lambda value, _name: value
    text = _text_reader(members)
    arrays = [_array_reader(m) for m in members if typing.get_origin(m) is list]
    hashes = [_hash_member(m) for m in members if _is_hash(m)]

    def read(value: Any, name: str) -> Any:
        if isinstance(value, str):
            return text(value, name)
        if arrays and (isinstance(value, list) or not hashes or _numbered(value)):
            return arrays[0](value, name)
        if hashes:
            return _first_that_fits(hashes, value, name)
        raise SimError(400, f"Invalid value for {name}.", code="parameter_invalid", param=name)

    return read


def _text_reader(members: list[Any]) -> Callable[[str, str], Any]:
    """Read one text; an empty one unsets a parameter where Stripe's types allow it."""
    literals = [v for m in members for v in literal_values(m) or ()]
    scalars = [m for m in (bool, int, float, Decimal) if m in members]
    composite = "array" if any(typing.get_origin(m) is list for m in members) else "object"

    def read(value: str, name: str) -> Any:
        if value in literals:
            return value
        if value == "":
            raise _empty(name)
        for kind in scalars:
            converted = _converted(kind, value)
            if converted is not None:
                return converted
        if str in members:
            return value
        choices = [v for v in literals if v != ""]
        raise _invalid(value, name, scalars, choices, composite)

    return read


def _converted(kind: Any, value: str) -> Any:
    if kind is bool:
        return _BOOLEANS.get(value)
    # Python's own conversions are laxer than Stripe's: they accept "1_000", " 1 " and "nan".
    pattern = _INTEGER if kind is int else _NUMBER
    return kind(value) if pattern.fullmatch(value) else None


def _array_reader(annotation: Any) -> Reader:
    item = _reader(typing.get_args(annotation)[0])

    def read(value: Any, name: str) -> list[Any]:
        if isinstance(value, dict) and _numbered(value):
            value = [value[key] for key in sorted(value, key=int)]
        if not isinstance(value, list):
            raise SimError(400, "Invalid array", code="parameter_invalid_array", param=name)
        return [item(element, f"{name}[{position}]") for position, element in enumerate(value)]

    return read


def _is_hash(member: Any) -> bool:
    origin = typing.get_origin(member) or member
    return typing_extensions.is_typeddict(member) or origin in (dict, UntypedStripeObject)


def _hash_member(member: Any) -> Reader:
    if typing_extensions.is_typeddict(member):
        # Late: parameter types may contain themselves.
        return lambda value, name: _hash_reader(member)(value, name)
    arguments = typing.get_args(member)
    values = arguments[-1] if arguments else Any
    # The values of a map of texts may be empty: that removes a metadata key.
    item: Reader = (lambda value, _name: value) if values in (str, Any) else _reader(values)
    return lambda value, name: {k: item(v, f"{name}[{k}]") for k, v in _hash(value, name).items()}


def _first_that_fits(readers: list[Reader], value: Any, name: str) -> Any:
    """Read with the first alternative that accepts the value; of several refusals the last one stands."""
    for reader in readers[:-1]:
        try:
            return reader(value, name)
        except SimError:
            continue
    return readers[-1](value, name)


def _hash(value: Any, name: str) -> dict[str, Any]:
    if isinstance(value, list):
        return {str(position): item for position, item in enumerate(value)}
    if not isinstance(value, dict):
        raise SimError(400, "Invalid object", code="parameter_invalid_object", param=name)
    return value


def _numbered(value: Any) -> bool:
    return isinstance(value, dict) and bool(value) and all(key.isdigit() for key in value)


def _unknown(name: str, known: list[str]) -> SimError:
    leaf = name.rstrip("]").rsplit("[", 1)[-1]
    close = difflib.get_close_matches(leaf, known, n=1)
    hint = f". Did you mean {close[0]}?" if close else ""
    return SimError(400, f"Received unknown parameter: {name}{hint}", code="parameter_unknown", param=name)


def _empty(name: str) -> SimError:
    message = (
        f"You passed an empty string for '{name}'. We assume empty values are an attempt to unset a "
        f"parameter; however '{name}' cannot be unset. You should remove '{name}' from your request or "
        "supply a non-empty value."
    )
    return SimError(400, message, code="parameter_invalid_empty", param=name)


def _invalid(value: str, name: str, scalars: list[Any], choices: list[str], composite: str) -> SimError:
    if choices:
        return SimError(400, f"Invalid {name}: must be one of {_either(choices)}", param=name)
    if scalars:
        word, code = _WORDS[scalars[-1]]
        return SimError(400, f"Invalid {word}: {value}", code=code, param=name)
    return SimError(400, f"Invalid {composite}", code=f"parameter_invalid_{composite}", param=name)


def _either(choices: list[str]) -> str:
    if len(choices) < 3:
        return " or ".join(choices)
    return f"{', '.join(choices[:-1])}, or {choices[-1]}"
