"""Errors: always a problem by RFC 9457, never the inside."""

from __future__ import annotations

import logging

import pytest
from sqlalchemy.exc import OperationalError
from starlette.applications import Starlette
from starlette.testclient import TestClient
from starlette.types import Message

from overseer_payment.errors import ConfigurationError, PaymentError, ProviderRateLimited, Unauthenticated
from overseer_payment.host_contract import Host
from overseer_payment.routes.api import ALL_OPS, api_routes
from overseer_payment.routes.op import PREFIX
from overseer_payment.service import Payments
from tests.routes.fake_payments import FakeHost, FakePayments, application, client_of

PATHS = sorted({op.path for op in ALL_OPS})
METHODS = ("GET", "HEAD", "POST", "PUT", "PATCH", "DELETE", "OPTIONS", "PROPFIND")


def subclasses(of: type[PaymentError]) -> list[type[PaymentError]]:
    found = [of]
    for child in of.__subclasses__():
        if child.__module__ == "overseer_payment.errors":
            found += subclasses(child)
    return found


# What callers rely on, written once more: by name of the error its status, code, title and seconds to wait.
TOLD = {
    "PaymentError": (500, "internal_error", "Internal error", None),
    "ConfigurationError": (503, "not_configured", "Not configured", None),
    "WebhookNotConfigured": (503, "webhook_not_configured", "Webhook not configured", None),
    "DatabaseError": (503, "database_unavailable", "Database unavailable", "5"),
    "DatabaseReadOnly": (503, "database_read_only", "Database is read-only", "5"),
    "Unauthenticated": (401, "unauthenticated", "Sign in first", None),
    "Forbidden": (403, "forbidden", "Not allowed", None),
    "NotFound": (404, "not_found", "Not found", None),
    "Conflict": (409, "conflict", "Conflict", None),
    "IdempotencyConflict": (409, "idempotency_conflict", "Idempotency key conflict", None),
    "Invalid": (422, "invalid", "Invalid request", None),
    "ListenerFailed": (500, "listener_failed", "A listener failed", None),
    "MethodNotAllowed": (405, "method_not_allowed", "Method not allowed", None),
    "UnsupportedMediaType": (415, "unsupported_media_type", "Unsupported media type", None),
    "PayloadTooLarge": (413, "payload_too_large", "Body too large", None),
    "RateLimited": (429, "rate_limited", "Too many requests", None),
    "WebhookRefused": (400, "webhook_refused", "Webhook refused", None),
    "SignatureInvalid": (400, "signature_invalid", "Signature invalid", None),
    "PayloadInvalid": (400, "payload_invalid", "Payload invalid", None),
    "ProviderError": (502, "provider_error", "Payment provider error", None),
    "ProviderRejected": (422, "provider_rejected", "Refused by the payment provider", None),
    "ProviderAuthError": (503, "provider_auth", "Payment provider refused the API key", None),
    "ObjectAbsent": (404, "provider_object_absent", "Not known to the payment provider", None),
    "NotSupported": (409, "not_supported", "Not supported by the payment provider", None),
    "ProviderRateLimited": (503, "provider_rate_limited", "Payment provider is limiting requests", None),
    "ProviderUnavailable": (503, "provider_unavailable", "Payment provider unavailable", "10"),
    "OutcomeUnknown": (503, "outcome_unknown", "Outcome unknown", "10"),
}


@pytest.mark.parametrize("kind", subclasses(PaymentError), ids=lambda kind: kind.__name__)
def test_each_error_of_the_tree_is_a_problem(kind: type[PaymentError], payments: FakePayments) -> None:
    """Every error of ours answers its status, code, title and sentence, and when to ask again."""
    status, code, title, wait = TOLD[kind.__name__]
    payments.error = kind("What happened.")
    response = client_of(payments, caller="admin").get(f"{PREFIX}/status")
    assert (response.status_code, response.headers.get("retry-after")) == (status, wait)
    assert response.headers["content-type"] == "application/problem+json"
    assert response.json() == {
        "type": f"urn:overseer-payment:problem:{code}",
        "title": title,
        "status": status,
        "detail": "What happened.",
        "code": code,
    }


def test_retry_after_is_passed_on(payments: FakePayments, admin: TestClient) -> None:
    """A provider that limits requests says how long to wait, and so do we."""
    payments.error = ProviderRateLimited("Too many requests.", retry_after=7)
    assert admin.get(f"{PREFIX}/status").headers["retry-after"] == "7"


def test_facades_401_names_the_scheme(payments: FakePayments, admin: TestClient) -> None:
    """A 401 has WWW-Authenticate, wherever it comes from."""
    payments.error = Unauthenticated("Sign in.")
    assert admin.get(f"{PREFIX}/status").headers["www-authenticate"] == "Bearer"


