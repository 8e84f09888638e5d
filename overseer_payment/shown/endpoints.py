"""Webhook endpoints as the provider has them, each with how it differs from what we need."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING
from urllib.parse import urlsplit

from overseer_payment.errors import NotSupported
from overseer_payment.provider import Capability, Endpoint, ManagesEndpoints
from overseer_payment.schemas import EndpointList, EndpointRow, Viewer

if TYPE_CHECKING:
    from overseer_payment.schemas.endpoints import EndpointFault
    from overseer_payment.service import Payments

PATH = "/api/v1/payment/webhook"
"""Where deliveries are taken, below the public URL."""
PERMISSION = "payment.admin"
_PORTS = {"http": 80, "https": 443}


async def listing(payments: Payments, viewer: Viewer, provider: str | None = None) -> EndpointList:
    """Every endpoint of the account. Raises Forbidden, NotSupported, ConfigurationError, ProviderError."""
    viewer.require(PERMISSION)
    needs = await needed(payments, payments.provider_key(provider))
    found = await needs.manager.list_endpoints()
    return EndpointList(webhook_endpoints=[needs.row(endpoint) for endpoint in found])


@dataclass(frozen=True, slots=True)
class Needs:
    """What an endpoint of one provider has to be for us."""

    provider: str
    title: str
    manager: ManagesEndpoints
    urls: tuple[str, ...]
    """Our addresses; the first is the one to register."""
    event_types: frozenset[str]
    api_version: str

    def row(self, endpoint: Endpoint) -> EndpointRow:
        """The endpoint with its faults; its secret only if it was told just now."""
        missing = self._missing(endpoint)
        return EndpointRow(
            id=endpoint.id,
            provider=self.provider,
            livemode=endpoint.livemode,
            url=endpoint.url,
            status="enabled" if endpoint.enabled else "disabled",
            api_version=endpoint.api_version,
            event_types=sorted(endpoint.event_types),
            description=endpoint.description,
            replaces=endpoint.replaces,
            secret_set=endpoint.secret_set,
            faults=self._faults(endpoint, missing),
            missing_events=missing,
            created_at=endpoint.created_at,
            secret=endpoint.secret,
        )

    def is_ours(self, url: str) -> bool:
        """Does this address lead to our webhook?"""
        return _same(url) in map(_same, self.urls)

    def _missing(self, endpoint: Endpoint) -> list[str]:
        return [] if "*" in endpoint.event_types else sorted(self.event_types - endpoint.event_types)

    def _faults(self, endpoint: Endpoint, missing: Sequence[str]) -> list[EndpointFault]:
        found: dict[EndpointFault, bool] = {
            "disabled": not endpoint.enabled,
            "missing_events": bool(missing),
            "api_version": endpoint.api_version != self.api_version,
            "other_url": not self.is_ours(endpoint.url),
            # Whose deliveries go elsewhere is signed with a secret that we needn't have.
            "secret_not_set": endpoint.secret_set is False and self.is_ours(endpoint.url),
        }
        return [fault for fault, there in found.items() if there]


async def needed(payments: Payments, provider: str) -> Needs:
    """What the endpoints of this provider are compared with.

    Raises NotSupported when it can't be asked for them.
    """
    spec, built = payments.registry.spec(provider), payments.registry.get(provider)
    if Capability.WEBHOOK_ENDPOINTS not in spec.capabilities or not isinstance(built, ManagesEndpoints):
        raise NotSupported(f"{spec.title}'s webhook endpoints are set up in its own dashboard.")
    return Needs(
        provider,
        spec.title,
        built,
        webhook_urls(payments, provider),
        await built.event_types(),
        spec.api_version,
    )


def webhook_urls(payments: Payments, provider: str) -> tuple[str, ...]:
    """Our webhook's addresses for a provider: the short one first if it is the default provider."""
    base = f"{payments.settings.public_url}{PATH}"
    named = f"{base}/{provider}"
    return (base, named) if provider == payments.registry.default() else (named,)


def _same(url: str) -> tuple[str, str, int | None, str]:
    """What two spellings of one address share."""
    parts = urlsplit(url)
    try:
        port = parts.port
    except ValueError:
        port = None
    return (
        parts.scheme.lower(),
        (parts.hostname or "").lower(),
        port or _PORTS.get(parts.scheme.lower()),
        parts.path.rstrip("/"),
    )
