"""Whom news is told: every process's listeners, of what is new, of real business, in time."""

from __future__ import annotations

import pytest
from sqlalchemy import Connection
from sqlalchemy.ext.asyncio import AsyncEngine

from overseer_payment import database, tables
from overseer_payment.host_contract import User
from overseer_payment.ledger import accounts
from overseer_payment.listening import TOPICS, News, inside
from overseer_payment.provider import CheckoutMode, Event, Parsed
from overseer_payment.schemas import CheckoutBody, Viewer
from overseer_payment.simulator import World
from overseer_payment.sync import backfill, sources
from tests.service.application import Ears, Open, grant, granted, on_one_database
from tests.service.shop import Shop, Wire, of_type, service, settings_of

pytestmark = pytest.mark.anyio


async def test_what_another_process_recorded_is_told_inside_by_ours(
    world: World, database_url: str, opened: Open
) -> None:
    """A process without the application's code leaves it its news; nothing is lost, nothing told twice."""
    async with opened(grant) as shop:
        await shop.payments.worker.teller.step()  # now the database knows who listens
        bare = database.create_engine(database_url)
        async with Shop.opened(world, bare) as stranger:
            await shop.subscribe()
            await stranger.settle()
            assert await stranger.count(tables.subscription, status="active") == 1
            assert await granted(shop) == 0
        await bare.dispose()
        await shop.drain()
        await shop.drain()
        assert await granted(shop) == 1
        assert [row["status"] for row in await shop.rows(tables.effect)] == ["done"]


@on_one_database
async def test_who_listens_later_hears_no_old_news(opened: Open, ears: Ears) -> None:
    """What was noted before is not told when its events come again."""
    async with opened() as shop:
        await shop.pay(300)
        await shop.settle()
    async with opened(ears("payment.succeeded")) as shop:
        for event in shop.world.events:
            await shop.receive(event)
        await shop.pay(400)
        await shop.settle()
        assert [news.transaction.amount for news in ears.heard] == [400]


async def test_history_is_told_to_those_who_ask_for_it(opened: Open, ears: Ears) -> None:
    """A back-fill tells what is of the last month; what is older only to who wants it, and says so."""
    all = Ears()
    topics = ("payment.succeeded", "subscription.started", "subscription.changed")
    async with opened(ears(*topics), all(*topics, name="all", backfilled=True)) as shop:
        await shop.pay(100)
        await shop.subscribe()
        shop.world.clock.advance(40 * 86_400)
        await shop.pay(200)
        await backfill_of(shop)
        await shop.drain()
        recent = [n.transaction.amount for n in ears.heard if n.topic == "payment.succeeded"]
        assert sorted(recent) == [200, 1500]  # the renewal of ten days ago
        assert "subscription.started" not in ears.topics
        assert "subscription.changed" not in ears.topics
        old = {n.transaction.amount for n in all.heard if n.topic == "payment.succeeded" and n.backfilled}
        assert 100 in old
        assert 200 not in old
        assert all.topics.count("subscription.started") == all.topics.count("subscription.changed") == 1


async def backfill_of(shop: Shop) -> None:
    """All that the provider holds is read; no event is heard of."""
    [source] = sources(shop.payments.registry, shop.payments.homes())
    await backfill(shop.engine, source)


@on_one_database
async def test_made_up_business_is_told_to_nobody(world: World, engine: AsyncEngine, ears: Ears) -> None:
    """Example data and demos make no application send mail."""
    wire = Wire(world)
    everything = ears(*TOPICS)
    payments = service(wire, engine, settings_of(world), account=accounts.DEMO, listeners=[everything])
    async with Shop.opened(world, engine) as shop:
        shop.payments = payments
        await shop.pay()
        for event in world.events:
            await shop.receive(event)
        await shop.drain()
        assert await shop.count(tables.transaction) == 1
        assert await shop.count(tables.news) == 0
        assert ears.heard == []
        await payments.aclose()


