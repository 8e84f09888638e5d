"""Missed events are asked for, stored once, applied, and counted."""

from __future__ import annotations

from collections import Counter
from datetime import UTC, datetime

import pytest

from overseer_payment import tables
from overseer_payment.errors import Conflict, DatabaseError, ProviderUnavailable
from overseer_payment.ledger.accounts import Account
from overseer_payment.provider import Event
from overseer_payment.simulator import World, scenario
from overseer_payment.sync import Healing, RunState, recover
from overseer_payment.sync.recovery import OVERLAP
from tests.service.shop import Shop, events
from tests.sync.healing import DAY, Healer, deliver, keeps_the_balance, killed, ledger, truth

pytestmark = pytest.mark.anyio


def _business(world: World) -> None:
    """Something of everything: a sale, a subscription, a refund, a dispute, a failure."""
    sale = scenario.buy(world, scenario.offer(world, "Poster", 2400))
    scenario.subscribe(world, scenario.offer(world, "Team", 900, interval="month"))
    scenario.charge_directly(world, 700, card="4000000000000002")
    world.clock.advance(3600)
    scenario.refund(world, sale, 400)
    scenario.dispute(world, scenario.charge_directly(world, 5000))


async def test_two_days_of_silence_are_made_good(shop: Shop, healer: Healer, world: World) -> None:
    """A service that was down for two days ends with the ledger of one that never was."""
    scenario.buy(world, scenario.offer(world, "Poster", 2400))
    await shop.settle()
    await healer.recover()
    world.faults.drop(times=None)
    before = len(await events(shop, "id"))
    _business(world)
    world.clock.advance(2 * DAY)
    done = await healer.recover()
    stored = Counter(type for (type,) in (await events(shop, "type"))[before:])
    assert stored == done.missed
    assert sum(stored.values()) > 10
    assert await ledger(shop.engine) == await truth(shop)
    assert await keeps_the_balance(shop)


async def test_what_arrived_is_not_stored_twice(shop: Shop, healer: Healer, world: World) -> None:
    """Nothing was missed: nothing is stored, and recovery says so."""
    _business(world)
    await shop.settle()
    before = await events(shop, "provider_event_id")
    done = await healer.recover()
    assert done.missed == {}
    assert done.listed > 10
    assert await events(shop, "provider_event_id") == before


async def test_a_recovered_event_that_arrives_late_changes_nothing(
    shop: Shop, healer: Healer, world: World
) -> None:
    """Stripe retries for days: the same event is one row."""
    _business(world)
    await healer.recover()
    before = await ledger(shop.engine)
    await shop.settle()
    assert await ledger(shop.engine) == before
    ids = Counter(id for (id,) in await events(shop, "provider_event_id"))
    assert set(ids.values()) == {1}


async def test_it_goes_on_where_the_last_one_ended(shop: Shop, healer: Healer, world: World) -> None:
    """The second recovery asks only for what happened since, and a little before."""
    _business(world)
    first = await healer.recover()
    world.clock.advance(2 * 3600)
    scenario.charge_directly(world, 100)
    second = await healer.recover()
    assert second.since == first.until - OVERLAP
    assert 0 < second.listed < first.listed
    assert (await healer.last(Healing.RECOVERY)).covered_until == second.until


async def test_a_silence_longer_than_events_are_kept_is_told(
    shop: Shop, healer: Healer, world: World
) -> None:
    """After 31 days events are gone: recovery says since when, until a back-fill has read the objects."""
    scenario.charge_directly(world, 100)
    await shop.settle()
    heard = (await healer.recover()).until
    world.faults.drop(times=None)
    subscription = scenario.subscribe(world, scenario.offer(world, "Team", 900, interval="month"))
    world.clock.advance(40 * DAY)
    scenario.charge_directly(world, 5000)
    done = await healer.recover()
    assert done.gap_since == heard - OVERLAP
    assert done.kept_since is not None
    assert done.kept_since > done.gap_since
    assert (await healer.recover()).gap_since == done.gap_since, "it must not be forgotten"
    await healer.backfill(done.gap_since)
    assert (await healer.recover()).gap_since is None
    assert f"payment_subscription/{subscription['id']}" in await ledger(shop.engine)
    assert await ledger(shop.engine) == await truth(shop)


async def test_a_silence_is_told_without_an_earlier_recovery(
    shop: Shop, healer: Healer, world: World
) -> None:
    """Where nothing vouches for the past, the last event before the silence does."""
    scenario.charge_directly(world, 100)
    last = datetime.fromtimestamp(world.now(), UTC)
    await shop.settle()
    world.clock.advance(40 * DAY)
    scenario.charge_directly(world, 200)
    await shop.settle()  # events that arrive before anybody recovers must not hide the silence
    assert (await healer.recover()).gap_since == last - OVERLAP


async def test_an_account_without_history_has_no_gap(healer: Healer, world: World) -> None:
    """A first recovery brings what is kept; that there is older history is no loss."""
    scenario.charge_directly(world, 100)
    world.clock.advance(40 * DAY)
    scenario.charge_directly(world, 200)
    done = await healer.recover()
    assert done.gap_since is None
    assert done.missed["charge.succeeded"] == 1


