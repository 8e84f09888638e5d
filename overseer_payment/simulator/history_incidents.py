"""What an operator of the made-up business has to look at: disputes in every state, odd refunds, invoices."""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING

from overseer_payment.simulator import scenario
from overseer_payment.simulator.resources.customers import new_customer
from overseer_payment.simulator.resources.shapes import DAY, Json
from overseer_payment.simulator.world import World

if TYPE_CHECKING:
    from overseer_payment.simulator.history import Business

_ANSWERED, _DECIDED = 4, 18  # days after a dispute was opened, and after its answer
_DEBIT = "000123456789"


def plan(business: Business) -> None:
    """Plan everything, counted back from the last day: each demo has it in front of it."""
    last = float(business.days)
    _incident(business, last - 66.4, 7900, _dispute("product_not_received", answer_within=14))
    _incident(business, last - 9.3, 14900, _dispute("fraudulent", answer_within=16))
    _incident(business, last - 7.2, 7900, _dispute("product_not_received", answer_within=7))
    _incident(business, last - 52.7, 14900, _dispute("duplicate", answer_within=20, then=_win))
    _incident(business, last - 27.9, 4500, _dispute("subscription_canceled", answer_within=20, then=_answer))
    _incident(business, last - 6.4, 4500, _ask)
    _incident(business, last - 3.6, 14900, scenario.warn_of_fraud)
    _incident(business, last - 31.6, 2900, _refund_all, card="4000000000005126")
    _incident(business, last - 2.8, 4500, _refund_all, card="4000000000007726")
    business.at(last - 1.2, lambda world: _debit(business, world), "a bank debit that is still pending")
    business.at(last - 24.3, lambda world: _invoice(business, world, paid=True), "an invoice by hand")
    business.at(last - 6.1, lambda world: _invoice(business, world, paid=False), "an open invoice")
    business.at(
        last - 44.2,
        lambda world: scenario.charge_directly(world, 12000, description="Workshop, paid at the terminal"),
        "a payment without a checkout",
    )


Follow = Callable[[World, Json], object]


def _incident(
    business: Business, day: float, amount: int, follow: Follow, *, card: str = scenario.GOOD_CARD
) -> None:
    """Sell something at `day` and, 1.5 days later, let happen to it what `follow` does."""
    price = next(p for p in business.once["usd"] if p["unit_amount"] == amount)
    person = business.person()

    def sell(world: World) -> None:
        session = scenario.buy(
            world, price, card=card, email=person.email, name=person.name, keep_customer=True
        )
        business.at(day + 1.5, lambda later: follow(later, session), "what follows")

    business.at(day, sell, "a sale with consequences")


def _dispute(reason: str, *, answer_within: int, then: Follow | None = None) -> Follow:
    def follow(world: World, session: Json) -> None:
        opened = scenario.dispute(world, session, reason=reason, answer_within_days=answer_within)
        if then is not None:
            at = world.clock.now() + _ANSWERED * DAY
            world.schedule(at, lambda later: _done(then(later, opened)), "an answer to a dispute")

    return follow


def _answer(world: World, opened: Json) -> None:
    scenario.answer_dispute(
        world,
        opened,
        product_description="Poster, A2, printed to order and sent with a tracking number.",
        uncategorized_text="The buyer confirmed the delivery by mail; the answer is attached.",
    )


def _win(world: World, opened: Json) -> None:
    _answer(world, opened)
    decided = world.clock.now() + _DECIDED * DAY
    verdict = lambda later: _done(scenario.close_dispute(later, opened, "won"))
    world.schedule(decided, verdict, "a bank's decision")


def _done(_: object) -> None:
    """The clock's work answers nothing."""


def _ask(world: World, session: Json) -> None:
    scenario.dispute(world, session, kind="inquiry", reason="unrecognized", answer_within_days=15)


def _refund_all(world: World, session: Json) -> None:
    scenario.refund(world, session, reason="requested_by_customer")


def _debit(business: Business, world: World) -> None:
    person = business.person()
    scenario.buy(world, business.once["usd"][3], card=_DEBIT, email=person.email, name=person.name)


def _invoice(business: Business, world: World, *, paid: bool) -> None:
    person = business.person()
    customer = new_customer(world, email=person.email, name=person.name)
    invoice = scenario.send_invoice(world, customer["id"], 96000, text="Illustration, two days")
    if paid:
        later = lambda w: scenario.pay_invoice(w, invoice)
        now = (world.clock.now() - business.start) / DAY
        business.at(now + 5, later, "payment of an invoice")
