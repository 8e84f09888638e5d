"""Signing in with the admin token, by form or by the link that `overseer serve` prints, and out again."""

from __future__ import annotations

from starlette.requests import Request
from starlette.responses import RedirectResponse, Response

from overseer_payment.host.auth import address_of
from overseer_payment.host.embedded import EmbeddedHost
from overseer_payment.host.origin import local_path
from overseer_payment.host.pages import Shell, render, render_error

_WRONG = "That is not the token."


class LoginPages:
    """`/login` and `/logout` of one host."""

    def __init__(self, host: EmbeddedHost) -> None:
        self._host, self._throttle = host, host.gate.throttle

    async def login(self, request: Request) -> Response:
        """GET shows the form, or takes `?token=`, which no later address holds. POST is the form."""
        if request.method == "POST":
            async with request.form(max_files=0, max_fields=5) as form:
                return self._enter(request, str(form.get("token", "")), str(form.get("next", "")))
        target = request.query_params.get("next")
        offered = request.query_params.get("token")
        if offered:
            return self._enter(request, offered, target)
        if await self._host.admits(request):
            return _go(request, target)
        return self._form(request, target)

    async def logout(self, request: Request) -> Response:
        """POST only, with the session's CSRF token: a foreign page can't sign anybody out."""
        async with request.form(max_files=0, max_fields=5) as form:
            token = form.get("csrf_token")
        if not self._host.check_csrf(request, token if isinstance(token, str) else None):
            return render_error(request, Shell(), 403)
        response = _go(request, "/login")
        self._host.gate.close_session(response)
        return response

    def _enter(self, request: Request, offered: str, target: str | None) -> Response:
        address = address_of(request)
        if wait := self._throttle.wait(address):
            return self._too_many(request, target, wait)
        if not self._host.gate.fits(offered.strip()):
            if wait := self._throttle.fail(address):
                return self._too_many(request, target, wait)
            return self._form(request, target, 401, _WRONG)
        self._throttle.forget(address)
        response = _go(request, target)
        self._host.gate.open_session(response)
        return response

    def _too_many(self, request: Request, target: str | None, wait: int) -> Response:
        response = self._form(request, target, 429, f"Too many attempts. Try again in {wait} seconds.")
        response.headers["Retry-After"] = str(wait)
        return response

    def _form(
        self, request: Request, target: str | None, status: int = 200, error: str | None = None
    ) -> Response:
        response = render(
            request, "login.html", Shell(home=None), status=status, error=error, next=local_path(target)
        )
        response.headers["Cache-Control"] = "no-store"
        return response


def _go(request: Request, target: str | None) -> Response:
    path = str(request.scope.get("root_path", "")) + local_path(target)
    return RedirectResponse(path, 303, {"Cache-Control": "no-store"})
