"""Telling: an application hears of each thing once, inside the commit or after it, whatever goes wrong."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Callable
from contextlib import AbstractAsyncContextManager, asynccontextmanager
from itertools import permutations
from typing import Any

import pytest
from sqlalchemy import Column, Connection, Integer, MetaData, String, Table, insert, select, text
from sqlalchemy.ext.asyncio import AsyncConnection, AsyncEngine, AsyncSession

from overseer_payment import database, tables
from overseer_payment.listening import Listener, News, inside, on
from overseer_payment.simulator import World
from overseer_payment.telling.outbox import MAX_ATTEMPTS
from tests.service.breaking import Died, breaker, dying_at_commit
from tests.service.shop import Shop, of_type

pytestmark = pytest.mark.anyio

own = MetaData()
access = Table(
    "app_access",
    own,
    Column("id", Integer, primary_key=True),
    Column("subscription", String(80), nullable=False, unique=True),
)
"""A table of the application's own, on the same engine."""

Open = Callable[..., AbstractAsyncContextManager[Shop]]


class Ears:
    """A listener that remembers what it was told, and fails as often as it is asked to."""

    def __init__(self) -> None:
        self.heard: list[News] = []
        self.failures = 0

    def __call__(self, *topics: str, **options: Any) -> Listener:
        async def listen(news: News) -> None:
            if self.failures:
                self.failures -= 1
                raise ValueError("as asked")
            self.heard.append(news)

        return on(*topics, name=options.pop("name", "ears"), **options)(listen)

    @property
    def topics(self) -> list[str]:
        return [news.topic for news in self.heard]


@pytest.fixture
def ears() -> Ears:
    return Ears()


@pytest.fixture
def opened(world: World, engine: AsyncEngine) -> Open:
    """Opens a shop whose application listens; the application's table exists."""

    @asynccontextmanager
    async def open(*listeners: Listener) -> AsyncIterator[Shop]:
        async with database.write(engine) as connection:
            await connection.run_sync(own.create_all)
        async with Shop.opened(world, engine, listeners=listeners) as shop:
            yield shop

    return open


@inside("subscription.started", name="grant")
async def grant(connection: AsyncConnection, news: News) -> None:
    """As an application would: a row of its own in the same commit."""
    await connection.execute(insert(access).values(subscription=news.subscription.provider_subscription_id))


async def test_a_payment_is_told_once_however_often_its_events_come(opened: Open, ears: Ears) -> None:
    """Each event is delivered three times, in reverse, and the listener hears of one payment."""
    async with opened(ears("payment.succeeded", "checkout.paid")) as shop:
        session = await shop.buy(2500)
        events = list(shop.world.events)
        for event in [*reversed(events), *events, *events]:
            await shop.receive(event)
            await shop.drain()
        assert sorted(ears.topics) == ["checkout.paid", "payment.succeeded"]
        [paid] = [news for news in ears.heard if news.topic == "payment.succeeded"]
        assert (paid.transaction.amount, paid.transaction.currency, paid.account) == (2500, "usd", "default")
        [bought] = [news for news in ears.heard if news.topic == "checkout.paid"]
        assert bought.checkout.session_id == session


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


# -- inside -----------------------------------------------------------------------------------------


async def _granted(shop: Shop) -> int:
    return await shop.count(access)


async def test_what_is_written_inside_is_committed_with_the_row(opened: Open, engine: AsyncEngine) -> None:
    """Dying at whichever commit leaves both or neither; then there is one of each, and needs no outbox."""
    async with opened(grant) as shop:
        await shop.subscribe()
        await shop.deliverer.deliver_due()
        for number in range(1, 20):
            with breaker(engine) as breaks:
                breaks.at = dying_at_commit(number)
                try:
                    await shop.payments.worker.drain()
                except Died:
                    pass
                else:
                    break
            started = await shop.count(tables.news, topic="subscription.started")
            assert await _granted(shop) == started == await _described(shop)
        await shop.drain()
        assert number > 1
        assert await _granted(shop) == await _described(shop) == 1
        assert await shop.rows(tables.effect) == []


async def _described(shop: Shop) -> int:
    return await shop.count(tables.subscription, placeholder=False)


async def test_access_ends_as_the_subscription_does_in_every_order(opened: Open) -> None:
    """Whatever comes first, a naive grant at the start and revocation at the end leave no access behind."""

    @inside("subscription.ended", name="revoke")
    async def revoke(connection: AsyncConnection, news: News) -> None:
        mine = access.c.subscription == news.subscription.provider_subscription_id
        assert (await connection.execute(access.delete().where(mine))).rowcount == 1

    async with opened(grant, revoke) as shop:
        for order in permutations(range(3)):
            story = await _short_life(shop)
            for index in order:
                await shop.receive(story[index])
                await shop.payments.worker.drain()
            assert await _granted(shop) == 0
        assert {row["status"] for row in await shop.rows(tables.event)} == {"applied"}
        ends = await shop.count(tables.news, topic="subscription.ended")
        assert ends == await shop.count(tables.news, topic="subscription.started") == 6


async def _short_life(shop: Shop) -> list[dict[str, Any]]:
    """A subscription of its own: its first, its last but one, and its last event."""
    await shop.subscribe()
    id = str(max(shop.world.find("subscription"), key=lambda made: made["created"])["id"])
    shop.world.clock.advance(60)
    await shop.post(f"subscriptions/{id}", cancel_at_period_end="true")
    shop.world.clock.advance(60)
    await shop.delete(f"subscriptions/{id}")
    its = [event for event in shop.world.events if event["data"]["object"]["id"] == id]
    assert [event["type"].rpartition(".")[2] for event in (its[0], *its[-2:])] == [
        "created",
        "updated",
        "deleted",
    ]
    return [its[0], *its[-2:]]


