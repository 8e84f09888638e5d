"""`install(app)`: payments inside a FastAPI or Starlette application, in one line.

No guard of the application reaches what is mounted into it (`Depends` and router dependencies don't),
so ours stands in front of our own routes: until `user` and `authorize` say otherwise, nobody gets in.
"""

from __future__ import annotations

import os
from collections.abc import AsyncIterator, Callable, Iterable, Mapping
from contextlib import asynccontextmanager
from typing import TYPE_CHECKING, Any
from urllib.parse import urlencode

from starlette.exceptions import HTTPException
from starlette.requests import Request
from starlette.responses import RedirectResponse, Response
from starlette.routing import BaseRoute, Mount
from starlette.staticfiles import StaticFiles
from starlette.types import ASGIApp, ExceptionHandler

from overseer_payment.environ import environ_of
from overseer_payment.errors import ConfigurationError, PaymentError
from overseer_payment.host import schema
from overseer_payment.host.contributions import collect, load_host_plugins, log, running
from overseer_payment.host.csrf import DoubleSubmit, HandsOutCookie
from overseer_payment.host.installed import (
    Callbacks,
    CsrfProtection,
    InstalledHost,
    PageCallback,
    PermissionCallback,
    UserCallback,
)
from overseer_payment.host.middleware import SECURITY_HEADERS, Guard, SetHeaders
from overseer_payment.host.mount import PluginMount
from overseer_payment.host.pages import STATIC, STATIC_FILES, wants_html
from overseer_payment.settings import Settings, read_settings

if TYPE_CHECKING:
    from sqlalchemy.ext.asyncio import AsyncEngine
    from starlette.applications import Starlette

__all__ = ["CsrfProtection", "InstalledHost", "install"]


def install(
    app: Starlette,
    *,
    prefix: str = "",
    user: UserCallback | None = None,
    authorize: PermissionCallback | None = None,
    engine: AsyncEngine | None = None,
    database_url: str | None = None,
    config: Mapping[str, Any] | None = None,
    page: PageCallback | None = None,
    csrf: CsrfProtection | None = None,
    login_url: str | None = None,
    migrate: bool | None = None,
    third_party: bool = False,
    listeners: Iterable[object] = (),
) -> InstalledHost:
    """Add payments to `app` (FastAPI is a Starlette): REST, pages, webhook and background work.

    `user` says who is signed in (a `User`, their id, or None), `authorize` whether they may do what a
    permission of `host_contract.PERMISSIONS` names. Both may be async. Without them nobody gets in;
    with `user` alone, people see their own payments only.

    The database is `engine` (yours: never disposed of), else `database_url`, else OVERSEER_DATABASE_URL.
    `migrate` None upgrades SQLite at start-up and nothing else; True and False decide it for both.
    `config` replaces the environment.

    `page(request, title, body)` puts our HTML into your own design; our Content-Security-Policy then
    gives way to yours. `csrf` replaces our token by your own. `login_url` is where browsers of strangers
    are sent, with `?next=`. `third_party` loads other people's Overseer plugins too.

    `listeners` are told what happens: functions marked with `on` or `inside`, or modules that have some.

    Raises ConfigurationError for a setting or listener that can't be used, or for a second install at one
    prefix.
    """
    prefix = prefix.rstrip("/")
    _refuse_second(app, prefix)
    config = dict(os.environ) if config is None else config
    settings = read_settings(Settings, environ_of(config))
    double = DoubleSubmit(
        secure=settings.public_url.startswith("https:"),
        secret=settings.token.get_secret_value() if settings.token else None,
        public_url=settings.public_url,
    )
    used = _open(database_url, settings) if engine is None else engine
    host = InstalledHost(
        config, used, Callbacks(user, authorize, page, csrf), double, prefix=prefix, listeners=listeners
    )
    host.contributions = collect(load_host_plugins(settings, own_only=not third_party), host)
    mounts = _Mounts(host, double, settings.public_url, login_url, own_design=page is not None)
    app.router.routes[:0] = mounts.routes(prefix)
    if csrf is None:
        # Also for pages of the application's own: a token without its cookie is worth nothing.
        app.add_middleware(HandsOutCookie, double=double)
    _wrap_lifespan(app, host, migrate=migrate, dispose=engine is None)
    return host


