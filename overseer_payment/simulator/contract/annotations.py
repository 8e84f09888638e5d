"""Turn the SDK's annotations into real types, forward references and checker-only imports included."""

from __future__ import annotations

import ast
import importlib
import inspect
import sys
import typing
from functools import cache
from typing import Any

import typing_extensions

UNIONS = (typing.Union, type(int | str))


def resolved(cls: type, *, without: frozenset[str] = frozenset()) -> dict[str, Any]:
    """Return the own annotations of `cls` (of a TypedDict, also inherited), references resolved."""
    own = {name: hint for name, hint in inspect.get_annotations(cls).items() if name not in without}
    return _resolved(own, cls.__module__)


def evaluated(annotation: str, module_name: str) -> Any:
    """Return the type that the text of an annotation means in a module of the SDK."""
    return _resolved({"it": annotation}, module_name)["it"]


def union_members(annotation: Any) -> list[Any]:
    """Return the members of a union, nested unions flattened; of anything else, itself."""
    if typing.get_origin(annotation) in UNIONS:
        return [m for arg in typing.get_args(annotation) for m in union_members(arg)]
    return [annotation]


def literal_values(annotation: Any) -> tuple[Any, ...] | None:
    """Return the values of a `Literal`, or None for anything else."""
    return typing.get_args(annotation) if typing.get_origin(annotation) is typing.Literal else None


def closed(members: list[Any]) -> list[Any]:
    """Drop the `str` of an open enumeration.

    The SDK writes `Literal["a", "b"] | str` so that clients survive new values; a simulator of one
    exact API version may only know the values of that version. `Literal[""] | str` is no enumeration
    but a text that can be unset.
    """
    is_enumeration = any((values := literal_values(m)) and values != ("",) for m in members)
    return [m for m in members if m is not str] if is_enumeration else members


def _resolved(annotations: dict[str, Any], module_name: str) -> dict[str, Any]:
    def carrier() -> None: ...

    # A function as carrier: get_type_hints resolves it against exactly the namespace it is given,
    # while for a class it would also evaluate base classes whose names are not importable.
    carrier.__annotations__ = dict(annotations)
    # Local names, though there are none: without them what `Optional["SessionCreateParams"]` once meant in
    # another module would be taken, because equal annotations are one object.
    return typing_extensions.get_type_hints(
        carrier, globalns=_namespace(module_name), localns={}, include_extras=True
    )


@cache
def _namespace(module_name: str) -> dict[str, Any]:
    module = sys.modules.get(module_name) or importlib.import_module(module_name)
    return vars(typing) | vars(module) | _checker_only_imports(module)


def _checker_only_imports(module: Any) -> dict[str, Any]:
    """Import what stands below `if TYPE_CHECKING:`, which the annotations name."""
    names: dict[str, Any] = {}
    for block in ast.parse(inspect.getsource(module)).body:
        if isinstance(block, ast.If) and "TYPE_CHECKING" in ast.unparse(block.test):
            for statement in block.body:
                if isinstance(statement, ast.ImportFrom) and statement.module:
                    source = importlib.import_module(statement.module)
                    names |= {a.asname or a.name: getattr(source, a.name) for a in statement.names}
    return names
