"""A host with a plugin of a stranger's, installed as a real distribution."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from starlette.testclient import TestClient

from overseer_payment.host import create_app
from tests.support.distributions import Install, installer

TOKEN = "a-token-for-tests-0123456789"

HEAD = """
from contextlib import asynccontextmanager
from overseer_payment.host import hookimpl
"""

GARDEN = (
    HEAD
    + """
from starlette.responses import PlainTextResponse
from starlette.routing import Route

HAPPENED = []

@hookimpl
def register_routes(host):
    async def show(request):
        user = await host.user(request)
        who = user.id if user else "a program"
        return await host.page(request, title="Garden", body=f"<p>gate of {who}</p>")

    async def water(request):
        if host.is_cookie_authenticated(request):
            form = await request.form()
            if not host.check_csrf(request, form.get("csrf_token")):
                return PlainTextResponse("no token", 403)
        HAPPENED.append("watered")
        return PlainTextResponse("watered")

    async def token(request):
        return PlainTextResponse(str(host.csrf_token(request)))

    async def echo(request):
        return PlainTextResponse(str(len(await request.body())))

    async def fall(request):
        raise RuntimeError("_".join(["sk", "live", "secret"]))

    async def may(request):
        names = ("garden.water", "garden.burn")
        return PlainTextResponse(" ".join([name for name in names if await host.authorize(request, name)]))

    return [
        Route("/garden", show),
        Route("/garden/water", water, methods=["POST"]),
        Route("/garden/token", token),
        Route("/garden/echo", echo, methods=["POST"]),
        Route("/garden/fall", fall),
        Route("/garden/may", may),
    ]

@hookimpl
def register_public_routes(host):
    async def hook(request):
        return PlainTextResponse(f"took {len(await request.body())}")

    return [Route("/garden/hook", hook, methods=["POST"])]

@hookimpl
def register_permissions():
    return {"garden.water": "water the plants"}

@hookimpl
def lifespan(host):
    @asynccontextmanager
    async def living():
        HAPPENED.append("garden up")
        yield
        HAPPENED.append("garden down")
    return living()
"""
)


@pytest.fixture
def install_plugin(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Install:
    """Installs a host plugin for the duration of a test."""
    folder = tmp_path / "site-packages"
    folder.mkdir()
    return installer(folder, monkeypatch, group="overseer.plugins")


@pytest.fixture
def config(empty_sqlite_url: str) -> dict[str, Any]:
    """A configuration without payments: the host must do without any particular plugin."""
    return {
        "OVERSEER_TOKEN": TOKEN,
        "OVERSEER_DATABASE_URL": empty_sqlite_url,
        "OVERSEER_DISABLE_PLUGINS": "payment",
        "OVERSEER_PUBLIC_URL": "http://testserver",
    }


@pytest.fixture
def client(install_plugin: Install, config: dict[str, Any]) -> Iterator[TestClient]:
    """A stranger at the door of a running host that has the plugin `garden`."""
    install_plugin("garden", GARDEN)
    with TestClient(create_app(config), follow_redirects=False) as client:
        yield client


@pytest.fixture
def browser_client(client: TestClient) -> TestClient:
    """The same, signed in as a browser is: by a cookie, and asking for pages."""
    client.headers["accept"] = "text/html"
    assert client.post("/login", data={"token": TOKEN}).status_code == 303
    return client


@pytest.fixture
def program(client: TestClient) -> TestClient:
    """The same, as a program with the bearer token."""
    client.headers["authorization"] = f"Bearer {TOKEN}"
    return client