def _open(database_url: str | None, settings: Settings) -> AsyncEngine:
    from overseer_payment.database import create_engine

    return create_engine(database_url or settings.database_url.get_secret_value())


def _refuse_second(app: Starlette, prefix: str) -> None:
    if prefix and not prefix.startswith("/"):
        raise ConfigurationError(f"install(prefix={prefix!r}): a prefix starts with a slash.")
    for route in app.router.routes:
        if isinstance(route, PluginMount) and route.path == prefix:
            where = f"at {prefix}" if prefix else "at the root"
            raise ConfigurationError(f"Payments are installed {where} already. Give another prefix.")


def _wrap_lifespan(app: Starlette, host: InstalledHost, *, migrate: bool | None, dispose: bool) -> None:
    """Host up, payments up, payments down, host down: a mounted application's own lifespan never runs."""
    inner = app.router.lifespan_context

    @asynccontextmanager
    async def lifespan(app: Any) -> AsyncIterator[Any]:
        async with inner(app) as state:
            try:
                await _prepare(host, migrate)
                async with running(host.contributions.loaded, host):
                    yield state
            finally:
                if dispose:
                    await host.engine.dispose()

    app.router.lifespan_context = lifespan


async def _prepare(host: InstalledHost, migrate: bool | None) -> None:
    # A database that can't be used must not take the whole application down: our routes answer 503.
    try:
        await schema.prepare(host.engine, host.contributions.schemas, migrate=migrate)
    except PaymentError as error:
        log.error("payments can't be used: %s", error.detail)


class _Mounts:
    """Our routes with everything around them that the application can't give."""

    def __init__(
        self,
        host: InstalledHost,
        double: DoubleSubmit,
        public_url: str,
        login_url: str | None,
        *,
        own_design: bool,
    ) -> None:
        self._host, self._double = host, double
        self._public_url, self._login_url = public_url, login_url
        self._headers = {"X-Content-Type-Options": "nosniff"} if own_design else SECURITY_HEADERS

    def routes(self, prefix: str) -> list[BaseRoute]:
        found = self._host.contributions
        static = Mount(STATIC, StaticFiles(directory=STATIC_FILES), name="static")
        return [
            self._mount(prefix, "public", [static, *found.public_routes], self._open),
            self._mount(prefix, "plugins", found.routes, self._guarded),
        ]

    def _mount(self, prefix: str, name: str, routes: Any, wrap: Callable[[ASGIApp], ASGIApp]) -> PluginMount:
        handlers: dict[Any, ExceptionHandler] = {HTTPException: self._on_http, PaymentError: self._on_payment}
        return PluginMount(prefix, routes, name=f"overseer-{name}{prefix}", handlers=handlers, wrap=wrap)

    def _open(self, app: ASGIApp) -> ASGIApp:
        return SetHeaders(app, self._headers)

    def _guarded(self, app: ASGIApp) -> ASGIApp:
        guard = Guard(
            self._double.wrap(app),
            admits=self._host.admits,
            refuse=self._refuse,
            by_cookie=self._host.is_cookie_authenticated,
            public_url=self._public_url,
        )
        return self._open(guard)

    async def _refuse(self, request: Request, status: int) -> Response:
        if status == 401 and self._login_url and request.method in {"GET", "HEAD"} and wants_html(request):
            here = request.url.path + (f"?{request.url.query}" if request.url.query else "")
            joint = "&" if "?" in self._login_url else "?"
            return RedirectResponse(f"{self._login_url}{joint}{urlencode({'next': here})}", 303)
        return await self._host.error(request, status)

    async def _on_http(self, request: Request, error: Exception) -> Response:
        assert isinstance(error, HTTPException)
        response = await self._host.error(request, error.status_code, error.detail)
        response.headers.update(error.headers or {})
        return response

    async def _on_payment(self, request: Request, error: Exception) -> Response:
        assert isinstance(error, PaymentError)
        return await self._host.error(request, error.status, error.detail, code=error.code)