async def test_a_listener_that_raises_inside_costs_only_its_own_event(opened: Open) -> None:
    """Nothing of that event stays; others are applied; once it is mended everything is there, once."""
    broken = [True]

    @inside("subscription.started", name="grant")
    async def fails(connection: AsyncConnection, news: News) -> None:
        await grant(connection, news)
        if broken:
            raise RuntimeError("ada@example.com")

    async with opened(fails) as shop:
        await shop.pay(700)
        await shop.subscribe()
        await shop.settle()
        assert await _granted(shop) == 0
        assert await shop.count(tables.subscription, status="active") == 0
        rows = await shop.rows(tables.event)
        failed = [row for row in rows if row["status"] == "failed"]
        assert failed
        assert {row["type"].rpartition(".")[0] for row in failed} <= {"customer.subscription"}
        assert all("grant raised RuntimeError" in row["last_error"] for row in failed)
        assert not any("ada@" in row["last_error"] for row in failed)
        assert (await shop.revenue())["usd"][0] == 700 + 1500
        broken.clear()
        shop.later(3600)
        await shop.drain()
        assert await _granted(shop) == 1
        assert await shop.count(tables.event, status="failed") == 0


@pytest.mark.parametrize("how", ["commit", "rollback"])
async def test_a_listener_inside_can_not_end_the_transaction(opened: Open, how: str) -> None:
    """A commit or a rollback of its own is refused, and nothing is half done."""

    @inside("subscription.started", name="grant")
    async def ends(connection: AsyncConnection, news: News) -> None:
        await grant(connection, news)
        await getattr(connection, how)()

    async with opened(ends) as shop:
        await shop.subscribe()
        await shop.settle()
        assert await _granted(shop) == 0
        assert await shop.count(tables.subscription, status="active") == 0
        errors = {row["last_error"] for row in await shop.rows(tables.event) if row["status"] == "failed"}
        assert len(errors) == 1
        assert "leaves the transaction to us" in errors.pop()


async def test_sessions_and_plain_functions_work_inside(opened: Open) -> None:
    """An ORM session over the connection may commit as it is used to; a plain function needs no await."""
    heard = []

    @inside("subscription.started")
    async def with_session(connection: AsyncConnection, news: News) -> None:
        async with AsyncSession(connection) as session:
            await session.execute(insert(access).values(subscription="by session"))
            await session.commit()

    @inside("subscription.started")
    def plain(connection: Connection, news: News) -> None:
        connection.execute(insert(access).values(subscription="plain"))
        heard.append(news.user_id)

    async with opened(with_session, plain) as shop:
        await shop.subscribe()
        await shop.settle()
        rows = await shop.rows(access)
        assert {row["subscription"] for row in rows} == {"by session", "plain"}
        assert heard == [None]


async def test_a_missing_table_of_the_application_stops_no_events(opened: Open, ears: Ears) -> None:
    """What the application forgot to migrate is its listener's failure, not the database's."""

    @inside("subscription.started")
    async def forgot(connection: AsyncConnection, news: News) -> None:
        await connection.execute(text("INSERT INTO nowhere VALUES (1)"))

    async with opened(forgot, ears("payment.succeeded")) as shop:
        await shop.subscribe()
        await shop.pay(400)
        await shop.settle()
        assert sorted(news.transaction.amount for news in ears.heard) == [400, 1500]
        assert await shop.count(tables.event, status="failed") > 0


async def test_a_refund_is_told_inside_when_its_answer_is_recorded(opened: Open) -> None:
    """Answers to what we sent go through the same funnel: no webhook is needed to hear of them."""
    heard: list[int] = []

    @inside("refund.succeeded")
    async def note(connection: AsyncConnection, news: News) -> None:
        heard.append(news.transaction.amount)

    async with opened(note) as shop:
        paid = await shop.pay(900)
        await shop.settle()
        await shop.refund(paid, 400)
        assert heard == [400]
        await shop.settle()
        assert heard == [400]


# -- after the commit ---------------------------------------------------------------------------------


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


async def test_a_slow_listener_holds_up_nobody(opened: Open, ears: Ears) -> None:
    """With the loops running, another hears while one hangs; and that one is told again."""
    hanging, heard, again = asyncio.Event(), asyncio.Event(), asyncio.Event()

    @on("payment.succeeded", name="hangs", timeout=0.2)
    async def hangs(news: News) -> None:
        (again if hanging.is_set() else hanging).set()
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
            await again.wait()
        await shop.payments.worker.stop()
        [row] = await shop.rows(select(tables.effect).where(tables.effect.c.listener == "hangs"))
        assert row["last_error"] == "hangs did not end within 0.2 seconds."


async def test_two_processes_tell_once(opened: Open, ears: Ears) -> None:
    """They share the outbox: many payments, each told by one of them."""
    async with opened(ears("payment.succeeded")) as shop, shop.beside(ears("payment.succeeded")) as other:
        for amount in range(100, 112):
            await shop.pay(amount)
        await shop.deliverer.deliver_due()
        while sum(await asyncio.gather(shop.payments.worker.step(), other.worker.step())):
            pass
        assert sorted(news.transaction.amount for news in ears.heard) == list(range(100, 112))


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