@on_one_database
async def test_news_names_the_account_it_concerns(
    opened: Open, ears: Ears, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The same payment of our own account and of a connected one is told of both, as what it is of."""
    parsed: list[str | None] = []
    within: list[str] = []

    @inside("payment.succeeded", name="within")
    def listen(connection: Connection, news: News) -> None:
        within.append(news.account)

    async with opened(ears("payment.succeeded"), listen) as shop:
        stripe = shop.payments.registry.get("stripe")
        parse = stripe.parse

        def noticed(event: Event) -> Parsed:
            parsed.append(event.account)
            return parse(event)

        monkeypatch.setattr(stripe, "parse", noticed)
        await shop.pay()
        (event,) = of_type(shop.world, "charge.succeeded")
        await shop.receive(event)
        await shop.receive({**event, "account": "acct_connected"})
        await shop.payments.worker.drain()
    assert sorted(news.account for news in ears.heard) == ["acct_connected", "default"]
    assert within == ["default", "acct_connected"]
    assert parsed == [None, "acct_connected"]
    assert len({news.effect_id for news in ears.heard}) == 2


@on_one_database
async def test_news_names_the_user_it_concerns(opened: Open, ears: Ears) -> None:
    """Of a checkout that was opened for a user, each piece of news names that user."""
    async with opened(ears("checkout.paid", "payment.succeeded")) as shop:
        body = CheckoutBody(price_id=await shop.price(500), mode=CheckoutMode.PAYMENT)
        made = await shop.payments.create_checkout(Viewer("user:u7", User("u7")), body)
        shop.world.clock.advance(30)
        shop.fill_in(made.session_id)
        await shop.settle()
        assert {news.topic: news.user_id for news in ears.heard} == {
            "checkout.paid": "u7",
            "payment.succeeded": "u7",
        }


@on_one_database
async def test_what_staff_open_for_others_is_not_theirs(opened: Open, ears: Ears) -> None:
    """News of it names no user, or whose the customer is: never who opened it, who would be granted it."""
    staff = Viewer("user:boss", User("boss"), frozenset({"payment.view", "payment.manage"}))
    async with opened(ears("checkout.paid", "payment.succeeded")) as shop:
        body = CheckoutBody(price_id=await shop.price(500), mode=CheckoutMode.PAYMENT)
        await shop.payments.create_checkout(Viewer("user:u7", User("u7")), body)
        (customer,) = shop.world.find("customer")
        for named in (None, customer["id"]):
            more = {"price_id": body.price_id, "mode": body.mode, "customer_id": named}
            made = await shop.payments.create_checkout(staff, CheckoutBody.model_validate(more))
            assert shop.world.get("checkout.session", made.session_id)["client_reference_id"] is None
            shop.world.clock.advance(30)
            shop.fill_in(made.session_id)
            await shop.settle()
        told = sorted((news.topic, news.user_id or "") for news in ears.heard)
        assert told == [
            (topic, user) for topic in ("checkout.paid", "payment.succeeded") for user in ("", "u7")
        ]


@on_one_database
async def test_reminders_come_in_time_and_only_if_they_are_needed(opened: Open, ears: Ears) -> None:
    """Three days before a trial ends; not of a trial that was given up by then."""
    async with opened(ears("subscription.trial_ending")) as shop:
        for _ in range(2):
            await shop.subscribe(trial_period_days=200)
            await shop.settle()
        given_up, kept = [made["id"] for made in shop.world.find("subscription")]
        await shop.delete(f"subscriptions/{given_up}")
        await shop.settle()
        assert ears.heard == []
        due = {row["due_at"] for row in await shop.rows(tables.effect)}
        assert len(due) >= 1
        shop.later(150 * 86_400)
        await shop.payments.worker.drain()
        assert [news.subscription.provider_subscription_id for news in ears.heard] == [kept]
        assert sorted(row["status"] for row in await shop.rows(tables.effect)) == ["done", "lapsed"]
