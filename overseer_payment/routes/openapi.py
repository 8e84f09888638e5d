"""The OpenAPI 3.1 document, from the table of operations and pydantic's own JSON Schemas."""

from __future__ import annotations

import re
from collections.abc import Iterable, Sequence
from typing import Any

from pydantic import BaseModel
from pydantic.json_schema import JsonSchemaMode, models_json_schema

from overseer_payment.routes.links import links_of
from overseer_payment.routes.op import PREFIX, Op
from overseer_payment.routes.problem import MEDIA_TYPE, TYPE_PREFIX, Problem
from overseer_payment.schemas import JsonObject

_REF = "#/components/schemas/"

_INTRODUCTION = """\
Payments, refunds, subscriptions and customers, as the provider knows them.

Amounts are integers in minor units of their currency, by the provider's rule. Moments are ISO 8601 in UTC.
Errors are problems (RFC 9457) with a stable `code`. Lists are paged: hand `next_cursor` back as `cursor`.
A browser that is signed in by a cookie sends the host's token as `X-CSRF-Token` with every POST."""

_PARAMETERS = {
    "limit": "How many rows to answer.",
    "cursor": "Where to go on: the `next_cursor` of the page before.",
    "status": "Only rows in this state.",
    "type": "`charge`, `refund`, or `subscription` for a charge that pays a subscription's invoice.",
    "currency": "Only this currency, as its ISO 4217 code. Empty: all.",
    "customer_id": "Only rows of this customer: our id, or the provider's.",
    "subscription_id": "Only rows of this subscription: our id, or the provider's.",
    "q": "Part of an id, e-mail address or name.",
    "occurred_after": "Only what happened at the provider after this moment; without an offset it is UTC.",
    "occurred_before": "Only what happened at the provider before this moment; without an offset it is UTC.",
    "days": "How many days up to today, in UTC.",
}
"""Descriptions of query fields whose model gives none."""

_PROBLEMS = {
    400: ("signature_invalid", "Webhook refused", "The signature or the body of the delivery is not valid."),
    401: ("unauthenticated", "Sign in first", "Nobody is signed in, and no valid token was sent."),
    403: ("forbidden", "Not allowed", "A permission is missing, or a cookie's write came without its token."),
    404: ("not_found", "Not found", "No such row, or not one that the caller may know of."),
    409: ("conflict", "Conflict", "The present state forbids it, or the idempotency key was used otherwise."),
    413: ("payload_too_large", "Body too large", "The body is larger than is read here."),
    415: ("unsupported_media_type", "Unsupported media type", "The body is not application/json in UTF-8."),
    422: ("invalid", "Invalid request", "The request is not valid, or the provider refused these values."),
    429: ("rate_limited", "Too many requests", "This caller asked too often for something that costs."),
    500: ("internal_error", "Internal Server Error", "Something went wrong on our side; the log has more."),
    502: ("provider_error", "Payment provider error", "The provider answered something unexpected."),
    503: ("provider_unavailable", "Unavailable", "Not configured, or provider or database can't be reached."),
}

_HEADERS: dict[int, tuple[str, str, str]] = {
    401: ("WWW-Authenticate", "string", "How to authenticate."),
    429: ("Retry-After", "integer", "Seconds to wait."),
    503: ("Retry-After", "integer", "Seconds to wait, when known."),
}


def document(ops: Sequence[Op], *, server: str) -> JsonObject:
    """The whole document; `server` is the path below which the host mounts our routes."""
    schemas = _Schemas(ops)
    paths: dict[str, JsonObject] = {}
    for op in ops:
        paths.setdefault(PREFIX + op.path, {})[op.method.lower()] = _operation(op, schemas, links_of(op, ops))
    return {
        "openapi": "3.1.0",
        "info": {"title": "Overseer payments", "version": "1", "description": _INTRODUCTION},
        "servers": [{"url": server or "/"}],
        "tags": [{"name": tag} for tag in dict.fromkeys(op.tag for op in ops)],
        "paths": paths,
        "components": {
            "schemas": schemas.components(),
            "responses": {_problem_name(s): _problem_response(s, schemas) for s in _PROBLEMS},
            "parameters": {"IdempotencyKey": _IDEMPOTENCY_KEY},
            "securitySchemes": {"bearer": _BEARER},
        },
    }


class _Schemas:
    """The JSON Schemas of every model that the operations name."""

    def __init__(self, ops: Iterable[Op]) -> None:
        self._queries = [op.query for op in ops if op.query]
        bodies = [op.body for op in ops if op.body]
        answers = [op.answer for op in ops if op.answer]
        wanted: list[tuple[type[BaseModel], JsonSchemaMode]] = [(Problem, "serialization")]
        wanted += [(model, "serialization") for model in answers]
        wanted += [(model, "validation") for model in (*self._queries, *bodies)]
        self._refs, definitions = models_json_schema(
            list(dict.fromkeys(wanted)), ref_template=_REF + "{model}"
        )
        self._definitions: dict[str, JsonObject] = definitions["$defs"]

    def ref(self, model: type[BaseModel], mode: JsonSchemaMode) -> JsonObject:
        return self._refs[(model, mode)]

    def definition(self, model: type[BaseModel]) -> JsonObject:
        return self._definitions[self._name(model)]

    def components(self) -> dict[str, JsonObject]:
        """Everything that may be referred to; a query's model is told as parameters instead."""
        inlined = {self._name(model) for model in self._queries}
        return {name: schema for name, schema in self._definitions.items() if name not in inlined}

    def _name(self, model: type[BaseModel]) -> str:
        return str(self._refs[(model, "validation")]["$ref"]).removeprefix(_REF)


