"""Who may enter the embedded host: its one admin token, sessions signed with it, and a login throttle.

Nothing is stored: changing the token ends every session.
"""

from __future__ import annotations

import hashlib
import hmac
import secrets
import time
from collections import OrderedDict
from collections.abc import Callable
from dataclasses import dataclass

from itsdangerous import BadData, URLSafeTimedSerializer
from starlette.requests import Request
from starlette.responses import Response

SESSION_SECONDS = 7 * 24 * 3600
_SCOPE_KEY = "overseer.login"


@dataclass(frozen=True, slots=True)
class Login:
    """How a request proved itself. `session` is None for a bearer token, which no browser sends by itself."""

    session: str | None


class Gatekeeper:
    """Checks tokens and sessions. `secure` when people reach us over https."""

    def __init__(self, token: str, *, secure: bool) -> None:
        self._key = hashlib.sha256(b"overseer:" + token.encode()).digest()
        self._token = self._digest(token)
        self._sessions = URLSafeTimedSerializer(self._key, salt="overseer-session")
        self._secure = secure
        # The prefix keeps other hosts of the same domain from planting a cookie; it needs https.
        self.cookie = "__Host-overseer_session" if secure else "overseer_session"

    def fits(self, offered: str) -> bool:
        """Is this the admin token? Takes the same time whatever was offered."""
        return hmac.compare_digest(self._digest(offered), self._token)

    def login(self, request: Request) -> Login | None:
        """Who sent this request. An Authorization header decides alone, even when it is wrong."""
        scope = request.scope
        if _SCOPE_KEY not in scope:
            scope[_SCOPE_KEY] = self._read(request)
        login: Login | None = scope[_SCOPE_KEY]
        return login

    def _read(self, request: Request) -> Login | None:
        authorization = request.headers.get("authorization")
        if authorization is not None:
            scheme, _, token = authorization.partition(" ")
            return Login(None) if scheme.lower() == "bearer" and self.fits(token.strip()) else None
        cookie = request.cookies.get(self.cookie)
        if cookie is None:
            return None
        try:
            return Login(str(self._sessions.loads(cookie, max_age=SESSION_SECONDS)))
        except BadData:
            return None

    def open_session(self, response: Response) -> None:
        """Give the browser a session of its own, valid for a week."""
        value = self._sessions.dumps(secrets.token_urlsafe(16))
        response.set_cookie(
            self.cookie,
            value,
            max_age=SESSION_SECONDS,
            path="/",
            secure=self._secure,
            httponly=True,
            samesite="lax",  # strict would ask for a login on the way back from a hosted checkout
        )

    def close_session(self, response: Response) -> None:
        response.delete_cookie(self.cookie, path="/", secure=self._secure, httponly=True, samesite="lax")

    def csrf_token(self, login: Login | None) -> str | None:
        """The token that forms of this session carry; None where there is no session."""
        if login is None or login.session is None:
            return None
        return hmac.new(self._key, b"csrf:" + login.session.encode(), hashlib.sha256).hexdigest()

    def _digest(self, text: str) -> bytes:
        return hashlib.sha256(text.encode()).digest()


class Throttle:
    """Counts failures by client address: `limit` in `window` seconds, then none are heard until it is over.

    Remembers `size` addresses; the longest unheard of is forgotten first.
    """

    def __init__(
        self,
        *,
        limit: int = 10,
        window: float = 60,
        size: int = 1024,
        clock: Callable[[], float] = time.monotonic,
    ) -> None:
        self._limit, self._window, self._size, self._clock = limit, window, size, clock
        self._failures: OrderedDict[str, tuple[int, float]] = OrderedDict()

    def wait(self, address: str) -> int:
        """Seconds until this address is heard again, 0 for now."""
        count, until = self._failures.get(address, (0, 0.0))
        left = until - self._clock()
        return int(left) + 1 if count >= self._limit and left > 0 else 0

    def fail(self, address: str) -> None:
        """Count one failure."""
        count, until = self._failures.pop(address, (0, 0.0))
        if until <= self._clock():
            count, until = 0, self._clock() + self._window
        self._failures[address] = (count + 1, until)
        while len(self._failures) > self._size:
            self._failures.popitem(last=False)

    def forget(self, address: str) -> None:
        self._failures.pop(address, None)
