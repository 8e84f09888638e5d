"""Whoever sends too much reads why, over real connections; and nobody is read from for ever."""

from __future__ import annotations

import urllib.request
from collections.abc import Iterator
from typing import Any
from urllib.error import HTTPError

import pytest
from starlette.types import Message, Scope

from overseer_payment import draining
from overseer_payment.draining import Drained
from overseer_payment.host.app import create_app
from overseer_payment.routes.op import PREFIX
from tests.routes.fake_payments import TOKEN, FakeHost, FakePayments, application
from tests.support.server import serving

_LARGE = b"x" * (8 * 1024 * 1024)


@pytest.fixture(scope="module")
def rest() -> Iterator[str]:
    with serving(application(FakePayments(), FakeHost())) as base:
        yield base + PREFIX


def _refused(url: str, **headers: str) -> tuple[int, bytes]:
    """What a client is told that sends everything before it reads, and asks for the connection's end."""
    request = urllib.request.Request(
        url, data=_LARGE, headers={"content-type": "application/json", **headers}
    )
    with pytest.raises(HTTPError) as refused:
        urllib.request.urlopen(request, timeout=20)
    with refused.value as answer:
        return answer.code, answer.read()


@pytest.mark.parametrize(
    ("caller", "status", "code"), [("admin", 413, b"payload_too_large"), (None, 401, b"unauthenticated")]
)
def test_what_is_too_large_is_told(rest: str, caller: str | None, status: int, code: bytes) -> None:
    """A problem, not a reset connection; also where nobody looked at the body at all."""
    headers = {"authorization": f"Bearer {TOKEN}"} if caller else {}
    told, body = _refused(f"{rest}/checkout", **headers)
    assert told == status
    assert code in body


def test_the_host_tells_it_as_well(sqlite_url: str) -> None:
    """Its own limit is met before any page is asked."""
    config = {"OVERSEER_DATABASE_URL": sqlite_url, "OVERSEER_TOKEN": "t" * 40}
    with serving(create_app(config), lifespan="on") as base:
        assert _refused(f"{base}/login")[0] == 413


@pytest.mark.anyio
@pytest.mark.parametrize(
    ("headers", "most"),
    [
        ([(b"transfer-encoding", b"chunked")], 100),
        ([(b"content-length", b"9"), (b"expect", b"100-continue")], 0),
    ],
)
async def test_nobody_is_read_from_for_ever(
    monkeypatch: pytest.MonkeyPatch, headers: list[tuple[bytes, bytes]], most: int
) -> None:
    """An endless body up to a limit; one that waits to be asked for, not at all."""
    monkeypatch.setattr(draining, "_MOST", 100)
    read, sent = 0, list[Message]()

    async def receive() -> Message:
        nonlocal read
        read += 10
        return {"type": "http.request", "body": b"x" * 10, "more_body": True}

    async def send(message: Message) -> None:
        sent.append(message)

    async def refusing(_: Scope, __: Any, answer: Any) -> None:
        await answer({"type": "http.response.start", "status": 413, "headers": []})

    await Drained(refusing)({"type": "http", "headers": headers}, receive, send)
    assert (read, [message["status"] for message in sent]) == (most, [413])
