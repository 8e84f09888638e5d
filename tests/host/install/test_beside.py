"""`install(app)` beside an application's own routes, lifespan and database."""

from __future__ import annotations

import re
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import Any

import pytest
from sqlalchemy.ext.asyncio import AsyncEngine
from starlette.requests import Request
from starlette.responses import PlainTextResponse, Response
from starlette.routing import Mount, Route
from starlette.testclient import TestClient

from overseer_payment.database import create_engine
from overseer_payment.errors import ConfigurationError
from overseer_payment.host import install
from tests.host.install.application import SHED, MakeApp, alice, client_of, grants, own
from tests.support.distributions import Install


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
