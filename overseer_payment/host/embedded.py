"""The embedded host as its plugins see it: one admin, known by the token or a session."""

from __future__ import annotations

import secrets
from collections.abc import Mapping
from typing import TYPE_CHECKING, Any

from starlette.requests import Request
from starlette.responses import Response

from overseer_payment.environ import environ_of
from overseer_payment.host.auth import Gatekeeper
from overseer_payment.host.origin import is_cross_site
from overseer_payment.host.pages import Shell, render_page
from overseer_payment.host_contract import User
from overseer_payment.settings import Settings, read_settings

if TYPE_CHECKING:
    from sqlalchemy.ext.asyncio import AsyncEngine

    from overseer_payment.host.contributions import Contributions

_ADMIN = User("admin", "Administrator")


class EmbeddedHost:
    """Implements `host_contract.Host`. Knows nothing of what its plugins do.

    Raises ConfigurationError for a setting or database URL that can't be used. Without OVERSEER_TOKEN
    it makes one up, so that nobody can sign in rather than anybody.
    """

    contributions: Contributions

    def __init__(self, config: Mapping[str, Any]) -> None:
        from overseer_payment.database import create_engine

        self._config = config
        self.settings = read_settings(Settings, environ_of(config))
        self._engine = create_engine(self.settings.database_url.get_secret_value())
        token = self.settings.token
        secure = self.settings.public_url.startswith("https:")
        self.gate = Gatekeeper(
            token.get_secret_value() if token else secrets.token_urlsafe(32), secure=secure
        )

    @property
    def config(self) -> Mapping[str, Any]:
        return self._config

    @property
    def engine(self) -> AsyncEngine:
        return self._engine

    async def user(self, request: Request) -> User | None:
        """The admin for a session; None for a bearer token, which stands for a program."""
        login = self.gate.login(request)
        return _ADMIN if login is not None and login.session is not None else None

    async def authorize(self, request: Request, permission: str) -> bool:
        return permission in self.contributions.permissions and self.gate.login(request) is not None

    async def admits(self, request: Request) -> bool:
        """May this request pass the guard at all?"""
        return self.gate.login(request) is not None

    async def page(self, request: Request, *, title: str, body: str) -> Response:
        return render_page(request, self.shell(request), title=title, body=body)

    def csrf_token(self, request: Request) -> str | None:
        return self.gate.csrf_token(self.gate.login(request))

    def check_csrf(self, request: Request, token: str | None) -> bool:
        expected = self.csrf_token(request)
        if expected is None or token is None or is_cross_site(request, self.settings.public_url):
            return False
        return secrets.compare_digest(expected.encode(), token.encode())

    def is_cookie_authenticated(self, request: Request) -> bool:
        login = self.gate.login(request)
        return login is not None and login.session is not None

    def shell(self, request: Request) -> Shell:
        """What surrounds a page: the plugins' styles and scripts, and a way out for who is signed in."""
        return Shell(
            stylesheets=self.contributions.stylesheets,
            scripts=self.contributions.scripts,
            csrf_token=self.csrf_token(request),
        )
