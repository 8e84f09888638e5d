"""Forwarding over the real service and database; Stripe is the simulator, the receiver is our webhook."""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from typing import Any

import httpx
import pytest

from overseer_payment import tables
from overseer_payment.errors import Conflict, ProviderAuthError, ProviderUnavailable
from overseer_payment.forwarding import Forwarded, Forwarder, is_loopback
from overseer_payment.forwarding.delivering import LONGEST_PAUSE, Courier, pause
from overseer_payment.forwarding.position import Place
from overseer_payment.provider_plugins.stripe.provider import StripeProvider
from tests.service.shop import SECRET, Receiver, Shop

pytestmark = pytest.mark.anyio

URL = "http://127.0.0.1:8000/api/v1/payment/webhook"


class Stop(Exception):
    """Ends a loop that would go on for ever."""


@dataclass
class Server(httpx.AsyncBaseTransport):
    """The local server: our webhook, unless `answers` says otherwise for the next requests."""

    inner: Receiver
    answers: list[int | Exception] = field(default_factory=list)
    bodies: list[bytes] = field(default_factory=list)

    async def handle_async_request(self, request: httpx.Request) -> httpx.Response:
        answer = self.answers.pop(0) if self.answers else None
        if isinstance(answer, Exception):
            raise answer
        self.bodies.append(await request.aread())
        if answer is not None:
            return httpx.Response(answer)
        return await self.inner.handle_async_request(request)


@dataclass
class Desk:
    """One listener: what it forwarded, said, and how long it paused."""

    shop: Shop
    server: Server
    secret: str = SECRET
    done: list[Forwarded] = field(default_factory=list)
    said: list[str] = field(default_factory=list)
    pauses: list[float] = field(default_factory=list)
    while_waiting: Callable[[], Awaitable[None]] | None = None

    async def sleep(self, seconds: float) -> None:
        self.pauses.append(seconds)
        if self.while_waiting is None or len(self.pauses) > 50:
            raise Stop
        await self.while_waiting()

    @property
    def types(self) -> list[str]:
        return [one.event.type for one in self.done]

    async def run(self, *, once: bool = True, patient: bool = True, **start: Any) -> Forwarder:
        provider = self.shop.payments.registry.get("stripe")
        assert isinstance(provider, StripeProvider)
        async with httpx.AsyncClient(transport=self.server) as http:
            courier = Courier(http, URL, provider, self.secret, self.said.append, self.sleep)
            place = Place(self.shop.payments.home(), URL)
            forwarder = Forwarder(
                self.shop.engine,
                place,
                provider,
                courier,
                self.done.append,
                sleep=self.sleep,
                patient=patient,
            )
            await forwarder.run(await forwarder.begin(**start), once=once)
        return forwarder


@pytest.fixture
def begins() -> datetime:
    """Within the days for which events are kept."""
    return datetime.now(UTC) - timedelta(days=20)


@pytest.fixture
def desk(shop: Shop) -> Desk:
    return Desk(shop, Server(Receiver(shop.payments)))


