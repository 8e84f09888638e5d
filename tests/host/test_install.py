"""`install(app)`: in one line into a FastAPI or Starlette application, and nobody gets in by accident."""

from __future__ import annotations

import hashlib
import hmac
import re
import sys
from collections.abc import AsyncIterator, Callable, Iterator
from contextlib import asynccontextmanager
from typing import Any

import pytest
from fastapi import APIRouter, Depends, FastAPI, HTTPException
from sqlalchemy.ext.asyncio import AsyncEngine
from starlette.applications import Starlette
from starlette.requests import Request
from starlette.responses import HTMLResponse, PlainTextResponse, Response
from starlette.routing import Mount, Route
from starlette.testclient import TestClient

from overseer_payment.database import create_engine
from overseer_payment.errors import ConfigurationError
from overseer_payment.host import install
from overseer_payment.host.middleware import CONTENT_SECURITY_POLICY, MAX_BODY
from overseer_payment.host_contract import User
from tests.host.conftest import GARDEN, HEAD
from tests.support.distributions import Install

MakeApp = Callable[..., Starlette]
PAGES = {"accept": "text/html"}
SHED = (
    HEAD
    + """
from overseer_payment.host_contract import Card

async def _render(host, request):
    return f"at {request.scope['root_path']} for {(await host.user(request)).id}"

@hookimpl
def register_permissions():
    return {"shed.view": "look into the shed"}

@hookimpl
def register_cards(host):
    return [Card("rake", "Rake", "shed.view", _render, _render, "/rake", "/rake")]
"""
)


@pytest.fixture(params=[FastAPI, Starlette])
def make_app(request: pytest.FixtureRequest) -> MakeApp:
    """Both kinds of application."""
    kind: MakeApp = request.param
    return kind


@pytest.fixture(autouse=True)
def garden(install_plugin: Install) -> Any:
    """The plugin that is installed into the applications; its module once it is loaded."""
    install_plugin("garden", GARDEN)
    return lambda: sys.modules["garden"]


@pytest.fixture
def options(config: dict[str, Any]) -> dict[str, Any]:
    """What every install here has in common."""
    config.pop("OVERSEER_TOKEN")
    return {"config": config, "third_party": True}


def alice(request: Request) -> str:
    return "alice"


def grants(request: Request, permission: str) -> bool:
    return True


def client_of(app: Starlette, **headers: str) -> TestClient:
    return TestClient(
        app, follow_redirects=False, headers={k.replace("_", "-"): v for k, v in headers.items()}
    )


# -- who gets in --------------------------------------------------------------------------------------


@pytest.mark.parametrize("path", ["/garden", "/garden/may", "/garden/token"])
def test_nobody_gets_in_by_default(make_app: MakeApp, options: dict[str, Any], path: str) -> None:
    """Without a user callback every guarded route answers 401, to programs and to browsers."""
    app = make_app()
    install(app, **options)

    assert [client_of(app).get(path, headers=h).status_code for h in ({}, PAGES)] == [401, 401]
    assert client_of(app).post("/garden/water").status_code == 401


def test_guard_of_the_application_is_not_relied_on(options: dict[str, Any]) -> None:
    """FastAPI's dependencies don't reach mounted routes; ours answer 401 on their own."""

    def deny() -> None:
        raise HTTPException(401)

    app = FastAPI(dependencies=[Depends(deny)])
    app.include_router(APIRouter(), dependencies=[Depends(deny)])
    install(app, **options)

    assert client_of(app).get("/garden").status_code == 401


@pytest.mark.parametrize("answer", [None, "", User("")])
def test_callback_that_knows_nobody_lets_nobody_in(
    make_app: MakeApp, options: dict[str, Any], answer: Any
) -> None:
    """None, an empty id and a user without an id are nobody."""
    app = make_app()
    install(app, user=lambda request: answer, **options)

    assert client_of(app).get("/garden").status_code == 401


def test_user_alone_has_no_permission(make_app: MakeApp, options: dict[str, Any]) -> None:
    """Who is signed in gets past the guard, with no permission until the application grants one."""
    app = make_app()
    install(app, user=alice, **options)

    assert "gate of alice" in client_of(app).get("/garden").text
    assert client_of(app).get("/garden/may").text == ""


