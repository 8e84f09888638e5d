"""A double-submit token for hosts that bring no CSRF protection of their own.

A random cookie, and in each form an HMAC of it with the user and a secret. Nothing is stored; processes
that serve the same people need the same secret.
"""

from __future__ import annotations

import hashlib
import hmac
import secrets

from starlette.datastructures import MutableHeaders
from starlette.requests import Request
from starlette.responses import Response
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from overseer_payment.host.origin import is_cross_site

_FRESH = "overseer.csrf"


class DoubleSubmit:
    """Makes and checks tokens; `secure` when people reach the host over https.

    Without a `secret` it makes one up: whoever can plant a cookie could compute the token otherwise.
    """

    def __init__(self, *, secure: bool, secret: str | None = None, public_url: str | None = None) -> None:
        self._secure, self._public_url = secure, public_url
        self._secret = secret or secrets.token_urlsafe(32)
        self.cookie = "__Host-overseer_csrf" if secure else "overseer_csrf"

    def token(self, request: Request, user_id: str) -> str:
        """The token for this browser and user. A browser without the cookie gets it with the answer."""
        seed = self._seed(request)
        if seed is None:
            seed = request.scope[_FRESH] = secrets.token_urlsafe(32)
        return self._sign(seed, user_id)

    def check(self, request: Request, user_id: str, token: str | None) -> bool:
        """Did this write come from a page that this user got from us?"""
        seed = request.cookies.get(self.cookie)
        if not seed or not token or is_cross_site(request, self._public_url):
            return False
        return hmac.compare_digest(self._sign(seed, user_id).encode(), token.encode())

    def wrap(self, app: ASGIApp) -> ASGIApp:
        """Middleware that hands out the cookie where a token was made."""

        async def wrapped(scope: Scope, receive: Receive, send: Send) -> None:
            async def send_cookie(message: Message) -> None:
                if message["type"] == "http.response.start" and _FRESH in scope:
                    # Taken out, so that it is set once where one of these stands inside another.
                    seed = scope.pop(_FRESH)
                    MutableHeaders(scope=message).append("set-cookie", self._set_cookie(seed))
                await send(message)

            await app(scope, receive, send_cookie)

        return wrapped

    def _seed(self, request: Request) -> str | None:
        return request.scope.get(_FRESH) or request.cookies.get(self.cookie)

    def _sign(self, seed: str, user_id: str) -> str:
        key = hashlib.sha256(f"{self._secret}\0{seed}".encode()).digest()
        return hmac.new(key, b"overseer-csrf\0" + user_id.encode(), hashlib.sha256).hexdigest()

    def _set_cookie(self, seed: str) -> str:
        response = Response()
        response.set_cookie(
            self.cookie, seed, path="/", secure=self._secure, httponly=True, samesite="strict"
        )
        return response.headers["set-cookie"]


class HandsOutCookie:
    """`DoubleSubmit.wrap` as applications add middleware."""

    def __init__(self, app: ASGIApp, *, double: DoubleSubmit) -> None:
        self._app = double.wrap(app)

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        await self._app(scope, receive, send)