async def test_what_happens_from_now_on_comes_once_and_in_order(shop: Shop, desk: Desk) -> None:
    """The first run leaves the past out; later ones bring what is new, each event a single time."""
    await shop.pay(1000)
    shop.world.clock.advance(5)
    await desk.run()
    assert desk.types == []
    shop.world.clock.advance(5)
    await shop.pay(2000)
    await desk.run()
    assert desk.types == [event["type"] for event in shop.world.events[len(shop.world.events) // 2 :]]
    assert {one.status for one in desk.done} == {200}
    await desk.run()
    assert len(desk.done) == len({one.event.id for one in desk.done})
    assert await shop.count(tables.event) == len(desk.done)


async def test_it_goes_on_where_it_stopped(shop: Shop, desk: Desk) -> None:
    """What happened while nobody listened comes at the next start; `from_now` leaves it out."""
    await desk.run()
    shop.world.clock.advance(3 * 86_400)
    await shop.pay(1000)
    shop.world.clock.advance(3 * 86_400)
    await desk.run()
    assert "charge.succeeded" in desk.types
    known = len(desk.done)
    await shop.pay(1000)
    shop.world.clock.advance(60)
    await desk.run(from_now=True)
    assert len(desk.done) == known


async def test_the_past_can_be_asked_for(shop: Shop, desk: Desk) -> None:
    """`since` brings everything since that moment over several pages, oldest first, and nothing older."""
    await shop.post("customers", name="Too early")
    shop.world.clock.advance(3600)
    since = datetime.fromtimestamp(shop.world.now(), UTC)
    for _ in range(35):  # three events each: more than one page
        shop.world.clock.advance(1)
        await shop.pay(1000)
    await desk.run(since=since)
    wanted = [event["id"] for event in shop.world.events if event["created"] >= since.timestamp()]
    assert len(wanted) > 100
    assert [one.event.id for one in desk.done] == wanted


async def test_a_late_event_comes_all_the_same(
    shop: Shop, desk: Desk, monkeypatch: pytest.MonkeyPatch
) -> None:
    """An event that the list told late, after younger ones, is forwarded then, and only it."""
    await desk.run()
    shop.world.clock.advance(5)
    await shop.post("customers", name="Late")
    late = shop.world.events.pop()
    shop.world.clock.advance(60)
    await shop.post("customers", name="Young")
    await desk.run()
    shop.world.events.insert(len(shop.world.events) - 1, late)
    await desk.run()
    assert [one.event.payload["data"]["object"]["name"] for one in desk.done] == ["Young", "Late"]


async def test_a_server_that_is_down_is_waited_for(shop: Shop, desk: Desk) -> None:
    """Nothing is lost or overtaken while the server is away; pauses double up to a bound, said once."""
    await desk.run()
    shop.world.clock.advance(5)
    await shop.pay(1000)
    down = httpx.ConnectError("down")
    desk.server.answers = [*[down] * 6, 503, 503]
    desk.while_waiting = _nothing
    await desk.run()
    assert desk.types == [event["type"] for event in shop.world.events]
    assert desk.pauses == [1, 2, 4, 8, 16, LONGEST_PAUSE, LONGEST_PAUSE, LONGEST_PAUSE]
    assert [line.partition(" ")[2] for line in desk.said] == [
        "does not answer: waiting for it.",
        "answers again.",
    ]


async def test_an_event_that_is_refused_holds_up_no_other(shop: Shop, desk: Desk) -> None:
    """A failing server gets five tries, a refusing one a single: then the next event's turn comes."""
    await desk.run()
    shop.world.clock.advance(5)
    await shop.pay(1000)
    desk.server.answers = [500, 500, 500, 500, 500, 404]
    desk.while_waiting = _nothing
    forwarder = await desk.run()
    statuses = [one.status for one in desk.done]
    assert statuses[:2] == [500, 404]
    assert set(statuses[2:]) == {200}
    assert sum(forwarder.told.refused.values()) == 2
    await desk.run()
    assert len(desk.done) == len(statuses)


async def test_a_server_with_another_secret_ends_it(shop: Shop, desk: Desk) -> None:
    """The listener says what to do instead of losing events, and they come once the secret is right."""
    await desk.run()
    shop.world.clock.advance(5)
    await shop.pay(1000)

    async def unknown(_: httpx.Request) -> httpx.Response:
        problem = {"content-type": "application/problem+json"}
        return httpx.Response(400, json={"code": "signature_invalid"}, headers=problem)

    taking = desk.server
    desk.server = httpx.MockTransport(unknown)  # type: ignore[assignment]  # answers as our webhook does
    with pytest.raises(Conflict, match="--print-secret"):
        await desk.run()
    assert desk.done == []
    desk.server = taking
    await desk.run()
    assert "charge.succeeded" in desk.types


async def test_a_provider_that_is_down_is_waited_for(shop: Shop, desk: Desk) -> None:
    """While Stripe is away a listener waits, with bounded pauses, unless it is to look only once."""
    await desk.run()
    shop.world.clock.advance(5)
    await shop.pay(1000)
    shop.wire.down = True
    with pytest.raises(ProviderUnavailable):
        await desk.run(patient=False)
    assert desk.pauses == []

    async def come_back() -> None:
        shop.wire.down = len(desk.pauses) < 3

    desk.while_waiting = come_back
    await desk.run()
    assert "charge.succeeded" in desk.types
    assert max(desk.pauses) <= LONGEST_PAUSE
    assert desk.said[-1] == "The provider answers again."


async def test_a_wrong_key_ends_it(shop: Shop, desk: Desk) -> None:
    """A key that Stripe refuses won't get better: the error is the operator's to see."""
    shop.world.secret_key = "sk_test_another"
    with pytest.raises(ProviderAuthError):
        await desk.run()


async def test_it_asks_again_and_again(shop: Shop, desk: Desk) -> None:
    """Without `once` it goes on: what happens between two looks comes with the second."""
    desk.while_waiting = lambda: _later(shop, desk)
    with pytest.raises(Stop):
        await desk.run(once=False)
    assert desk.types.count("customer.created") == 2
    assert set(desk.pauses) == {2.0}


async def test_seen_events_are_forgotten_in_time(shop: Shop, desk: Desk) -> None:
    """What the list won't be asked for again takes no room in the database."""
    await desk.run()
    shop.world.clock.advance(5)
    await shop.pay(1000)
    await desk.run()
    assert await shop.count(tables.forwarded) == len(desk.done)
    shop.world.clock.advance(3600)
    await desk.run()
    assert await shop.count(tables.forwarded) == 0


@pytest.mark.parametrize(
    ("url", "here"),
    [
        ("http://localhost:8000/webhook", True),
        ("http://127.0.0.1/webhook", True),
        ("http://127.9.9.9/webhook", True),
        ("http://[::1]:80/webhook", True),
        ("http://127.0.0.1.evil.example/webhook", False),
        ("http://localhost.evil.example/webhook", False),
        ("https://shop.example/webhook", False),
        ("http://0.0.0.0/webhook", False),
        ("http://user@evil.example@localhost.example/", False),
    ],
)
def test_what_is_on_this_machine(url: str, here: bool) -> None:
    """Only addresses that no name server and no network leads elsewhere."""
    assert is_loopback(url) is here


def test_pauses_are_bounded() -> None:
    """However often it is tried, nobody waits longer than the bound."""
    assert [pause(attempt) for attempt in (0, 3, 10, 10_000)] == [1, 8, LONGEST_PAUSE, LONGEST_PAUSE]


async def _nothing() -> None:
    return None


async def _later(shop: Shop, desk: Desk) -> None:
    if len(desk.pauses) > 4:
        raise Stop
    shop.world.clock.advance(2)
    if len(desk.pauses) <= 2:
        await shop.post("customers", name="New")