def test_callbacks_may_be_async(make_app: MakeApp, options: dict[str, Any]) -> None:
    """User and permission callbacks may be coroutines, and a user may have a name."""

    async def user(request: Request) -> User:
        return User("7", "Grace")

    async def may(request: Request, permission: str) -> bool:
        return permission == "garden.water"

    app = make_app()
    install(app, user=user, authorize=may, **options)

    assert "gate of 7" in client_of(app).get("/garden").text
    assert client_of(app).get("/garden/may").text == "garden.water"


def test_only_true_grants(make_app: MakeApp, options: dict[str, Any]) -> None:
    """A permission callback that answers with something else than True grants nothing."""
    app = make_app()
    install(app, user=alice, authorize=lambda request, permission: "yes", **options)  # type: ignore[arg-type, return-value]

    assert client_of(app).get("/garden/may").text == ""


def test_undeclared_permission_is_never_asked(make_app: MakeApp, options: dict[str, Any]) -> None:
    """The application is asked about permissions that plugins declare, and about no other word."""
    asked: set[str] = set()

    def may(request: Request, permission: str) -> bool:
        asked.add(permission)
        return True

    app = make_app()
    install(app, user=alice, authorize=may, **options)
    client_of(app).get("/garden/may")

    assert {"garden.water"} == asked


def test_program_with_a_permission_needs_no_user(make_app: MakeApp, options: dict[str, Any]) -> None:
    """A request that the application grants a permission gets in, also where there is no user."""
    app = make_app()
    install(app, authorize=lambda request, _: request.headers.get("x-key") == "k", **options)

    assert "gate of a program" in client_of(app, x_key="k").get("/garden").text
    assert client_of(app, x_key="wrong").get("/garden").status_code == 401


def test_callback_is_asked_once_a_request(make_app: MakeApp, options: dict[str, Any]) -> None:
    """Looking up the user may cost a query, so it happens once for each request."""
    calls: list[str] = []

    def user(request: Request) -> str:
        calls.append("asked")
        return "alice"

    app = make_app()
    install(app, user=user, **options)
    client_of(app).get("/garden")

    assert calls == ["asked"]


def test_callback_may_refuse_in_its_own_words(make_app: MakeApp, options: dict[str, Any]) -> None:
    """An HTTPException from a callback is answered with its status."""

    def user(request: Request) -> str:
        raise HTTPException(403, "Suspended.")

    app = make_app()
    install(app, user=user, **options)

    assert client_of(app).get("/garden").status_code == 403


def test_strangers_browser_is_sent_to_the_login(make_app: MakeApp, options: dict[str, Any]) -> None:
    """With a login address a stranger's browser goes there and can come back; a program still gets 401."""
    app = make_app()
    install(app, login_url="/sign-in?from=shop", prefix="/billing", **options)
    client = client_of(app)

    response = client.get("/billing/garden?a=1", headers=PAGES)

    assert (
        response.status_code,
        response.headers["location"],
    ) == (303, "/sign-in?from=shop&next=%2Fbilling%2Fgarden%3Fa%3D1")
    assert client.get("/billing/garden").status_code == 401


def test_webhook_needs_no_user(make_app: MakeApp, options: dict[str, Any]) -> None:
    """Public routes are open, outside guard and CSRF, with the raw body."""
    app = make_app()
    install(app, **options)

    assert (
        client_of(app, sec_fetch_site="cross-site", cookie="a=b").post("/garden/hook", content=b"raw").text
        == "took 3"
    )


# -- beside the application's own routes ----------------------------------------------------------------


def own(request: Request) -> Response:
    return PlainTextResponse("own")


def test_own_routes_stay(make_app: MakeApp, options: dict[str, Any]) -> None:
    """Installed at the root, it takes no path from the application: pages, 404 and later routes stay."""
    app = make_app(routes=[Route("/", own), Route("/garden-shop", own)])
    install(app, user=alice, **options)
    app.router.routes.append(Route("/later", own))
    client = client_of(app)

    assert [client.get(path).text for path in ("/", "/garden-shop", "/later")] == ["own"] * 3
    assert client.get("/nowhere").status_code == 404
    assert "gate of alice" in client.get("/garden").text


