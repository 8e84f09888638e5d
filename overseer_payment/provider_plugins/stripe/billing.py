"""What Stripe does for customers beside selling to them."""

from __future__ import annotations

from typing import TYPE_CHECKING

from overseer_payment.errors import OutcomeUnknown, PayloadInvalid, ProviderUnavailable
from overseer_payment.provider import (
    CheckoutSnapshot,
    CustomerSnapshot,
    InvoicePreview,
    PortalRequest,
    PortalSession,
)
from overseer_payment.provider_plugins.stripe.calls import StripeCalls, first
from overseer_payment.provider_plugins.stripe.translate import fields as f
from overseer_payment.provider_plugins.stripe.translate.preview import preview

if TYPE_CHECKING:
    from stripe.params import InvoiceCreatePreviewParams
    from stripe.params.billing_portal import SessionCreateParams


class Billing(StripeCalls):
    """The portal, previews, and the end of customers and sessions."""

    async def upcoming_invoice(self, subscription: str) -> InvoicePreview:
        """The subscription's next invoice (page "Create a preview invoice")."""
        params: InvoiceCreatePreviewParams = {"subscription": subscription}
        answer = await self._client.read(lambda stripe: stripe.v1.invoices.create_preview_async(params))
        try:
            return preview(answer.data)
        except PayloadInvalid as error:
            raise ProviderUnavailable(error.detail) from None

    async def open_portal(self, request: PortalRequest) -> PortalSession:
        """A portal session (page "Customer portal"). Without a key: a second session does no harm."""
        params: SessionCreateParams = {"customer": request.customer, "return_url": request.return_url}
        answer = await self._client.read(
            lambda stripe: stripe.v1.billing_portal.sessions.create_async(params)
        )
        id, url = f.reference(answer.data, "id"), f.text(answer.data, "url")
        if id is None or url is None:
            raise ProviderUnavailable("Stripe opened no portal that can be used. Try again.")
        return PortalSession(id=id, url=url)

    async def delete_customer(self, customer: str, *, idempotency_key: str) -> CustomerSnapshot:
        """Delete a customer; Stripe cancels their subscriptions at once (page "Delete a customer")."""
        answer = await self._client.write(
            lambda stripe: stripe.v1.customers.delete_async(
                customer, None, {"idempotency_key": idempotency_key}
            )
        )
        if f.flag(answer.data, "deleted"):
            return first(self._told("customer", answer), CustomerSnapshot)
        raise OutcomeUnknown("Stripe did not say whether the customer was deleted.")

    async def expire_checkout(self, session: str, *, idempotency_key: str) -> CheckoutSnapshot:
        """Close an open session (page "Expire a Checkout Session")."""
        answer = await self._client.write(
            lambda stripe: stripe.v1.checkout.sessions.expire_async(
                session, None, {"idempotency_key": idempotency_key}
            )
        )
        return first(self._told("checkout.session", answer), CheckoutSnapshot)
