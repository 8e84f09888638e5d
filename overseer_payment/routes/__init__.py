"""The routes that a host mounts: REST, pages and webhooks. Paths are absolute; the guard is ours.

Nothing is imported before it is asked for, since a host imports its plugins at start-up.
"""

from __future__ import annotations

from collections.abc import Sequence
from importlib import import_module
from importlib.util import find_spec
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from starlette.routing import BaseRoute

    from overseer_payment.host_contract import Host


def admin_routes(host: Host) -> Sequence[BaseRoute]:
    """The guarded routes: REST and the dashboard's pages. They ask `host` who calls, default deny."""
    from overseer_payment.routes.api import api_routes

    return [*api_routes(host), *_from_cards("pages", "routes", host)]


def public_routes(host: Host) -> Sequence[BaseRoute]:
    """Routes outside login and CSRF: webhooks, landing pages, the OpenAPI document, styles and scripts."""
    from overseer_payment.routes.api import public_api_routes

    landing, static = _from_cards("landing", "routes", host), _from_cards("pages", "static_routes", host)
    return [*public_api_routes(host), *landing, *static]


def _from_cards(module: str, function: str, host: Host) -> Sequence[BaseRoute]:
    """The routes of a module of the pages; an installation without pages still serves REST."""
    name = f"overseer_payment.cards.{module}"
    if find_spec(name) is None:
        return ()
    found: Sequence[BaseRoute] = getattr(import_module(name), function)(host)
    return found
