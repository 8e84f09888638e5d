"""The inbox as people look after it: what is seen, applied again, taken out, and written down."""

from __future__ import annotations

import asyncio
from typing import Any

import pytest
from sqlalchemy import update

from overseer_payment import tables
from overseer_payment.asking import events as asking
from overseer_payment.database import write
from overseer_payment.errors import Conflict, Forbidden, Invalid, NotFound
from overseer_payment.host_contract import User
from overseer_payment.inbox import DEAD
from overseer_payment.provider import Event, Parsed
from overseer_payment.provider_plugins.stripe.provider import StripeProvider
from overseer_payment.schemas import EventDetail, EventQuery, EventRow, OperationQuery, OperationState, Viewer
from overseer_payment.shown import events as shown
from overseer_payment.shown import operations as audit
from tests.service.shop import OPERATOR, Shop, settings_of

pytestmark = pytest.mark.anyio

STAFF = Viewer("user:7", User("7"), frozenset({"payment.view"}))
BUYER = Viewer("user:8", User("8"))


async def _events(shop: Shop, **query: Any) -> list[EventRow]:
    return list(await shown.events(shop.payments, OPERATOR, EventQuery(limit=100, **query)))


async def _event(shop: Shop, id: str) -> EventDetail:
    return await shown.event(shop.payments, OPERATOR, id)


async def _audit(shop: Shop) -> list[tuple[str, str, str | None]]:
    page = await audit.operations(shop.payments, OPERATOR, OperationQuery(limit=100))
    return [(row.kind, row.actor, row.target) for row in page if row.kind.startswith("event.")]


class Poison:
    """Makes the provider's plugin fail on events of one type, until it is mended."""

    def __init__(self, monkeypatch: pytest.MonkeyPatch, type: str) -> None:
        self.type: str | None = type
        parse = StripeProvider.parse

        def failing(provider: StripeProvider, event: Event) -> Parsed:
            if event.type == self.type:
                raise RuntimeError("poison")
            return parse(provider, event)

        monkeypatch.setattr(StripeProvider, "parse", failing)

    def mend(self) -> None:
        self.type = None


@pytest.fixture
def poison(monkeypatch: pytest.MonkeyPatch) -> Poison:
    return Poison(monkeypatch, "charge.succeeded")


async def _die(shop: Shop) -> None:
    """What is failing has failed for the last time."""
    failed = update(tables.event).where(tables.event.c.status == "failed").values(status=DEAD)
    async with write(shop.engine) as connection:
        await connection.execute(failed)


async def test_events_are_listed_as_they_came(shop: Shop) -> None:
    """The last received first, page by page, each once; by state and by type."""
    for amount in (1000, 2000, 3000):
        await shop.pay(amount)
    await shop.settle()
    everything = await _events(shop)
    assert [row.id for row in everything] == sorted((row.id for row in everything), reverse=True)
    assert {row.status for row in everything} <= {"applied", "ignored"}
    assert len(everything) == len(shop.world.events)
    paged, cursor = list[int](), None
    for _ in everything:
        page = await shown.events(shop.payments, OPERATOR, EventQuery(limit=2, cursor=cursor))
        paged += [row.id for row in page]
        if (cursor := page.next_cursor) is None:
            break
    assert paged == [row.id for row in everything]
    paid = await _events(shop, type="charge.succeeded")
    assert len(paid) == 3
    applied = await _events(shop, status="applied", type="charge.succeeded")
    assert applied == paid
    assert await _events(shop, failed=True) == []
    with pytest.raises(Invalid):
        await _events(shop, cursor="nonsense")


