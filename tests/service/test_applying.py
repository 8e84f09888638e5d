"""Applying: every stored event ends applied, ignored, or dead and visible; none twice, none lost."""

from __future__ import annotations

import asyncio
import logging
from collections import defaultdict
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from sqlalchemy import Connection, select
from sqlalchemy.exc import DBAPIError

from overseer_payment import applying, looping, tables
from overseer_payment.applying import MAX_ATTEMPTS
from overseer_payment.errors import PayloadInvalid
from overseer_payment.provider import Event, Parsed
from overseer_payment.recording import take
from tests.service.agreeing import assert_books_agree
from tests.service.breaking import COMMIT, Died, breaker, dying_at_commit, failing_on
from tests.service.shop import OPERATOR, Shop, events, of_type

pytestmark = pytest.mark.anyio

PERSONAL = "ada@example.com 4242424242424242 sk_test_secret"


class Poisoned:
    """The shop's provider, except that events of one type can't be translated."""

    def __init__(self, shop: Shop, type: str, error: Exception) -> None:
        self.inner, self.type, self.error, self.healed = (
            shop.payments.registry.get("stripe"),
            type,
            error,
            False,
        )
        shop.payments.worker.applier.providers = lambda: {"stripe": self}  # type: ignore[dict-item]  # stands in for the provider, as far as it is asked

    def parse(self, event: Event) -> Parsed:
        if event.type == self.type and not self.healed:
            raise self.error
        return self.inner.parse(event)


async def _states(shop: Shop) -> dict[str, list[str]]:
    found: dict[str, list[str]] = {}
    for type, status in await events(shop, "type", "status"):
        found.setdefault(status, []).append(type)
    return found


async def test_events_about_money_are_applied_and_others_ignored(shop: Shop) -> None:
    """Each ends with the moment it was dealt with."""
    await shop.pay()
    await shop.post("products", name="Tea")
    (event, *_) = of_type(shop.world, "product.created")
    await shop.receive({**event, "id": "evt_other", "type": "capability.updated"})
    await shop.settle()
    states = await _states(shop)
    assert set(states) == {"applied", "ignored"}
    assert "capability.updated" in states["ignored"]
    assert all(moment is not None for (moment,) in await events(shop, "applied_at"))


async def test_a_poison_event_costs_only_itself(shop: Shop) -> None:
    """The others of its batch are applied; it is retried later and later, and applied once it is mended."""
    poison = Poisoned(shop, "charge.succeeded", ValueError(PERSONAL))
    await shop.pay()
    await shop.settle()
    states = await _states(shop)
    assert states["failed"] == ["charge.succeeded"]
    assert await shop.revenue() == {"usd": (1000, 0, 0, 1000)}
    (_, attempts, due, received) = next(
        row for row in await events(shop, "status", "attempts", "due_at", "received_at") if row[0] == "failed"
    )
    assert attempts == 1
    assert due > received
    assert (await shop.payments.status(OPERATOR)).failed_events == 1
    await shop.payments.worker.drain()
    assert (await events(shop, "attempts")).count((1,)) == len(await events(shop, "id"))
    poison.healed = True
    shop.later(60)
    await shop.payments.worker.drain()
    assert "failed" not in await _states(shop)
    assert (await shop.payments.status(OPERATOR)).failed_events == 0


async def test_a_poison_event_ends_dead_after_three_days(shop: Shop) -> None:
    """Attempts are bounded, about as long as the provider would retry; dead stays visible."""
    Poisoned(shop, "charge.succeeded", ValueError("no"))
    await shop.pay()
    await shop.deliverer.deliver_due()
    began = now = datetime.now(UTC)
    shop.payments.worker.applier.now = lambda: now
    for _ in range(MAX_ATTEMPTS + 5):
        await shop.payments.worker.applier.step()
        now += timedelta(hours=6)
    (row,) = [row for row in await shop.rows(tables.event) if row["status"] not in ("applied", "ignored")]
    assert (row["status"], row["attempts"]) == ("dead", MAX_ATTEMPTS)
    assert timedelta(days=2) < row["due_at"] - began < timedelta(days=9)
    assert (await shop.payments.status(OPERATOR)).failed_events == 1


