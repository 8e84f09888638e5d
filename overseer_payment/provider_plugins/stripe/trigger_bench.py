"""Where Stripe's events are made: test objects, each under a key of its own, and how they are removed."""

from __future__ import annotations

import secrets
from collections.abc import Awaitable, Callable
from dataclasses import dataclass, field
from operator import attrgetter
from typing import TYPE_CHECKING, Any

from overseer_payment.errors import ProviderError
from overseer_payment.provider_plugins.stripe.translate import fields as f

if TYPE_CHECKING:
    from overseer_payment.provider_plugins.stripe.client import Client

VISA = "pm_card_visa"
_AMOUNT, _CURRENCY = 2000, "usd"
_MARK = {"overseer_trigger": "true"}


@dataclass(slots=True)
class Bench:
    """Where events are made: each call under a key of its own, everything made written down."""

    client: Client
    sleep: Callable[[float], Awaitable[None]]
    made: list[str] = field(default_factory=list)
    removed: list[str] = field(default_factory=list)
    _tidying: list[tuple[str, Callable[[], Awaitable[Any]]]] = field(default_factory=list)

    async def call(self, service: str, verb: str, *arguments: Any) -> f.Json:
        """One write: `call("payment_intents", "create", {…})`."""
        options = {"idempotency_key": f"trigger_{secrets.token_urlsafe(16)}"}
        keyed = () if verb == "delete" else (options,)

        def made(stripe: Any) -> Any:
            return getattr(attrgetter(service)(stripe.v1), f"{verb}_async")(*arguments, *keyed)

        answer = (await self.client.write(made)).data
        id = f.reference(answer, "id")
        if id is not None and id not in self.made:
            self.made.append(id)
        return answer

    def later(self, id: str, service: str, verb: str, *arguments: Any) -> None:
        """Do this when the event has happened; the last noted comes first."""
        self._tidying.append((id, lambda: self.call(service, verb, id, *arguments)))

    async def tidy(self) -> None:
        """Remove what can be removed. One that fails must not keep the others, nor hide what went wrong."""
        for id, remove in reversed(self._tidying):
            try:
                await remove()
            except ProviderError:
                continue
            self.removed.append(id)

    async def customer(self, card: str | None = None) -> str:
        """A customer who pays with `card`; deleted afterwards, with all its subscriptions."""
        made = await self.call("customers", "create", {"name": "Triggered", "metadata": _MARK})
        id = f.required_id(made, "id")
        self.later(id, "customers", "delete")
        if card is not None:
            method = await self.call("payment_methods", "attach", card, {"customer": id})
            default = {"default_payment_method": f.required_id(method, "id")}
            await self.call("customers", "update", id, {"invoice_settings": default})
        return id

    async def pay(self, card: str, **more: Any) -> f.Json:
        """A payment intent, confirmed at once. Raises ProviderRejected for a card that is declined."""
        params = {
            "amount": _AMOUNT,
            "currency": _CURRENCY,
            "description": "Made by payment trigger",
            "metadata": _MARK,
            "payment_method": card,
            "confirm": True,
            # Methods that send the buyer away would need an address to come back to.
            "automatic_payment_methods": {"enabled": True, "allow_redirects": "never"},
        }
        return await self.call("payment_intents", "create", {**params, **more})

    async def refund(self, card: str) -> f.Json:
        """A payment that is given back."""
        paid = await self.pay(card)
        refund = {"payment_intent": f.required_id(paid, "id"), "metadata": _MARK}
        return await self.call("refunds", "create", refund)

    async def product(self) -> str:
        """Something to sell."""
        made = await self.call("products", "create", {"name": "Triggered", "metadata": _MARK})
        id = f.required_id(made, "id")
        # A product with prices can't be deleted; archived, nobody sees it any more.
        self.later(id, "products", "update", {"active": False})
        return id

    async def subscribe(self, card: str, **more: Any) -> str:
        """A monthly subscription of a new customer to a new product."""
        offer = {"product": await self.product(), "recurring": {"interval": "month"}}
        price = await self.call(
            "prices", "create", {"currency": _CURRENCY, "unit_amount": _AMOUNT, "metadata": _MARK, **offer}
        )
        price_id = f.required_id(price, "id")
        self.later(price_id, "prices", "update", {"active": False})
        customer = await self.customer(card)
        params = {"customer": customer, "items": [{"price": price_id}], "metadata": _MARK, **more}
        return f.required_id(await self.call("subscriptions", "create", params), "id")

    async def invoice(self, card: str | None = None) -> str:
        """A finalized invoice that nobody has paid: to be charged to `card`, else sent by mail."""
        customer = await self.customer(card)
        item = {"customer": customer, "amount": _AMOUNT, "currency": _CURRENCY}
        await self.call("invoice_items", "create", item)
        how = {"collection_method": "charge_automatically", "auto_advance": False}
        if card is None:
            how = {"collection_method": "send_invoice", "days_until_due": 30}
        params = {"customer": customer, "pending_invoice_items_behavior": "include", **how}
        id = f.required_id(await self.call("invoices", "create", params), "id")
        await self.call("invoices", "finalize_invoice", id, {})
        return id

    async def checkout(self) -> str:
        """An open hosted checkout."""
        price = {"currency": _CURRENCY, "unit_amount": _AMOUNT, "product": await self.product()}
        params = {"mode": "payment", "line_items": [{"price_data": price, "quantity": 1}], "metadata": _MARK}
        back = {"success_url": "https://example.com/paid", "cancel_url": "https://example.com/left"}
        return f.required_id(await self.call("checkout.sessions", "create", {**params, **back}), "id")
