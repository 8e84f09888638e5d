"""What surrounds every answer of the embedded host."""

from __future__ import annotations

import logging
from typing import Any

import pytest
from starlette.testclient import TestClient

from overseer_payment.host import create_app
from overseer_payment.host.middleware import CONTENT_SECURITY_POLICY, MAX_BODY
from tests.host.conftest import GARDEN, HEAD, TOKEN
from tests.support.distributions import Install

ANSWERS = [
    ("GET", "/", 200),
    ("GET", "/login?next=/", 303),
    ("GET", "/garden", 200),
    ("GET", "/nowhere", 404),
    ("GET", "/garden/water", 405),
    ("GET", "/garden/fall", 500),
    ("POST", "/logout", 403),
    ("POST", "/garden/hook", 200),
    ("GET", "/_overseer/host.css", 200),
    ("GET", "/favicon.ico", 200),
    ("GET", "/healthz", 200),
]


@pytest.mark.parametrize(("method", "path", "status"), ANSWERS)
def test_every_answer_carries_the_policy(
    browser_client: TestClient, method: str, path: str, status: int
) -> None:
    """Pages, errors and files alike carry the strict policy, nosniff and a referrer policy."""
    response = browser_client.request(method, path)

    assert status == response.status_code
    assert response.headers["content-security-policy"] == CONTENT_SECURITY_POLICY
    assert response.headers["x-content-type-options"] == "nosniff"
    assert response.headers["referrer-policy"] == "same-origin"


@pytest.mark.parametrize("path", ["/", "/garden/fall"])
def test_strangers_get_the_policy_too(client: TestClient, path: str) -> None:
    """What is refused carries the policy as well."""
    assert client.get(path).headers["content-security-policy"] == CONTENT_SECURITY_POLICY


def test_policy_allows_nothing_by_default() -> None:
    """Nothing is loaded from elsewhere, no script stands in a page, nobody may frame us."""
    for part in ("default-src 'none'", "script-src 'self'", "base-uri 'none'", "frame-ancestors 'none'"):
        assert part in CONTENT_SECURITY_POLICY
    assert "unsafe" not in CONTENT_SECURITY_POLICY


def test_plugin_may_bring_its_own_policy(install_plugin: Install, config: dict[str, Any]) -> None:
    """A plugin that needs another policy for one page says so with that page; all others keep ours."""
    install_plugin(
        "lab",
        HEAD
        + """
from starlette.responses import PlainTextResponse
from starlette.routing import Route

@hookimpl
def register_public_routes(host):
    async def show(request):
        return PlainTextResponse("lab", headers={"Content-Security-Policy": "default-src 'self'"})
    return [Route("/lab", show)]
""",
    )
    client = TestClient(create_app(config))

    assert client.get("/lab").headers["content-security-policy"] == "default-src 'self'"
    assert client.get("/login").headers["content-security-policy"] == CONTENT_SECURITY_POLICY


def test_pages_of_a_session_are_not_stored(browser_client: TestClient) -> None:
    """What only a signed-in person sees is not left in caches."""
    assert [browser_client.get(p).headers["cache-control"] for p in ("/", "/garden", "/garden/may")] == [
        "no-store"
    ] * 3


FOREIGN: list[dict[str, str]] = [
    {"sec-fetch-site": "cross-site", "origin": "https://evil.example"},
    {"sec-fetch-site": "same-site"},
    {"origin": "https://evil.example"},
    {"origin": "null"},
    {"origin": "http://testserver.evil.example"},
]


@pytest.mark.parametrize("headers", FOREIGN)
def test_write_from_a_foreign_page_is_refused(browser_client: TestClient, headers: dict[str, str]) -> None:
    """A page of another site can't write with the visitor's session, even with a valid token."""
    token = browser_client.get("/garden/token").text
    response = browser_client.post("/garden/water", data={"csrf_token": token}, headers=headers)

    assert response.status_code == 403


OWN: list[dict[str, str]] = [
    {"sec-fetch-site": "same-origin", "origin": "http://testserver"},
    {"origin": "http://testserver"},
    {"origin": "https://testserver"},
    {},
]


