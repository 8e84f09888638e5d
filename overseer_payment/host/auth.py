"""Who may enter the embedded host: its one admin token, sessions signed with it, and a throttle for guesses.

Nothing is stored: a session ends after a week or when the token changes, and at no other time.
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
_WAIT_KEY = "overseer.wait"


@dataclass(frozen=True, slots=True)
class Login:
    """How a request proved itself. `session` is None for a bearer token, which no browser sends by itself."""

    session: str | None


class Gatekeeper:
    """Checks tokens and sessions. `secure` when people reach us over https."""

    def __init__(self, token: str, *, secure: bool, throttle: Throttle | None = None) -> None:
        self.throttle = throttle or Throttle()
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
            return self._bearer(request, authorization)
        cookie = request.cookies.get(self.cookie)
        if cookie is None:
            return None
        try:
            return Login(str(self._sessions.loads(cookie, max_age=SESSION_SECONDS)))
        except BadData:
            return None

    def _bearer(self, request: Request, authorization: str) -> Login | None:
        scheme, _, token = authorization.partition(" ")
        if scheme.lower() != "bearer":
            return None
        # The right one is heard whatever others did: a stranger's guesses must not lock programs out.
        if self.fits(token.strip()):
            return Login(None)
        request.scope[_WAIT_KEY] = self.throttle.fail(address_of(request))
        return None

    def wait(self, request: Request) -> int:
        """Seconds for which guesses like this request's bearer token are refused; 0 for none."""
        return int(request.scope.get(_WAIT_KEY, 0))

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


def address_of(request: Request) -> str:
    """Whom the server takes for the sender; it reads forwarding headers of trusted proxies only."""
    return request.client.host if request.client else ""


class Throttle:
    """Counts failures in `window` seconds: `limit` by client address, `total` of all together.

    Remembers `size` addresses; the longest unheard of is forgotten first.
    """

    def __init__(
        self,
        *,
        limit: int = 10,
        total: int = 1000,
        window: float = 60,
        size: int = 1024,
        clock: Callable[[], float] = time.monotonic,
    ) -> None:
        self._limit, self._window, self._size, self._clock = limit, window, size, clock
        self._failures: OrderedDict[str, tuple[int, float]] = OrderedDict()
        self._total, self._all = total, (0, 0.0)

    def wait(self, address: str) -> int:
        """Seconds until this address is heard again, 0 for now."""
        return self._left(self._failures.get(address, (0, 0.0)), self._limit)

    def fail(self, address: str) -> int:
        """Count one failure; seconds to wait if there are too many already, of this address or of all."""
        if wait := max(self.wait(address), self._left(self._all, self._total)):
            return wait
        self._all = self._one_more(self._all)
        self._failures[address] = self._one_more(self._failures.pop(address, (0, 0.0)))
        while len(self._failures) > self._size:
            self._failures.popitem(last=False)
        return 0

    def _left(self, counted: tuple[int, float], limit: int) -> int:
        count, until = counted
        left = until - self._clock()
        return int(left) + 1 if count >= limit and left > 0 else 0

    def _one_more(self, counted: tuple[int, float]) -> tuple[int, float]:
        count, until = counted
        now = self._clock()
        return (count + 1, until) if until > now else (1, now + self._window)

    def forget(self, address: str) -> None:
        self._failures.pop(address, None)