async def test_a_failed_event_tells_why_and_is_had_whole(shop: Shop, poison: Poison) -> None:
    """Listed as failed with its error; its payload by our id and by the provider's."""
    await shop.pay(1000)
    await shop.settle()
    (row,) = await _events(shop, failed=True)
    assert (row.type, row.status, row.account, row.livemode) == (
        "charge.succeeded",
        "failed",
        "default",
        False,
    )
    assert row.last_error is not None
    assert "poison" not in row.last_error  # what an exception says may quote people
    detail = await _event(shop, row.provider_event_id)
    assert detail == await _event(shop, str(row.id))
    assert detail.payload["id"] == row.provider_event_id
    assert detail.due_at is not None


async def test_a_dead_event_is_replayed_once_its_cause_is_mended(shop: Shop, poison: Poison) -> None:
    """It is pending with no attempts; applied it is gone from the failed ones, and who did it is known."""
    await shop.pay(1000)
    await shop.settle()
    await _die(shop)
    (dead,) = await _events(shop, failed=True)
    poison.mend()
    waiting = await asking.replay(shop.payments, OPERATOR, dead.provider_event_id)
    assert (waiting.status, waiting.attempts, waiting.last_error) == ("pending", 0, None)
    await shop.drain()
    after = await _event(shop, str(dead.id))
    assert (after.status, after.attempts, after.due_at) == ("applied", 1, None)
    assert await _audit(shop) == [("event.replay", OPERATOR.actor, dead.provider_event_id)]


async def test_a_replay_wakes_the_worker(shop: Shop) -> None:
    """Nobody waits for the next look."""
    await shop.pay(1000)
    await shop.settle()
    (row, *_) = await _events(shop, type="charge.succeeded")
    await shop.payments.start()
    await asking.replay(shop.payments, OPERATOR, str(row.id))
    for _ in range(200):
        if (await _event(shop, str(row.id))).status == "applied":
            break
        await asyncio.sleep(0.01)
    assert (await _event(shop, str(row.id))).status == "applied"


async def test_replaying_what_is_applied_changes_no_money(shop: Shop) -> None:
    """Every event of a refunded payment once more: the same sums."""
    intent = await shop.pay(1000)
    await shop.settle()
    await shop.refund(intent, 400)
    await shop.settle()
    before = await shop.revenue()
    for row in await _events(shop):
        await asking.replay(shop.payments, OPERATOR, str(row.id))
    await shop.drain()
    assert {row.status for row in await _events(shop)} <= {"applied", "ignored"}
    assert await shop.revenue() == before == {"usd": (1000, 400, 0, 600)}


async def test_all_failed_ones_are_replayed_at_once(
    shop: Shop, poison: Poison, monkeypatch: pytest.MonkeyPatch
) -> None:
    """However many parts it takes, each is met once, also those that fail again meanwhile."""
    monkeypatch.setattr(asking, "_BATCH", 2)
    for amount in range(1000, 1005):
        await shop.pay(amount)
    await shop.settle()
    await _die(shop)
    await shop.payments.start()  # they fail again beside the replay
    assert await asking.replay_failed(shop.payments, OPERATOR) == 5
    await shop.payments.worker.stop()
    poison.mend()
    assert len(await _audit(shop)) == 5
    shop.later(60)
    await shop.drain()
    assert await _events(shop, failed=True) == []
    assert await asking.replay_failed(shop.payments, OPERATOR) == 0


async def test_an_event_is_taken_out_and_brought_back(shop: Shop, poison: Poison) -> None:
    """Ignored it is tried no more and counted no more; to ignore it twice is written down once."""
    await shop.pay(1000)
    await shop.settle()
    (row,) = await _events(shop, failed=True)
    for _ in range(2):
        assert (await asking.ignore(shop.payments, OPERATOR, str(row.id))).status == "ignored"
    shop.later(86_400)
    await shop.drain()
    assert (await _event(shop, str(row.id))).attempts == 1
    assert (await shop.payments.status(OPERATOR)).failed_events == 0
    assert await _audit(shop) == [("event.ignore", OPERATOR.actor, row.provider_event_id)]
    poison.mend()
    await asking.replay(shop.payments, OPERATOR, str(row.id))
    await shop.drain()
    assert (await _event(shop, str(row.id))).status == "applied"


