"""The present state of Stripe's objects, each with what it links to, whole.

Expansions read an object and its parts in one answer, so that they agree with each other (a charge and
its refunds). A list that comes cut off, or not at all, is read to its end.
"""

from __future__ import annotations

from collections.abc import AsyncIterator, Mapping, Sequence
from typing import TYPE_CHECKING, Any

from overseer_payment.errors import ObjectAbsent, PayloadInvalid, ProviderUnavailable
from overseer_payment.provider import ChargeSnapshot, InvoicePaymentSnapshot, Kind, Ref, Snapshot
from overseer_payment.provider_plugins.stripe.translate import Context, translate
from overseer_payment.provider_plugins.stripe.translate import fields as f

if TYPE_CHECKING:
    from stripe.params import InvoicePaymentListParams, RefundListParams, SubscriptionItemListParams

    from overseer_payment.provider_plugins.stripe.client import Answer, Client

_PAGE = 100
_CHECKOUT = ["payment_intent.latest_charge.refunds", "invoice.payments", "subscription", "customer"]
SUBSCRIPTION_PARTS = ["customer", "latest_invoice.payments", "items.data.price.product"]
"""What a read of a subscription, or an answer that holds one, brings along."""


class Reader:
    """Reads of one account. Each returns the object asked for first; each may raise ObjectAbsent."""

    def __init__(self, client: Client, *, livemode: bool) -> None:
        self._client = client
        self._livemode = livemode

    async def fetch(self, ref: Ref) -> Sequence[Snapshot]:
        """One object of any kind."""
        match ref.kind:
            case Kind.PAYMENT:
                return await self.payment(ref.id)
            case Kind.CHARGE:
                return await self.charge(ref.id)
            case Kind.INVOICE:
                return await self.invoice(ref.id)
            case Kind.INVOICE_PAYMENT:
                return await self.invoice_payment(ref.id)
            case Kind.CHECKOUT:
                return await self.checkout(ref.id)
            case Kind.SUBSCRIPTION:
                return await self.subscription(ref.id)
            case Kind.CUSTOMER:
                return await self.customer(ref.id)
            case Kind.PRICE:
                return await self.price(ref.id)
            case Kind.PRODUCT:
                return await self.product(ref.id)
            case Kind.REFUND:
                return await self.refund(ref.id)
            case Kind.DISPUTE:
                return await self.dispute(ref.id)

    async def transaction(self, id: str) -> Sequence[Snapshot]:
        """Everything about one payment, known by any of its ids."""
        prefix, _, rest = id.partition("_")
        match prefix if rest else "":
            case "pi":
                return _joined(await self.payment(id), await self._links_of_payment(id))
            case "ch" | "py":
                charge = await self.charge(id)
                return _joined(charge, await self._payment_of(charge))
            case "in":
                invoice = await self.invoice(id)
                return _joined(invoice, await self._paid_by(invoice))
            case "cs":
                checkout = await self.checkout(id)
                return _joined(checkout, await self._paid_by(checkout))
        raise ObjectAbsent("That is no id of a payment at Stripe (pi_…, ch_…, cs_… or in_…).")

    def read(self, name: str, answer: Answer) -> tuple[Snapshot, ...]:
        """The snapshots of an answer that is an object which Stripe calls `name`.

        Raises ProviderUnavailable when the answer lacks something essential.
        """
        return self._translate(name, answer.data, answer)

    async def payment(self, id: str) -> Sequence[Snapshot]:
        answer = await self._client.read(
            lambda stripe: stripe.v1.payment_intents.retrieve_async(id, {"expand": ["latest_charge.refunds"]})
        )
        charge = f.inner(answer.data, "latest_charge")
        return _joined(self.read("payment_intent", answer), await self._more_refunds(charge, answer))

    async def charge(self, id: str) -> Sequence[Snapshot]:
        answer = await self._client.read(
            lambda stripe: stripe.v1.charges.retrieve_async(id, {"expand": ["refunds"]})
        )
        return _joined(self.read("charge", answer), await self._more_refunds(answer.data, answer))

    async def invoice(self, id: str) -> Sequence[Snapshot]:
        answer = await self._client.read(
            lambda stripe: stripe.v1.invoices.retrieve_async(id, {"expand": ["payments"]})
        )
        return self._translate("invoice", await self._with_payments(answer.data), answer)

    async def invoice_payment(self, id: str) -> Sequence[Snapshot]:
        if ":" in id:  # our own name for a link that an older dialect told of
            return await self.invoice(id.partition(":")[0])
        answer = await self._client.read(lambda stripe: stripe.v1.invoice_payments.retrieve_async(id))
        return self.read("invoice_payment", answer)

    async def checkout(self, id: str) -> Sequence[Snapshot]:
        answer = await self._client.read(
            lambda stripe: stripe.v1.checkout.sessions.retrieve_async(id, {"expand": _CHECKOUT})
        )
        session = dict(answer.data)
        if invoice := f.inner(session, "invoice"):
            session["invoice"] = await self._with_payments(invoice)
        charge = f.inner(session, "payment_intent", "latest_charge")
        return _joined(
            self._translate("checkout.session", session, answer),
            await self._more_refunds(charge, answer),
        )

    async def subscription(self, id: str) -> Sequence[Snapshot]:
        answer = await self._client.read(
            lambda stripe: stripe.v1.subscriptions.retrieve_async(id, {"expand": SUBSCRIPTION_PARTS})
        )
        obj = dict(answer.data)
        if not f.is_complete_list(obj, "items"):
            obj["items"] = [dict(item.data) async for item in self._items(id)]
        return self._translate("subscription", obj, answer)

    async def price(self, id: str) -> Sequence[Snapshot]:
        expand = ["product", "currency_options"]
        answer = await self._client.read(
            lambda stripe: stripe.v1.prices.retrieve_async(id, {"expand": expand})
        )
        return self.read("price", answer)

    async def customer(self, id: str) -> Sequence[Snapshot]:
        return self.read(
            "customer", await self._client.read(lambda stripe: stripe.v1.customers.retrieve_async(id))
        )

    async def product(self, id: str) -> Sequence[Snapshot]:
        return self.read(
            "product", await self._client.read(lambda stripe: stripe.v1.products.retrieve_async(id))
        )

    async def refund(self, id: str) -> Sequence[Snapshot]:
        answer = await self._client.read(
            lambda stripe: stripe.v1.refunds.retrieve_async(id, {"expand": ["charge.refunds"]})
        )
        return self.read("refund", answer)

    async def dispute(self, id: str) -> Sequence[Snapshot]:
        """A dispute or an early fraud warning; those have a prefix of their own."""
        if id.startswith("issfr_"):
            warning = await self._client.read(
                lambda stripe: stripe.v1.radar.early_fraud_warnings.retrieve_async(id, {"expand": ["charge"]})
            )
            return self.read("radar.early_fraud_warning", warning)
        answer = await self._client.read(
            lambda stripe: stripe.v1.disputes.retrieve_async(id, {"expand": ["charge"]})
        )
        return self.read("dispute", answer)

    # -- parts -------------------------------------------------------------------------------------

    def _translate(self, name: str, obj: Mapping[str, Any], answer: Answer) -> tuple[Snapshot, ...]:
        try:
            return translate(name, obj, Context(answer.as_of, self._livemode))
        except PayloadInvalid as error:
            raise ProviderUnavailable(f"Stripe's answer could not be used. {error.detail}") from None

    async def _more_refunds(self, charge: Mapping[str, Any], answer: Answer) -> Sequence[Snapshot]:
        """The refunds of `charge` that were not embedded in it."""
        id = f.reference(charge, "id")
        if id is None or f.is_complete_list(charge, "refunds"):
            return ()
        if "refunds" not in charge and not f.whole(charge, "amount_refunded"):
            return ()
        listed = [dict(item.data) async for item in self._refunds(id)]
        return self._translate("charge", {**charge, "refunds": listed}, answer)[1:]

    async def _with_payments(self, invoice: Mapping[str, Any]) -> Mapping[str, Any]:
        id = f.reference(invoice, "id")
        if id is None or f.is_complete_list(invoice, "payments"):
            return invoice
        listed = [dict(item.data) async for item in self._invoice_payments({"invoice": id})]
        return {**invoice, "payments": {"object": "list", "data": listed, "has_more": False}}

    async def _links_of_payment(self, id: str) -> Sequence[Snapshot]:
        params: InvoicePaymentListParams = {"payment": {"type": "payment_intent", "payment_intent": id}}
        found: list[Snapshot] = []
        async for answer in self._invoice_payments(params):
            found += self.read("invoice_payment", answer)
        return found

    async def _payment_of(self, snapshots: Sequence[Snapshot]) -> Sequence[Snapshot]:
        first = snapshots[0]
        if isinstance(first, ChargeSnapshot) and first.payment:
            return _joined(await self.payment(first.payment), await self._links_of_payment(first.payment))
        return ()

    async def _paid_by(self, snapshots: Sequence[Snapshot]) -> Sequence[Snapshot]:
        """The payments and charges that the links among `snapshots` name and that aren't there yet."""
        known, found = {snapshot.ref for snapshot in snapshots}, list[Snapshot]()
        for link in snapshots:
            if isinstance(link, InvoicePaymentSnapshot):
                if link.payment and Ref(Kind.PAYMENT, link.payment) not in known:
                    found += await self.payment(link.payment)
                elif link.charge and not link.payment and Ref(Kind.CHARGE, link.charge) not in known:
                    found += await self.charge(link.charge)
        return found

    def _refunds(self, charge: str) -> AsyncIterator[Answer]:
        def call(stripe: Any, after: str | None) -> Any:
            params: RefundListParams = {"charge": charge, "limit": _PAGE}
            if after:
                params["starting_after"] = after
            return stripe.v1.refunds.list_async(params)

        return self._client.pages(call)

    def _invoice_payments(self, wanted: InvoicePaymentListParams) -> AsyncIterator[Answer]:
        def call(stripe: Any, after: str | None) -> Any:
            params: InvoicePaymentListParams = {**wanted, "limit": _PAGE}
            if after:
                params["starting_after"] = after
            return stripe.v1.invoice_payments.list_async(params)

        return self._client.pages(call)

    def _items(self, subscription: str) -> AsyncIterator[Answer]:
        def call(stripe: Any, after: str | None) -> Any:
            params: SubscriptionItemListParams = {"subscription": subscription, "limit": _PAGE}
            if after:
                params["starting_after"] = after
            return stripe.v1.subscription_items.list_async(params)

        return self._client.pages(call)


def _joined(*parts: Sequence[Snapshot]) -> tuple[Snapshot, ...]:
    """All snapshots, each object once: the first word on it stands."""
    found: dict[Ref, Snapshot] = {}
    for part in parts:
        for snapshot in part:
            found.setdefault(snapshot.ref, snapshot)
    return tuple(found.values())
