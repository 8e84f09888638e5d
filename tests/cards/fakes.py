"""The least a host can be, an application with our pages in it, and the shop as its service."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any, cast

import pytest
from sqlalchemy.ext.asyncio import AsyncEngine
from starlette.applications import Starlette
from starlette.middleware import Middleware
from starlette.requests import Request
from starlette.responses import HTMLResponse, Response
from starlette.routing import BaseRoute, Mount, Route

from overseer_payment.cards import cards, landing, pages
from overseer_payment.host.middleware import CONTENT_SECURITY_POLICY, SetHeaders
from overseer_payment.host_contract import PERMISSIONS, Host, User
from tests.cards import fake_questions
from tests.cards.fake_payments import FakePayments
from tests.cards.shop import shop

if TYPE_CHECKING:
    from overseer_payment.service import Payments

TOKEN = "form-token"


@dataclass(eq=False)
class FakeHost:
    """The least a host can be. Signed in by a cookie, so every write needs the form's token."""

    permissions: frozenset[str] = frozenset(PERMISSIONS)
    signed_in: bool = True
    by_cookie: bool = True
    config: Mapping[str, Any] = field(default_factory=dict)

    @property
    def engine(self) -> AsyncEngine:
        raise AssertionError("the pages ask the façade, never the database")

    async def user(self, request: Request) -> User | None:
        return User("7", "Ada") if self.signed_in else None

    async def authorize(self, request: Request, permission: str) -> bool:
        return self.signed_in and permission in self.permissions

    async def page(self, request: Request, *, title: str, body: str) -> Response:
        return HTMLResponse(
            '<!doctype html><html lang="en"><head><meta charset="utf-8"><title>' + title + "</title>"
            '<meta name="viewport" content="width=device-width, initial-scale=1">'
            '<link rel="icon" href="data:,"><link rel="stylesheet" href="/host.css"></head>'
            "<body><main>" + body + "</main></body></html>"
        )

    def csrf_token(self, request: Request) -> str | None:
        return TOKEN if self.by_cookie else None

    def check_csrf(self, request: Request, token: str | None) -> bool:
        return token == TOKEN

    def is_cookie_authenticated(self, request: Request) -> bool:
        return self.by_cookie


HOST_CSS = (
    ":root { color-scheme: light dark } "
    "body { margin: 0; background: light-dark(#f3f4f7, #0e1014); color: light-dark(#111, #eee) } "
    "main { padding: 16px } h1 { font: 600 20px system-ui } "
)


def build_app(host: FakeHost, *, root: str = "") -> Starlette:
    """An application with the pages below `root`, a dashboard with the card, under the strict policy."""
    contract = cast(Host, host)

    async def dashboard(request: Request) -> Response:
        card = cards(contract)[0]
        request.scope["root_path"] = root
        html = await card.render(contract, request)
        assets = "".join(f'<link rel="stylesheet" href="{root}{path}">' for path in card.stylesheets)
        assets += "".join(f'<script src="{root}{path}" defer></script>' for path in card.scripts)
        return await contract.page(request, title="Dashboard", body=f"<h1>Dashboard</h1>{assets}{html}")

    async def css(request: Request) -> Response:
        return Response(HOST_CSS, media_type="text/css")

    ours = [*pages.routes(contract), *pages.static_routes(contract), *landing.routes(contract)]
    mounted: list[BaseRoute] = [Mount(root, routes=ours)] if root else ours
    return Starlette(
        routes=[Route("/", dashboard), Route("/host.css", css), *mounted],
        middleware=[Middleware(SetHeaders, headers={"Content-Security-Policy": CONTENT_SECURITY_POLICY})],
    )


@contextmanager
def serving_payments(payments: FakePayments | Callable[[], FakePayments]) -> Any:
    """Every host's service is `payments` meanwhile, or whatever it answers at that moment."""
    current = payments if callable(payments) else lambda: payments
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr("overseer_payment.composition.payments_for", lambda host: cast("Payments", current()))
        fake_questions.answer(patch)
        yield payments


@dataclass(eq=False)
class Stage:
    """A server that stays for many tests, and the shop and the host of the present one."""

    url: str = ""
    host: FakeHost = field(default_factory=FakeHost)
    payments: FakePayments = field(default_factory=FakePayments)

    def clear(self) -> None:
        """A new shop, and everybody may do everything."""
        self.payments = shop()
        self.host.permissions, self.host.signed_in = frozenset(PERMISSIONS), True
