"""A made-up business: three months of payments, subscriptions, refunds and disputes, the same for a seed.

Everything is planned as work of the world's clock, so that each event carries the moment at which it
would have happened.
"""

from __future__ import annotations

import math
import random
from collections.abc import Callable
from dataclasses import dataclass, field
from datetime import UTC, datetime

from overseer_payment.simulator import history_incidents, scenario
from overseer_payment.simulator.errors import SimError
from overseer_payment.simulator.history_people import Person, people
from overseer_payment.simulator.resources.shapes import DAY, Json
from overseer_payment.simulator.resources.subscription_changes import change
from overseer_payment.simulator.resources.subscription_flow import end_subscription, pause
from overseer_payment.simulator.resources.subscription_shapes import RUNNING, items_of
from overseer_payment.simulator.world import World

MERCHANT = "Lanternfish Studio"
_PER_DAY = 5.0
_WEEKDAYS = (1.1, 1.2, 1.15, 1.1, 1.0, 0.7, 0.6)
_HOURS = range(7, 23)
_REFUNDED, _RETURNING, _KNOWN = 0.04, 0.25, 0.3
_CARDS = ("4242424242424242", "4242424242424242", "5555555555554444", "4000056655665556", "378282246310005")
_DECLINED, _POOR, _ASKS = "4000000000000002", "4000000000009995", "4000002500003155"
_DEBITS = {"usd": "000123456789", "eur": "AT611904300234573201"}
_BAD_DEBITS = {"usd": "000222222227", "eur": "AT861904300235473202"}


@dataclass(slots=True)
class Business:
    """What the history is made with: chance, the catalogue, and buyers who may come back."""

    world: World
    rng: random.Random
    start: int
    days: int
    once: dict[str, list[Json]] = field(default_factory=dict)
    plans: dict[str, Json] = field(default_factory=dict)
    crowd: list[Person] = field(default_factory=list)
    known: list[tuple[Person, str | None]] = field(default_factory=list)

    def at(self, day: float, job: Callable[[World], object], label: str) -> None:
        """Do something `day` days after the start, unless the history is over by then."""
        if 0 <= day < self.days:
            self.world.schedule(self.start + round(day * DAY), lambda world: _quietly(world, job), label)

    def person(self) -> Person:
        """Take somebody who never bought before."""
        return self.crowd.pop()


def _quietly(world: World, job: Callable[[World], object]) -> None:
    # What the plan wants may have become impossible: that refund of a disputed payment, for one.
    try:
        job(world)
    except SimError as error:
        if error.status >= 500:
            raise


def play(world: World, *, days: int, seed: int) -> None:
    """Plan the whole history and let the clock run through it."""
    world.settings["merchant"] = MERCHANT
    rng = random.Random(seed)
    business = Business(world, rng, world.clock.now(), days, crowd=people(rng))
    with world.lock:
        _open_shop(business)
        for day in range(days):
            _plan_day(business, day)
        _plan_subscriptions(business)
        history_incidents.plan(business)
    world.clock.advance(business.start + days * DAY - world.clock.now())


def _open_shop(business: Business) -> None:
    world = business.world
    business.once = {
        "usd": [
            scenario.offer(world, "Icon set", 2900),
            scenario.offer(world, "Font licence", 7900),
            scenario.offer(world, "Poster print", 4500),
            scenario.offer(world, "Template bundle", 14900),
            scenario.offer(world, "Brand workshop", 48000),
        ],
        "eur": [
            scenario.offer(world, "Poster print, Europe", 4200, "eur"),
            scenario.offer(world, "Notebook, Europe", 1850, "eur"),
        ],
        "jpy": [scenario.offer(world, "Sticker sheet, Japan", 1500, "jpy")],
    }
    business.plans = {
        "starter": scenario.offer(world, "Starter", 1200, interval="month"),
        "team": scenario.offer(world, "Team", 1900, interval="month"),
        "studio": scenario.offer(world, "Studio", 49000, interval="year"),
        "team_eur": scenario.offer(world, "Team, Europe", 1800, "eur", interval="month"),
    }


# -- one-time payments -----------------------------------------------------------------------------


def _plan_day(business: Business, day: int) -> None:
    weekday = datetime.fromtimestamp(business.start + day * DAY, UTC).weekday()
    growth = 0.75 + 0.5 * day / max(1, business.days)
    for _ in range(_poisson(business.rng, _PER_DAY * growth * _WEEKDAYS[weekday])):
        business.at(_moment(business, day), _purchase(business), "a purchase")


def _poisson(rng: random.Random, mean: float) -> int:
    limit, product, count = math.exp(-mean), rng.random(), 0
    while product > limit:
        product *= rng.random()
        count += 1
    return count


def _moment(business: Business, day: int) -> float:
    """Choose a moment of the shop's day, whatever hour of the day the history began at."""
    midnight = business.start - business.start % DAY
    seconds = business.rng.choice(_HOURS) * 3600 + business.rng.randrange(3600)
    return (midnight + day * DAY + seconds - business.start) / DAY