async def test_the_waits_between_attempts_grow_to_six_hours(shop: Shop) -> None:
    """2 s, 4 s, 8 s … 6 h: a short trouble is over soon, a long one costs little."""
    Poisoned(shop, "charge.succeeded", ValueError("no"))
    await shop.pay()
    await shop.deliverer.deliver_due()
    now = datetime.now(UTC)
    shop.payments.worker.applier.now = lambda: now
    waits = []
    for _ in range(18):
        await shop.payments.worker.applier.step()
        (due,) = [due for due, status in await events(shop, "due_at", "status") if status == "failed"]
        waits.append((due - now).total_seconds())
        now = due
    assert waits[:4] == [2, 4, 8, 16]
    assert waits[-1] == 6 * 3600


async def test_an_error_reveals_nothing_of_its_text(shop: Shop, caplog: pytest.LogCaptureFixture) -> None:
    """Neither the row nor the log has what a stranger's exception says; the log names the place."""
    Poisoned(shop, "charge.succeeded", ValueError(PERSONAL))
    with caplog.at_level(logging.DEBUG, "overseer_payment"):
        await shop.pay()
        await shop.settle()
    (error,) = [error for error, status in await events(shop, "last_error", "status") if status == "failed"]
    assert error.startswith("Unexpected ValueError")
    for secret in PERSONAL.split():
        assert secret not in error
        assert secret not in caplog.text
    assert "test_applying.py" in caplog.text or "applying.py" in caplog.text


async def test_our_own_errors_say_what_is_wrong(shop: Shop) -> None:
    """A payload that can't be read is described by the error's own safe sentence."""
    Poisoned(shop, "charge.succeeded", PayloadInvalid("Stripe's charge has no amount."))
    await shop.pay()
    await shop.settle()
    (error,) = [error for error, status in await events(shop, "last_error", "status") if status == "failed"]
    assert error == "Payload invalid: Stripe's charge has no amount."


class _Deadlock(Exception):
    sqlstate = "40P01"


async def test_a_deadlock_is_no_attempt(shop: Shop, monkeypatch: pytest.MonkeyPatch) -> None:
    """The same transaction runs again and the events show one attempt."""
    left = [3]

    def sometimes(connection: Connection, *args: Any, **kwargs: Any) -> Any:
        left[0] -= 1
        if left[0] >= 0:
            raise DBAPIError("…", {}, _Deadlock())
        return take(connection, *args, **kwargs)

    monkeypatch.setattr(applying, "take", sometimes)
    await shop.pay()
    await shop.settle()
    assert left[0] < 0
    assert {attempts for (attempts,) in await events(shop, "attempts")} == {1}
    assert await shop.revenue() == {"usd": (1000, 0, 0, 1000)}


async def test_workers_share_the_work_and_apply_nothing_twice(shop: Shop) -> None:
    """Two processes on one database: every event is applied once, and the sums are right."""
    for _ in range(40):
        await shop.pay(100)
    await shop.deliverer.deliver_due()
    async with shop.beside() as other:
        steps = [worker.applier.step(limit=16) for worker in (shop.payments.worker, other.worker)]
        done = await asyncio.gather(*steps)
        assert min(done) > 0 or shop.engine.dialect.name == "sqlite"
        await asyncio.gather(shop.payments.worker.drain(), other.worker.drain())
    await shop.payments.worker.drain()
    assert set(await events(shop, "attempts")) == {(1,)}
    assert await shop.revenue() == {"usd": (4000, 0, 0, 4000)}
    assert await shop.count(tables.transaction) == 40


