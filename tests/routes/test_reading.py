"""Requests that don't fit: 4xx, never 5xx, never echoed."""

from __future__ import annotations

import json
from collections.abc import Iterator
from typing import Any
from urllib.parse import quote, urlencode

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from starlette.testclient import TestClient

from overseer_payment.routes.op import PREFIX
from overseer_payment.routes.reading import MAX_JSON
from overseer_payment.routes.table import OPS
from tests.routes.fake_payments import FakePayments, client_of

JSON = {"Content-Type": "application/json"}
CHECKOUT = f"{PREFIX}/checkout"
REFUND = f"{PREFIX}/refund/7"
MARK = "zq9Marker"

fuzz = settings(max_examples=60, deadline=None, suppress_health_check=[HealthCheck.too_slow])
_client = client_of(FakePayments(), caller="admin")  # shared by examples: nothing here needs a fresh one

scalars = st.none() | st.booleans() | st.integers() | st.floats() | st.text(max_size=8)
values = st.recursive(
    scalars, lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(), inner, max_size=3)
)
fields = st.sampled_from(
    ["mode", "price_id", "quantity", "metadata", "amount", "reason", "success_url", MARK]
)


def post(client: TestClient, url: str, content: bytes) -> Any:
    return client.post(url, content=content, headers=JSON)


def is_problem(response: Any) -> bool:
    problem = response.json()
    return (
        response.headers["content-type"] == "application/problem+json"
        and {"type", "title", "status", "detail", "code"} <= set(problem)
        and problem["status"] == response.status_code
    )


def nowhere(container: Any, text: str) -> bool:
    return text not in json.dumps(container)


@pytest.mark.parametrize(
    "content",
    [
        b"",
        b" ",
        b"{",
        b"[]",
        b"null",
        b'"text"',
        b"\xff\xfe",
        b'{"mode": "payment"',
        b'{"mode": "nothing"}',
        b'{"mode": "payment", "quantity": NaN}',
        b'{"mode": "payment", "quantity": -Infinity}',
        b'{"mode": "payment", "quantity": 1e999}',
        b'{"mode": "payment", "quantity": 1.5}',
        b'{"mode": "payment", "quantity": true}',
        b'{"mode": "payment", "quantity": "2"}',
        b'{"mode": "payment", "quantity": 0}',
        b'{"mode": "payment", "quantity": ' + b"9" * 5000 + b"}",
        b'{"mode": "payment", "quantity": 1, "quantity": 2}',
        b'{"mode": "payment", "price_id": "a\\u0000b"}',
        b'{"mode": "payment", "metadata": {"a": "\\u0000"}}',
        b'{"mode": "payment", "metadata": {"\\u0000": "a"}}',
        b'{"mode": "payment", "metadata": {"a": "\\ud800"}}',
        b'{"mode": "payment", "metadata": {"a": 1}}',
        b'{"mode": "payment", "metadata": {"a": ["\\u0000"]}}',
        b"[" * 60_000,
        b'{"a":' * 10_000,
        b'{"metadata": ' + b"[" * 900 + b"]" * 900 + b"}",
    ],
    ids=range(27),
)
def test_malformed_body_is_422(admin: TestClient, payments: FakePayments, content: bytes) -> None:
    """A body that isn't the documented object is refused before the façade."""
    response = post(admin, CHECKOUT, content)
    assert response.status_code == 422
    assert is_problem(response)
    assert response.json()["errors"][0]["loc"][0] == "body"
    assert payments.calls == []


@pytest.mark.parametrize(
    "amount", ["0", "-1", "1.5", "true", '"100"', "1e30", "9007199254740993.0", "9" * 19, "9" * 30]
)
def test_amount_is_an_exact_positive_integer(admin: TestClient, payments: FakePayments, amount: str) -> None:
    """What isn't exactly a positive number of minor units never moves money."""
    assert post(admin, REFUND, f'{{"amount": {amount}}}'.encode()).status_code == 422
    assert payments.calls == []


