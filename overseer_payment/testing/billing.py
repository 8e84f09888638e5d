"""The least that uses each capability around customers, invoices and the terms of a checkout."""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Mapping
from contextlib import suppress
from dataclasses import replace

from overseer_payment.errors import NotSupported, ObjectAbsent
from overseer_payment.provider import (
    Capability,
    CheckoutRequest,
    CheckoutStatus,
    CustomerRequest,
    DeletesCustomers,
    ExpiresCheckouts,
    OpensPortal,
    PortalRequest,
    PreviewsInvoices,
    Provider,
)

Use = Callable[[], Awaitable[object]]
_BACK = "https://shop.example/account"


def billing_uses(
    provider: Provider, order: Callable[[CheckoutRequest], Awaitable[object]], request: CheckoutRequest
) -> Mapping[Capability, Use]:
    """For each of these capabilities, what works if and only if it is declared.

    A provider without one need not have its method at all.
    """

    async def customer() -> str:
        wanted = CustomerRequest(email="ada@shop.example")
        return (await provider.create_customer(wanted, idempotency_key="capability-customer")).id

    async def portal() -> object:
        if not isinstance(provider, OpensPortal):
            raise NotSupported("It has no open_portal.")
        opened = await provider.open_portal(PortalRequest(customer=await customer(), return_url=_BACK))
        assert opened.url.startswith(("https://", "http://")), "a portal is an absolute URL"
        return opened

    async def preview() -> object:
        if not isinstance(provider, PreviewsInvoices):
            raise NotSupported("It has no upcoming_invoice.")
        with suppress(ObjectAbsent):  # that it says so is all that can be asked without a subscription
            return await provider.upcoming_invoice("absent_0000")
        return None

    async def delete() -> object:
        if not isinstance(provider, DeletesCustomers):
            raise NotSupported("It has no delete_customer.")
        gone = await provider.delete_customer(await customer(), idempotency_key="capability-delete")
        assert gone.deleted, "a deleted customer says so"
        return gone

    async def expire() -> object:
        if not isinstance(provider, ExpiresCheckouts):
            raise NotSupported("It has no expire_checkout.")
        made = await provider.create_checkout(request, idempotency_key="capability-expire")
        ended = await provider.expire_checkout(made.id, idempotency_key="capability-expired")
        assert ended.status is CheckoutStatus.EXPIRED, "an expired checkout says so"
        return ended

    return {
        Capability.PORTAL: portal,
        Capability.INVOICE_PREVIEW: preview,
        Capability.CUSTOMER_DELETE: delete,
        Capability.CHECKOUT_EXPIRE: expire,
        Capability.DISCOUNTS: lambda: order(replace(request, allow_promotion_codes=True)),
        Capability.AUTOMATIC_TAX: lambda: order(replace(request, automatic_tax=True)),
    }
