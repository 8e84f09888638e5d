"""Receiving: verified, stored, then answered. What is answered is never lost, what is refused not stored."""

from __future__ import annotations

import asyncio
import json
import time
from typing import Any

import pytest
from sqlalchemy.ext.asyncio import AsyncEngine

from overseer_payment import tables
from overseer_payment.database import utcnow, write
from overseer_payment.errors import (
    DatabaseError,
    NotFound,
    PayloadInvalid,
    SignatureInvalid,
    WebhookNotConfigured,
)
from overseer_payment.ledger import accounts, erase
from overseer_payment.provider import Event
from overseer_payment.simulator import World
from overseer_payment.simulator.deliveries import signature
from tests.service.breaking import COMMIT, breaker, failing_on
from tests.service.shop import OPERATOR, SECRET, Shop, events, service, settings_of

pytestmark = pytest.mark.anyio


def _event(id: str = "evt_1", type: str = "customer.created", **more: Any) -> dict[str, Any]:
    return {
        "id": id,
        "object": "event",
        "type": type,
        "created": int(time.time()),
        "livemode": False,
        "api_version": "2026-10-28.endive",
        "data": {"object": {"id": f"cus_{id}", "object": "customer", "created": int(time.time())}},
        **more,
    }


def _signed(body: bytes, secret: str = SECRET, at: int | None = None) -> dict[str, str]:
    return {"stripe-signature": signature(body, [secret], int(time.time()) if at is None else at)}


async def test_a_delivery_is_stored_when_it_is_answered(shop: Shop) -> None:
    """One pending row with the exact bytes; another process sees it before anything is applied."""
    event = _event()
    await shop.receive(event)
    (row,) = await shop.rows(tables.event)
    assert (row["status"], row["provider_event_id"], row["attempts"]) == ("pending", "evt_1", 0)
    assert row["payload"] == json.dumps(event)


async def test_six_deliveries_of_one_event_are_stored_once(shop: Shop) -> None:
    """All at once, in two processes: six answers, one row."""
    async with shop.beside() as other:
        both = (shop.payments, other)
        await asyncio.gather(*(shop.receive(_event(), payments=both[n % 2]) for n in range(6)))
    await shop.receive(_event())
    assert await shop.count(tables.event) == 1


async def test_deliveries_share_commits(shop: Shop) -> None:
    """200 at once cost a handful of commits, not 200."""
    with breaker(shop.engine) as watched:
        await asyncio.gather(*(shop.receive(_event(f"evt_{n}")) for n in range(200)))
    assert await shop.count(tables.event) == 200
    assert watched.seen.count(COMMIT) <= 10


async def test_a_client_that_hangs_up_takes_nobody_along(shop: Shop) -> None:
    """Of ten deliveries that share a commit one is cancelled: the others are stored and answered."""
    first = asyncio.create_task(shop.receive(_event("evt_first")))
    await asyncio.sleep(0)
    waiting = [asyncio.create_task(shop.receive(_event(f"evt_{n}"))) for n in range(10)]
    await asyncio.sleep(0)
    first.cancel()
    waiting[3].cancel()
    answers = await asyncio.gather(*waiting, return_exceptions=True)
    assert [answer for n, answer in enumerate(answers) if n != 3] == [None] * 9
    stored = {id for (id,) in await events(shop, "provider_event_id")}
    assert {f"evt_{n}" for n in range(10) if n != 3} <= stored


@pytest.mark.parametrize("secret", ["", "whsec_...", "whsec_xxx"])
async def test_without_a_usable_secret_nothing_is_accepted(
    world: World, engine: AsyncEngine, secret: str
) -> None:
    """No secret, or the documentation's placeholder: refused as not configured, however it is signed."""
    async with Shop.opened(world, engine, STRIPE_WEBHOOK_SECRET=secret) as shop:
        body = json.dumps(_event()).encode()
        with pytest.raises(WebhookNotConfigured):
            await shop.payments.receive("stripe", body, _signed(body, secret))
        assert await shop.count(tables.event) == 0


async def test_without_a_provider_nothing_is_accepted(shop: Shop, engine: AsyncEngine) -> None:
    """No key configured: 503 by either address. An unknown provider: 404."""
    bare = service(shop.wire, engine, {"OVERSEER_SAFE_MODE": "1"})
    for key in (None, "stripe"):
        with pytest.raises(WebhookNotConfigured):
            await bare.receive(key, b"{}", {})
    with pytest.raises(NotFound):
        await shop.payments.receive("nobody", b"{}", {})
    await bare.aclose()