def test_unknown_field_is_refused_by_naming_the_known(admin: TestClient) -> None:
    """A misspelt field is an error, and the answer lists what would be right."""
    errors = admin.post(REFUND, json={MARK: 1}).json()["errors"]
    assert errors == [{"loc": ["body"], "msg": "Unknown field. Known here: amount, reason."}]


def test_field_errors_say_where(admin: TestClient) -> None:
    """Each wrong field is told by its place and what is expected."""
    errors = admin.post(CHECKOUT, json={"mode": MARK, "quantity": 0, "currency": "xyz"}).json()["errors"]
    assert [error["loc"] for error in errors] == [
        ["body", "mode"],
        ["body", "quantity"],
        ["body", "currency"],
    ]
    assert errors[2]["msg"] == "XYZ is not a currency that ISO 4217 lists."
    assert nowhere(errors, MARK)


def test_metadata_keys_are_not_echoed(admin: TestClient) -> None:
    """The place of an error stops at our own field: what the caller named isn't repeated."""
    response = admin.post(CHECKOUT, json={"mode": "payment", "metadata": {MARK: 1, f"[{MARK}": "x"}})
    assert {tuple(error["loc"]) for error in response.json()["errors"]} == {("body", "metadata")}
    assert MARK not in response.text


@pytest.mark.parametrize(
    "header",
    [
        "text/plain",
        "",
        "application/json; charset=latin-1",
        "application/x-www-form-urlencoded",
        "application/jsonp",
    ],
)
def test_other_media_types_are_415(admin: TestClient, header: str) -> None:
    """Only JSON in UTF-8 is read; a form from a foreign page is not."""
    response = admin.post(CHECKOUT, content=b'{"mode": "payment"}', headers={"Content-Type": header})
    assert response.status_code == 415
    assert is_problem(response)


def test_compressed_body_is_415(admin: TestClient) -> None:
    """A body with a content encoding isn't unpacked, so it can't unpack to gigabytes."""
    headers = {**JSON, "Content-Encoding": "gzip"}
    assert admin.post(CHECKOUT, content=b"x", headers=headers).status_code == 415


@pytest.mark.parametrize("header", ["application/json", 'Application/JSON; Charset="UTF-8"'])
def test_json_media_type_is_read(admin: TestClient, header: str) -> None:
    """Case and an explicit UTF-8 don't matter."""
    response = admin.post(CHECKOUT, content=b'{"mode": "payment"}', headers={"Content-Type": header})
    assert response.status_code == 200


def test_large_body_is_413(admin: TestClient, payments: FakePayments) -> None:
    """64 KiB are read, one byte more is refused, by its declared length or while it comes in."""
    assert post(admin, CHECKOUT, b'{"mode": "payment"}'.ljust(MAX_JSON)).status_code == 200
    assert post(admin, CHECKOUT, b'{"mode": "payment"}'.ljust(MAX_JSON + 1)).status_code == 413
    calls = len(payments.calls)
    response = admin.post(CHECKOUT, content=_chunks(), headers=JSON)
    assert response.status_code == 413
    assert is_problem(response)
    assert len(payments.calls) == calls


