"""Making Stripe's events happen with its test cards ("Testing"), and tidying up.

Offered is what the API can do by itself: nobody but a buyer completes a hosted checkout. Everything made
hangs on one customer or one product where it can: deleting the customer ends its subscriptions. Payments
stay, Stripe has no way to delete one.
"""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Mapping
from typing import TypeAlias

from overseer_payment.errors import Forbidden, Invalid, ProviderRejected, ProviderUnavailable
from overseer_payment.provider import Triggered
from overseer_payment.provider_plugins.stripe.calls import StripeCalls
from overseer_payment.provider_plugins.stripe.translate import fields as f
from overseer_payment.provider_plugins.stripe.trigger_bench import VISA, Bench

_LOOKS, _PAUSE = 15, 1.0  # for a dispute, which Stripe opens seconds after the payment


class Triggers(StripeCalls):
    """Events on demand, in test mode."""

    def trigger_types(self) -> Mapping[str, str]:
        """Types and how each is made."""
        return {type: how for type, (how, _) in sorted(_RECIPES.items())}

    async def trigger(self, type: str) -> Triggered:
        """Follow the recipe, then remove what can be removed, also after a failure."""
        if self.livemode:
            raise Forbidden("Events are made in test mode only. Use a test key (sk_test_… or rk_test_…).")
        if type not in _RECIPES:
            raise Invalid(f"The event {type} can't be made. List those that can: payment trigger --list")
        import anyio

        bench = Bench(self._client, self._sleep or anyio.sleep)
        try:
            await _RECIPES[type][1](bench)
        finally:
            await bench.tidy()
        return Triggered(type=type, made=tuple(bench.made), removed=tuple(bench.removed))


Recipe: TypeAlias = Callable[[Bench], Awaitable[object]]


def _pays(card: str) -> Recipe:
    return lambda bench: bench.pay(card)


def _gives_back(card: str) -> Recipe:
    return lambda bench: bench.refund(card)


async def _fails(bench: Bench) -> None:
    made = await bench.pay("pm_card_chargeDeclined", confirm=False)
    id = f.required_id(made, "id")
    bench.later(id, "payment_intents", "cancel")
    try:
        await bench.call("payment_intents", "confirm", id, {})
    except ProviderRejected:
        tried = (await bench.client.read(lambda stripe: stripe.v1.payment_intents.retrieve_async(id))).data
        if not f.inner(tried, "last_payment_error"):
            raise  # refused before the card was asked: not what was wanted


async def _is_canceled(bench: Bench) -> None:
    made = await bench.pay(VISA, confirm=False)
    await bench.call("payment_intents", "cancel", f.required_id(made, "id"), {})


async def _is_disputed_and_lost(bench: Bench) -> None:
    paid = f.required_id(await bench.pay("pm_card_createDispute"), "id")
    for _ in range(_LOOKS):
        answer = await bench.client.read(
            lambda stripe: stripe.v1.disputes.list_async({"payment_intent": paid})
        )
        for dispute in f.rows(answer.data, "data"):
            await bench.call("disputes", "close", f.required_id(dispute, "id"), {})
            return
        await bench.sleep(_PAUSE)
    raise ProviderUnavailable("Stripe has not opened the dispute yet. Try again in a minute.")


async def _makes_customer(bench: Bench) -> None:
    await bench.customer()


async def _changes_customer(bench: Bench) -> None:
    await bench.call("customers", "update", await bench.customer(), {"metadata": {"changed": "true"}})


async def _subscribes(bench: Bench) -> None:
    await bench.subscribe(VISA)


async def _changes_subscription(bench: Bench) -> None:
    id = await bench.subscribe(VISA)
    await bench.call("subscriptions", "update", id, {"metadata": {"changed": "true"}})


async def _ends_subscription(bench: Bench) -> None:
    await bench.call("subscriptions", "cancel", await bench.subscribe(VISA), {})


async def _does_not_pay(bench: Bench) -> None:
    id = await bench.invoice("pm_card_chargeCustomerFail")
    bench.later(id, "invoices", "void_invoice", {})
    try:
        await bench.call("invoices", "pay", id, {"off_session": True})
    except ProviderRejected:
        tried = (await bench.client.read(lambda stripe: stripe.v1.invoices.retrieve_async(id))).data
        if not f.whole(tried, "attempt_count"):
            raise  # refused before the card was asked: not what was wanted


async def _is_voided(bench: Bench) -> None:
    await bench.call("invoices", "void_invoice", await bench.invoice(), {})


async def _is_written_off(bench: Bench) -> None:
    await bench.call("invoices", "mark_uncollectible", await bench.invoice(), {})


async def _expires(bench: Bench) -> None:
    await bench.call("checkout.sessions", "expire", await bench.checkout(), {})


# Each type with how it is made, and the recipe. What one recipe causes besides comes along.
_RECIPES: Mapping[str, tuple[str, Recipe]] = {
    "charge.dispute.closed": ("A disputed payment, given up.", _is_disputed_and_lost),
    "charge.dispute.created": ("A payment with a card that is disputed.", _pays("pm_card_createDispute")),
    "charge.failed": ("A payment with a card that is declined.", _fails),
    "charge.refunded": ("A payment, given back in full.", _gives_back(VISA)),
    "charge.succeeded": ("A payment by card.", _pays(VISA)),
    "checkout.session.expired": ("A hosted checkout, closed unpaid.", _expires),
    "customer.created": ("A customer, deleted again.", _makes_customer),
    "customer.deleted": ("A customer, deleted again.", _makes_customer),
    "customer.updated": ("A customer whose metadata changes.", _changes_customer),
    "customer.subscription.created": ("A monthly subscription.", _subscribes),
    "customer.subscription.deleted": ("A subscription, ended at once.", _ends_subscription),
    "customer.subscription.updated": ("A subscription whose metadata changes.", _changes_subscription),
    "invoice.created": ("An invoice to be paid within 30 days, voided.", _is_voided),
    "invoice.finalized": ("An invoice to be paid within 30 days, voided.", _is_voided),
    "invoice.marked_uncollectible": ("An invoice, written off.", _is_written_off),
    "invoice.paid": ("The first invoice of a subscription.", _subscribes),
    "invoice.payment_failed": ("An invoice, charged to a card that is declined.", _does_not_pay),
    "invoice.voided": ("An invoice to be paid within 30 days, voided.", _is_voided),
    "payment_intent.canceled": ("A payment, canceled before it was tried.", _is_canceled),
    "payment_intent.created": ("A payment by card.", _pays(VISA)),
    "payment_intent.payment_failed": ("A payment with a card that is declined.", _fails),
    "payment_intent.requires_action": (
        "A payment that asks for 3-D Secure.",
        _pays("pm_card_authenticationRequired"),
    ),
    "payment_intent.succeeded": ("A payment by card.", _pays(VISA)),
    "radar.early_fraud_warning.created": (
        "A payment with a card that is reported.",
        _pays("pm_card_createIssuerFraudRecord"),
    ),
    "refund.created": ("A payment, given back in full.", _gives_back(VISA)),
    "refund.failed": ("A refund that the bank returns.", _gives_back("pm_card_refundFail")),
}