def _purchase(business: Business) -> Callable[[World], None]:
    rng = business.rng
    currency = rng.choices(("usd", "eur", "jpy"), (76, 17, 7))[0]
    prices = business.once[currency]
    price = rng.choices(prices, [1 / (1 + i) for i in range(len(prices))])[0]
    quantity = rng.choices((1, 2, 3), (85, 11, 4))[0]
    outcome, returning = rng.random(), rng.random() < _RETURNING
    refund_after = rng.uniform(0.5, 12) if rng.random() < _REFUNDED else None
    part, card = rng.random() < 0.5, rng.choice(_CARDS)
    keeps, pick = rng.random() < _KNOWN, rng.random()

    def purchase(world: World) -> None:
        if returning and business.known:
            person, customer = business.known[int(pick * len(business.known))]
        else:
            person, customer = business.person(), None
        session = scenario.open_checkout(
            world, price, quantity=quantity, customer=customer, keep_customer=keeps
        )
        for attempt in _attempts(currency, card, outcome):
            answer = scenario.pay(
                world, session, card=attempt, email=person.email, name=person.name, country=person.country
            )
            if answer.kind == "done":
                business.known.append((person, session["customer"]))
        if refund_after is not None and session["payment_status"] == "paid":
            amount = session["amount_total"] // 4 if part else None
            later = lambda w: scenario.refund(w, session, amount, reason="requested_by_customer")
            now = (world.clock.now() - business.start) / DAY
            business.at(now + refund_after, later, "a refund")

    return purchase


def _attempts(currency: str, card: str, outcome: float) -> list[str]:
    """Return what is tried in turn: mostly one good card, sometimes a decline, a debit, or nothing at all."""
    if outcome < 0.03:
        return [_POOR, card]
    if outcome < 0.05:
        return [_DECLINED]
    if outcome < 0.07:
        return []
    if outcome < 0.10:
        return [_ASKS]
    if outcome < 0.14 and currency in _DEBITS:
        return [_BAD_DEBITS[currency] if outcome < 0.107 else _DEBITS[currency]]
    return [card]


# -- subscriptions ---------------------------------------------------------------------------------


def _plan_subscriptions(business: Business) -> None:
    rng = business.rng
    for number in range(20):
        plan = rng.choices(("starter", "team", "studio", "team_eur"), (8, 7, 2, 3))[0]
        begin = rng.uniform(0, 8) if number < 9 else rng.uniform(8, business.days - 2)
        seats = rng.randrange(2, 7) if plan.startswith("team") else 1
        _subscriber(business, begin, plan, seats=seats, card=rng.choice(_CARDS))
    failing = "4000000000000341"
    _subscriber(business, business.days - 72, "team", seats=3, card=failing)  # ends unpaid after its retries
    _subscriber(business, business.days - 34, "starter", card=failing)  # is past due today
    _subscriber(business, business.days - 9, "team", seats=4, trial=14)  # is in its trial today
    _subscriber(business, business.days - 50, "starter", trial=14)
    _subscriber(business, business.days - 60, "team", seats=2, then=(25.0, _cancel_later))
    _subscriber(business, business.days - 40, "starter", then=(18.0, _cancel_now))
    _subscriber(business, business.days - 20, "team", seats=5, then=(11.0, _cancel_later))
    _subscriber(business, business.days - 55, "starter", then=(20.5, _upgrade))
    _subscriber(business, business.days - 75, "team_eur", seats=2, then=(30.0, _cancel_later))
    _subscriber(business, business.days - 45, "studio", then=(20.0, _collect_no_more))
    _subscriber(business, business.days - 38, "team", seats=2, then=(31.0, _collect_later))
    _subscriber(business, business.days - 30, "starter", then=(16.0, _stand_still))
    _subscriber(business, business.days - 5, "team_eur", seats=3, trial=7, then=(2.0, _cancel_later))


Verb = Callable[[Business, World, Json], object]


def _subscriber(
    business: Business,
    begin: float,
    plan: str,
    *,
    seats: int = 1,
    card: str = scenario.GOOD_CARD,
    trial: int | None = None,
    then: tuple[float, Verb] | None = None,
) -> None:
    begin += business.rng.uniform(0.05, 0.45)
    person = business.person()

    def start(world: World) -> None:
        subscription = scenario.subscribe(
            world, business.plans[plan], quantity=seats, card=card, email=person.email, name=person.name,
            trial_days=trial,
        )  # fmt: skip
        if then is not None:
            after, verb = then

            def act(later: World) -> None:
                if subscription["status"] in RUNNING:
                    verb(business, later, subscription)

            business.at(begin + after, act, "a subscriber's wish")

    business.at(begin, start, "a new subscriber")


def _cancel_later(_business: Business, world: World, subscription: Json) -> None:
    change(
        world, subscription, {"cancel_at_period_end": True, "cancellation_details": {"feedback": "unused"}}
    )


def _cancel_now(_business: Business, world: World, subscription: Json) -> None:
    end_subscription(world, subscription, reason="cancellation_requested", feedback="too_expensive")


def _upgrade(business: Business, world: World, subscription: Json) -> None:
    item = items_of(subscription)[0]
    wish = {"id": item["id"], "price": business.plans["team"]["id"], "quantity": 3}
    change(world, subscription, {"items": [wish], "proration_behavior": "always_invoice"})


def _collect_later(business: Business, world: World, subscription: Json) -> None:
    until = business.start + (business.days + 20) * DAY
    change(world, subscription, {"pause_collection": {"behavior": "void", "resumes_at": until}})


def _collect_no_more(_business: Business, world: World, subscription: Json) -> None:
    change(world, subscription, {"pause_collection": {"behavior": "keep_as_draft"}})


def _stand_still(_business: Business, world: World, subscription: Json) -> None:
    pause(world, subscription)
