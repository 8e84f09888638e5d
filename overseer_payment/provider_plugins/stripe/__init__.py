"""Stripe as a provider plugin. Importing this module costs next to nothing: no SDK, no HTTP client."""

from __future__ import annotations

from collections.abc import Iterator
from typing import TYPE_CHECKING

from overseer_payment import hookimpl
from overseer_payment.provider import Capability, ProviderSpec
from overseer_payment.provider_plugins.stripe.currencies import CURRENCIES
from overseer_payment.provider_plugins.stripe.settings import API_VERSION, StripeSettings

if TYPE_CHECKING:
    import httpx

    from overseer_payment.provider import Provider

_CAPABILITIES = frozenset(
    {
        Capability.CHECKOUT_PAYMENT,
        Capability.CHECKOUT_SUBSCRIPTION,
        Capability.CHECKOUT_SETUP,
        Capability.TRIAL,
        Capability.REFUND,
        Capability.PARTIAL_REFUND,
        Capability.CUSTOMERS,
        Capability.CATALOG,
        Capability.PORTAL,
        Capability.INVOICE_PREVIEW,
        Capability.CUSTOMER_DELETE,
        Capability.CHECKOUT_EXPIRE,
        Capability.DISCOUNTS,
        Capability.AUTOMATIC_TAX,
        Capability.DISPUTE_RESPONSES,
        Capability.SUBSCRIPTION_CHANGES,
        Capability.SUBSCRIPTION_PAUSE,
        Capability.EVENT_LIST,
        Capability.OBJECT_LIST,
        Capability.WEBHOOK_ENDPOINTS,
        Capability.LOCAL_DELIVERY,
        Capability.TRIGGERS,
    }
)


def _build(settings: StripeSettings, http: httpx.AsyncClient) -> Provider:
    from overseer_payment.provider_plugins.stripe.provider import StripeProvider

    return StripeProvider(settings, http)


def _configured(settings: StripeSettings) -> bool:
    return settings.secret_key is not None


@hookimpl
def register_providers() -> Iterator[ProviderSpec]:
    """Offer Stripe."""
    yield ProviderSpec(
        key="stripe",
        title="Stripe",
        api_version=API_VERSION,
        capabilities=_CAPABILITIES,
        settings=StripeSettings,
        factory=_build,
        configured=_configured,
        currencies=CURRENCIES,
    )
