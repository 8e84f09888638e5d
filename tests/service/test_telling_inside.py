"""Telling inside: what an application writes and the ledger's row come to be together or not at all."""

from __future__ import annotations

from contextlib import suppress
from itertools import permutations
from typing import Any

import pytest
from sqlalchemy import Connection, insert, text
from sqlalchemy.exc import IntegrityError
from sqlalchemy.ext.asyncio import AsyncConnection, AsyncEngine, AsyncSession

from overseer_payment import tables
from overseer_payment.listening import News, inside
from overseer_payment.sync import backfill, sources
from tests.service.application import Ears, Open, access, grant, granted, on_one_database
from tests.service.breaking import Died, breaker, dying_at_commit
from tests.service.shop import Shop

pytestmark = pytest.mark.anyio


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
            assert await granted(shop) == started == await _described(shop)
        await shop.drain()
        assert number > 1
        assert await granted(shop) == await _described(shop) == 1
        assert await shop.rows(tables.effect) == []


async def _described(shop: Shop) -> int:
    return await shop.count(tables.subscription, placeholder=False)


@on_one_database
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
            assert await granted(shop) == 0
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
        assert await granted(shop) == 0
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
        assert await granted(shop) == 1
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
        assert await granted(shop) == 0
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


@on_one_database
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


@on_one_database
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


async def test_a_repair_does_not_stop_at_a_broken_listener(opened: Open) -> None:
    """What is read is recorded; what could not be told inside is undone alone, and told later, once."""
    broken = [True]

    @inside("subscription.started", name="grant")
    async def fails(connection: AsyncConnection, news: News) -> None:
        await connection.execute(insert(access).values(subscription=news.row.provider))
        if broken:
            raise RuntimeError

    async with opened(fails) as shop:
        for _ in range(2):
            await shop.subscribe()
        [source] = sources(shop.payments.registry, shop.payments.homes())
        await backfill(shop.engine, source)
        assert await shop.count(tables.subscription, status="active") == 2
        assert await granted(shop) == 0
        await shop.drain()
        assert {row["status"] for row in await shop.rows(tables.effect)} == {"failed"}
        assert await granted(shop) == 0
        broken.clear()
        shop.later(3600)
        await shop.drain()
        assert await granted(shop) == 1  # the second row of the same name is refused by the table
        assert sorted(row["status"] for row in await shop.rows(tables.effect)) == ["done", "failed"]


async def test_a_statement_that_may_fail_has_a_savepoint(opened: Open) -> None:
    """`begin_nested` undoes a part, and the rest is committed with the row."""

    @inside("subscription.started")
    async def twice(connection: AsyncConnection, news: News) -> None:
        for _ in range(2):
            with suppress(IntegrityError):
                async with connection.begin_nested():
                    await grant(connection, news)

    async with opened(twice) as shop:
        await shop.subscribe()
        await shop.settle()
        assert await granted(shop) == 1
        assert await shop.count(tables.subscription, status="active") == 1
        assert await shop.count(tables.event, status="failed") == 0