@pytest.mark.parametrize("headers", OWN)
def test_write_from_our_own_page_works(browser_client: TestClient, headers: dict[str, str]) -> None:
    """Our own form works, also behind a proxy that ends TLS, and in a browser that sends no origin."""
    token = browser_client.get("/garden/token").text
    response = browser_client.post("/garden/water", data={"csrf_token": token}, headers=headers)

    assert response.text == "watered"


def test_write_without_token_is_refused_by_the_plugin(browser_client: TestClient) -> None:
    """The host's check says no to a form without the session's token."""
    assert browser_client.post("/garden/water", data={"csrf_token": "guess"}).status_code == 403


def test_token_belongs_to_one_session(browser_client: TestClient) -> None:
    """A token of one session is worth nothing in another."""
    token = browser_client.get("/garden/token").text
    browser_client.cookies.clear()
    browser_client.post("/login", data={"token": TOKEN})

    assert token != browser_client.get("/garden/token").text
    assert browser_client.post("/garden/water", data={"csrf_token": token}).status_code == 403


def test_program_needs_no_token(program: TestClient) -> None:
    """A request with the bearer token was sent by no browser on its own: it needs no CSRF token."""
    assert program.post("/garden/water", headers={"origin": "https://elsewhere.example"}).text == "watered"
    assert program.get("/garden/token").text == "None"


def test_public_route_is_open_to_machines(client: TestClient) -> None:
    """A webhook gets in without login or token and sees the raw body."""
    response = client.post("/garden/hook", content=b"raw", headers={"sec-fetch-site": "cross-site"})

    assert response.text == "took 3"


@pytest.mark.parametrize("path", ["/garden/echo", "/garden/hook", "/login"])
@pytest.mark.parametrize("streamed", [False, True])
def test_large_body_is_refused(program: TestClient, path: str, streamed: bool) -> None:
    """A body beyond the limit ends with 413, whether its length was declared or not."""
    chunk = b"x" * 65536
    body: Any = (chunk for _ in range(MAX_BODY // len(chunk) + 1))
    content = body if streamed else b"".join(body)
    kind = {"content-type": "application/x-www-form-urlencoded"}

    response = program.post(path, content=content, headers=kind)

    assert response.status_code == 413
    assert response.headers["content-security-policy"] == CONTENT_SECURITY_POLICY


def test_body_within_the_limit_arrives(program: TestClient) -> None:
    """A body of exactly the limit arrives whole."""
    assert str(MAX_BODY) == program.post("/garden/echo", content=b"x" * MAX_BODY).text


@pytest.mark.parametrize("accept", ["text/html", "application/json"])
def test_failure_tells_nothing_of_the_inside(
    program: TestClient, caplog: pytest.LogCaptureFixture, accept: str
) -> None:
    """An unexpected exception's text reaches neither the answer nor the log; its place is logged."""
    with caplog.at_level(logging.INFO):
        response = program.get("/garden/fall", headers={"accept": accept})

    assert response.status_code == 500
    assert "sk_live" not in response.text + caplog.text
    assert "RuntimeError" in caplog.text
    assert "in fall" in caplog.text


def test_error_is_a_problem_for_programs(program: TestClient) -> None:
    """A program gets its errors as application/problem+json, with a code, as the REST interface answers."""
    response = program.get("/nowhere")

    assert response.headers["content-type"] == "application/problem+json"
    assert {"type", "title", "status", "detail", "code"} == set(response.json())
    assert response.json()["code"] == "not_found"


def test_unknown_permission_is_not_granted(browser_client: TestClient) -> None:
    """Nobody, the admin included, has a permission that no plugin declared."""
    assert browser_client.get("/garden/may").text == "garden.water"


def test_stranger_learns_nothing_about_paths(client: TestClient) -> None:
    """A guarded page and a missing permission look the same to a stranger."""
    assert client.get("/garden").json() == client.get("/garden/may").json()


def test_title_of_a_page_is_escaped(install_plugin: Install, config: dict[str, Any]) -> None:
    """A plugin's title can't break out of the page; only its body is taken as HTML."""
    install_plugin("garden", GARDEN.replace('title="Garden"', 'title="</title><script>"'))
    client = TestClient(create_app(config), headers={"authorization": f"Bearer {TOKEN}"})

    assert "<title>&lt;/title&gt;&lt;script&gt;" in client.get("/garden").text
