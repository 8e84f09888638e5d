"""Stripe's lists, by the real SDK against the simulator in this process."""

from __future__ import annotations

from collections.abc import AsyncIterator
from dataclasses import asdict
from datetime import UTC, datetime, timedelta

import httpx
import pytest

from overseer_payment.errors import ProviderError, ProviderUnavailable
from overseer_payment.provider import (
    ChargeSnapshot,
    Event,
    EventPage,
    Kind,
    ListsEvents,
    ListsObjects,
    ProductSnapshot,
    Ref,
    Snapshot,
    SnapshotPage,
    Source,
    SubscriptionSnapshot,
)
from overseer_payment.provider_plugins.stripe.provider import StripeProvider
from overseer_payment.simulator import World, scenario, transport
from overseer_payment.simulator.resources.subscription_flow import end_subscription
from tests.provider_plugins.stripe.payloads import settings

pytestmark = pytest.mark.anyio

START = datetime(2026, 6, 1, 12, tzinfo=UTC)
DAY = 86_400
MOST_PAGES = 50
NAMES = {
    Kind.CHECKOUT: ["checkout.session"],
    Kind.PAYMENT: ["payment_intent"],
    Kind.DISPUTE: ["dispute", "radar.early_fraud_warning"],
}


@pytest.fixture
def begins() -> datetime:
    """On a day that the tests name."""
    return START


@pytest.fixture
def asked() -> list[httpx.Request]:
    """What was asked of Stripe."""
    return []


@pytest.fixture
async def provider(world: World, asked: list[httpx.Request]) -> AsyncIterator[StripeProvider]:
    async def at_once(_seconds: float) -> None: ...

    async def note(request: httpx.Request) -> None:
        asked.append(request)

    base = settings(STRIPE_SECRET_KEY=world.secret_key, STRIPE_API_BASE="http://simulator.invalid")
    async with httpx.AsyncClient(transport=transport(world), event_hooks={"request": [note]}) as http:
        yield StripeProvider(base, http, sleep=at_once)


async def _events(provider: StripeProvider, since: datetime | None = None) -> list[EventPage]:
    pages: list[EventPage] = []
    cursor: str | None = None
    for _ in range(MOST_PAGES):
        pages.append(await provider.list_events(since, cursor=cursor))
        cursor = pages[-1].next_cursor
        if cursor is None:
            return pages
    raise AssertionError("the list does not end")


async def _objects(provider: StripeProvider, kind: Kind, since: datetime | None = None) -> list[SnapshotPage]:
    pages: list[SnapshotPage] = []
    cursor: str | None = None
    for _ in range(MOST_PAGES):
        pages.append(await provider.list_objects(kind, since=since, cursor=cursor))
        cursor = pages[-1].next_cursor
        if cursor is None:
            return pages
    raise AssertionError("the list does not end")


def _told(pages: list[EventPage]) -> list[Event]:
    return [event for page in pages for event in page.events]


def _found(pages: list[SnapshotPage], kind: Kind) -> dict[str, Snapshot]:
    return {s.id: s for page in pages for s in page.snapshots if s.kind is kind}


def _history(world: World, customers: int = 130) -> None:
    for number in range(customers):
        world.clock.advance(60)
        scenario.charge_directly(world, 1000 + number)


async def test_it_is_what_it_declares(provider: StripeProvider) -> None:
    """The provider keeps both protocols that stand for the two capabilities."""
    assert isinstance(provider, ListsEvents)
    assert isinstance(provider, ListsObjects)


async def test_events_come_in_the_order_in_which_they_happened(
    provider: StripeProvider, world: World
) -> None:
    """After a known event: page after page, oldest first, all of them, none twice."""
    scenario.charge_directly(world, 500)
    world.clock.advance(3600)
    since = datetime.fromtimestamp(world.now(), UTC)
    known = len(world.events)
    _history(world)
    pages = await _events(provider, since)
    assert len(pages) > 2
    assert [event.id for event in _told(pages)] == [event["id"] for event in world.events[known:]]
    assert pages[0].as_of >= datetime.fromtimestamp(world.now(), UTC)


async def test_without_an_older_event_all_are_told_all_the_same(
    provider: StripeProvider, world: World
) -> None:
    """Where nothing older is known the pages go backwards; still every event, once."""
    _history(world)
    for since in (None, START - timedelta(days=3)):
        told = [event.id for event in _told(await _events(provider, since))]
        assert sorted(told) == sorted(event["id"] for event in world.events)


async def test_events_that_say_nothing_of_money_are_left_out(provider: StripeProvider, world: World) -> None:
    """A payment method's event is not told: the ledger would only ignore it."""
    scenario.charge_directly(world, 500)
    scenario.subscribe(world, scenario.offer(world, "Team", 900, interval="month"))
    types = {event.type for event in _told(await _events(provider))}
    assert "charge.succeeded" in types
    assert {event["type"] for event in world.events} > types
    assert not {type for type in types if type.startswith("payment_method")}


async def test_events_are_told_as_a_webhook_would_bring_them(provider: StripeProvider, world: World) -> None:
    """Id, type, time, dialect and payload are the delivery's own."""
    scenario.charge_directly(world, 500)
    sent = {event["id"]: event for event in world.events}
    for event in _told(await _events(provider)):
        assert (event.type, event.api_version) == (sent[event.id]["type"], sent[event.id]["api_version"])
        assert event.occurred_at.timestamp() == sent[event.id]["created"]
        assert event.payload["data"] == sent[event.id]["data"]
        assert event.account is None