async def test_what_is_applied_is_not_ignored(shop: Shop) -> None:
    """Its word is in the ledger: 409, and it stays applied."""
    await shop.pay(1000)
    await shop.settle()
    (row, *_) = await _events(shop, status="applied")
    with pytest.raises(Conflict):
        await asking.ignore(shop.payments, OPERATOR, str(row.id))
    assert (await _event(shop, str(row.id))).status == "applied"
    assert await _audit(shop) == []


async def test_ignored_or_applied_never_both(shop: Shop) -> None:
    """Applied and ignored at the same moment, one of the two happens and its answer says which."""
    for _ in range(5):
        await shop.pay(1000)
        await shop.deliverer.deliver_due()
        (row, *_) = await _events(shop, type="charge.succeeded", status="pending")
        ignored, _ = await asyncio.gather(
            asking.ignore(shop.payments, OPERATOR, str(row.id)),
            shop.payments.worker.drain(),
            return_exceptions=True,
        )
        ended = (await _event(shop, str(row.id))).status
        assert ended == ("applied" if isinstance(ignored, Conflict) else "ignored")


async def test_only_who_may_sees_and_decides(shop: Shop) -> None:
    """A buyer sees nothing; staff sees the list, and payloads and decisions are the administrators'."""
    await shop.pay(1000)
    await shop.settle()
    (row, *_) = await shown.events(shop.payments, STAFF, EventQuery())
    with pytest.raises(Forbidden):
        await shown.events(shop.payments, BUYER, EventQuery())
    for viewer in (STAFF, BUYER):
        for refused in (
            shown.event(shop.payments, viewer, str(row.id)),
            asking.replay(shop.payments, viewer, str(row.id)),
            asking.ignore(shop.payments, viewer, str(row.id)),
            asking.replay_failed(shop.payments, viewer),
        ):
            with pytest.raises(Forbidden):
                await refused
    for unknown in ("999999", "evt_unknown", "9" * 40):
        with pytest.raises(NotFound):
            await asking.replay(shop.payments, OPERATOR, unknown)


async def test_what_fails_in_another_account_is_seen_there(shop: Shop) -> None:
    """An event of a connected account is in the inbox under its own name, and counted when it fails."""
    await shop.pay(1000)
    event = next(e for e in shop.world.events if e["type"] == "charge.succeeded")
    await shop.receive({**event, "id": "evt_connected", "account": "acct_other"})
    (row,) = [row for row in await _events(shop) if row.provider_event_id == "evt_connected"]
    assert (row.account, row.status) == ("acct_other", "pending")
    assert (await asking.ignore(shop.payments, OPERATOR, "evt_connected")).status == "ignored"
    assert await shop.revenue() == {}


async def test_operations_tell_who_did_what_and_no_secret(shop: Shop) -> None:
    """A refund's actor, amount and result; neither the key nor what was sent."""
    intent = await shop.pay(1000)
    await shop.settle()
    made = await shop.refund(intent, 400, key="mine")
    page = await audit.operations(shop.payments, STAFF, OperationQuery(status=OperationState.SUCCEEDED))
    (row,) = page
    assert (row.kind, row.actor, row.amount, row.currency) == ("refund", OPERATOR.actor, 400, "usd")
    assert (row.result, row.transaction_id is not None) == (made.provider_transaction_id, True)
    (stored,) = await shop.rows(tables.operation)
    told = row.model_dump_json()
    assert stored["idempotency_key"] not in told
    assert "mine" not in told
    assert (
        list(await audit.operations(shop.payments, STAFF, OperationQuery(status=OperationState.FAILED))) == []
    )
    with pytest.raises(Forbidden):
        await audit.operations(shop.payments, BUYER, OperationQuery())
    assert settings_of(shop.world)["STRIPE_SECRET_KEY"] not in told
