"""Telling after the commit: each thing once, in its order, whoever else fails, hangs or works beside."""

from __future__ import annotations

import asyncio
import os
import threading

import pytest
from sqlalchemy import select

from overseer_payment import database, tables
from overseer_payment.listening import Listener, News, on
from overseer_payment.simulator import World
from overseer_payment.telling.outbox import MAX_ATTEMPTS
from tests.service.application import Ears, Open, on_one_database
from tests.service.breaking import Died, breaker
from tests.service.shop import Shop, of_type

pytestmark = pytest.mark.anyio


@on_one_database
async def test_a_payment_is_told_once_however_often_its_events_come(opened: Open, ears: Ears) -> None:
    """Each event is delivered three times, in reverse, and the listener hears of one payment."""
    async with opened(ears("payment.succeeded", "checkout.paid")) as shop:
        session = await shop.buy(2500)
        events = list(shop.world.events)
        for event in reversed(events):
            await shop.receive(event)
            await shop.drain()
        for event in [*events, *events]:
            await shop.receive(event)
        await shop.drain()
        assert sorted(ears.topics) == ["checkout.paid", "payment.succeeded"]
        [paid] = [news for news in ears.heard if news.topic == "payment.succeeded"]
        assert (paid.transaction.amount, paid.transaction.currency, paid.account) == (2500, "usd", "default")
        [bought] = [news for news in ears.heard if news.topic == "checkout.paid"]
        assert bought.checkout.session_id == session


@on_one_database
async def test_an_end_that_is_delivered_three_times_is_told_once(opened: Open, ears: Ears) -> None:
    """The same deletion of a subscription three times is one end."""
    async with opened(ears("subscription.ended")) as shop:
        await shop.subscribe()
        await shop.settle()
        [made] = shop.world.find("subscription")
        await shop.delete(f"subscriptions/{made['id']}")
        await shop.settle()
        for event in of_type(shop.world, "customer.subscription.deleted"):
            for _ in range(3):
                await shop.receive(event)
                await shop.drain()
        assert ears.topics == ["subscription.ended"]
        assert ears.heard[0].subscription.status == "canceled"


@on_one_database
async def test_a_failing_listener_is_tried_again_alone(opened: Open, ears: Ears) -> None:
    """It hears under the same effect id, later; the other heard at once and isn't told again."""
    other = Ears()
    asked: list[str] = []

    @on("payment.succeeded", name="failing")
    def failing(news: News) -> None:
        asked.append(news.effect_id)
        if len(asked) < 3:
            raise OSError("ada@example.com")

    async with opened(failing, other("payment.succeeded", name="other")) as shop:
        await shop.pay(100)
        await shop.settle()
        assert len(other.heard) == 1
        [row] = await shop.rows(select(tables.effect).where(tables.effect.c.listener == "failing"))
        assert (row["status"], row["attempts"]) == ("failed", 1)
        assert row["last_error"] == "failing raised OSError. The server's log names the place."
        for seconds in (10, 100, 1000):
            shop.later(seconds)
            await shop.drain()
        assert len(asked) == 3
        assert len(set(asked)) == 1
        assert len(other.heard) == 1
        assert other.heard[0].effect_id != asked[0]


@on_one_database
async def test_a_listener_that_never_succeeds_is_given_up(opened: Open) -> None:
    """After as many attempts as an event gets it is dead, and seen to be."""

    @on("payment.succeeded", name="never")
    async def never(news: News) -> None:
        raise ValueError

    async with opened(never) as shop:
        await shop.pay(100)
        await shop.settle()
        for attempt in range(MAX_ATTEMPTS + 2):
            shop.later(attempt * 7 * 3600)
            await shop.payments.worker.teller.step()
        [row] = await shop.rows(tables.effect)
        assert (row["status"], row["attempts"]) == ("dead", MAX_ATTEMPTS)


