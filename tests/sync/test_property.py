"""Healing, as a property: drop any deliveries of any history, and the ledger ends equal to the provider.

By hand, for longer: `OVERSEER_TEST_EXAMPLES=2000 pytest tests/sync/test_property.py`.
"""

from __future__ import annotations

import asyncio
import json
import os
from collections import Counter
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from itertools import count
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from sqlalchemy.ext.asyncio import AsyncEngine

from overseer_payment import database
from overseer_payment.provider_plugins.stripe.events import object_name
from overseer_payment.simulator import SimError, World, scenario
from overseer_payment.simulator.resources.subscription_flow import end_subscription
from tests.service.shop import Shop
from tests.sync.healing import DAY, Healer, deliver, keeps_the_balance, ledger, prepared, truth

EXAMPLES = int(os.environ.get("OVERSEER_TEST_EXAMPLES", "10"))
PROPERTY = settings(
    max_examples=EXAMPLES,
    deadline=None,
    print_blob=True,
    suppress_health_check=[HealthCheck.too_slow, HealthCheck.function_scoped_fixture],
)


@dataclass
class Business:
    """What buyers, the owner and banks do, as far as it is possible just then."""

    world: World
    paid: list[dict[str, Any]] = field(default_factory=list)
    subscriptions: list[dict[str, Any]] = field(default_factory=list)
    disputes: list[dict[str, Any]] = field(default_factory=list)

    def sale(self) -> None:
        self.paid.append(scenario.buy(self.world, scenario.offer(self.world, "Poster", 2400)))

    def direct(self) -> None:
        self.paid.append(scenario.charge_directly(self.world, 5000, "eur"))

    def decline(self) -> None:
        scenario.charge_directly(self.world, 700, card="4000000000000002")

    def debit(self) -> None:
        self.paid.append(scenario.buy(self.world, self._price(), card="000123456789"))

    def bad_debit(self) -> None:
        scenario.buy(self.world, self._price(), card="000222222227")

    def subscribe(self) -> None:
        plan = scenario.offer(self.world, "Team", 900, interval="month")
        self.subscriptions.append(scenario.subscribe(self.world, plan))

    def cancel(self) -> None:
        end_subscription(self.world, self.subscriptions.pop(), reason="cancellation_requested")

    def invoice(self) -> None:
        customer = self.world.find("customer")[0]["id"]
        invoice = scenario.send_invoice(self.world, customer, 4000)
        self.paid.append(scenario.pay_invoice(self.world, invoice))

    def part_refund(self) -> None:
        scenario.refund(self.world, self.paid[-1], 300)

    def refund(self) -> None:
        scenario.refund(self.world, self.paid[0])

    def dispute(self) -> None:
        self.disputes.append(scenario.dispute(self.world, self.paid[-1]))

    def lose(self) -> None:
        scenario.close_dispute(self.world, self.disputes.pop(), "lost")

    def win(self) -> None:
        scenario.close_dispute(self.world, self.disputes.pop(), "won")

    def warn(self) -> None:
        scenario.warn_of_fraud(self.world, self.paid[-1])

    def hour(self) -> None:
        self.world.clock.advance(3600)

    def week(self) -> None:
        self.world.clock.advance(7 * DAY)

    def _price(self) -> dict[str, Any]:
        return scenario.offer(self.world, "Print", 3100)


STEPS: dict[str, Callable[[Business], None]] = {
    name: step for name, step in vars(Business).items() if not name.startswith("_") and callable(step)
}


class Books:
    """One database for all examples; each history gets accounts of its own."""

    def __init__(self, url: str) -> None:
        self._runner = asyncio.Runner()
        self._numbers = count(1)
        self.engine: AsyncEngine = self._runner.run(self._open(url))

    async def _open(self, url: str) -> AsyncEngine:
        engine = database.create_engine(url)
        await prepared(engine)
        return engine

    def run(self, example: Callable[[AsyncEngine, str], Any]) -> None:
        self._runner.run(example(self.engine, f"example-{next(self._numbers)}"))

    def close(self) -> None:
        self._runner.run(self.engine.dispose())
        self._runner.close()


@pytest.fixture
def books(database_url: str) -> Iterator[Books]:
    books = Books(database_url)
    yield books
    books.close()


def _play(steps: list[str]) -> World:
    world = World(start=datetime.now(UTC) - timedelta(days=80), check="off")
    world.clock.freeze()
    business = Business(world)
    for name in steps:
        try:
            STEPS[name](business)
        except (SimError, LookupError):
            continue  # not possible just then
    return world


def _about(event: Mapping[str, Any]) -> tuple[str, str]:
    return str(object_name(event["type"])), str(event["data"]["object"].get("id"))


@PROPERTY
@given(steps=st.lists(st.sampled_from(sorted(STEPS)), min_size=1, max_size=10), data=st.data())
def test_whatever_was_dropped_is_healed(books: Books, steps: list[str], data: st.DataObject) -> None:
    """Recovery stores exactly the dropped; reconciliation finds nothing else; either ends in agreement."""
    world = _play(steps)
    told = [event for event in world.events if object_name(event["type"])]
    dropped = data.draw(st.sets(st.sampled_from(range(len(told))))) if told else set()
    by_events = data.draw(st.booleans(), label="by events")

    async def example(engine: AsyncEngine, name: str) -> None:
        async with Shop.opened(world, engine) as shop:
            shop.payments.account = name
            await deliver(shop, [event for at, event in enumerate(told) if at not in dropped])
            await _check(shop, [told[at] for at in sorted(dropped)], by_events=by_events)

    books.run(example)


async def _check(shop: Shop, dropped: list[dict[str, Any]], *, by_events: bool) -> None:
    name, healer = shop.payments.account, Healer(shop)
    right = await truth(shop, account=f"{name}-truth")
    found = await healer.reconcile()
    mine = await ledger(shop.engine, account=name)
    assert bool(found.drift) or mine == right, "a difference was overlooked"
    lost = {id for _, id in map(_about, dropped)}
    assert {one.id for one in found.drift} <= lost | await _linked(shop, lost), "a false alarm"
    if by_events:
        done = await healer.recover()
        assert done.missed == Counter(event["type"] for event in dropped)
    else:
        healed = await healer.reconcile(heal=True)
        assert all(one.healed for one in healed.drift)
        await shop.payments.worker.drain(hurry=True)
    again = await healer.reconcile()
    assert [one.told() for one in again.drift] == []
    assert again.sums == 0
    assert await ledger(shop.engine, account=name) == right
    assert await keeps_the_balance(shop)


async def _linked(shop: Shop, lost: set[str]) -> set[str]:
    """Ids of what the lost objects name: a charge changes with its dispute, an invoice with its payment."""
    text = json.dumps([event for event in shop.world.events if _about(event)[1] in lost])
    return {id for _, id in map(_about, shop.world.events) if f'"{id}"' in text}
