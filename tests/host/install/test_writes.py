"""`install(app)`: what is written comes from the page that asked for it; and how pages look."""

from __future__ import annotations

import hashlib
import hmac
from typing import Any

import pytest
from starlette.applications import Starlette
from starlette.requests import Request
from starlette.responses import HTMLResponse, PlainTextResponse, Response
from starlette.routing import Route
from starlette.testclient import TestClient

from overseer_payment.errors import ConfigurationError
from overseer_payment.host import install
from overseer_payment.host.middleware import CONTENT_SECURITY_POLICY, MAX_BODY
from tests.host.install.application import MakeApp, alice, client_of, grants, water


def test_form_with_its_token_works(signed_in: TestClient) -> None:
    """The token that a page was given comes back with its form and is accepted, any number of times."""
    token = signed_in.get("/garden/token").text

    assert [water(signed_in, token, sec_fetch_site="same-origin"), water(signed_in, token)] == [200, 200]
    assert token == signed_in.get("/garden/token").text


def test_form_without_its_token_is_refused(signed_in: TestClient) -> None:
    """No token, a made-up one, or one without its cookie: nothing happens."""
    token = signed_in.get("/garden/token").text

    assert [water(signed_in, ""), water(signed_in, "guess")] == [403, 403]
    del signed_in.cookies["overseer_csrf"]
    assert water(signed_in, token) == 403


def test_token_belongs_to_one_user(signed_in: TestClient) -> None:
    """A token that one user got is worth nothing after another signed in on the same browser."""
    token = signed_in.get("/garden/token").text
    signed_in.cookies.set("who", "mallory")

    assert water(signed_in, token) == 403


@pytest.mark.parametrize(
    "headers",
    [{"sec_fetch_site": "cross-site"}, {"sec_fetch_site": "same-site"}, {"origin": "https://evil.example"}],
)
def test_foreign_page_can_not_write(signed_in: TestClient, headers: dict[str, str]) -> None:
    """A write that another site's page sent is refused although cookie and token are right."""
    token = signed_in.get("/garden/token").text

    assert water(signed_in, token, **headers) == 403


@pytest.mark.parametrize(
    "headers",
    [
        {"authorization": "Basic YWxpY2U6cHc="},
        {"sec_fetch_site": "same-origin"},
        {"origin": "http://testserver"},
        {"cookie": "any=thing"},
    ],
)
def test_what_a_browser_sends_by_itself_needs_a_token(
    make_app: MakeApp, options: dict[str, Any], headers: dict[str, str]
) -> None:
    """Cookies, stored passwords and client certificates go with any form: such a write needs the token."""
    app = make_app()
    install(app, user=alice, **options)

    assert water(client_of(app), "", **headers) == 403


@pytest.mark.parametrize("headers", [{"authorization": "Bearer t", "cookie": "a=b"}, {"x_api_key": "k"}])
def test_program_needs_no_token(make_app: MakeApp, options: dict[str, Any], headers: dict[str, str]) -> None:
    """A bearer token, or a client that is no browser at all, needs none."""
    app = make_app()
    install(app, user=alice, **options)

    assert water(client_of(app), "", **headers) == 200


@pytest.mark.parametrize("token", [None, ""])
def test_form_token_can_not_be_computed(options: dict[str, Any], token: str | None) -> None:
    """Without OVERSEER_TOKEN a secret is made up: who planted the cookie still can't make the token."""
    if token is not None:
        options["config"]["OVERSEER_TOKEN"] = token
    app = Starlette()
    install(app, user=alice, authorize=grants, **options)
    client = client_of(app)
    client.cookies.set("overseer_csrf", "planted")
    key = hashlib.sha256(b"\0planted").digest()
    computed = hmac.new(key, b"overseer-csrf\0alice", hashlib.sha256).hexdigest()

    assert water(client, computed) == 403
    assert water(client, client.get("/garden/token").text) == 200


def test_cookie_is_out_of_reach(signed_in: TestClient) -> None:
    """The token's cookie is unreadable to scripts, is set once, and only for who needs it."""
    assert "set-cookie" not in signed_in.get("/garden").headers
    cookie = signed_in.get("/garden/token").headers["set-cookie"].lower()

    assert "httponly" in cookie
    assert "samesite=strict" in cookie
    assert "set-cookie" not in signed_in.get("/garden/token").headers


