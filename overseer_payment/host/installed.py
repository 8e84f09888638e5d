"""A FastAPI or Starlette application as its plugins see it, through the callbacks it gave to `install`."""

from __future__ import annotations

import inspect
from collections.abc import Awaitable, Callable, Iterable, Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Protocol, TypeAlias, TypeVar

from starlette.requests import Request
from starlette.responses import HTMLResponse, Response

from overseer_payment.errors import ConfigurationError
from overseer_payment.host.csrf import DoubleSubmit
from overseer_payment.host.dashboard import Tile, load_cards
from overseer_payment.host.pages import Shell, error_body, problem, render_page, wants_html
from overseer_payment.host_contract import User
from overseer_payment.listening import collect

if TYPE_CHECKING:
    from sqlalchemy.ext.asyncio import AsyncEngine

    from overseer_payment.host.contributions import Contributions

T = TypeVar("T")
UserCallback: TypeAlias = "Callable[[Request], User | str | Awaitable[User | str | None] | None]"
PermissionCallback: TypeAlias = "Callable[[Request, str], bool | Awaitable[bool]]"
PageCallback: TypeAlias = "Callable[[Request, str, str], Response | str | Awaitable[Response | str]]"


class CsrfProtection(Protocol):
    """An application's own protection: the token for its forms, and whether a write carries it."""

    def token(self, request: Request) -> str | None: ...
    def check(self, request: Request, token: str | None) -> bool: ...


@dataclass(frozen=True, slots=True)
class Callbacks:
    """What the application said about its people and pages. Unset: nobody, nothing, our own page."""

    user: UserCallback | None = None
    authorize: PermissionCallback | None = None
    page: PageCallback | None = None
    csrf: CsrfProtection | None = None


class InstalledHost:
    """Implements `host_contract.Host` for one `install`."""

    contributions: Contributions

    def __init__(
        self,
        config: Mapping[str, Any],
        engine: AsyncEngine,
        callbacks: Callbacks,
        double: DoubleSubmit,
        *,
        prefix: str = "",
        listeners: Iterable[object] = (),
    ) -> None:
        self.prefix = prefix
        self.listeners = collect(listeners)
        self._config, self._engine, self._callbacks, self._double = config, engine, callbacks, double
        self._scope_key = f"overseer.user.{id(self)}"

    @property
    def config(self) -> Mapping[str, Any]:
        return self._config

    @property
    def engine(self) -> AsyncEngine:
        return self._engine

    async def user(self, request: Request) -> User | None:
        """What the application's callback says, asked once for each request."""
        if self._scope_key not in request.scope:
            callback = self._callbacks.user
            answer = None if callback is None else await _result(callback(request))
            request.scope[self._scope_key] = _as_user(answer)
        found: User | None = request.scope[self._scope_key]
        return found

    async def authorize(self, request: Request, permission: str) -> bool:
        """What the application's callback says; no for permissions that no plugin declares."""
        callback = self._callbacks.authorize
        if callback is None or permission not in self.contributions.permissions:
            return False
        # Only True grants: a callback that returns some object by mistake must not open the door.
        return await _result(callback(request, permission)) is True

    async def admits(self, request: Request) -> bool:
        """May this request pass the guard at all? Somebody signed in, or a program with a permission."""
        if await self.user(request) is not None:
            return True
        for permission in self.contributions.permissions:
            if await self.authorize(request, permission):
                return True
        return False

    async def page(self, request: Request, *, title: str, body: str) -> Response:
        callback = self._callbacks.page
        if callback is None:
            return render_page(request, self._shell(), title=title, body=body)
        answer = await _result(callback(request, title, body))
        return answer if isinstance(answer, Response) else HTMLResponse(answer)

    async def error(
        self, request: Request, status: int, detail: str | None = None, *, code: str | None = None
    ) -> Response:
        """An error as a page in the application's design, or as a problem for programs."""
        if not wants_html(request):
            return problem(status, detail, code=code)
        response = await self.page(request, title=str(status), body=error_body(status, detail))
        response.status_code = status
        return response

    async def form_token(self, request: Request) -> str | None:
        """The token for a form or script on a page of the application's own; its cookie comes along.

        It goes back as the header `X-CSRF-Token`. Equal to `csrf_token` once it is known who asks.
        """
        await self.user(request)
        return self.csrf_token(request)

    def csrf_token(self, request: Request) -> str | None:
        if self._callbacks.csrf is not None:
            return self._callbacks.csrf.token(request)
        return self._double.token(request, self._known_user(request))

    def check_csrf(self, request: Request, token: str | None) -> bool:
        if self._callbacks.csrf is not None:
            return self._callbacks.csrf.check(request, token)
        return self._double.check(request, self._known_user(request), token)

    def is_cookie_authenticated(self, request: Request) -> bool:
        """Might a browser have sent the proof by itself? Yes, but for a bearer token or a bare client."""
        scheme = request.headers.get("authorization", "").partition(" ")[0].lower()
        if scheme:
            return scheme != "bearer"
        return any(name in request.headers for name in ("cookie", "origin", "sec-fetch-site"))

    async def cards(self, request: Request) -> list[Tile]:
        """The plugins' cards for a page of the application's own; `html` is None where one failed."""
        await self.user(request)
        # Cards make their addresses from where they are mounted, which is not where this request came in.
        root = str(request.scope.get("root_path", "")) + self.prefix
        below = Request({**request.scope, "root_path": root}, request.receive)
        return await load_cards(self, self.contributions.cards, below)

    def _known_user(self, request: Request) -> str:
        # On our own routes the guard has asked already, so that this need not wait.
        if self._scope_key not in request.scope:
            request.scope[self._scope_key] = self._asked_at_once(request)
        user: User | None = request.scope[self._scope_key]
        return user.id if user else ""

    def _asked_at_once(self, request: Request) -> User | None:
        """Who is signed in, on a page of the application's own. Raises ConfigurationError if that waits."""
        callback = self._callbacks.user
        answer = None if callback is None else callback(request)
        if inspect.isawaitable(answer):
            if inspect.iscoroutine(answer):
                answer.close()  # else Python warns that nobody waited for it
            raise ConfigurationError(
                "On a page of your own use `await host.form_token(request)`: your user callback is async."
            )
        return _as_user(answer)

    def _shell(self) -> Shell:
        found = self.contributions
        return Shell(stylesheets=found.stylesheets, scripts=found.scripts, home=None)


async def _result(answer: T | Awaitable[T]) -> T:
    return await answer if inspect.isawaitable(answer) else answer


def _as_user(answer: User | str | None) -> User | None:
    if isinstance(answer, User):
        return answer if answer.id else None
    if answer is None or isinstance(answer, str):
        return User(answer) if answer else None
    raise ConfigurationError(
        f"The user callback of install() must return a User, their id as a string, or None, "
        f"not {type(answer).__name__}."
    )
