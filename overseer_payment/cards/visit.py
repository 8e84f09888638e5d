"""One look at one page: who looks, at what, with which tools. Default deny, asked before anything is read."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import UTC, datetime
from typing import TYPE_CHECKING

from starlette.requests import Request

from overseer_payment.cards.formatting import Formatter
from overseer_payment.cards.links import Links
from overseer_payment.errors import Unauthenticated
from overseer_payment.routes.guard import viewer_of

if TYPE_CHECKING:
    from overseer_payment.host_contract import Host
    from overseer_payment.provider import Capability
    from overseer_payment.schemas import Viewer
    from overseer_payment.service import Payments


def payments_of(host: Host) -> Payments:
    """The host's service. Raises ConfigurationError for a wrong setting."""
    from overseer_payment.composition import payments_for

    return payments_for(host)


@dataclass(frozen=True, slots=True)
class Visit:
    """A request of someone who may see the page."""

    host: Host
    request: Request
    viewer: Viewer
    payments: Payments
    links: Links
    fmt: Formatter

    @property
    def now(self) -> datetime:
        return self.fmt.now

    def may(self, permission: str) -> bool:
        return permission in self.viewer.permissions

    def can(self, provider: str, capability: Capability) -> bool:
        """Does `provider` declare `capability`? No for one that is gone."""
        return any(
            row.key == provider and capability.value in row.capabilities for row in self.payments.providers()
        )


async def visitor(host: Host, request: Request, permission: str) -> Viewer:
    """Who sent this request. Raises Unauthenticated or Forbidden."""
    viewer = await viewer_of(host, request)
    if viewer is None:
        raise Unauthenticated("Sign in to see payments.")
    viewer.require(permission)
    return viewer


async def visit(host: Host, request: Request, permission: str) -> Visit:
    """Open the page's tools for someone who has `permission`. Raises Unauthenticated, Forbidden."""
    viewer = await visitor(host, request, permission)
    payments = payments_of(host)
    return Visit(host, request, viewer, payments, Links.of(request), formatter(payments))


def provider_of(request: Request) -> str | None:
    """The provider whose figures alone are asked for; None: of all that are configured."""
    return request.query_params.get("provider") or None


def formatter(payments: Payments) -> Formatter:
    """How values of this service's providers are written, as of now."""
    return Formatter(payments.currencies, datetime.now(UTC))
