"""What surrounds every view of the modal: whose money it is, how healthy it is, and the tabs."""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from starlette.requests import Request
from starlette.responses import Response

from overseer_payment.cards.links import Links
from overseer_payment.cards.render import View, answer, render
from overseer_payment.cards.visit import Visit, visit
from overseer_payment.cards.words import Mode, Word, health_of, mode_of
from overseer_payment.errors import PaymentError, Unauthenticated

if TYPE_CHECKING:
    from overseer_payment.host_contract import Host
    from overseer_payment.schemas import StatusView, Viewer

Handler = Callable[[Visit], Awaitable[View | Response]]


@dataclass(frozen=True, slots=True)
class Tab:
    """One tab. It is shown to those who have `permission`."""

    key: str
    title: str
    permission: str = "payment.view"


TABS = (
    Tab("overview", "Overview"),
    Tab("transactions", "Transactions"),
    Tab("subscriptions", "Subscriptions"),
    Tab("customers", "Customers"),
    Tab("actions", "Actions", "payment.manage"),
    Tab("settings", "Settings", "payment.admin"),
)


@dataclass(frozen=True, slots=True)
class Frame:
    """The head of the modal. `status` is None when it can't be read now."""

    tabs: tuple[Tab, ...]
    current: str
    status: StatusView | None

    @property
    def mode(self) -> Mode:
        return "off" if self.status is None else mode_of(self.status)

    @property
    def health(self) -> Word:
        return Word("Unavailable", "danger") if self.status is None else health_of(self.status)


def tabs_for(viewer: Viewer) -> tuple[Tab, ...]:
    """The tabs that this viewer may open."""
    return tuple(tab for tab in TABS if tab.permission in viewer.permissions)


async def frame_of(seen: Visit, current: str) -> Frame:
    """The frame around the tab `current`; a failing status is shown there, not raised."""
    try:
        status = await seen.payments.status(seen.viewer)
    except PaymentError:
        status = None
    return Frame(tabs_for(seen.viewer), current, status)


def view(seen: Visit, template: str, *, title: str, http_status: int = 200, **context: Any) -> View:
    """A view from one of our templates, with the tools that every template uses."""
    body = render(template, links=seen.links, fmt=seen.fmt, seen=seen, title=title, **context)
    return View(f"{title} · Payments", body, http_status)


def page(
    host: Host, handler: Handler, *, permission: str = "payment.view"
) -> Callable[..., Awaitable[Response]]:
    """An endpoint that shows what `handler` gives to those who have `permission`, and its errors as pages."""

    async def endpoint(request: Request) -> Response:
        try:
            shown = await handler(await visit(host, request, permission))
        except PaymentError as error:
            shown = await error_view(host, request, error, permission)
        return shown if isinstance(shown, Response) else await answer(host, request, shown)

    return endpoint


async def error_view(host: Host, request: Request, error: PaymentError, permission: str) -> View:
    """The error in one sentence, with a way on. Strangers get no tabs."""
    seen = await _still_seen(host, request, error)
    frame = await frame_of(seen, "") if seen is not None else None
    body = render(
        "error.html",
        error=error,
        frame=frame,
        links=Links.of(request),
        retry=str(request.url.path) + (f"?{request.url.query}" if request.url.query else ""),
        safe=request.method in {"GET", "HEAD"},
        permission=permission,
        title=error.title,
    )
    return View(f"{error.title} · Payments", body, error.status)


async def _still_seen(host: Host, request: Request, error: PaymentError) -> Visit | None:
    """The visit again, if this person may see anything at all."""
    if isinstance(error, Unauthenticated):
        return None
    try:
        return await visit(host, request, "payment.view")
    except PaymentError:
        return None
