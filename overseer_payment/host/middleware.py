"""What surrounds every answer: security headers, a body limit, the guard, and the last net for errors.

Pure ASGI: nothing is buffered, and a client that leaves is noticed.
"""

from __future__ import annotations

import logging
import traceback
from collections.abc import Awaitable, Callable, Mapping

from starlette.datastructures import MutableHeaders
from starlette.exceptions import HTTPException
from starlette.requests import Request
from starlette.responses import Response
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from overseer_payment.host.origin import SAFE_METHODS, is_cross_site

log = logging.getLogger("overseer")

CONTENT_SECURITY_POLICY = (
    "default-src 'none'; script-src 'self'; style-src 'self'; img-src 'self' data:; connect-src 'self'; "
    "form-action 'self'; base-uri 'none'; frame-ancestors 'none'"
)
"""Chromium applies `form-action` to redirects too: a form that leads to a hosted checkout must be answered
with a page that goes on from there (a link, a refresh), not with a 303 to another site."""

SECURITY_HEADERS: Mapping[str, str] = {
    "Content-Security-Policy": CONTENT_SECURITY_POLICY,
    "X-Content-Type-Options": "nosniff",
    "X-Frame-Options": "DENY",
    # Not no-referrer: that makes browsers send `Origin: null` with our own forms.
    "Referrer-Policy": "same-origin",
    "Cross-Origin-Opener-Policy": "same-origin",
}
MAX_BODY = 6 * 1024 * 1024
"""The largest body of ours: a file of evidence in its form. Routes that need less read less."""


class SetHeaders:
    """Adds headers to every answer that doesn't bring its own of that name."""

    def __init__(self, app: ASGIApp, headers: Mapping[str, str] = SECURITY_HEADERS) -> None:
        self._app, self._headers = app, headers

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        async def send_with_headers(message: Message) -> None:
            if message["type"] == "http.response.start":
                headers = MutableHeaders(scope=message)
                for name, value in self._headers.items():
                    headers.setdefault(name, value)
            await send(message)

        await self._app(scope, receive, send_with_headers if scope["type"] == "http" else send)


class CatchErrors:
    """Answers what nobody expected with `answer`, inside the headers that every page must carry."""

    def __init__(self, app: ASGIApp, answer: Callable[[Request, int], Awaitable[Response]]) -> None:
        self._app, self._answer = app, answer

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] != "http":
            await self._app(scope, receive, send)
            return
        started = False

        async def watched(message: Message) -> None:
            nonlocal started
            started = started or message["type"] == "http.response.start"
            await send(message)

        try:
            await self._app(scope, receive, watched)
        except Exception as error:
            status = error.status_code if isinstance(error, HTTPException) else 500
            if status == 500:
                # Where, and no more: an exception's own text may hold a key or an address.
                trace = "".join(traceback.format_tb(error.__traceback__))
                log.error("%s %s: %s\n%s", scope["method"], scope["path"], type(error).__name__, trace)
                log.debug("its text: %s", error)
            if started:
                raise
            await (await self._answer(Request(scope, receive), status))(scope, receive, send)


class LimitBody:
    """Ends a request whose body grows beyond `limit` bytes: with a 413 while it is read, or at once."""

    def __init__(self, app: ASGIApp, limit: int = MAX_BODY) -> None:
        self._app, self._limit = app, limit

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] != "http":
            await self._app(scope, receive, send)
            return
        declared = dict(scope["headers"]).get(b"content-length", b"")
        if declared.isdigit() and int(declared) > self._limit:
            raise self._too_large()
        seen = 0

        async def counted() -> Message:
            nonlocal seen
            message = await receive()
            seen += len(message.get("body", b""))
            if seen > self._limit:
                raise self._too_large()
            return message

        await self._app(scope, counted, send)

    def _too_large(self) -> HTTPException:
        return HTTPException(413, f"The body is larger than {self._limit} bytes.")


class Guard:
    """Lets nobody but people that `admits` knows into the routes behind it; default deny.

    A write that a foreign page made the browser send ends here too, whatever the route checks itself.
    """

    def __init__(
        self,
        app: ASGIApp,
        *,
        admits: Callable[[Request], Awaitable[bool]],
        refuse: Callable[[Request, int], Awaitable[Response]],
        by_cookie: Callable[[Request], bool],
        public_url: str | None,
    ) -> None:
        self._app, self._admits, self._refuse = app, admits, refuse
        self._by_cookie, self._public_url = by_cookie, public_url

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] != "http":
            await send({"type": "websocket.close", "code": 1008, "reason": ""})
            return
        request = Request(scope, receive)
        status = await self._judge(request)
        if status is not None:
            await (await self._refuse(request, status))(scope, receive, send)
            return
        await SetHeaders(self._app, {"Cache-Control": "no-store"})(scope, receive, send)

    async def _judge(self, request: Request) -> int | None:
        if not await self._admits(request):
            return 401
        forged = (
            request.method not in SAFE_METHODS
            and self._by_cookie(request)
            and is_cross_site(request, self._public_url)
        )
        return 403 if forged else None