def _with_a_page(make_app: MakeApp, options: dict[str, Any], *, waits: bool, asks: str) -> TestClient:
    """An application with a page of its own at /own; `asks` names how it gets its token."""

    async def awaited(request: Request) -> str | None:
        return request.cookies.get("who")

    app = make_app()
    user = awaited if waits else lambda request: request.cookies.get("who")
    host = install(app, user=user, authorize=grants, **options)

    async def own(request: Request) -> Response:
        if asks == "form_token":
            return PlainTextResponse(await host.form_token(request) or "")
        return PlainTextResponse(host.csrf_token(request) or "")

    app.router.routes.append(Route("/own", own))
    client = client_of(app)
    client.cookies.set("who", "alice")
    return client


@pytest.mark.parametrize(
    ("waits", "asks"), [(False, "csrf_token"), (False, "form_token"), (True, "form_token")]
)
def test_a_page_of_the_application_s_own_gets_a_token_that_works(
    make_app: MakeApp, options: dict[str, Any], waits: bool, asks: str
) -> None:
    """Without any page of ours before it: the cookie comes with it, once, and our own pages agree."""
    client = _with_a_page(make_app, options, waits=waits, asks=asks)
    given = client.get("/own")
    assert len(given.headers.get_list("set-cookie")) == 1
    assert water(client, given.text) == 200
    assert client.get("/garden/token").text == given.text
    assert "set-cookie" not in client.get("/own").headers
    client.cookies.set("who", "mallory")
    assert water(client, given.text) == 403


def test_a_token_that_can_not_wait_says_what_to_use(make_app: MakeApp, options: dict[str, Any]) -> None:
    """An async user callback: `csrf_token` on a page of one's own names `form_token`."""
    client = _with_a_page(make_app, options, waits=True, asks="csrf_token")
    with pytest.raises(ConfigurationError, match="form_token"):
        client.get("/own")


def test_pages_without_a_token_set_no_cookie(make_app: MakeApp, options: dict[str, Any]) -> None:
    """The application's other answers are untouched."""
    client = _with_a_page(make_app, options, waits=False, asks="csrf_token")
    assert "set-cookie" not in client.get("/nowhere").headers


def test_own_protection_replaces_ours(make_app: MakeApp, options: dict[str, Any]) -> None:
    """An application with CSRF tokens of its own has them in our forms and checks them itself."""

    class Own:
        def token(self, request: Request) -> str:
            return "own"

        def check(self, request: Request, token: str | None) -> bool:
            return token == "own"

    app = make_app()
    install(app, user=alice, csrf=Own(), **options)
    client = client_of(app, cookie="a=b")

    assert client.get("/garden/token").text == "own"
    assert [water(client, "own"), water(client, "other")] == [200, 403]


def test_page_stands_in_our_design_under_our_policy(make_app: MakeApp, options: dict[str, Any]) -> None:
    """Without a page callback our pages bring their own design and the strict policy, errors too."""
    app = make_app()
    install(app, user=alice, **options)
    client = client_of(app, accept="text/html")

    assert "<!doctype html>" in client.get("/garden").text
    for path in ("/garden", "/garden/water"):
        assert client.get(path).headers["content-security-policy"] == CONTENT_SECURITY_POLICY


@pytest.mark.parametrize("kind", ["text", "response", "coroutine"])
def test_page_stands_in_the_applications_design(
    make_app: MakeApp, options: dict[str, Any], kind: str
) -> None:
    """A page callback, of any kind, draws pages and errors, under the application's own policy."""

    def text(request: Request, title: str, body: str) -> str:
        return f"<shop>{title}: {body}</shop>"

    def response(request: Request, title: str, body: str) -> Response:
        return HTMLResponse(text(request, title, body))

    async def coroutine(request: Request, title: str, body: str) -> str:
        return text(request, title, body)

    app = make_app()
    install(app, user=alice, page=locals()[kind], **options)
    client = client_of(app, accept="text/html")

    assert client.get("/garden").text == "<shop>Garden: <p>gate of alice</p></shop>"
    error = client.get("/garden/water")
    assert (error.status_code, error.text[:6]) == (405, "<shop>")
    assert "content-security-policy" not in error.headers


def test_large_body_is_refused(make_app: MakeApp, options: dict[str, Any]) -> None:
    """A body beyond the limit ends with 413 in any application."""
    app = make_app()
    install(app, user=alice, **options)

    assert client_of(app).post("/garden/hook", content=b"x" * (MAX_BODY + 1)).status_code == 413


def test_wrong_kind_of_user_is_told(make_app: MakeApp, options: dict[str, Any]) -> None:
    """A user callback that returns something else than a User, an id or None fails loudly."""
    app = make_app()
    install(app, user=lambda request: 7, **options)  # type: ignore[arg-type, return-value]  # wrong on purpose

    with pytest.raises(ConfigurationError, match="not int"):
        client_of(app).get("/garden")
