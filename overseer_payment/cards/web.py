"""Addresses of others, before people are sent there."""

from __future__ import annotations

from urllib.parse import urlsplit

from overseer_payment.errors import Invalid


def web(url: str) -> str:
    """The provider's address, if it is one to send people to. Raises Invalid."""
    parts = urlsplit(url)
    if parts.scheme not in {"http", "https"} or not parts.hostname:
        raise Invalid("The provider answered with an address that is no web page. Nothing was opened.")
    return url
