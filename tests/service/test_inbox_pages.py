"""The Events tab, on the real service: what came, what was sent, and both decisions about an event."""

from __future__ import annotations

import re
from collections.abc import AsyncIterator

import httpx
import pytest
from sqlalchemy import update

from overseer_payment import tables
from overseer_payment.database import write
from overseer_payment.host_contract import PERMISSIONS
from overseer_payment.schemas import RefundBody
from tests.cards.fakes import FakeHost, build_app
from tests.service.shop import OPERATOR, Shop

pytestmark = pytest.mark.anyio
EVENTS, OPERATIONS = "/payment/modal/events", "/payment/modal/operations"


@pytest.fixture
def database_url(sqlite_url: str) -> str:
    """One kind is enough: the façade below the pages is proven on both."""
    return sqlite_url


@pytest.fixture
def host() -> FakeHost:
    return FakeHost()


@pytest.fixture
async def pages(
    shop: Shop, host: FakeHost, monkeypatch: pytest.MonkeyPatch
) -> AsyncIterator[httpx.AsyncClient]:
    """The dashboard in front of the shop."""
    monkeypatch.setattr("overseer_payment.composition.payments_for", lambda _: shop.payments)
    transport = httpx.ASGITransport(build_app(host))
    async with httpx.AsyncClient(transport=transport, base_url="http://app.test") as client:
        yield client


async def _failed(shop: Shop, type: str) -> int:
    """The id of an event of that type, which from now on is dead."""
    of_type = tables.event.c.type == type
    dead = update(tables.event).where(of_type).values(status="dead", attempts=12, last_error="It said no.")
    async with write(shop.engine) as connection:
        return int((await connection.execute(dead.returning(tables.event.c.id))).scalars().one())


async def _decide(pages: httpx.AsyncClient, path: str) -> httpx.Response:
    """Open the page that asks, and press its button; answers where that leads."""
    asked = await pages.get(path)
    assert asked.status_code == 200, asked.text
    fields = dict(re.findall(r'type="hidden" name="(\w+)" value="([^"]*)"', asked.text))
    return await pages.post(path, data=fields, follow_redirects=True)


async def test_events_and_how_the_inbox_stands(shop: Shop, pages: httpx.AsyncClient) -> None:
    """Each event with its state, filters by state and type, and a sentence where nothing is."""
    assert "No events yet" in (await pages.get(EVENTS)).text
    await shop.pay(1000)
    await shop.settle()
    every = (await pages.get(EVENTS)).text
    assert "charge.succeeded" in every
    assert "Applied" in every
    only = (await pages.get(EVENTS, params={"type": "charge.succeeded", "status": "applied"})).text
    assert len(re.findall(r'data-op-key="row-', only)) == 1
    assert "Nothing fits" in (await pages.get(EVENTS, params={"status": "dead"})).text
    assert (await pages.get(EVENTS, params={"status": "nonsense"})).status_code == 422


async def test_a_dead_event_is_replayed_and_tells_its_state(shop: Shop, pages: httpx.AsyncClient) -> None:
    """Its drawer shows error and payload; replayed it waits, and once applied it says so."""
    await shop.pay(1000)
    await shop.settle()
    id = await _failed(shop, "charge.succeeded")
    listed = (await pages.get(EVENTS, params={"failed": "true"})).text
    assert "It said no." in listed
    drawer = (await pages.get(f"/payment/events/{id}")).text
    assert "It said no." in drawer
    assert "&#34;type&#34;: &#34;charge.succeeded&#34;" in drawer
    assert "Put back" in (await _decide(pages, f"/payment/events/{id}/replay")).text
    await shop.settle()
    assert "Applied again" in (await pages.get(f"/payment/events/{id}?done=replay")).text


async def test_an_event_is_taken_out(shop: Shop, pages: httpx.AsyncClient) -> None:
    """A dead one can be ignored, an applied one can't; both decisions stand in the audit trail."""
    await shop.pay(1000)
    await shop.settle()
    id = await _failed(shop, "charge.succeeded")
    assert "stays out until it is replayed" in (await _decide(pages, f"/payment/events/{id}/ignore")).text
    await _decide(pages, f"/payment/events/{id}/replay")
    await shop.settle()
    assert (await pages.get(f"/payment/events/{id}/ignore")).status_code == 409
    trail = (await pages.get(OPERATIONS)).text
    assert trail.index("Event replay") < trail.index("Event ignore")


async def test_all_that_failed_is_put_back(shop: Shop, pages: httpx.AsyncClient) -> None:
    """One button for all, offered only when there are some; afterwards none is left."""
    await shop.pay(1000)
    await shop.settle()
    assert (await pages.get("/payment/events/replay")).status_code == 409
    await _failed(shop, "charge.succeeded")
    assert "Replay all…" in (await pages.get(EVENTS)).text
    assert "1 put back" in (await _decide(pages, "/payment/events/replay")).text
    await shop.settle()
    assert "Replay all…" not in (await pages.get(EVENTS)).text


async def test_what_was_sent_is_listed_with_who_wanted_it(shop: Shop, pages: httpx.AsyncClient) -> None:
    """A refund stands there with actor, sum and outcome, and leads to its payment."""
    assert "Nothing sent yet" in (await pages.get(OPERATIONS)).text
    intent = await shop.pay(1000)
    await shop.settle()
    paid = await shop.payments.transaction(OPERATOR, intent)
    await shop.payments.refund(OPERATOR, intent, RefundBody(amount=250))
    trail = (await pages.get(OPERATIONS, params={"status": "succeeded"})).text
    for word in ("Refund", "cli:tests", "2.50 USD", "Done", f"/payment/transactions/{paid.id}"):
        assert word in trail


async def test_who_may_only_look_sees_no_payload(
    shop: Shop, pages: httpx.AsyncClient, host: FakeHost
) -> None:
    """The list without links into it; payload and decisions are refused; without any right, everything."""
    await shop.pay(1000)
    await shop.settle()
    id = await _failed(shop, "charge.succeeded")
    host.permissions = frozenset({"payment.view"})
    listed = await pages.get(EVENTS)
    assert listed.status_code == 200
    assert f"/payment/events/{id}" not in listed.text
    assert "Replay all" not in listed.text
    for path in (f"/payment/events/{id}", f"/payment/events/{id}/replay", "/payment/events/replay"):
        assert (await pages.get(path)).status_code == 403
    host.permissions = frozenset(PERMISSIONS)
    assert (await pages.post(f"/payment/events/{id}/replay", data={"key": "x" * 30})).status_code == 403
    host.signed_in = False
    assert (await pages.get(EVENTS)).status_code == 401
