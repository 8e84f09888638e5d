"""The embedded host's own pages: Jinja templates beside the code that owns them."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from functools import cache
from http import HTTPStatus
from pathlib import Path
from typing import TYPE_CHECKING, Any

from markupsafe import Markup
from starlette.requests import Request
from starlette.responses import HTMLResponse, JSONResponse, Response

from overseer_payment.errors import Forbidden, MethodNotAllowed, NotFound, PayloadTooLarge, Unauthenticated

if TYPE_CHECKING:
    from jinja2 import Environment

STATIC_FILES = Path(__file__).parent / "static"
STATIC = "/_overseer"
"""Where the host's own files are served, relative to its root."""

# As the REST interface answers them, so that programs read one kind of problem everywhere.
_PROBLEMS = {
    error.status: error for error in (Unauthenticated, Forbidden, NotFound, MethodNotAllowed, PayloadTooLarge)
}
_SENTENCES = {
    401: "Sign in to see this page.",
    403: "You may not do this, or the page that you came from is out of date. Reload it and try again.",
    404: "There is nothing at this address.",
    405: "This address can't be used in this way.",
    413: "What was sent is too large.",
    429: "Too many attempts. Wait a minute, then try again.",
    500: "Something went wrong here. It has been logged; nothing that was stored is lost.",
    503: "This can't be done right now. Try again in a moment.",
}
_TO_PROGRAMS = "Sign in, or send `Authorization: Bearer <token>`."


@cache
def _environment() -> Environment:
    from jinja2 import Environment, PackageLoader, StrictUndefined

    return Environment(
        loader=PackageLoader("overseer_payment.host"),
        autoescape=True,
        undefined=StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
    )


@dataclass(frozen=True, slots=True)
class Shell:
    """What every page has around its body. Paths of assets are relative to the host's root."""

    brand: str = "Overseer"
    stylesheets: Sequence[str] = ()
    scripts: Sequence[str] = ()
    csrf_token: str | None = None
    """Of the session, for the sign-out form; None where nobody is signed in."""
    home: str | None = "/"


def render(request: Request, template: str, shell: Shell, *, status: int = 200, **values: Any) -> Response:
    """One page of the host."""
    root = str(request.scope.get("root_path", ""))
    html = (
        _environment().get_template(template).render(shell=shell, root=root, static=root + STATIC, **values)
    )
    return HTMLResponse(html, status)


def render_page(request: Request, shell: Shell, *, title: str, body: str) -> Response:
    """A page around `body`, which is safe HTML already."""
    return render(request, "page.html", shell, title=title, body=Markup(body))


def render_error(
    request: Request, shell: Shell, status: int, detail: str | None = None, *, code: str | None = None
) -> Response:
    """An error as a page for people, and as `application/problem+json` for programs."""
    if not wants_html(request):
        return problem(status, detail, code=code)
    return render(request, "error.html", shell, status=status, code=status, **describe_error(status, detail))


def error_body(status: int, detail: str | None = None) -> str:
    """An error as the body of somebody else's page."""
    template = _environment().get_template("_problem.html")
    return template.render(code=status, **describe_error(status, detail))


def problem(status: int, detail: str | None = None, *, code: str | None = None) -> Response:
    """An error for programs (RFC 9457), in the shape of the REST interface's own."""
    known = _PROBLEMS.get(status)
    code = code or (known.code if known else f"http_{status}")
    body = {
        "type": f"urn:overseer-payment:problem:{code}",
        "title": known.title if known else HTTPStatus(status).phrase,
        "status": status,
        "detail": detail or (_TO_PROGRAMS if status == 401 else describe_error(status)["sentence"]),
        "code": code,
    }
    headers = {"WWW-Authenticate": "Bearer"} if status == 401 else None
    return JSONResponse(body, status, headers, "application/problem+json")


def describe_error(status: int, detail: str | None = None) -> dict[str, str]:
    """`title` and `sentence` for people; `detail` must be fit to be shown."""
    sentence = detail or _SENTENCES.get(status, "The request could not be answered.")
    return {"title": HTTPStatus(status).phrase, "sentence": sentence}


def wants_html(request: Request) -> bool:
    """Is this a person's browser opening a page (and not a script or a program asking for data)?"""
    return "text/html" in request.headers.get("accept", "")