async def test_what_is_not_the_provider_s_is_refused_and_not_stored(shop: Shop) -> None:
    """No signature, a tampered body, a wrong secret, too old, from the future: 400 each."""
    body, now = json.dumps(_event()).encode(), int(time.time())
    refused: list[tuple[bytes, dict[str, str]]] = [
        (body, {}),
        (body + b" ", _signed(body)),
        (body, _signed(body, "whsec_b3RoZXI")),
        (body, _signed(body, at=now - 400)),
        (body, _signed(body, at=now + 400)),
    ]
    for sent, headers in refused:
        with pytest.raises(SignatureInvalid):
            await shop.payments.receive("stripe", sent, headers)
    for sent in (b"not json", b"[]", b"\xff\xfe", b'{"id": "evt_1"}'):
        with pytest.raises(PayloadInvalid):
            await shop.payments.receive("stripe", sent, _signed(sent))
    assert await shop.count(tables.event) == 0


async def test_during_rotation_either_secret_is_good(world: World, engine: AsyncEngine) -> None:
    """Two configured secrets: deliveries signed with the old and with the new one are stored."""
    async with Shop.opened(world, engine, STRIPE_WEBHOOK_SECRET=f"{SECRET},whsec_bmV3") as shop:
        for n, secret in enumerate((SECRET, "whsec_bmV3")):
            body = json.dumps(_event(f"evt_{n}")).encode()
            await shop.payments.receive(None, body, _signed(body, secret))
        assert await shop.count(tables.event) == 2


@pytest.mark.parametrize("where", ["INSERT INTO payment_event", COMMIT])
async def test_what_could_not_be_stored_is_not_answered_as_stored(shop: Shop, where: str) -> None:
    """The database fails: every delivery that shared the commit is refused, none is stored."""
    with breaker(shop.engine) as broken:
        broken.at = failing_on(where)
        answers = await asyncio.gather(
            *(shop.receive(_event(f"evt_{n}")) for n in range(5)), return_exceptions=True
        )
    assert [type(answer) for answer in answers] == [DatabaseError] * 5
    assert await shop.count(tables.event) == 0
    await shop.receive(_event("evt_0"))
    assert await shop.count(tables.event) == 1


async def test_an_event_that_the_database_does_not_take_is_refused_alone(shop: Shop) -> None:
    """One of a batch makes the statement fail: it is refused, the others are stored."""
    poisoned = await _answers_with_one_unstorable(shop)
    assert [type(answer) for answer in poisoned] == [type(None), DatabaseError, type(None)]
    assert [id for (id,) in await events(shop, "provider_event_id")] == ["evt_0", "evt_2"]


async def _answers_with_one_unstorable(shop: Shop) -> list[Any]:
    inbox, account = shop.payments.inbox, shop.payments.home()
    provider = shop.payments.registry.get("stripe")

    async def store(n: int) -> None:
        body = json.dumps(_event(f"evt_{n}")).encode()
        event = provider.verify_webhook(body, _signed(body), now=utcnow())
        if n == 1:
            values = {name: getattr(event, name) for name in Event.__slots__}
            event = Event(**{**values, "type": None})  # another provider's plugin that is wrong
        await inbox.store(account, event, body.decode())

    return list(await asyncio.gather(*(store(n) for n in range(3)), return_exceptions=True))


async def test_other_accounts_and_modes_are_told_apart(shop: Shop) -> None:
    """A live event and a connected account's are stored under accounts of their own, and never summed."""
    await shop.pay(1000)
    await shop.settle()
    before = await shop.payments.status(OPERATOR)
    for n, event in enumerate(list(shop.world.events)):
        await shop.receive({**event, "id": f"evt_live_{n}", "livemode": True})
        await shop.receive({**event, "id": f"evt_other_{n}", "account": "acct_other"})
    await shop.drain()
    after = await shop.payments.status(OPERATOR)
    assert (after.revenue, after.total_transactions) == (before.revenue, before.total_transactions)
    owners = {(row["account"], row["livemode"]) for row in await shop.rows(tables.provider)}
    assert owners == {(accounts.DEFAULT, False), (accounts.DEFAULT, True), ("acct_other", False)}
    charges = [row for row in await shop.rows(tables.transaction) if row["amount"] == 1000]
    assert len(charges) == 3


async def test_an_event_after_its_account_was_removed_makes_the_account_anew(shop: Shop) -> None:
    """Nothing remembers ids of accounts: example data may be cleared by another process at any time."""
    example = service(shop.wire, shop.engine, settings_of(shop.world), account=accounts.EXAMPLE)
    await shop.receive(_event("evt_1"), payments=example)
    async with write(shop.engine) as connection:
        await connection.run_sync(erase.clear, accounts.EXAMPLE)
    await shop.receive(_event("evt_2"))
    await shop.receive(_event("evt_3"), payments=example)
    known = {row["id"]: row["account"] for row in await shop.rows(tables.provider)}
    stored = {id: known[account] for id, account in await events(shop, "provider_event_id", "account_id")}
    assert stored == {"evt_2": accounts.DEFAULT, "evt_3": accounts.EXAMPLE}
    await example.aclose()