async def test_a_start_keeps_history_out(healer: Healer, world: World) -> None:
    """An installation that begins now asks for nothing that is older."""
    _business(world)
    world.clock.advance(DAY)
    done = await healer.recover(start=datetime.fromtimestamp(world.now(), UTC))
    assert done.listed == 0
    scenario.charge_directly(world, 200)
    assert (await healer.recover()).missed["charge.succeeded"] == 1


async def test_it_is_patient_with_a_busy_provider(healer: Healer, world: World) -> None:
    """Limits are waited out as long as the provider asks for; an outage is retried, then told."""
    _business(world)
    world.faults.answer(429, "GET", "/v1/events", times=2, headers={"Retry-After": "9"})
    done = await healer.recover()
    assert done.listed
    assert healer.waits.taken == [9.0, 9.0]
    world.faults.answer(503, "GET", "/v1/events", times=None)
    with pytest.raises(ProviderUnavailable):
        await healer.recover()
    failed = await healer.last(Healing.RECOVERY)
    assert failed.state is RunState.FAILED
    assert failed.error
    assert failed.covered_until == done.until, "what was reached stays reached"


async def test_a_run_that_was_cut_short_goes_on(shop: Shop, healer: Healer, world: World) -> None:
    """The pages that it stored stay; the next run begins with the page that failed, and covers all."""
    for number in range(150):
        world.clock.advance(60)
        scenario.charge_directly(world, 100 + number)
    async with killed(shop, at=3):
        await healer.recover()
    stored = len(await events(shop, "id"))
    assert 0 < stored < len(world.events)
    scenario.charge_directly(world, 9999)
    done = await healer.recover()
    assert sum(done.missed.values()) == len(await events(shop, "id"))
    assert await ledger(shop.engine) == await truth(shop)


async def test_a_cursor_that_is_gone_begins_anew(shop: Shop, healer: Healer, world: World) -> None:
    """The event at which a run stopped months ago is no longer kept: everything that is kept is read."""
    for number in range(150):
        world.clock.advance(60)
        scenario.charge_directly(world, 100 + number)
    async with killed(shop, at=3):
        await healer.recover()
    world.clock.advance(40 * DAY)
    scenario.charge_directly(world, 4242)
    done = await healer.recover()
    assert done.missed["charge.succeeded"] >= 1
    assert (await healer.last(Healing.RECOVERY)).state is RunState.DONE


async def test_two_at_once_are_one(shop: Shop, healer: Healer, world: World) -> None:
    """A background run leaves alone what somebody else is at; a person's command takes over."""
    _business(world)
    seen: list[object] = []

    async def meanwhile(_: object) -> None:
        if not seen:
            seen.append(None)
            seen.append(
                await recover(
                    shop.engine,
                    healer.source,
                    shop.payments.inbox.store,
                    polite=True,
                    patience=healer.patience,
                )
            )
            seen.append(await healer.recover())

    shop.wire.before = meanwhile
    with pytest.raises(Conflict, match="took over"):
        await healer.recover()
    assert seen[1] is None
    assert seen[2]
    assert (await healer.last(Healing.RECOVERY)).state is RunState.DONE


async def test_live_events_of_a_connected_account_stay_apart(
    shop: Shop, healer: Healer, world: World
) -> None:
    """What the list tells of another account or mode is stored as its webhook would be."""
    scenario.charge_directly(world, 500)
    for event in world.events:
        event["account"] = "acct_other"
    await healer.recover()
    names = {row["account"] for row in await shop.rows(tables.provider)}
    assert names == {"default", "acct_other"}
    assert await shop.revenue() == {}, "nothing of another account's is summed"


async def test_the_drop_of_any_single_event_is_noticed(shop: Shop, healer: Healer, world: World) -> None:
    """Whichever event of a history is lost: recovery counts exactly that one."""
    _business(world)
    listed = (await healer.recover()).missed
    lost = [event for event in world.events if event["type"] in listed][::4]
    for number, event in enumerate(lost):
        other = f"alone-{number}"
        shop.payments.account = other
        await deliver(shop, [one for one in world.events if one is not event])
        done = await healer.recover()
        assert done.missed == {event["type"]: 1}


async def test_one_event_that_cannot_be_stored_holds_up_no_other(
    shop: Shop, healer: Healer, world: World, caplog: pytest.LogCaptureFixture
) -> None:
    """What the database refuses for its own sake is logged and left out; recovery completes."""
    _business(world)
    poison, store = world.events[2], shop.payments.inbox.store

    async def refuse(account: Account, event: Event, body: str) -> None:
        if event.id == poison["id"]:
            raise DatabaseError("The event could not be stored.")
        await store(account, event, body)

    done = await recover(shop.engine, healer.source, refuse, patience=healer.patience)
    assert done is not None
    assert sum(done.missed.values()) == done.listed - 1
    assert "can't be stored" in caplog.text