def test_catch_all_of_the_application_hides_nothing(make_app: MakeApp, options: dict[str, Any]) -> None:
    """An application that serves a front end from / still gets its webhooks."""
    app = make_app(routes=[Mount("/", app=PlainTextResponse("front end"))])
    install(app, **options)

    assert client_of(app).post("/garden/hook").text == "took 0"
    assert client_of(app).get("/anything").text == "front end"


def test_own_route_goes_before_a_wrong_method_of_ours(make_app: MakeApp, options: dict[str, Any]) -> None:
    """Where we know a path but not the method, a route of the application is asked first."""
    app = make_app(routes=[Route("/garden/hook", own, methods=["GET"])])
    install(app, **options)
    client = client_of(app)

    assert client.get("/garden/hook").text == "own"
    assert client.post("/garden/hook").text == "took 0"


@pytest.mark.parametrize("root_path", ["", "/proxy"])
def test_prefix_moves_everything(make_app: MakeApp, options: dict[str, Any], root_path: str) -> None:
    """With a prefix all routes and files live below it, behind a proxy's path too."""
    app = make_app()
    install(app, prefix="/billing/", user=alice, **options)
    client = TestClient(app, root_path=root_path)

    html = client.get(f"{root_path}/billing/garden").text

    assert "gate of alice" in html
    assert client.get(f"{root_path}/garden").status_code == 404
    [style] = re.findall(r'rel="stylesheet" href="([^"]+)"', html)
    assert style.startswith(f"{root_path}/billing/")
    assert client.get(style).status_code == 200


@pytest.mark.parametrize("root_path", ["", "/proxy"])
def test_prefix_moves_the_cards_too(
    make_app: MakeApp, options: dict[str, Any], install_plugin: Install, root_path: str
) -> None:
    """Cards on a page of the application's own name addresses below the prefix."""
    install_plugin("shed", SHED)

    async def home(request: Request) -> Response:
        [tile] = await host.cards(request)
        return PlainTextResponse(f"{tile.html} {request.scope.get('root_path', '')}")

    app = make_app(routes=[Route("/home", home)])
    host = install(app, prefix="/billing", user=alice, authorize=grants, **options)
    client = TestClient(app, root_path=root_path)

    assert client.get(f"{root_path}/home").text == f"at {root_path}/billing for alice {root_path}"
    assert host.prefix == "/billing"


def test_second_install_at_one_place_is_refused(make_app: MakeApp, options: dict[str, Any]) -> None:
    """Installing twice at one prefix is a mistake that is told, not a silent doubling."""
    app = make_app()
    install(app, prefix="/billing", **options)

    with pytest.raises(ConfigurationError, match="installed at /billing already"):
        install(app, prefix="/billing", **options)


def test_prefix_without_slash_is_refused(make_app: MakeApp, options: dict[str, Any]) -> None:
    """A prefix that could never match is told."""
    with pytest.raises(ConfigurationError, match="starts with a slash"):
        install(make_app(), prefix="billing", **options)


def test_two_installs_have_nothing_in_common(make_app: MakeApp, options: dict[str, Any]) -> None:
    """Two installs in one application have users, permissions and databases of their own."""
    app = make_app()
    first = install(app, prefix="/a", user=alice, database_url="sqlite://", **options)
    second = install(app, prefix="/b", user=lambda request: "bob", database_url="sqlite://", **options)

    with client_of(app) as client:
        assert "gate of alice" in client.get("/a/garden").text
        assert "gate of bob" in client.get("/b/garden").text
    assert first.engine is not second.engine


def test_unexpected_failure_gets_the_applications_own_answer(
    make_app: MakeApp, options: dict[str, Any]
) -> None:
    """What nobody expected goes on to the application, once: its own 500 answers, and the server logs it."""

    async def sorry(request: Request, error: Exception) -> Response:
        return PlainTextResponse("our own sorry", 500)

    app = make_app(exception_handlers={Exception: sorry})
    install(app, user=alice, **options)

    response = TestClient(app, raise_server_exceptions=False).get("/garden/fall")

    assert (response.status_code, response.text) == (500, "our own sorry")