@on_one_database
async def test_a_function_that_hangs_uses_up_its_own_threads_only(opened: Open) -> None:
    """However often it is tried again, the loop still has threads for everybody else."""
    released, begun = threading.Event(), []

    @on("payment.succeeded", name="hangs", timeout=0.05)
    def hangs(news: News) -> None:
        begun.append(news.effect_id)
        released.wait(30)

    async with opened(hangs) as shop:
        try:
            for _ in range(8):
                await shop.pay(100)
            await shop.settle()
            for attempt in range(min(32, (os.cpu_count() or 1) + 4) // 8 + 1):
                shop.later(10_000 * (attempt + 1))
                await shop.payments.worker.teller.step()
            assert len(begun) == 8
            async with asyncio.timeout(5):
                assert await asyncio.to_thread(len, begun) == 8
            last = await shop.rows(select(tables.effect.c.last_error).distinct())
            assert [row["last_error"] for row in last] == [
                "hangs still hangs in earlier calls. Mend it and restart the process."
            ]
            mine = [one for one in threading.enumerate() if one.name == "overseer-payment-telling"]
            assert [one.daemon for one in mine] == [True] * 8  # the process ends without waiting for them
        finally:
            released.set()


@on_one_database
async def test_a_slow_listener_holds_up_nobody(opened: Open, ears: Ears) -> None:
    """With the loops running, another hears while one hangs; that one has failed when its time is over."""
    hanging, heard = asyncio.Event(), asyncio.Event()

    @on("payment.succeeded", name="hangs", timeout=0.2)
    async def hangs(news: News) -> None:
        hanging.set()
        await asyncio.sleep(60)

    @on("payment.succeeded", name="quick")
    async def quick(news: News) -> None:
        heard.set()

    async with opened(hangs, quick) as shop:
        await shop.pay(100)
        await shop.deliverer.deliver_due()
        shop.payments.worker.start()
        async with asyncio.timeout(20):
            await heard.wait()
            await hanging.wait()
        await shop.payments.worker.stop()
        [row] = await shop.rows(select(tables.effect).where(tables.effect.c.listener == "hangs"))
        assert row["last_error"] == "hangs did not end within 0.2 seconds."


@pytest.mark.parametrize("database_url", ["postgresql"], indirect=True)
async def test_of_three_processes_one_dies_between_the_call_and_its_commit(
    opened: Open, world: World, database_url: str
) -> None:
    """What it told is told again under the same id, everything else once; and each object in its order."""
    told: list[tuple[str, str, str, str]] = []

    def process(name: str) -> Listener:
        @on("subscription.started", "subscription.ended", name="all")
        async def hear(news: News) -> None:
            told.append((name, news.subscription.provider_subscription_id, news.topic, news.effect_id))

        return hear

    doomed = database.create_engine(database_url)
    async with opened(process("one")) as shop, shop.beside(process("two")) as two:
        async with Shop.opened(world, doomed, listeners=[process("doomed")]) as third:
            for _ in range(4):
                await shop.subscribe()
            for made in shop.world.find("subscription")[1:]:
                await shop.delete(f"subscriptions/{made['id']}")
            await shop.deliverer.deliver_due()
            await shop.payments.worker.applier.step()
            with breaker(doomed) as breaks:
                breaks.at = lambda statement: Died() if "told=" in statement else None
                with pytest.raises(Died):
                    await third.payments.worker.teller.step()
            died_with = [effect for name, *_, effect in told if name == "doomed"]
            for seconds in (0, 3600, 7200):
                shop.later(seconds)
                two.worker.teller.now = shop.payments.worker.teller.now
                while sum(await asyncio.gather(shop.payments.worker.step(), two.worker.step())):
                    pass
        again = [effect for name, *_, effect in told if name != "doomed"]
        assert len(again) == len(set(again)) == 4 + 3
        assert died_with
        assert set(died_with) < set(again)
        for made in shop.world.find("subscription"):
            topics = list(dict.fromkeys(topic for _, id, topic, _ in told if id == made["id"]))
            assert topics == ["subscription.started", "subscription.ended"][: len(topics)]
        assert {row["status"] for row in await shop.rows(tables.effect)} == {"done"}
    await doomed.dispose()


@on_one_database
async def test_one_object_is_told_in_its_order(opened: Open) -> None:
    """While the start could not be told, the end waits; other subscriptions don't."""
    heard: list[tuple[str, str]] = []
    broken: set[str] = set()

    @on("subscription.started", "subscription.ended", name="order")
    async def order(news: News) -> None:
        id = news.subscription.provider_subscription_id
        if id in broken:
            raise ValueError
        heard.append((id, news.topic))

    async with opened(order) as shop:
        await shop.subscribe()
        [first] = [made["id"] for made in shop.world.find("subscription")]
        broken.add(first)
        await shop.settle()
        await shop.delete(f"subscriptions/{first}")
        await shop.subscribe(1800)
        [second] = [made["id"] for made in shop.world.find("subscription") if made["id"] != first]
        await shop.settle()
        assert heard == [(second, "subscription.started")]
        broken.clear()
        shop.later(3600)
        await shop.drain()
        assert heard[1:] == [(first, "subscription.started"), (first, "subscription.ended")]


async def test_a_changed_state_is_told_as_it_is_now(opened: Open, ears: Ears) -> None:
    """Two changes while nobody could listen are told as one, with the row of the end."""
    async with opened(ears("subscription.changed")) as shop:
        ears.failures = 1
        await shop.subscribe()
        await shop.settle()
        [made] = shop.world.find("subscription")
        for quantity in ("2", "3"):
            shop.world.clock.advance(60)
            await shop.post(
                f"subscriptions/{made['id']}",
                **{"items[0][id]": made["items"]["data"][0]["id"], "items[0][quantity]": quantity},
            )
            await shop.settle()
        shop.later(3600)
        await shop.drain()
        assert ears.heard[-1].subscription.quantity == 3
        assert len(ears.heard) == 1
        shop.world.clock.advance(60)
        await shop.post(f"subscriptions/{made['id']}", cancel_at_period_end="true")
        await shop.settle()
        await shop.drain()
        assert [news.subscription.cancel_at_period_end for news in ears.heard] == [False, True]
        assert len({news.effect_id for news in ears.heard}) == 2
