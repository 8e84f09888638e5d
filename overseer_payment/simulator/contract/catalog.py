"""Which endpoints Stripe's API has, with their parameter and answer types, read from the SDK's services."""

from __future__ import annotations

import ast
import importlib
import re
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from typing import Any

import stripe

from overseer_payment.simulator.contract.annotations import evaluated, union_members
from overseer_payment.simulator.contract.objects import Check, checker

_REQUEST = re.compile(r'self\._request\(\s*"(\w+)",\s*"(/v1/[^"]*)"')


@dataclass(frozen=True, slots=True)
class Operation:
    """One operation of the SDK: the TypedDict of its parameters (or None) and the check of its answer."""

    method: str
    template: str
    parameters: Any
    answer: Check


def normalised(template: str) -> str:
    """Return a path template without the names of its variables, which differ between authors."""
    return re.sub(r"\{\w+\}", "{}", template)


@cache
def operation(method: str, template: str) -> Operation | None:
    """Return the SDK's operation for a method and path template, or None when Stripe has no such endpoint."""
    key = (method.upper(), normalised(template))
    module_name = _modules().get(key)
    if module_name is None:
        return None
    module = importlib.import_module(module_name)
    for function in _functions(module_name):
        if _called(function) == key:
            return Operation(
                *key, _parameters(function, module), checker(_annotation(function.returns, module))
            )
    return None


def known_operations() -> list[tuple[str, str]]:
    """Return every `(method, template)` of Stripe's API that the SDK can call."""
    return sorted(_modules())


@cache
def _modules() -> dict[tuple[str, str], str]:
    """Map every operation to the module that defines it, found as text: importing all is 50 times slower."""
    root = Path(stripe.__file__).parent
    found: dict[tuple[str, str], str] = {}
    for path in sorted(root.rglob("_*_service.py")):
        name = ".".join(("stripe", *path.relative_to(root).with_suffix("").parts))
        for method, template in _REQUEST.findall(path.read_text(encoding="utf-8")):
            found.setdefault((method.upper(), normalised(template)), name)
    return found


@cache
def _functions(module_name: str) -> list[ast.FunctionDef]:
    module = importlib.import_module(module_name)
    tree = ast.parse(Path(str(module.__file__)).read_text(encoding="utf-8"))
    classes = [node for node in tree.body if isinstance(node, ast.ClassDef)]
    return [node for cls in classes for node in cls.body if isinstance(node, ast.FunctionDef)]


def _called(function: ast.FunctionDef) -> tuple[str, str] | None:
    found = _REQUEST.search(ast.unparse(function).replace("'", '"'))
    return (found[1].upper(), normalised(found[2])) if found else None


def _parameters(function: ast.FunctionDef, module: Any) -> Any:
    for argument in function.args.args:
        if argument.arg == "params":
            members = union_members(_annotation(argument.annotation, module))
            return next((m for m in members if m is not type(None)), None)
    return None


def _annotation(node: ast.expr | None, module: Any) -> Any:
    return evaluated(ast.unparse(node) if node is not None else "None", module.__name__)