async def test_a_worker_that_dies_at_any_commit_loses_nothing(
    shop: Shop, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Killed before each commit in turn, each time with new work: all ends as if nothing had happened."""
    monkeypatch.setattr(applying, "_BATCH", defaultdict(lambda: 1))  # as many commits as there are events
    deaths = 0
    for number in range(1, 50):
        session = await shop.buy(1000)
        await shop.settle()
        await shop.refund(session, 400)
        await shop.buy(1000)
        await shop.deliverer.deliver_due()
        with breaker(shop.engine) as broken:
            broken.at = dying_at_commit(number)
            try:
                await shop.drain()
            except Died:
                deaths += 1
            else:
                break
        shop.later(120)
        await shop.drain()
    assert deaths >= 8
    sales = deaths + 1
    assert await shop.revenue() == {"usd": (2000 * sales, 400 * sales, 0, 1600 * sales)}
    await assert_books_agree(shop)


@pytest.mark.parametrize("where", ["SELECT payment_event", "INSERT INTO payment_object", "UPDATE", COMMIT])
async def test_a_cancelled_worker_leaves_nothing_locked(shop: Shop, where: str) -> None:
    """Stopped in the middle of any statement: what was begun is undone or committed, and work goes on."""
    for _ in range(4):
        await shop.pay(100)
    await shop.deliverer.deliver_due()
    with breaker(shop.engine) as watched:
        work = asyncio.create_task(shop.payments.worker.applier.step())

        def stop(statement: str) -> None:
            if statement.startswith(where):
                work.cancel()

        watched.at = stop
        with pytest.raises(asyncio.CancelledError):
            await work
    async with asyncio.timeout(5):
        await shop.settle()
    assert await shop.revenue() == {"usd": (400, 0, 0, 400)}


async def test_events_of_a_provider_that_is_not_here_wait(shop: Shop) -> None:
    """A process without the provider's plugin leaves its events pending and uses up no attempt."""
    await shop.pay()
    await shop.deliverer.deliver_due()
    providers = shop.payments.worker.applier.providers
    shop.payments.worker.applier.providers = dict
    assert await shop.payments.worker.drain() == 0
    assert set(await events(shop, "status", "attempts")) == {("pending", 0)}
    assert (await shop.payments.status(OPERATOR)).pending_events > 0
    shop.payments.worker.applier.providers = providers
    await shop.payments.worker.drain()
    assert set(await _states(shop)) <= {"applied", "ignored"}


async def test_the_background_work_applies_without_being_asked(shop: Shop) -> None:
    """Woken by what is stored, at once; by what another process stored, at its next look."""
    await shop.payments.start()
    await shop.pay()
    await shop.deliverer.deliver_due()
    await _until(shop, "pending", 0)
    async with shop.beside() as other:
        await shop.receive({**shop.world.events[0], "id": "evt_by_another"}, payments=other)
    await _until(shop, "pending", 0)
    assert await shop.revenue() == {"usd": (1000, 0, 0, 1000)}


async def test_the_background_work_outlives_an_outage(
    shop: Shop, caplog: pytest.LogCaptureFixture, monkeypatch: pytest.MonkeyPatch
) -> None:
    """While the database is away it complains once; when it is back, everything is applied."""
    for loop in shop.payments.worker._loops:
        loop.look = 0.02
    await shop.pay()
    await shop.deliverer.deliver_due()
    with breaker(shop.engine) as broken, caplog.at_level(logging.WARNING, looping.log.name):
        broken.at = failing_on("")
        shop.payments.worker.start()
        await asyncio.sleep(0.3)
        complaints = [r for r in caplog.records if "can't go on" in r.message and "applying" in r.message]
        assert len(complaints) == 1
    await _until(shop, "pending", 0)
    assert "applying goes on" in caplog.text
    await shop.payments.worker.stop()
    assert not shop.payments.worker.running


async def test_idle_work_takes_no_write_lock(shop: Shop) -> None:
    """Nothing to do: looking for work writes nothing, so any number of processes can look."""
    with breaker(shop.engine) as watched:
        assert await shop.payments.worker.step() == 0
    assert not [s for s in watched.seen if "IMMEDIATE" in s or s.startswith(("UPDATE", "INSERT", "DELETE"))]
    assert not [s for s in watched.seen if "FOR UPDATE" in s]


async def _until(shop: Shop, status: str, count: int) -> None:
    for _ in range(400):
        if await shop.count(tables.event, status=status) == count:
            return
        await asyncio.sleep(0.02)
    raise AssertionError(await shop.rows(select(tables.event.c.type, tables.event.c.status)))
