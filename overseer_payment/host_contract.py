"""What a host promises to a plugin, and what a plugin's hooks return to it: plain types, no I/O.

The pluggy project is `overseer`, the entry-point group `overseer.plugins`. Registration hooks are
synchronous, pure and cheap; what they return does the work.
"""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Literal, Protocol

if TYPE_CHECKING:
    from pydantic import BaseModel
    from sqlalchemy import MetaData
    from sqlalchemy.ext.asyncio import AsyncEngine
    from starlette.requests import Request
    from starlette.responses import Response

PERMISSIONS: Mapping[str, str] = {
    "payment.view": "see every customer's payments and the dashboard",
    "payment.refund": "give money back",
    "payment.manage": "open checkouts for others, change subscriptions and customers",
    "payment.disputes": "answer and accept disputes",
    "payment.admin": "see settings, replay events, everything else",
}
"""Permissions asked of the host, with what each allows. Asked for each operation; default deny."""


@dataclass(frozen=True, slots=True)
class User:
    """Who is signed in to the host. `id` is the host's own, as a string."""

    id: str
    name: str = ""


class Host(Protocol):
    """The only seam between this package and the application that it is installed in."""

    @property
    def config(self) -> Mapping[str, Any]:
        """Environment-like settings: variable name → value. Usually `os.environ`."""

    @property
    def engine(self) -> AsyncEngine:
        """The database; the host owns it and disposes of it."""

    async def user(self, request: Request) -> User | None:
        """Who is signed in, or None."""

    async def authorize(self, request: Request, permission: str) -> bool:
        """May whoever sent this request do what `permission` names? Unknown permissions: no."""

    async def page(self, request: Request, *, title: str, body: str) -> Response:
        """A whole page in the host's own design around the safe HTML `body`."""

    def csrf_token(self, request: Request) -> str | None:
        """The token that forms must send back as `csrf_token` (or header `X-CSRF-Token`).

        None: the host does not use cookies for this request, or checks the request's origin itself.
        """

    def check_csrf(self, request: Request, token: str | None) -> bool:
        """Is this write from our own pages? Asked for every write that is authenticated by a cookie."""

    def is_cookie_authenticated(self, request: Request) -> bool:
        """Was this request authenticated by something that a browser sends by itself?"""


@dataclass(frozen=True, slots=True)
class Schema:
    """A plugin's tables and how to migrate them. No foreign key leaves them, and none enters."""

    metadata: MetaData
    version_table: str
    script_location: str
    """Alembic's, in the form `package:folder`."""


@dataclass(frozen=True, slots=True)
class Card:
    """A card on the host's dashboard. The view-model is data; the HTML is derived from it.

    `load(host, request)` gives the view-model as a pydantic model (JSON for hosts that draw it
    themselves), `render(host, request)` the HTML fragment. `href` and `modal_href` are relative to
    the place where the plugin's routes are mounted.
    """

    id: str
    title: str
    permission: str
    load: Callable[[Host, Request], Awaitable[BaseModel]]
    render: Callable[[Host, Request], Awaitable[str]]
    href: str
    modal_href: str
    stylesheets: Sequence[str] = ()
    scripts: Sequence[str] = ()
    order: int = 100
    width: Literal[1, 2, 3] = 1
