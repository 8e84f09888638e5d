"""Where an answer leads: OpenAPI links from a list to what can be done with its first row."""

from __future__ import annotations

from collections.abc import Sequence
from typing import get_origin

from overseer_payment.routes.op import Op
from overseer_payment.schemas import JsonObject


def links_of(op: Op, ops: Sequence[Op]) -> JsonObject:
    """By operation, how to fill its parameter from this operation's answer."""
    found = _from_list(op) or _from_answer(op)
    if found is None:
        return {}
    path, expression = found
    return {
        other.name: {
            "operationId": other.name,
            "parameters": {other.parameter: expression},
            "description": other.summary,
        }
        for other in ops
        if other.parameter and not other.public and other.path.startswith(f"{path}/{{")
    }


def _from_list(op: Op) -> tuple[str, str] | None:
    """A list's rows are known by their `id` below the list's own path."""
    if op.answer is None or op.parameter or op.method != "GET":
        return None
    for name, field in op.answer.model_fields.items():
        if get_origin(field.annotation) is list and op.path == f"/{name.replace('_', '-')}":
            return op.path, f"$response.body#/{name}/0/id"
    return None


def _from_answer(op: Op) -> tuple[str, str] | None:
    """What was opened is known by the id in the answer."""
    if op.answer is not None and "session_id" in op.answer.model_fields and op.method == "POST":
        return "/checkouts", "$response.body#/session_id"
    if op.answer is not None and op.method == "POST" and not op.parameter and "id" in op.answer.model_fields:
        return op.path, "$response.body#/id"
    return None
