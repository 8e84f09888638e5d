"""The OpenAPI document says what the routes do, all of it, and nothing else."""

from __future__ import annotations

import json
import re
from collections.abc import Iterator
from typing import Any

import pytest
from openapi_spec_validator import OpenAPIV31SpecValidator
from pydantic import TypeAdapter
from starlette.applications import Starlette
from starlette.routing import BaseRoute, Mount, Route
from starlette.testclient import TestClient

from overseer_payment.routes.api import ALL_OPS, api_routes, public_api_routes
from overseer_payment.routes.endpoint import Elsewhere
from overseer_payment.routes.op import PREFIX, Op
from overseer_payment.routes.openapi import document
from tests.routes.fake_payments import TOKEN, FakeHost, FakePayments, application, client_of

DOCUMENT = document(ALL_OPS, server="")
by_name = pytest.mark.parametrize("op", ALL_OPS, ids=lambda op: op.name)


def described(op: Op) -> dict[str, Any]:
    found: dict[str, Any] = DOCUMENT["paths"][PREFIX + op.path][op.method.lower()]
    return found


def test_document_is_valid_and_public(anonymous: TestClient) -> None:
    """Anybody may read the document, and it is valid OpenAPI 3.1."""
    response = anonymous.get(f"{PREFIX}/openapi.json")
    assert response.status_code == 200
    assert response.json()["openapi"].startswith("3.1")
    OpenAPIV31SpecValidator(response.json()).validate()


def test_document_and_routes_agree(host: FakeHost) -> None:
    """Each route is documented, and each documented operation is routed."""
    routes: list[BaseRoute] = [*api_routes(host), *public_api_routes(host)]
    routed = [route.path for route in routes if isinstance(route, Route) and not isinstance(route, Elsewhere)]
    assert sorted(routed) == sorted(DOCUMENT["paths"])
    documented = {(path, method.upper()) for path, item in DOCUMENT["paths"].items() for method in item}
    assert documented == {(PREFIX + op.path, op.method) for op in ALL_OPS}


def test_names_are_unique() -> None:
    """Programs that are generated from the document get one function for each operation."""
    names = [op.name for op in ALL_OPS]
    assert len(names) == len(set(names))


@by_name
def test_operation_is_complete(op: Op) -> None:
    """Each operation has a summary, a description, its security, and every parameter described."""
    found = described(op)
    assert found["summary"]
    assert found["description"]
    assert found["security"] == ([] if op.public else [{"bearer": []}])
    for parameter in found["parameters"]:
        assert "$ref" in parameter or parameter["description"]


@by_name
def test_examples_fit_their_models(op: Op) -> None:
    """What the document shows as an example is what the operation takes and answers."""
    if op.answer is not None:
        fields = TypeAdapter(op.answer).validate_json(json.dumps(op.example), strict=True)
        assert set(op.example) <= set(fields.model_dump())
    if op.body is not None:
        body = op.body.model_validate_json(json.dumps(op.body_example), strict=True)
        assert body.model_fields_set == set(op.body_example or {})


@by_name
def test_documented_statuses_include_the_guards(op: Op) -> None:
    """Guarded operations document 401 and 403, those with an id 404, with a body 413, with a key 409."""
    responses = set(described(op)["responses"])
    assert {"200", "500", "503"} <= responses
    assert op.public or {"401", "403", "422"} <= responses
    assert not op.parameter or "404" in responses
    assert not op.body or {"413", "415"} <= responses
    assert op.public or op.method == "GET" or "409" in responses


def test_answers_fit_their_schemas(admin: TestClient) -> None:
    """A real answer has no field that the document doesn't know."""
    schemas = DOCUMENT["components"]["schemas"]
    for path, name in (("/transactions/7", "TransactionDetail"), ("/status", "StatusView")):
        assert set(admin.get(PREFIX + path).json()) == set(schemas[name]["properties"])


def test_every_reference_leads_somewhere() -> None:
    """No schema is referred to that isn't there, and none lies there unused."""
    used = set(re.findall(r"#/components/schemas/([\w.-]+)", json.dumps(DOCUMENT)))
    assert used == set(DOCUMENT["components"]["schemas"])


def test_query_parameters_cant_be_null() -> None:
    """A filter is left out, not sent as null."""
    for schema in _parameter_schemas():
        assert {"type": "null"} not in schema.get("anyOf", [])
        assert schema.get("default", 0) is not None


def _parameter_schemas() -> Iterator[dict[str, Any]]:
    for op in ALL_OPS:
        yield from (p["schema"] for p in described(op)["parameters"] if "schema" in p)


def test_lists_are_as_long_as_they_say() -> None:
    """A page has 20 rows unless asked otherwise, and at most 100."""
    lists = [op for op in ALL_OPS if op.name.startswith("list_") and op.query is not None]
    assert len(lists) >= 7
    for op in lists:
        [limit] = [p["schema"] for p in described(op)["parameters"] if p.get("name") == "limit"]
        assert (limit["minimum"], limit["default"], limit["maximum"]) == (1, 20, 100), op.name


@pytest.mark.parametrize(
    ("name", "field", "meant"),
    [
        ("create_checkout", "quantity", 1),
        ("cancel_subscription", "at_period_end", True),
        ("stage_evidence", "submit", False),
        ("get_revenue_timeseries", "days", 30),
        ("get_metrics_summary", "days", 30),
    ],
)
def test_what_is_left_out_means_what_it_did(name: str, field: str, meant: object) -> None:
    """A script that leaves something out is understood as ever."""
    [op] = [op for op in ALL_OPS if op.name == name]
    [model] = [model for model in (op.body, op.query) if model is not None]
    assert model.model_fields[field].default == meant


def test_server_is_where_the_host_mounts_us(payments: FakePayments, host: FakeHost) -> None:
    """Below another application the document names the mount, and routes work there."""
    outer = Starlette(routes=[Mount("/admin", app=application(payments, host))])
    client = TestClient(outer, headers={"Authorization": f"Bearer {TOKEN}"})
    assert client.get(f"/admin{PREFIX}/openapi.json").json()["servers"] == [{"url": "/admin"}]
    assert client.get(f"/admin{PREFIX}/status").status_code == 200
    assert client.get(f"/admin{PREFIX}/nothing").headers["content-type"] == "application/problem+json"


def test_document_needs_no_facade(payments: FakePayments) -> None:
    """The document is served while everything else is broken."""
    payments.error = RuntimeError("broken")
    assert client_of(payments).get(f"{PREFIX}/openapi.json").status_code == 200
    assert payments.calls == []
