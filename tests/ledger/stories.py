"""Short stories, each as what the provider tells of it: Stripe's own events, by the simulator."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from contextlib import suppress
from datetime import UTC, datetime
from fnmatch import fnmatchcase
from typing import Any, TypeAlias

from overseer_payment.provider import Snapshot
from overseer_payment.provider_plugins.stripe.events import parse
from overseer_payment.provider_plugins.stripe.webhook import envelope
from overseer_payment.simulator import SimError, World, scenario
from overseer_payment.simulator.resources.customers import new_customer
from overseer_payment.simulator.resources.subscription_changes import change
from overseer_payment.simulator.resources.subscription_flow import end_subscription

Said: TypeAlias = Sequence[Snapshot]
"""What one event says."""

DAY = 86_400
_SETTLES, _BOUNCES = "000123456789", "000222222227"
_DECLINED, _COMES_BACK = "4000000000000002", "4000000000005126"
# Nobody's money, and nothing that joins what is.
_BESIDE = ("product.*", "price.*", "customer.created", "customer.updated", "payment_method.*")
# An invoice on its way, and what is said twice of one that is paid.
_DRAFTS = (
    *("payment_intent.created", "invoice.created", "invoice.finalized", "invoice.sent", "invoice.updated"),
    "invoice.payment_succeeded",
)


def bought(world: World) -> None:
    scenario.buy(world, scenario.offer(world, "Poster", 1000))


def settled(world: World) -> None:
    scenario.buy(world, scenario.offer(world, "Poster", 1000), card=_SETTLES)
    world.clock.advance(10 * DAY)


def bounced(world: World) -> None:
    scenario.buy(world, scenario.offer(world, "Poster", 1000), card=_BOUNCES)
    world.clock.advance(10 * DAY)


def refunded_in_parts(world: World) -> None:
    payment = scenario.charge_directly(world, 1000)
    for amount in (400, None):
        world.clock.advance(5)
        scenario.refund(world, payment, amount)


def refund_came_back(world: World) -> None:
    payment = scenario.charge_directly(world, 1000, card=_COMES_BACK)
    world.clock.advance(5)
    scenario.refund(world, payment, 400)
    world.clock.advance(10 * DAY)


def won(world: World) -> None:
    _disputed(world, "won")


def lost(world: World) -> None:
    _disputed(world, "lost")


def _disputed(world: World, result: Any) -> None:
    payment = scenario.charge_directly(world, 1000)
    world.clock.advance(20)
    opened = scenario.dispute(world, payment)
    world.clock.advance(20)
    scenario.close_dispute(world, opened, result)


def asked_after(world: World) -> None:
    payment = scenario.charge_directly(world, 1000)
    inquiry = scenario.dispute(world, payment, kind="inquiry")
    world.clock.advance(5)
    scenario.close_dispute(world, inquiry, "won")
    scenario.refund(world, payment, 300)


def warned(world: World) -> None:
    payment = scenario.charge_directly(world, 1000)
    scenario.warn_of_fraud(world, payment)
    scenario.refund(world, payment, 300)


def subscribed(world: World) -> None:
    scenario.subscribe(world, scenario.offer(world, "Team", 900, interval="month"))


def paid_at_last(world: World) -> None:
    invoice = scenario.send_invoice(world, new_customer(world)["id"], 4000)
    with suppress(SimError):
        scenario.pay_invoice(world, invoice, card=_DECLINED)
    world.clock.advance(30)
    scenario.pay_invoice(world, invoice)


def came_and_went(world: World) -> None:
    subscription = scenario.subscribe(world, scenario.offer(world, "Team", 900, interval="month"))
    more = {"id": subscription["items"]["data"][0]["id"], "quantity": 3}
    for params in ({"cancel_at_period_end": True}, {"items": [more]}):
        world.clock.advance(100)
        change(world, subscription, params)
    end_subscription(world, subscription, reason="cancellation_requested")


STORIES: dict[str, tuple[Callable[[World], None], tuple[str, ...]]] = {
    "a checkout that is paid": (bought, ()),
    "a bank debit that settles": (settled, ("payment_intent.created",)),
    "a bank debit that bounces": (bounced, ("payment_intent.created",)),
    "two refunds that reach the total": (refunded_in_parts, ("payment_intent.*", "refund.updated")),
    "a refund that comes back": (refund_came_back, ("payment_intent.*", "charge.refund.updated")),
    "a dispute that is won": (won, ("payment_intent.created",)),
    "a dispute that is lost": (lost, ("payment_intent.created",)),
    "an inquiry, refunded": (asked_after, ("payment_intent.*",)),
    "a warning of fraud": (warned, ("payment_intent.created",)),
    "a subscription's first payment": (subscribed, (*_DRAFTS, "*.subscription.created")),
    "an invoice paid at the second attempt": (paid_at_last, (*_DRAFTS, "payment_intent.*")),
    "a subscription that changes and ends": (came_and_went, ("invoice*", "payment_intent.*", "charge.*")),
}


def story(name: str) -> list[Said]:
    """What is told of it, in the order in which it happened."""
    play, without = STORIES[name]
    world = World(start=datetime(2026, 3, 1, tzinfo=UTC), check="off")
    world.clock.freeze()
    play(world)
    return [
        parse(envelope(event)).snapshots
        for event in world.events
        if not any(fnmatchcase(event["type"], one) for one in (*_BESIDE, *without))
    ]
