"""Who asks, and whether they may: default deny, decided before a body is read.

No guard of the host reaches an application that is mounted into it, so ours asks the host itself.
"""

from __future__ import annotations

from starlette.requests import Request

from overseer_payment.errors import Forbidden, Unauthenticated
from overseer_payment.host_contract import PERMISSIONS, Host
from overseer_payment.schemas import Viewer

ANONYMOUS = Viewer("anonymous")
"""Who calls a public operation: nobody that we know, with no permission."""

READING = frozenset({"GET", "HEAD"})


async def viewer_of(host: Host, request: Request) -> Viewer | None:
    """Who sent this request and what the host lets them do; None for nobody.

    A caller without a user but with permissions is a program that holds the host's token.
    """
    user = await host.user(request)
    granted = frozenset([name for name in PERMISSIONS if await host.authorize(request, name)])
    if user is None and not granted:
        return None
    return Viewer("token" if user is None else f"user:{user.id}", user, granted)


def check_origin(host: Host, request: Request) -> None:
    """Refuse a write that a foreign page may have made the browser send. Raises Forbidden."""
    if request.method in READING or not host.is_cookie_authenticated(request):
        return
    if not host.check_csrf(request, request.headers.get("x-csrf-token")):
        raise Forbidden(
            "This write came with a cookie but without a valid X-CSRF-Token header; "
            "reload the page, or use a bearer token.",
            code="csrf_failed",
        )


async def admit(host: Host, request: Request) -> Viewer:
    """The viewer, or Unauthenticated (401), or Forbidden (403) for a write from a foreign page."""
    viewer = await viewer_of(host, request)
    if viewer is None:
        raise Unauthenticated("Sign in, or send `Authorization: Bearer <token>`.")
    check_origin(host, request)
    return viewer
