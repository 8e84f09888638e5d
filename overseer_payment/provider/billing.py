"""What a provider may do for customers beside selling to them: a portal, and forgetting them."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Protocol, runtime_checkable

from overseer_payment.provider.snapshots import CheckoutSnapshot, CustomerSnapshot


@dataclass(frozen=True, slots=True, kw_only=True)
class PortalRequest:
    """For whom to open the provider's own page about subscriptions, cards and invoices."""

    customer: str
    return_url: str


@dataclass(frozen=True, slots=True, kw_only=True)
class PortalSession:
    """An open portal. Who knows `url` acts as the customer until it runs out: it is a secret."""

    id: str
    url: str = field(repr=False)


@runtime_checkable
class OpensPortal(Protocol):
    """What a provider that declares PORTAL does besides. Others need not have the method."""

    async def open_portal(self, request: PortalRequest) -> PortalSession:
        """A short-lived link of one customer's own. Changes nothing, so that it needs no key.

        Raises ObjectAbsent, ProviderRejected where the customer is gone, ProviderUnavailable.
        """


@runtime_checkable
class DeletesCustomers(Protocol):
    """What a provider that declares CUSTOMER_DELETE does besides. Others need not have the method."""

    async def delete_customer(self, customer: str, *, idempotency_key: str) -> CustomerSnapshot:
        """Delete a customer and end what they subscribe to, for good. Raises ObjectAbsent."""


@runtime_checkable
class ExpiresCheckouts(Protocol):
    """What a provider that declares CHECKOUT_EXPIRE does besides. Others need not have the method."""

    async def expire_checkout(self, session: str, *, idempotency_key: str) -> CheckoutSnapshot:
        """Close an open checkout, so that nobody pays it. Raises ObjectAbsent, and ProviderRejected for one
        that isn't open."""