async def test_it_says_how_far_back_events_are_kept(provider: StripeProvider, world: World) -> None:
    """Thirty days by Stripe's clock; what happened before is not told."""
    scenario.charge_directly(world, 500)
    old = {event["id"] for event in world.events}
    world.clock.advance(31 * DAY)
    scenario.charge_directly(world, 600)
    (page,) = await _events(provider)
    assert page.kept_since is not None
    assert page.kept_since == page.as_of - timedelta(days=30)
    assert page.events
    assert not {event.id for event in page.events} & old


async def test_every_kind_is_listed_whole(provider: StripeProvider, world: World) -> None:
    """Each object of the account, as `fetch` tells it, of source READ."""
    scenario.play_history(world, days=40)
    for kind in Kind:
        pages = await _objects(provider, kind)
        assert all(page.unreadable == () for page in pages)
        found = _found(pages, kind)
        truth = {obj["id"] for name in NAMES.get(kind, [kind.value]) for obj in world.find(name)}
        assert set(found) == truth
        assert truth
        for id in sorted(truth)[:4]:
            read = (await provider.fetch(Ref(kind, id)))[0]
            assert _content(found[id]) == _content(read)
            assert found[id].as_of.source is Source.READ


def _content(snapshot: Snapshot) -> dict[str, object]:
    return {key: value for key, value in asdict(snapshot).items() if key not in {"as_of", "raw"}}


async def test_since_leaves_out_what_was_made_before(provider: StripeProvider, world: World) -> None:
    """Objects are listed by when they were made; of subscriptions those that have not ended stay."""
    price = scenario.offer(world, "Team", 900, interval="month")
    old, ended = (scenario.subscribe(world, price, email=f"{n}@example.com") for n in "ab")
    scenario.charge_directly(world, 500)
    world.clock.advance(3 * DAY)
    end_subscription(world, ended, reason="cancellation_requested")
    world.clock.advance(3 * DAY)
    since = datetime.fromtimestamp(world.now(), UTC)
    fresh = scenario.charge_directly(world, 600)
    assert set(_found(await _objects(provider, Kind.PAYMENT, since), Kind.PAYMENT)) == {fresh["id"]}
    alive = _found(await _objects(provider, Kind.SUBSCRIPTION, since), Kind.SUBSCRIPTION)
    assert set(alive) == {old["id"]}
    every = _found(await _objects(provider, Kind.SUBSCRIPTION), Kind.SUBSCRIPTION)
    assert set(every) == {old["id"], ended["id"]}


async def test_subscriptions_are_named_by_their_products(provider: StripeProvider, world: World) -> None:
    """A listed subscription brings its product, like a fetched one."""
    made = scenario.subscribe(world, scenario.offer(world, "Team", 900, interval="month"))
    pages = await _objects(provider, Kind.SUBSCRIPTION)
    found = _found(pages, Kind.SUBSCRIPTION)[made["id"]]
    assert isinstance(found, SubscriptionSnapshot)
    product = _found(pages, Kind.PRODUCT)[str(found.items[0].product)]
    assert isinstance(product, ProductSnapshot)
    assert product.name == "Team"


async def test_no_expansion_is_deeper_than_stripe_allows(
    provider: StripeProvider, world: World, asked: list[httpx.Request]
) -> None:
    """Four levels, `data` among them ("Expanding Responses")."""
    scenario.subscribe(world, scenario.offer(world, "Team", 900, interval="month"))
    for kind in Kind:
        await _objects(provider, kind)
    paths = [value for request in asked for name, value in request.url.params.items() if "expand" in name]
    assert paths
    assert all(path.count(".") < 4 for path in paths)


async def test_a_refund_and_a_dispute_bring_their_charge(provider: StripeProvider, world: World) -> None:
    """What happens late to old money tells what became of it."""
    one, two = scenario.charge_directly(world, 500), scenario.charge_directly(world, 700)
    world.clock.advance(40 * DAY)
    since = datetime.fromtimestamp(world.now(), UTC)
    scenario.refund(world, one, 200)
    scenario.dispute(world, two)
    for kind, payment in ((Kind.REFUND, one), (Kind.DISPUTE, two)):
        (charge,) = _found(await _objects(provider, kind, since), Kind.CHARGE).values()
        assert isinstance(charge, ChargeSnapshot)
        assert charge.payment == payment["id"]
        assert (charge.amount_refunded, charge.disputed) in {(200, False), (0, True)}


async def test_one_unreadable_object_hides_no_other(provider: StripeProvider, world: World) -> None:
    """It is named as unreadable; the rest of its page is told."""
    good, bad = scenario.charge_directly(world, 500), scenario.charge_directly(world, 700)
    charge = world.get("charge", bad["latest_charge"])
    charge["currency"] = "?"
    (page,) = await _objects(provider, Kind.CHARGE)
    charge["currency"] = "usd"
    assert page.unreadable == (Ref(Kind.CHARGE, charge["id"]),)
    assert good["latest_charge"] in _found([page], Kind.CHARGE)


async def test_a_list_that_cannot_be_read_raises_our_errors(provider: StripeProvider, world: World) -> None:
    """An outage is ProviderUnavailable; a cursor that names nothing is a ProviderError."""
    world.faults.answer(503, "GET", "/v1/*", times=None)
    with pytest.raises(ProviderUnavailable):
        await provider.list_objects(Kind.CHARGE)
    with pytest.raises(ProviderUnavailable):
        await provider.list_events(None)
    world.faults.clear()
    with pytest.raises(ProviderError):
        await provider.list_events(None, cursor=">evt_gone")
    with pytest.raises(ProviderError):
        await provider.list_objects(Kind.CHARGE, cursor="0:ch_gone")