def test_third_parties_are_left_out_unless_wanted(make_app: MakeApp, options: dict[str, Any]) -> None:
    """Installing payments into an application doesn't open it to other people's plugins."""
    app = make_app()
    install(app, user=alice, **{**options, "third_party": False})

    assert client_of(app).get("/garden").status_code == 404


# -- lifespan and database ------------------------------------------------------------------------------


def test_application_starts_before_us_and_stops_after_us(
    make_app: MakeApp, options: dict[str, Any], garden: Any
) -> None:
    """Host up, plugin up, plugin down, host down; what the application's lifespan yields is kept."""

    @asynccontextmanager
    async def lifespan(app: Any) -> AsyncIterator[dict[str, str]]:
        garden().HAPPENED.append("host up")
        yield {"pool": "open"}
        garden().HAPPENED.append("host down")

    async def state(request: Request) -> Response:
        return PlainTextResponse(request.state.pool)

    app = make_app(lifespan=lifespan, routes=[Route("/state", state)])
    install(app, **options)

    with client_of(app) as client:
        assert client.get("/state").text == "open"
    assert garden().HAPPENED == ["host up", "garden up", "garden down", "host down"]


def test_application_without_lifespan_starts_us_too(
    make_app: MakeApp, options: dict[str, Any], garden: Any
) -> None:
    """An application without a lifespan of its own starts and stops the plugin, each time it is started."""
    app = make_app()
    install(app, **options)

    for _ in range(2):
        with client_of(app):
            pass

    assert garden().HAPPENED == ["garden up", "garden down"] * 2


def test_unusable_database_does_not_take_the_application_down(
    make_app: MakeApp, options: dict[str, Any]
) -> None:
    """With a database that can't be opened the application starts and serves its own pages."""
    app = make_app(routes=[Route("/", own)])
    options["config"].pop("OVERSEER_DISABLE_PLUGINS")
    install(app, database_url="sqlite:////nowhere/at/all.db", **options)

    with client_of(app) as client:
        assert client.get("/").text == "own"


def test_engine_of_the_application_is_left_open(
    make_app: MakeApp, options: dict[str, Any], sqlite_url: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    """An engine that was handed to us is used, and never disposed of."""
    disposed: list[AsyncEngine] = []
    real = AsyncEngine.dispose

    async def dispose(self: AsyncEngine, close: bool = True) -> None:
        disposed.append(self)
        await real(self, close)

    monkeypatch.setattr(AsyncEngine, "dispose", dispose)
    engine = create_engine(sqlite_url)
    app = make_app()
    host = install(app, engine=engine, **options)

    with client_of(app):
        pass

    assert engine is host.engine
    assert disposed == []


def test_own_engine_is_closed(
    make_app: MakeApp, options: dict[str, Any], monkeypatch: pytest.MonkeyPatch
) -> None:
    """An engine that we opened is closed when the application stops."""
    disposed: list[AsyncEngine] = []

    async def dispose(self: AsyncEngine, close: bool = True) -> None:
        disposed.append(self)

    monkeypatch.setattr(AsyncEngine, "dispose", dispose)
    app = make_app()
    host = install(app, **options)

    with client_of(app):
        pass

    assert [host.engine] == disposed


# -- writes ---------------------------------------------------------------------------------------------


@pytest.fixture
def signed_in(make_app: MakeApp, options: dict[str, Any]) -> Iterator[TestClient]:
    """A browser whose application knows its user by a cookie and brings no CSRF protection."""
    app = make_app()
    install(app, user=lambda request: request.cookies.get("who"), authorize=grants, **options)
    with client_of(app) as client:
        client.cookies.set("who", "alice")
        yield client


def water(client: TestClient, token: str, **headers: str) -> int:
    named = {name.replace("_", "-"): value for name, value in headers.items()}
    return client.post("/garden/water", data={"csrf_token": token}, headers=named).status_code


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


# -- pages ----------------------------------------------------------------------------------------------


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
    install(app, user=lambda request: 7, **options)  # type: ignore[arg-type, return-value]

    with pytest.raises(ConfigurationError, match="not int"):
        client_of(app).get("/garden")
