"""Operations that end something at the provider. What has ended already is no error."""

from __future__ import annotations

from collections.abc import Sequence

from overseer_payment.errors import NotSupported, ProviderRejected
from overseer_payment.provider import (
    CheckoutSnapshot,
    CheckoutStatus,
    CustomerSnapshot,
    DeletesCustomers,
    ExpiresCheckouts,
    Kind,
    Ref,
    Snapshot,
)
from overseer_payment.requesting.attempt import Attempt


async def delete_customer(attempt: Attempt) -> Sequence[Snapshot]:
    """Delete a customer for good."""
    provider, id = attempt.provider, str(attempt.request["customer"])
    if not isinstance(provider, DeletesCustomers):
        raise NotSupported("This provider can't delete customers through its API.")
    try:
        return [await provider.delete_customer(id, idempotency_key=attempt.key)]
    except ProviderRejected:
        found = list(await attempt.provider.fetch(Ref(Kind.CUSTOMER, id)))
        if any(isinstance(one, CustomerSnapshot) and one.id == id and one.deleted for one in found):
            return found
        raise


async def expire_checkout(attempt: Attempt) -> Sequence[Snapshot]:
    """Close a checkout, so that nobody pays it."""
    provider, id = attempt.provider, str(attempt.request["session"])
    if not isinstance(provider, ExpiresCheckouts):
        raise NotSupported("This provider can't close checkouts through its API.")
    try:
        return [await provider.expire_checkout(id, idempotency_key=attempt.key)]
    except ProviderRejected:
        found = list(await attempt.provider.fetch(Ref(Kind.CHECKOUT, id)))
        if any(isinstance(one, CheckoutSnapshot) and one.status is CheckoutStatus.EXPIRED for one in found):
            return found
        raise
