"""History is read from the object lists: whole, resumable at any page, gentle with the provider."""

from __future__ import annotations

import asyncio
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from sqlalchemy import select, update

from overseer_payment import tables
from overseer_payment.database import read, write
from overseer_payment.errors import NotSupported, ProviderRateLimited
from overseer_payment.provider import Capability
from overseer_payment.simulator import World, scenario
from overseer_payment.sync import Healing, RunState, Source, backfill
from overseer_payment.sync.sums import wrong_sums
from overseer_payment.tables import sync
from tests.service.shop import Shop
from tests.sync.healing import DAY, Healer, keeps_the_balance, killed, ledger, truth

pytestmark = pytest.mark.anyio

PAGE = 5
UNTOLD = {"payment_checkout/cs_test", "reference/cs_test", "reference/in"}


@pytest.fixture
def small_pages(monkeypatch: pytest.MonkeyPatch) -> None:
    """A history of some dozen objects then takes many pages."""
    monkeypatch.setattr("overseer_payment.provider_plugins.stripe.listing._PAGE", PAGE)


async def test_a_history_is_read_whole(shop: Shop, healer: Healer, world: World) -> None:
    """Without any event: the ledger of one to whom every event was delivered, and sums that agree."""
    scenario.play_history(world, days=30)
    done = await healer.backfill()
    assert done.objects["customer"] == shop.made("customer")
    assert done.objects["payment"] == shop.made("payment_intent")
    assert done.objects["dispute"] == shop.made("dispute") + shop.made("radar.early_fraud_warning")
    assert done.rows > sum(done.objects.values()) / 2
    assert not done.resumed
    assert await keeps_the_balance(shop)
    assert await wrong_sums(shop.engine) == 0
    known = await truth(shop)
    mine = await ledger(shop.engine)
    # No event tells of a checkout that was opened and left, or of a payment not yet tried: the lists do.
    opened = {key for key in mine if key not in known}
    assert {key.partition("_3Sim")[0] for key in opened} <= UNTOLD
    assert {key for key in known if not _says_all_of(known[key], mine.get(key))} == set()


def _says_all_of(known: Any, mine: Any) -> bool:
    """Does our row say what the other says? Of a payment not yet tried it may say more: its invoice."""
    if not isinstance(known, dict) or not isinstance(mine, dict):
        return bool(known == mine)
    return all(mine.get(name) == value for name, value in known.items() if value is not None)


async def test_doing_it_again_changes_nothing(shop: Shop, healer: Healer, world: World) -> None:
    """A second back-fill reads as much and alters no row."""
    scenario.play_history(world, days=10)
    first = await healer.backfill()
    before = await ledger(shop.engine)
    second = await healer.backfill()
    assert second.objects == first.objects
    assert second.rows == 0
    assert await ledger(shop.engine) == before


async def test_customers_are_left_for_a_person_to_link(shop: Shop, healer: Healer, world: World) -> None:
    """Imported customers belong to no user, even where an address would suggest one."""
    await shop.post("customers", email="ada@example.com", name="Ada")
    await healer.backfill()
    (row,) = await shop.rows(tables.customer)
    assert (row["email"], row["user_id"]) == ("ada@example.com", None)


async def test_since_a_day_is_enough_after_a_gap(shop: Shop, healer: Healer, world: World) -> None:
    """Older objects that live on (subscriptions) or that something happened to are read all the same."""
    old = scenario.subscribe(world, scenario.offer(world, "Team", 900, interval="month"))
    paid = scenario.charge_directly(world, 5000)
    world.clock.advance(3 * DAY)
    since = datetime.fromtimestamp(world.now(), UTC)
    scenario.refund(world, paid, 1200)
    fresh = scenario.charge_directly(world, 700)
    done = await healer.backfill(since)
    mine = await ledger(shop.engine)
    assert f"payment_subscription/{old['id']}" in mine
    assert mine[f"payment_transaction/{paid['id']}"]["amount_refunded"] == 1200
    assert f"payment_transaction/{fresh['id']}" in mine
    assert done.objects["payment"] == 1


