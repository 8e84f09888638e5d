"""Writes from our own pages: bounded bodies, the host's CSRF check, one key for each shown form."""

from __future__ import annotations

import re
import secrets
from collections.abc import Mapping
from typing import TYPE_CHECKING
from urllib.parse import parse_qsl

from overseer_payment.errors import Forbidden, Invalid, PayloadTooLarge

if TYPE_CHECKING:
    from starlette.requests import Request

    from overseer_payment.host_contract import Host

MAX_BODY = 16 * 1024
_KEY = re.compile(r"[A-Za-z0-9_-]{20,80}\Z")


def new_key() -> str:
    """The idempotency key of one shown form: however often it is sent, it is one intent."""
    return f"ui-{secrets.token_urlsafe(24)}"


async def read_form(host: Host, request: Request, *, limit: int = MAX_BODY) -> Mapping[str, str]:
    """The fields of a form that one of our own pages sent, at most `limit` bytes.

    Raises PayloadTooLarge, Invalid for another kind of body, Forbidden for a write from elsewhere.
    """
    kind = request.headers.get("content-type", "").partition(";")[0].strip().lower()
    if kind != "application/x-www-form-urlencoded":
        raise Invalid("This address takes a form (application/x-www-form-urlencoded).")
    fields = _fields(await read_bounded(request, limit))
    check_origin(host, request, fields)
    return fields


def key_of(fields: Mapping[str, str]) -> str:
    """The form's idempotency key. Raises Invalid when it is missing or was made up."""
    key = fields.get("key", "")
    if not _KEY.match(key):
        raise Invalid("The form has lost its key. Open it again and send it once more.")
    return key


async def read_bounded(request: Request, limit: int) -> bytes:
    """The body, of at most `limit` bytes. Raises PayloadTooLarge as soon as there are more."""
    received = bytearray()
    async for chunk in request.stream():
        received += chunk
        if len(received) > limit:
            raise PayloadTooLarge("That form is larger than any of ours.")
    return bytes(received)


def _fields(body: bytes) -> dict[str, str]:
    try:
        return dict(parse_qsl(body.decode(), keep_blank_values=True, max_num_fields=50))
    except ValueError:
        raise Invalid("The form could not be read. Reload the page and try again.") from None


def check_origin(host: Host, request: Request, fields: Mapping[str, str]) -> None:
    """Raises Forbidden for a form that no page of this session holds."""
    if not host.is_cookie_authenticated(request):
        return
    token = fields.get("csrf_token") or request.headers.get("x-csrf-token")
    if not host.check_csrf(request, token):
        raise Forbidden(
            "This form did not come from a page of this session, or the session has changed. "
            "Nothing was done. Reload the page and try again.",
            code="csrf_failed",
        )
