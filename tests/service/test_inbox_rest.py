"""The inbox and the audit trail over REST, on the real service and database."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from typing import Any, NoReturn, cast

import httpx
import pytest
from sqlalchemy import update

from overseer_payment import tables
from overseer_payment.asking import events as asking
from overseer_payment.committing import committed
from overseer_payment.database import write
from overseer_payment.errors import DatabaseError, IdempotencyConflict
from tests.routes.fake_payments import TOKEN, FakeHost, FakePayments, application
from tests.service.shop import Shop

pytestmark = pytest.mark.anyio


@pytest.fixture
async def rest(shop: Shop) -> AsyncIterator[httpx.AsyncClient]:
    """The REST interface of the shop, for the holder of the host's token; `user-staff` may only look."""
    host = FakeHost(granted={"staff": frozenset({"payment.view"})})
    app = application(cast(FakePayments, shop.payments), host)
    async with httpx.AsyncClient(
        transport=httpx.ASGITransport(app),
        base_url="http://app.test/api/v1/payment",
        headers={"Authorization": f"Bearer {TOKEN}"},
    ) as client:
        yield client


async def _get(rest: httpx.AsyncClient, path: str, **query: Any) -> dict[str, Any]:
    answer = await rest.get(path, params=query)
    assert answer.status_code == 200, answer.text
    return dict(answer.json())


async def test_events_are_listed_seen_replayed_and_ignored(shop: Shop, rest: httpx.AsyncClient) -> None:
    """Pages, filters, the payload, and both decisions; what is applied can't be ignored."""
    await shop.pay(1000)
    await shop.settle()
    first = await _get(rest, "/events", limit=1)
    following = await _get(rest, "/events", limit=1, cursor=first["next_cursor"])
    assert following["events"][0]["id"] < first["events"][0]["id"]
    (paid,) = (await _get(rest, "/events", type="charge.succeeded", status="applied"))["events"]
    assert (await _get(rest, "/events", failed="true"))["events"] == []
    detail = await _get(rest, f"/events/{paid['provider_event_id']}")
    assert detail["payload"]["type"] == "charge.succeeded"
    refused = await rest.post(f"/events/{paid['id']}/ignore")
    assert (refused.status_code, refused.json()["code"]) == (409, "event_applied")
    assert (await rest.post(f"/events/{paid['id']}/replay")).json()["status"] == "pending"
    assert (await rest.post(f"/events/{paid['id']}/ignore")).json()["status"] == "ignored"
    kinds = [row["kind"] for row in (await _get(rest, "/operations"))["operations"]]
    assert kinds == ["event.ignore", "event.replay"]


async def test_one_key_decides_once(shop: Shop, rest: httpx.AsyncClient) -> None:
    """The same `Idempotency-Key` again answers how the event stands and changes nothing; other wish: 409."""
    await shop.pay(1000)
    await shop.settle()
    (paid,) = (await _get(rest, "/events", type="charge.succeeded"))["events"]
    path, key = f"/events/{paid['id']}", {"Idempotency-Key": "once"}
    assert (await rest.post(f"{path}/replay", headers=key)).json()["status"] == "pending"
    await shop.drain()
    assert (await rest.post(f"{path}/replay", headers=key)).json()["status"] == "applied"
    assert (await rest.post(f"{path}/ignore", headers=key)).status_code == 409
    await rest.post(f"{path}/replay")
    key = {"Idempotency-Key": "other"}
    assert (await rest.post(f"{path}/ignore", headers=key)).json()["status"] == "ignored"
    await rest.post(f"{path}/replay")
    assert (await rest.post(f"{path}/ignore", headers=key)).json()["status"] == "pending"
    assert (await rest.post(f"{path}/ignore")).json()["status"] == "ignored"
    key = {"Idempotency-Key": "idle"}  # changes nothing now, and so it never does
    assert (await rest.post(f"{path}/ignore", headers=key)).json()["status"] == "ignored"
    await rest.post(f"{path}/replay")
    assert (await rest.post(f"{path}/ignore", headers=key)).json()["status"] == "pending"
    kinds = [row["kind"].removeprefix("event.") for row in (await _get(rest, "/operations"))["operations"]]
    assert kinds == ["replay", "ignore", "ignore", "replay", "ignore", "replay", "replay"]


async def test_all_failed_ones_are_replayed_over_rest(shop: Shop, rest: httpx.AsyncClient) -> None:
    """How many were put back; afterwards none is failed."""
    await shop.pay(1000)
    await shop.settle()
    async with write(shop.engine) as connection:
        await connection.execute(update(tables.event).values(status="dead"))
    count = len(shop.world.events)
    assert (await rest.post("/events/replay")).json() == {"replayed": count}
    await shop.drain()
    assert (await _get(rest, "/events", failed="true"))["events"] == []
    assert (await rest.post("/events/replay")).json() == {"replayed": 0}


async def test_one_key_replays_all_that_failed_once(
    shop: Shop, rest: httpx.AsyncClient, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Asked twice at once, broken off and asked again: each is put back once, and the count is of all."""
    await shop.pay(1000)
    await shop.settle()
    count, key = len(shop.world.events), {"Idempotency-Key": "once"}
    dead = update(tables.event).values(status="dead")
    async with write(shop.engine) as connection:
        await connection.execute(dead)
    monkeypatch.setattr(asking, "_BATCH", 1)
    parts = iter((committed, committed))
    with monkeypatch.context() as patched:
        patched.setattr(asking, "committed", lambda *asked: next(parts, _gone)(*asked))
        assert (await rest.post("/events/replay", headers=key)).status_code == 503
    assert await shop.count(tables.event, status="dead") == count - 2
    both = await asyncio.gather(*(rest.post("/events/replay", headers=key) for _ in range(2)))
    assert [answer.json() for answer in both] == [{"replayed": count}] * 2
    assert await shop.count(tables.operation, kind="event.replay") == count
    async with write(shop.engine) as connection:
        await connection.execute(dead)
    assert (await rest.post("/events/replay", headers=key)).json() == {"replayed": count}
    assert await shop.count(tables.event, status="dead") == count
    other = await rest.post("/events/1/replay", headers=key)
    assert (other.status_code, other.json()["code"]) == (409, IdempotencyConflict.code)


async def _gone(*_: Any) -> NoReturn:
    raise DatabaseError("The database went away.")


@pytest.mark.parametrize("query", ["status=lost", "failed=perhaps", "limit=0", "cursor=x", "nonsense=1"])
async def test_wrong_filters_are_refused(rest: httpx.AsyncClient, query: str) -> None:
    """422 for what is no filter or no value of one."""
    assert (await rest.get(f"/events?{query}")).status_code == 422


async def test_who_may_only_look(shop: Shop, rest: httpx.AsyncClient) -> None:
    """`payment.view` gives both lists; payloads and decisions are 403, an unknown event is 404."""
    await shop.pay(1000)
    await shop.settle()
    (event, *_) = (await _get(rest, "/events"))["events"]
    assert (await rest.get("/events/evt_unknown")).status_code == 404
    assert (await rest.post("/events/evt_unknown/replay")).status_code == 404
    rest.headers["Authorization"] = "Bearer user-staff"
    assert (await _get(rest, "/events"))["events"][0] == event
    await _get(rest, "/operations")
    assert (await rest.get(f"/events/{event['id']}")).status_code == 403
    assert (await rest.post(f"/events/{event['id']}/replay")).status_code == 403
    rest.headers["Authorization"] = "Bearer user-buyer"
    for path in ("/events", "/operations"):
        assert (await rest.get(path)).status_code == 403
