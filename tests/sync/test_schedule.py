"""What heals by itself: when it is due, by one replica at a time, and what it leaves to people."""

from __future__ import annotations

import asyncio
import logging
from datetime import UTC, datetime, timedelta

import pytest
from sqlalchemy import update

from overseer_payment import tables
from overseer_payment.database import write
from overseer_payment.simulator import World, scenario
from overseer_payment.sync import Healing, RunState, Schedule, last_runs
from overseer_payment.tables import sync
from tests.service.shop import Shop
from tests.sync.healing import DAY, Healer, keeps_the_balance, ledger, truth

pytestmark = pytest.mark.anyio

MINUTE = timedelta(minutes=1)


class Clock:
    """Our own time, which a test moves."""

    def __init__(self) -> None:
        self.ahead = timedelta(0)

    def __call__(self) -> datetime:
        return datetime.now(UTC) + self.ahead


@pytest.fixture
def clock() -> Clock:
    return Clock()


@pytest.fixture
def schedule(shop: Shop, healer: Healer, clock: Clock) -> Schedule:
    return _schedule(shop, healer, clock)


def _schedule(shop: Shop, healer: Healer, clock: Clock) -> Schedule:
    return Schedule(
        shop.engine, lambda: [healer.source], shop.payments.inbox.store, now=clock, patience=healer.patience
    )


async def _steps(shop: Shop, schedule: Schedule, times: int = 1) -> int:
    """Do what is due, and the work that it leads to. Runs are stamped with true time, not with `clock`."""
    done = 0
    for _ in range(times):
        done += await schedule.step()
        await shop.payments.worker.drain(hurry=True)
    return done


async def test_at_start_missed_events_are_recovered(
    shop: Shop, schedule: Schedule, world: World, caplog: pytest.LogCaptureFixture
) -> None:
    """A service that comes up again asks at once for what it missed, and says how much that was."""
    scenario.charge_directly(world, 700)
    await shop.settle()
    world.faults.drop(times=None)
    scenario.charge_directly(world, 900)
    with caplog.at_level(logging.WARNING, "overseer_payment.sync"):
        assert await _steps(shop, schedule, 2) == 1
    assert "never arrived" in caplog.text
    assert await ledger(shop.engine) == await truth(shop)


async def test_it_is_not_asked_again_and_again(
    shop: Shop, schedule: Schedule, clock: Clock, world: World
) -> None:
    """Right after a recovery nothing is due; in a silence every ten minutes; while events arrive hourly."""
    scenario.charge_directly(world, 700)
    await shop.settle()
    await _steps(shop, schedule)
    assert await schedule.step() == 0
    clock.ahead = 9 * MINUTE
    assert await schedule.step() == 0
    clock.ahead = 11 * MINUTE
    assert await schedule.step() == 1
    await _arrives_now(shop, clock)
    clock.ahead = 59 * MINUTE
    await _arrives_now(shop, clock)
    assert await schedule.step() == 0
    clock.ahead = 62 * MINUTE
    assert await schedule.step() == 1


async def _arrives_now(shop: Shop, clock: Clock) -> None:
    async with write(shop.engine) as connection:
        await connection.execute(update(tables.event).values(received_at=clock()))


async def test_a_new_installation_imports_no_history(
    shop: Shop, schedule: Schedule, world: World, clock: Clock
) -> None:
    """Nobody asked for it: recovery begins at the present. What happens from then on is not missed."""
    scenario.charge_directly(world, 700)
    world.clock.advance((datetime.now(UTC) - timedelta(hours=1)).timestamp() - world.now())
    assert await _steps(shop, schedule, 2) == 1
    assert await ledger(shop.engine) == {}
    world.clock.advance(3600)
    scenario.charge_directly(world, 900)
    clock.ahead = 15 * MINUTE
    await _steps(shop, schedule)
    sold = [row["amount"] for key, row in (await ledger(shop.engine)).items() if "transaction/" in key]
    assert sold == [900]


async def test_a_long_silence_is_filled_from_objects(shop: Shop, schedule: Schedule, world: World) -> None:
    """After 40 days the events are gone; the gap is read from the lists without anybody's doing."""
    scenario.charge_directly(world, 700)
    await shop.settle()
    await _steps(shop, schedule)
    world.faults.drop(times=None)
    subscription = scenario.subscribe(world, scenario.offer(world, "Team", 900, interval="month"))
    world.clock.advance(40 * DAY)
    again = Schedule(
        shop.engine,
        schedule.sources,
        shop.payments.inbox.store,
        now=lambda: datetime.now(UTC) + timedelta(hours=2),
        patience=schedule.patience,
    )
    await _steps(shop, again, 2)
    assert f"payment_subscription/{subscription['id']}" in await ledger(shop.engine)
    recovery = next(run for run in await last_runs(shop.engine) if run.kind is Healing.RECOVERY)
    assert recovery.gap_since is None
    assert await keeps_the_balance(shop)


