"""An address of the dashboard: who may open it, what it shows, and how its errors are told."""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from typing import TYPE_CHECKING

from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import Route

from overseer_payment.cards.frame import frame_of
from overseer_payment.cards.links import Links
from overseer_payment.cards.render import View, answer, render
from overseer_payment.cards.visit import Visit, visit
from overseer_payment.draining import Drained
from overseer_payment.errors import Invalid, PaymentError, Unauthenticated

if TYPE_CHECKING:
    from overseer_payment.host_contract import Host

Handler = Callable[[Visit], Awaitable[View | Response]]


@dataclass(frozen=True, slots=True)
class Address:
    """One page, for those who have `permission`: `show` answers links, `write` forms that are sent there."""

    path: str
    show: Handler | None
    permission: str = "payment.view"
    write: Handler | None = None

    def route(self, host: Host) -> Route:
        handlers = {"GET": self.show, "POST": self.write}
        there = {name: handler for name, handler in handlers.items() if handler is not None}
        found = Route(self.path, self._endpoint(host, there), methods=list(there))
        found.app = Drained(found.app)
        return found

    def _endpoint(self, host: Host, handlers: dict[str, Handler]) -> Callable[[Request], Awaitable[Response]]:
        async def endpoint(request: Request) -> Response:
            # Starlette adds HEAD wherever there is GET.
            handler = handlers["GET" if request.method == "HEAD" else request.method]
            try:
                seen = await visit(host, request, self.permission)
                _require_text(request)
                shown = await handler(seen)
            except PaymentError as error:
                shown = await error_view(host, request, error, self.permission)
            return shown if isinstance(shown, Response) else await answer(host, request, shown)

        return endpoint


def _require_text(request: Request) -> None:
    """Raises Invalid for an address with the character NUL: no row has it, and PostgreSQL can't be asked."""
    said = (*request.path_params.values(), *request.query_params.values())
    if any("\0" in str(text) for text in said):
        raise Invalid("This address has a character that no row and no filter has. Follow a link instead.")


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