def _operation(op: Op, schemas: _Schemas, links: JsonObject) -> JsonObject:
    found: JsonObject = {
        "operationId": op.name,
        "summary": op.summary,
        "description": op.description,
        "tags": [op.tag],
        "security": [] if op.public else [{"bearer": []}],
        "parameters": [*_path_parameters(op), *_query_parameters(op, schemas), *_header_parameters(op)],
        "responses": {"200": _success(op, schemas) | ({"links": links} if links else {})}
        | {str(s): {"$ref": f"#/components/responses/{_problem_name(s)}"} for s in op.statuses},
    }
    if op.body or op.raw_body or op.uploads:
        found["requestBody"] = _request_body(op, schemas)
    return found


def _path_parameters(op: Op) -> list[JsonObject]:
    if op.parameter is None:
        return []
    schema = {"type": "string", "minLength": 1, "maxLength": 255}
    return [
        {"name": op.parameter, "in": "path", "required": True, "description": op.path_help, "schema": schema}
    ]


def _query_parameters(op: Op, schemas: _Schemas) -> list[JsonObject]:
    if op.query is None:
        return []
    fields: dict[str, JsonObject] = schemas.definition(op.query)["properties"]
    return [_query_parameter(name, _without_null(schema)) for name, schema in fields.items()]


def _query_parameter(name: str, schema: JsonObject) -> JsonObject:
    description = schema.pop("description", None) or _PARAMETERS[name]
    return {"name": name, "in": "query", "required": False, "description": description, "schema": schema}


def _without_null(schema: JsonObject) -> JsonObject:
    """A query can't say null: leaving a parameter out is what None stands for."""
    rest = {key: value for key, value in schema.items() if key not in {"anyOf", "title"}}
    if rest.get("default", ...) is None:
        del rest["default"]
    kinds = [kind for kind in schema.get("anyOf", ()) if kind != {"type": "null"}]
    return {**kinds[0], **rest} if kinds else rest


def _header_parameters(op: Op) -> list[JsonObject]:
    if op.public or op.method != "POST":
        return []
    return [{"$ref": "#/components/parameters/IdempotencyKey"}]


def _request_body(op: Op, schemas: _Schemas) -> JsonObject:
    if op.uploads:
        file: JsonObject = {"schema": {"type": "string", "format": "binary"}}
        return {"required": True, "content": dict.fromkeys(op.uploads, file)}
    content: JsonObject = {
        "schema": {"type": "object", "description": "The event, by the provider's own schema."}
    }
    if op.body:
        content = {"schema": schemas.ref(op.body, "validation"), "example": op.body_example}
    return {"required": not op.body_optional, "content": {"application/json": content}}


def _success(op: Op, schemas: _Schemas) -> JsonObject:
    if op.streams:
        text = {"type": "string"}
        return {
            "description": "Done.",
            "content": {kind: {"schema": text, "example": its} for kind, its in op.streams.items()},
        }
    schema: JsonObject = schemas.ref(op.answer, "serialization") if op.answer else {"type": "object"}
    return {
        "description": "Done.",
        "content": {"application/json": {"schema": schema, "example": op.example}},
    }


def _problem_name(status: int) -> str:
    return "".join(re.findall(r"[A-Za-z]+", _PROBLEMS[status][0].title()))


def _problem_response(status: int, schemas: _Schemas) -> JsonObject:
    code, title, detail = _PROBLEMS[status]
    example: dict[str, Any] = {
        "type": TYPE_PREFIX + code,
        "title": title,
        "status": status,
        "detail": detail,
        "code": code,
    }
    if status == 422:
        example["errors"] = [{"loc": ["body", "amount"], "msg": "Input should be greater than or equal to 1"}]
    found: JsonObject = {
        "description": detail,
        "content": {MEDIA_TYPE: {"schema": schemas.ref(Problem, "serialization"), "example": example}},
    }
    if status in _HEADERS:
        name, kind, description = _HEADERS[status]
        found["headers"] = {name: {"description": description, "schema": {"type": kind}}}
    return found


_IDEMPOTENCY_KEY: JsonObject = {
    "name": "Idempotency-Key",
    "in": "header",
    "required": False,
    "description": "The same key again answers the first outcome instead of doing it twice.",
    "schema": {"type": "string", "minLength": 1, "maxLength": 255},
    "example": "order-1042-refund",
}

_BEARER: JsonObject = {
    "type": "http",
    "scheme": "bearer",
    "description": "The host's token, in the embedded host `OVERSEER_TOKEN`.",
}
