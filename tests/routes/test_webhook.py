"""Deliveries: raw bytes in, 200 only once stored, nothing of the inside out."""

from __future__ import annotations

import logging
from collections.abc import Iterator

import pytest
from sqlalchemy.exc import OperationalError
from starlette.testclient import TestClient
from starlette.types import Message

from overseer_payment.errors import (
    DatabaseError,
    NotFound,
    PayloadInvalid,
    PaymentError,
    SignatureInvalid,
    WebhookNotConfigured,
)
from overseer_payment.routes.op import PREFIX
from overseer_payment.routes.reading import MAX_WEBHOOK
from tests.routes.fake_payments import FakeHost, FakePayments, application

URL = f"{PREFIX}/webhook"
BODY = b' {"id": "evt_1",\r\n "x": "\xff"} '


@pytest.mark.parametrize(("path", "provider"), [("", None), ("/stripe", "stripe")])
def test_delivery_is_handed_on_untouched(
    anonymous: TestClient, payments: FakePayments, path: str, provider: str | None
) -> None:
    """The exact bytes and lower-case header names reach the façade, without anybody signed in."""
    response = anonymous.post(URL + path, content=BODY, headers={"Stripe-Signature": "t=1,v1=a"})
    assert (response.status_code, response.json()) == (200, {"received": True})
    [(named, body, headers)] = payments.events
    assert (named, body, headers["stripe-signature"]) == (provider, BODY, "t=1,v1=a")


def test_cookie_and_query_dont_matter(anonymous: TestClient, payments: FakePayments) -> None:
    """A delivery is proven by its signature: no token of ours is asked, no query refused."""
    anonymous.cookies.set("session", "alice")
    assert anonymous.post(f"{URL}?a=1&a=2", content=BODY).status_code == 200
    assert len(payments.events) == 1


@pytest.mark.parametrize(
    ("error", "status"),
    [
        (SignatureInvalid("inside"), 400),
        (PayloadInvalid("inside"), 400),
        (WebhookNotConfigured("inside"), 503),
        (DatabaseError("inside", retry_after=3), 503),
        (NotFound("inside"), 404),
        (PaymentError("inside"), 500),
        (OperationalError("inside", {}, Exception("inside")), 503),
        (RuntimeError("inside"), 500),
    ],
    ids=lambda value: type(value).__name__,
)
def test_what_is_not_stored_is_not_2xx(
    anonymous: TestClient, payments: FakePayments, error: Exception, status: int
) -> None:
    """Every failure has its status as a problem, and its reason stays inside."""
    payments.error = error
    response = anonymous.post(f"{URL}/stripe", content=BODY)
    assert (response.status_code, response.json()["status"]) == (status, status)
    assert response.headers["content-type"] == "application/problem+json"
    assert "inside" not in response.text
    assert response.headers.get("retry-after") == ("3" if isinstance(error, DatabaseError) else None)


def test_reason_is_in_the_log(
    anonymous: TestClient, payments: FakePayments, caplog: pytest.LogCaptureFixture
) -> None:
    """The operator finds in the log why deliveries are refused."""
    payments.error = WebhookNotConfigured("STRIPE_WEBHOOK_SECRET is not set.")
    with caplog.at_level(logging.WARNING):
        anonymous.post(URL, content=BODY)
    assert "STRIPE_WEBHOOK_SECRET is not set." in caplog.text


def test_large_delivery_is_413(anonymous: TestClient, payments: FakePayments) -> None:
    """1 MiB is read, one byte more is refused, by its declared length or while it comes in."""
    assert anonymous.post(URL, content=b"x" * MAX_WEBHOOK).status_code == 200
    assert anonymous.post(URL, content=b"x" * (MAX_WEBHOOK + 1)).status_code == 413
    assert anonymous.post(URL, content=_chunks()).status_code == 413
    assert len(payments.events) == 1


def _chunks() -> Iterator[bytes]:
    for _ in range(MAX_WEBHOOK // 65536):
        yield b"x" * 65536
    yield b"x"


@pytest.mark.anyio
@pytest.mark.parametrize("anyio_backend", ["asyncio"])
async def test_reading_stops_at_the_limit(payments: FakePayments) -> None:
    """An endless body is left unread after the limit."""
    status, read = await _deliver(payments)
    assert (status, read) == (413, MAX_WEBHOOK + 65536)


@pytest.mark.anyio
@pytest.mark.parametrize("anyio_backend", ["asyncio"])
async def test_declared_length_is_believed_when_too_large(payments: FakePayments) -> None:
    """Who announces more than is read isn't listened to at all."""
    status, read = await _deliver(payments, announced=MAX_WEBHOOK + 1)
    assert (status, read) == (413, 0)


@pytest.mark.anyio
@pytest.mark.parametrize("anyio_backend", ["asyncio"])
async def test_broken_off_delivery_is_not_stored(payments: FakePayments) -> None:
    """A sender that hangs up in the middle has delivered nothing."""
    status, _ = await _deliver(payments, hang_up_after=65536)
    assert status == 400
    assert payments.events == []


async def _deliver(
    payments: FakePayments, *, announced: int | None = None, hang_up_after: int | None = None
) -> tuple[int, int]:
    """Send chunks without an end; the answer's status, and how many bytes were taken."""
    read, sent = 0, list[Message]()

    async def receive() -> Message:
        nonlocal read
        if read == hang_up_after:
            return {"type": "http.disconnect"}
        read += 65536
        return {"type": "http.request", "body": b"x" * 65536, "more_body": True}

    async def send(message: Message) -> None:
        sent.append(message)

    headers = [] if announced is None else [(b"content-length", str(announced).encode())]
    scope = {
        "type": "http",
        "method": "POST",
        "path": URL,
        "query_string": b"",
        "headers": headers,
        "root_path": "",
    }
    await application(payments, FakeHost())(scope, receive, send)
    return int(sent[0]["status"]), read
