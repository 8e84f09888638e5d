"""The embedded host as an ASGI application: a dashboard for whatever plugins are installed."""

from __future__ import annotations

import logging
import os
from collections.abc import AsyncIterator, Mapping
from contextlib import asynccontextmanager
from http import HTTPStatus
from typing import Any
from urllib.parse import urlencode

from starlette.applications import Starlette
from starlette.exceptions import HTTPException
from starlette.middleware import Middleware
from starlette.requests import Request
from starlette.responses import FileResponse, PlainTextResponse, RedirectResponse, Response
from starlette.routing import BaseRoute, Mount, Route
from starlette.staticfiles import StaticFiles
from starlette.types import ASGIApp, ExceptionHandler

from overseer_payment.draining import Drained
from overseer_payment.errors import PaymentError
from overseer_payment.host import schema
from overseer_payment.host.contributions import Contributions, collect, load_host_plugins, running
from overseer_payment.host.dashboard import Dashboard
from overseer_payment.host.embedded import EmbeddedHost
from overseer_payment.host.login import LoginPages
from overseer_payment.host.middleware import CatchErrors, Guard, LimitBody, SetHeaders
from overseer_payment.host.mount import PluginMount
from overseer_payment.host.pages import STATIC, STATIC_FILES, render_error, wants_html
from overseer_payment.settling import settle


def create_app(config: Mapping[str, Any], *, demo: bool = False, alone: bool = False) -> Starlette:
    """The host for `config` (environment variables by name), with every installed plugin.

    `alone`: nothing else runs in this process, which is prepared for it once it has started (`settling`).
    `app.state.host` is its `EmbeddedHost`. Starting it brings an SQLite schema up to date and refuses any
    other outdated one. Raises ConfigurationError for a setting that can't be used.
    """
    host = EmbeddedHost(config)
    loaded = load_host_plugins(host.settings)
    host.contributions = collect(loaded, host, demo=demo)
    site = _Site(host)
    app = Starlette(
        routes=site.routes(),
        middleware=[
            Middleware(Drained),
            Middleware(SetHeaders),
            Middleware(CatchErrors, answer=site.answer),
            Middleware(LimitBody),
        ],
        exception_handlers={HTTPException: site.on_http_error},
        lifespan=_lifespan(host, alone=alone),
    )
    # Starlette would redirect to an address made of the Host header, which anybody can choose.
    app.router.redirect_slashes = False
    app.state.host = host
    return app


def from_environment() -> Starlette:
    """For servers that take a factory: `uvicorn --factory overseer_payment.host.app:from_environment`."""
    log_to_stderr()
    return create_app(dict(os.environ), alone=True)


def log_to_stderr() -> None:
    """Show warnings and errors to whoever runs the server, unless logging is set up already."""
    logging.basicConfig(format="%(asctime)s %(levelname)s %(name)s: %(message)s", level=logging.WARNING)


def _lifespan(host: EmbeddedHost, *, alone: bool) -> Any:
    @asynccontextmanager
    async def lifespan(_: Starlette) -> AsyncIterator[None]:
        try:
            await schema.prepare(host.engine, host.contributions.schemas)
            async with running(host.contributions.loaded, host):
                if alone:
                    settle()
                yield
        finally:
            await host.engine.dispose()

    return lifespan


class _Site:
    """The host's routes and its answers to what goes wrong."""

    def __init__(self, host: EmbeddedHost) -> None:
        self._host = host

    def routes(self) -> list[BaseRoute]:
        login = LoginPages(self._host)
        found: Contributions = self._host.contributions
        return [
            Route("/login", login.login, methods=["GET", "POST"], name="login"),
            Route("/logout", login.logout, methods=["POST"], name="logout"),
            Route("/healthz", _healthy, name="healthz"),
            Route("/favicon.ico", _favicon, name="favicon"),
            Mount(STATIC, StaticFiles(directory=STATIC_FILES), name="static"),
            self._mount("public", found.public_routes),
            self._mount("plugins", found.routes, wrap=self._guarded),
            self._mount("dashboard", [Route("/", Dashboard(self._host).show)], wrap=self._guarded),
        ]

    def _mount(self, name: str, routes: Any, wrap: Any = lambda app: app) -> PluginMount:
        handlers: dict[Any, ExceptionHandler] = {
            HTTPException: self.on_http_error,
            PaymentError: self._on_payment_error,
        }
        return PluginMount("", routes, name=name, handlers=handlers, wrap=wrap)

    def _guarded(self, app: ASGIApp) -> ASGIApp:
        return Guard(
            app,
            admits=self._host.admits,
            refuse=self._refuse,
            by_cookie=self._host.is_cookie_authenticated,
            public_url=self._host.settings.public_url,
        )

    async def _refuse(self, request: Request, status: int) -> Response:
        if wait := self._host.gate.wait(request):
            response = await self.answer(request, 429)
            response.headers["Retry-After"] = str(wait)
            return response
        if status == 401 and request.method in {"GET", "HEAD"} and wants_html(request):
            root = str(request.scope.get("root_path", ""))
            here = request.url.path.removeprefix(root) + (
                f"?{request.url.query}" if request.url.query else ""
            )
            return RedirectResponse(f"{root}/login?{urlencode({'next': here})}", 303)
        return await self.answer(request, status)

    async def answer(
        self, request: Request, status: int, detail: str | None = None, *, code: str | None = None
    ) -> Response:
        return render_error(request, self._host.shell(request), status, detail, code=code)

    async def on_http_error(self, request: Request, error: Exception) -> Response:
        assert isinstance(error, HTTPException)
        generic = error.detail == HTTPStatus(error.status_code).phrase
        response = await self.answer(request, error.status_code, None if generic else error.detail)
        response.headers.update(error.headers or {})
        return response

    async def _on_payment_error(self, request: Request, error: Exception) -> Response:
        assert isinstance(error, PaymentError)
        return await self.answer(request, error.status, error.detail, code=error.code)


async def _healthy(_: Request) -> Response:
    return PlainTextResponse("ok")


async def _favicon(_: Request) -> Response:
    return FileResponse(STATIC_FILES / "icon.svg", headers={"Cache-Control": "public, max-age=86400"})