@pytest.mark.usefixtures("small_pages")
@pytest.mark.parametrize(
    ("database_url", "at"),
    [*(("sqlite", at) for at in (1, 2, 5, 9, 14, 20)), ("postgresql", 1), ("postgresql", 14)],
    indirect=["database_url"],
)
async def test_killed_at_any_page_it_goes_on(shop: Shop, healer: Healer, world: World, at: int) -> None:
    """What was recorded stays; the next run asks for the rest only, and ends with everything."""
    scenario.play_history(world, days=3)
    world.requests.clear()
    await _dry(shop, healer)
    whole = len(world.requests)
    async with killed(shop, at=at):
        await healer.backfill()
    assert (await healer.last(Healing.BACKFILL)).state is RunState.FAILED
    if at % 2:
        await _as_if_by_signal(shop)
    world.requests.clear()
    done = await healer.backfill()
    assert done.resumed == (at > 1)
    assert len(world.requests) <= whole - at + 2
    assert done.objects["payment"] == shop.made("payment_intent")
    assert (await healer.last(Healing.BACKFILL)).state is RunState.DONE
    assert await keeps_the_balance(shop)


async def _as_if_by_signal(shop: Shop) -> None:
    """Nobody was left to say that the run ended: it looks as if it went on, with a lease that holds."""
    until = datetime.now(UTC) + timedelta(minutes=2)
    mine = select(tables.provider.c.id).where(tables.provider.c.account == shop.payments.account)
    dead = update(sync).where(sync.c.account_id.in_(mine))
    async with write(shop.engine) as connection:
        await connection.execute(dead.values(state="running", error=None, leased_until=until))


async def _dry(shop: Shop, healer: Healer) -> None:
    """How many requests a whole back-fill takes: in an account beside."""
    account, shop.payments.account = shop.payments.account, "beside"
    await healer.backfill()
    shop.payments.account = account


@pytest.mark.usefixtures("small_pages")
async def test_another_since_begins_anew(shop: Shop, healer: Healer, world: World) -> None:
    """A run that was cut short is gone on with only by one that asks for the same."""
    scenario.play_history(world, days=3)
    async with killed(shop, at=6):
        await healer.backfill()
    done = await healer.backfill(datetime.fromtimestamp(world.now(), UTC))
    assert not done.resumed
    assert done.objects["payment"] == 0


async def test_limits_are_waited_out(healer: Healer, world: World) -> None:
    """It waits as long as the provider asks for, and gives up after a bounded number of attempts."""
    scenario.charge_directly(world, 700)
    world.faults.answer(429, "GET", "/v1/charges", times=3, headers={"Retry-After": "7"})
    assert (await healer.backfill()).objects["charge"] == 1
    assert healer.waits.taken == [7.0] * 3
    healer.waits.taken.clear()
    world.faults.answer(429, "GET", "/v1/charges", times=None, headers={"Retry-After": "7"})
    with pytest.raises(ProviderRateLimited):
        await healer.backfill()
    assert healer.waits.taken == [7.0] * 6
    world.faults.clear()
    assert (await healer.backfill()).resumed


async def test_no_transaction_is_open_while_it_reads(shop: Shop, healer: Healer, world: World) -> None:
    """Others can write during every single request."""
    scenario.charge_directly(world, 700)
    event = world.events[-1]
    requests = 0

    async def write_meanwhile(_: object) -> None:
        nonlocal requests
        requests += 1
        await asyncio.wait_for(shop.receive(event), timeout=5)

    shop.wire.before = write_meanwhile
    await healer.backfill()
    assert requests > 8


async def test_it_tells_how_far_it_is(healer: Healer, world: World) -> None:
    """Progress is told by kind, growing."""
    scenario.play_history(world, days=5)
    done = await healer.backfill()
    told = dict(healer.told)
    assert told == {kind: done.objects.get(kind, 0) for kind in told}
    assert set(told) >= {"customer", "payment", "charge", "refund", "invoice", "subscription"}


async def test_what_a_provider_does_not_list_is_said(shop: Shop, healer: Healer) -> None:
    """Without the capability nothing is begun, and the error says so."""
    spec = healer.source.spec
    silent = Source(
        healer.source.account,
        type(spec)(
            **{name: getattr(spec, name) for name in spec.__slots__ if name != "capabilities"},
            capabilities=spec.capabilities - {Capability.OBJECT_LIST},
        ),
        healer.source.provider,
    )
    with pytest.raises(NotSupported):
        await backfill(shop.engine, silent)
    async with read(shop.engine) as connection:
        assert not await connection.run_sync(lambda c: list(c.execute(tables.provider.select())))
