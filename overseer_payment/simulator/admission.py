"""Who may call what: the API key, the API version, and the endpoint that a path names."""

from __future__ import annotations

import base64
import binascii
import hmac
import importlib
from collections.abc import Mapping
from functools import cache

from overseer_payment.simulator import api
from overseer_payment.simulator.errors import SimError
from overseer_payment.simulator.events import API_VERSION
from overseer_payment.simulator.world import World

# Importing these registers their endpoints.
_ENDPOINT_MODULES = ("overseer_payment.simulator.frame_endpoints", "overseer_payment.simulator.resources")


def authorize(world: World, headers: Mapping[str, str]) -> None:
    """Accept the account's secret key and the one API version; raises SimError 401 or 400 otherwise."""
    key = _presented_key(headers.get("authorization", ""))
    if not key:
        message = (
            "You did not provide an API key. You need to provide your API key in the Authorization header, "
            "using Bearer auth (e.g. 'Authorization: Bearer YOUR_SECRET_KEY')."
        )
        raise SimError(401, message)
    if not hmac.compare_digest(key.encode(), world.secret_key.encode()):
        shown = key[:8] + "*" * 8 + key[-4:] if len(key) > 16 else "*" * 8
        raise SimError(401, f"Invalid API Key provided: {shown}")
    version = headers.get("stripe-version", API_VERSION)
    if version != API_VERSION:
        message = f"Invalid Stripe API version: {version[:40]}. This simulator speaks {API_VERSION} only."
        raise SimError(400, message)


def _presented_key(header: str) -> str:
    scheme, _, credentials = header.partition(" ")
    if scheme.lower() == "bearer":
        return credentials.strip()
    if scheme.lower() == "basic":
        try:
            return base64.b64decode(credentials, validate=True).decode().partition(":")[0]
        except (binascii.Error, UnicodeDecodeError):
            return ""
    return ""


def routed(method: str, path: str) -> tuple[api.Route, dict[str, str]]:
    """Return the endpoint for a path and the ids in it; raises SimError 404 for an unknown one."""
    for route in registered():
        found = route.pattern.fullmatch(path) if route.method == method else None
        if found:
            return route, found.groupdict()
    message = (
        f"Unrecognized request URL ({method}: {path}). If you are trying to list objects, remove the "
        "trailing slash. If you are trying to retrieve an object, make sure you passed a valid (non-empty) "
        "identifier in your code."
    )
    raise SimError(404, message)


@cache
def registered() -> list[api.Route]:
    """Return every endpoint of the simulator, with all modules that register some imported."""
    for name in _ENDPOINT_MODULES:
        importlib.import_module(name)
    return api.routes()