async def test_once_a_day_it_compares_and_heals(
    shop: Shop, healer: Healer, schedule: Schedule, clock: Clock, world: World
) -> None:
    """Not on the first day, then daily; what differed is healed and can be read."""
    world.clock.advance(85 * DAY)
    scenario.charge_directly(world, 700)
    await shop.settle()
    await _steps(shop, schedule)
    world.faults.drop(times=None)
    sale = scenario.charge_directly(world, 900)
    for event in world.events:
        event["created"] = 1  # gone from the list of events: only the object itself is left
    clock.ahead = 23 * 60 * MINUTE
    await _steps(shop, schedule)
    assert {run.kind for run in await last_runs(shop.engine)} == {Healing.RECOVERY}
    clock.ahead = 25 * 60 * MINUTE
    await _steps(shop, schedule)
    found = await healer.last(Healing.RECONCILIATION)
    assert {one["id"] for one in found.drift} == {sale["id"], sale["latest_charge"]}
    assert found.counts["healed"] == 2
    assert await keeps_the_balance(shop)


async def test_one_replica_does_it(shop: Shop, healer: Healer, clock: Clock, world: World) -> None:
    """Of several processes that find it due at the same moment one does it."""
    scenario.charge_directly(world, 700)
    await shop.settle()
    replicas = [_schedule(shop, healer, clock) for _ in range(4)]
    entered = asyncio.Event()
    asked = 0

    async def slowly(_: object) -> None:
        nonlocal asked
        asked += 1
        await asyncio.wait_for(entered.wait(), 10)

    shop.wire.before = slowly
    tasks = [asyncio.create_task(replica.step()) for replica in replicas]
    done, _ = await asyncio.wait(tasks, timeout=10, return_when=asyncio.FIRST_COMPLETED)
    for _ in range(200):
        if sum(task.done() for task in tasks) == 3:
            break
        await asyncio.sleep(0.02)
    entered.set()
    assert sorted(await asyncio.gather(*tasks)) == [0, 0, 0, 1]
    assert done


async def test_a_dead_replicas_work_is_taken_up(
    shop: Shop, schedule: Schedule, clock: Clock, world: World
) -> None:
    """A lease that lapsed is nobody's: its run shows as interrupted, and the next replica does it."""
    scenario.charge_directly(world, 700)
    await shop.settle()
    await _steps(shop, schedule)
    async with write(shop.engine) as connection:
        lapsed = datetime.now(UTC) - MINUTE
        await connection.execute(update(sync).values(state="running", holder="x", leased_until=lapsed))
    (run,) = await last_runs(shop.engine)
    assert run.state is RunState.INTERRUPTED
    clock.ahead = 11 * MINUTE
    assert await schedule.step() == 1
    (run,) = await last_runs(shop.engine)
    assert run.state is RunState.DONE


async def test_an_outage_is_noted_and_tried_again_later(
    shop: Shop, schedule: Schedule, clock: Clock, world: World
) -> None:
    """A provider that is away breaks nothing: the row says why, and the next try waits some minutes."""
    scenario.charge_directly(world, 700)
    await shop.settle()
    shop.wire.down = True
    assert await schedule.step() == 0
    (run,) = await last_runs(shop.engine)
    assert run.state is RunState.FAILED
    assert run.error is not None
    assert "could not be reached" in run.error
    shop.wire.down = False
    assert await schedule.step() == 0, "not at once"
    clock.ahead = 6 * MINUTE
    assert await schedule.step() == 1


async def test_kinds_without_a_list_are_left_alone(shop: Shop, healer: Healer, clock: Clock) -> None:
    """A provider that lists neither events nor objects has nothing due."""
    source = healer.source

    class Mute:
        livemode = False

    mute = type(source)(source.account, source.spec, Mute())  # type: ignore[arg-type]  # stands in for the provider, as far as it is asked
    schedule = Schedule(shop.engine, lambda: [mute], shop.payments.inbox.store, now=clock)
    assert await schedule.step() == 0
