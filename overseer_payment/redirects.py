"""Where a buyer may be sent after a checkout: our own host, and hosts that the operator allowed."""

from __future__ import annotations

from urllib.parse import urlsplit

from overseer_payment.errors import Invalid
from overseer_payment.settings import Settings

SESSION = "{CHECKOUT_SESSION_ID}"
"""Stands for the session's id in a success URL; the provider fills it in."""

_LOOPBACK = frozenset({"localhost", "127.0.0.1", "::1"})


def success_url(settings: Settings, asked: str | None) -> str:
    """The URL to return to after paying. Raises Invalid for a host that isn't allowed."""
    if asked is not None:
        return checked(settings, asked, "success_url")
    return settings.success_url or f"{settings.public_url}/payment/success?session_id={SESSION}"


def cancel_url(settings: Settings, asked: str | None) -> str:
    """The URL to return to without paying. Raises Invalid for a host that isn't allowed."""
    if asked is not None:
        return checked(settings, asked, "cancel_url")
    return settings.cancel_url or f"{settings.public_url}/payment/cancel"


def return_url(settings: Settings, asked: str | None) -> str:
    """The URL to return to from the provider's portal. Raises Invalid for a host that isn't allowed."""
    if asked is not None:
        return checked(settings, asked, "return_url")
    return f"{settings.public_url}/"


def checked(settings: Settings, url: str, name: str, *, also: tuple[str, ...] = ()) -> str:
    """`url` itself, if a browser that follows it lands on an allowed host (or one of `also`)."""
    # Browsers read backslashes and control characters differently from parsers: no such thing passes.
    if not url.isascii() or any(ord(character) <= 32 or character == "\\" for character in url):
        raise Invalid(f"{name} has characters that a URL can't have.")
    try:
        parts = urlsplit(url)
        host, port = (parts.hostname or "").lower(), parts.port
    except ValueError:
        raise Invalid(f"{name} is not a URL.") from None
    if parts.scheme not in {"http", "https"} or not host or parts.username is not None:
        raise Invalid(f"{name} must be an absolute http or https URL without a user name.")
    if parts.scheme == "http" and host not in _LOOPBACK and not settings.public_url.startswith("http:"):
        raise Invalid(f"{name} must be https.")
    own = urlsplit(settings.public_url)
    default = {"http": 80, "https": 443}
    here = host == (own.hostname or "").lower() and (port or default[parts.scheme]) == (
        own.port or default.get(own.scheme, 443)
    )
    allowed = {known.lower() for known in (*settings.allowed_redirect_hosts, *also)}
    if not here and host not in allowed and f"{host}:{port}" not in allowed:
        raise Invalid(f"{name} leads to {host}, which PAYMENT_ALLOWED_REDIRECT_HOSTS does not name.")
    return url