def _chunks() -> Iterator[bytes]:
    for _ in range(MAX_JSON // 1024):
        yield b" " * 1024
    yield b" "


@pytest.mark.parametrize(
    "query",
    [
        "limit=0",
        "limit=101",
        "limit=x",
        "limit=",
        "limit=" + "9" * 5000,
        "limit=1&limit=2",
        "status=paid",
        "status=",
        "type=x",
        "currency=dollars",
        "customer_id=",
        "customer_id=%00",
        "q=%00",
        "q=" + "x" * 201,
        "cursor=" + "x" * 201,
        "occurred_after=yesterday",
        "occurred_after=0001-01-01T00:00:00%2B14:00",
        "occurred_before=9999-12-31T23:59:59-14:00",
        "unknown=1",
        "Limit=1",
        f"{MARK}=1&limit=2",
    ],
)
def test_bad_query_is_422(admin: TestClient, payments: FakePayments, query: str) -> None:
    """An unknown, repeated or invalid filter is an error, not silence."""
    response = admin.get(f"{PREFIX}/transactions?{query}")
    assert response.status_code == 422
    assert response.json()["errors"][0]["loc"][0] == "query"
    assert MARK not in response.text
    assert payments.calls == []


@pytest.mark.parametrize(
    "op", [op for op in OPS if op.query is None and op.parameter is None], ids=lambda op: op.name
)
def test_query_is_refused_where_there_is_none(admin: TestClient, op: Any) -> None:
    """An operation without filters takes none."""
    response = admin.request(op.method, f"{PREFIX}{op.path}?limit=1", json=op.body_example)
    assert response.status_code == 422


@pytest.mark.parametrize("key", ["", "x" * 256, "a\tb", "é".encode().decode("latin-1")])
def test_bad_idempotency_key_is_422(admin: TestClient, payments: FakePayments, key: str) -> None:
    """A key is 1 to 255 printable ASCII characters, or the write isn't tried."""
    response = admin.post(REFUND, json={}, headers={b"Idempotency-Key": key.encode("latin-1")})
    assert response.status_code == 422
    assert response.json()["errors"][0]["loc"] == ["header", "Idempotency-Key"]
    assert payments.refunded == 0


def test_two_idempotency_keys_are_422(admin: TestClient) -> None:
    """Two keys name no intent."""
    response = admin.post(REFUND, headers=[("Idempotency-Key", "a"), ("Idempotency-Key", "b")])
    assert response.status_code == 422


@pytest.mark.parametrize("id", ["%00", "a%20b", "%C3%A9", "x" * 256])
def test_impossible_id_is_404(admin: TestClient, payments: FakePayments, id: str) -> None:
    """What can't be an id isn't looked for."""
    assert admin.get(f"{PREFIX}/transactions/{id}").status_code == 404
    assert payments.calls == []


@fuzz
@given(content=st.binary(max_size=200), url=st.sampled_from([CHECKOUT, REFUND]))
def test_any_bytes_are_answered(content: bytes, url: str) -> None:
    """Whatever bytes come as a body, the answer is an answer or a problem below 500."""
    response = post(_client, url, content)
    assert response.status_code < 500
    assert response.status_code == 200 or is_problem(response)


@fuzz
@given(body=st.dictionaries(fields, values, max_size=4))
def test_any_object_is_answered(body: dict[str, Any]) -> None:
    """Whatever JSON comes as a checkout, it is done or refused, and unknown names aren't repeated."""
    response = post(_client, CHECKOUT, json.dumps(body).encode())
    assert response.status_code in {200, 422}
    assert MARK not in response.text


@fuzz
@given(
    pairs=st.lists(
        st.tuples(
            st.sampled_from(["limit", "cursor", "status", "q", "occurred_after", "currency", MARK])
            | st.text(max_size=5),
            st.text(st.characters(exclude_categories=["Cs"]), max_size=20)
            | st.from_regex(r"\d{4}-\d\d-\d\dT\d\d:\d\dZ"),
        ),
        max_size=4,
    ),
    path=st.sampled_from(["/transactions", "/subscriptions", "/customers", "/revenue-timeseries", "/status"]),
)
def test_any_query_is_answered(pairs: list[tuple[str, str]], path: str) -> None:
    """Whatever query comes, it is answered or refused as a problem that doesn't repeat it."""
    response = _client.get(PREFIX + path, params=urlencode(pairs))
    assert response.status_code in {200, 422}
    assert MARK not in response.text


@fuzz
@given(id=st.text(st.characters(exclude_categories=["Cs"]), min_size=1, max_size=30))
def test_any_id_is_answered(id: str) -> None:
    """Whatever stands in the path, the answer is a row, a 404, or another path's own."""
    response = _client.get(f"{PREFIX}/customers/{quote(id, safe='')}")
    assert response.status_code in {200, 404}