def test_unexpected_error_reveals_nothing(
    payments: FakePayments, admin: TestClient, caplog: pytest.LogCaptureFixture
) -> None:
    """A bug is a 500 with a reference that the log knows; neither tells the exception's text."""
    payments.error = RuntimeError("sk_live_SECRET")
    payments.error.__cause__ = ValueError("ada@example.com")
    with caplog.at_level(logging.ERROR):
        response = admin.get(f"{PREFIX}/status")
    problem = response.json()
    assert (response.status_code, problem["code"]) == (500, "internal_error")
    reference = problem["instance"].removeprefix("urn:uuid:")
    assert reference in caplog.text
    assert "RuntimeError" in caplog.text
    assert "ValueError" in caplog.text
    for secret in ("SECRET", "ada@"):
        assert secret not in response.text + caplog.text


def test_database_error_is_503(payments: FakePayments, admin: TestClient) -> None:
    """A database error that slips through the façade is told as such, without its statement."""
    payments.error = OperationalError("SELECT secret", {}, Exception("locked"))
    response = admin.get(f"{PREFIX}/transactions")
    assert (response.status_code, response.json()["code"]) == (503, "database_unavailable")
    assert "SELECT" not in response.text


def test_a_facade_that_cant_be_made_is_503(host: FakeHost) -> None:
    """A wrong setting is one sentence for who is signed in, and nothing for others."""

    def broken(_: Host) -> Payments:
        raise ConfigurationError("OVERSEER_PUBLIC_URL must be an absolute http or https URL.")

    client = TestClient(Starlette(routes=api_routes(host, broken)))
    assert client.get(f"{PREFIX}/customers").status_code == 401
    response = client.get(f"{PREFIX}/customers", headers={"Authorization": "Bearer user-alice"})
    assert (response.status_code, response.json()["code"]) == (503, "not_configured")


def test_host_that_fails_is_a_problem(payments: FakePayments, host: FakeHost) -> None:
    """A host that can't tell who calls lets nobody in."""
    host.error = RuntimeError("secret")
    response = client_of(payments, host, caller="admin").get(f"{PREFIX}/status")
    assert response.status_code == 500
    assert payments.calls == []
    assert "secret" not in response.text


@pytest.mark.parametrize(
    "path", ["", "nothing", "transactions/7/more", "transactions/", "webhook/a/b", "%00"]
)
@pytest.mark.parametrize("method", ["GET", "POST", "DELETE"])
def test_unknown_path_is_a_problem(admin: TestClient, path: str, method: str) -> None:
    """What nobody serves below the prefix is 404 as a problem, with every method."""
    response = admin.request(method, f"{PREFIX}/{path}")
    assert response.status_code == 404
    assert response.json()["code"] == "not_found"


@pytest.mark.parametrize("method", METHODS)
@pytest.mark.parametrize("path", PATHS)
def test_wrong_method_tells_the_right_ones(anonymous: TestClient, path: str, method: str) -> None:
    """405 names exactly the methods that work; those are never answered 405."""
    allowed: set[str] = {op.method for op in ALL_OPS if op.path == path}
    allowed |= {"HEAD"} if "GET" in allowed else set()
    response = anonymous.request(method, PREFIX + path.replace("{", "").replace("}", ""))
    assert (response.status_code == 405) == (method not in allowed)
    if method not in allowed:
        assert set(response.headers["allow"].split(", ")) == allowed
        assert response.headers["content-type"] == "application/problem+json"


@pytest.mark.parametrize("path", ["/status", "/nothing", "/transactions/8", "/webhook"])
def test_nothing_is_cached(admin: TestClient, path: str) -> None:
    """Answers and errors alike forbid caches to keep them."""
    assert admin.get(PREFIX + path).headers["cache-control"] == "no-store"


@pytest.mark.parametrize("path", ["/transactions", "/nothing", "/webhook", "/openapi.json"])
def test_head_is_get_without_the_body(admin: TestClient, path: str) -> None:
    """HEAD has GET's status and length and no body."""
    got, headed = admin.get(PREFIX + path), admin.head(PREFIX + path)
    assert (headed.status_code, headed.content) == (got.status_code, b"")
    if path != "/webhook":
        assert headed.headers["content-length"] == got.headers["content-length"]


@pytest.mark.anyio
@pytest.mark.parametrize("anyio_backend", ["asyncio"])
@pytest.mark.parametrize("path", ["/openapi.json", "/nothing", "/status"])
async def test_head_sends_no_byte_of_a_body(payments: FakePayments, path: str) -> None:
    """Not even a server that trusts the application sends a body after HEAD."""
    sent: list[Message] = []

    async def receive() -> Message:
        return {"type": "http.request", "body": b"", "more_body": False}

    async def send(message: Message) -> None:
        sent.append(message)

    scope = {"type": "http", "method": "HEAD", "path": PREFIX + path, "query_string": b"", "headers": []}
    await application(payments, FakeHost())({**scope, "root_path": ""}, receive, send)
    assert b"".join(message.get("body", b"") for message in sent) == b""
    assert int(dict(sent[0]["headers"])[b"content-length"]) > 0
