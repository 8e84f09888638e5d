"""Ledger and provider are compared: every difference is told, and healed on request."""

from __future__ import annotations

import json
from datetime import UTC, datetime, timedelta
from typing import Any

import httpx
import pytest
from sqlalchemy import update

from overseer_payment import tables
from overseer_payment.database import write
from overseer_payment.provider import Kind
from overseer_payment.simulator import World, scenario, transport
from overseer_payment.simulator.resources.subscription_flow import end_subscription
from overseer_payment.sync import Difference, Healing, What
from overseer_payment.sync.reconciliation import PAUSE
from tests.service.shop import Shop
from tests.sync.healing import DAY, Healer, deliver, keeps_the_balance, ledger, truth

pytestmark = pytest.mark.anyio


def _told(found: Any) -> dict[tuple[str, str], str]:
    return {(one.kind.value, one.id): one.what.value for one in found.drift}


async def test_a_ledger_that_heard_everything_agrees(shop: Shop, healer: Healer, world: World) -> None:
    """A month of business, every event delivered: no difference, and no pause was needed."""
    scenario.play_history(world, days=30)
    await shop.settle()
    found = await healer.reconcile()
    assert _told(found) == {}
    assert found.agrees
    assert found.sums == 0
    assert found.objects["payment"] == shop.made("payment_intent")
    assert healer.waits.taken == []


async def test_it_finds_exactly_what_was_lost(shop: Shop, healer: Healer, world: World) -> None:
    """Lost: a customer, a whole sale, a cancellation, a refund. Told: these, each by its name."""
    plan = scenario.offer(world, "Team", 900, interval="month")
    kept, ending = (scenario.subscribe(world, plan, email=f"{n}@example.com") for n in "ab")
    refunded = scenario.charge_directly(world, 5000)
    world.clock.advance(3600)
    known = len(world.events)
    end_subscription(world, ending, reason="cancellation_requested")
    refund = scenario.refund(world, refunded, 1200)
    sale = scenario.charge_directly(world, 700)
    customer = await shop.post("customers", email="ada@example.com")
    await deliver(shop, world.events[:known])
    found = await healer.reconcile()
    assert _told(found) == {
        ("customer", customer["id"]): "missing_here",
        ("payment", sale["id"]): "missing_here",
        ("charge", sale["latest_charge"]): "missing_here",
        ("charge", refunded["latest_charge"]): "differs",
        ("refund", refund["id"]): "missing_here",
        ("subscription", ending["id"]): "differs",
    }
    assert kept["id"] not in {one.id for one in found.drift}
    canceled = next(one for one in found.drift if one.kind is Kind.SUBSCRIPTION)
    assert Difference("status", "active", "canceled") in canceled.differences
    assert not found.agrees
    assert found.unhealed == len(found.drift)


async def test_reading_writes_nothing(shop: Shop, healer: Healer, world: World) -> None:
    """A report leaves every row and sum as it was."""
    scenario.play_history(world, days=5)
    await deliver(shop, world.events[::2])
    before = await ledger(shop.engine)
    assert (await healer.reconcile()).drift
    assert await ledger(shop.engine) == before


async def test_healing_ends_in_agreement(shop: Shop, healer: Healer, world: World) -> None:
    """Each difference is healed and said to be; the next comparison finds none."""
    scenario.play_history(world, days=5)
    await deliver(shop, world.events[::3])
    report = await healer.reconcile()
    healed = await healer.reconcile(heal=True)
    assert _told(healed) == _told(report)
    assert all(one.healed for one in healed.drift)
    assert healed.agrees
    await shop.payments.worker.drain(hurry=True)
    assert _told(await healer.reconcile()) == {}
    assert await ledger(shop.engine) == await truth(shop)
    assert await keeps_the_balance(shop)


async def test_a_delivery_on_its_way_is_no_drift(shop: Shop, healer: Healer, world: World) -> None:
    """What arrives during the pause has arrived."""
    scenario.charge_directly(world, 700)
    await shop.settle()
    scenario.charge_directly(world, 900)

    async def arrives(seconds: float) -> None:
        assert seconds == PAUSE
        await shop.settle()

    healer.waits = arrives  # type: ignore[assignment]  # something happens instead of waiting
    assert (await healer.reconcile()).drift == ()


async def test_news_that_arrives_after_the_read_is_no_drift(shop: Shop, healer: Healer, world: World) -> None:
    """An object that changes while the lists are read, and whose event we applied, is newer here."""
    plan = scenario.offer(world, "Team", 900, interval="month")
    subscription = scenario.subscribe(world, plan)
    await shop.settle()
    hurt: list[object] = []

    async def changes(request: Any) -> None:
        if request.url.path == "/v1/subscriptions" and not hurt:
            hurt.append(request)
            world.clock.advance(5)
            end_subscription(world, subscription, reason="cancellation_requested")
            await shop.settle()

    shop.wire.after = changes
    assert (await healer.reconcile()).drift == ()
    assert hurt


async def test_a_list_that_lags_behind_is_no_drift(shop: Shop, healer: Healer, world: World) -> None:
    """An old copy from a list is looked up once more before anything is said or healed."""
    plan = scenario.offer(world, "Team", 900, interval="month")
    subscription = scenario.subscribe(world, plan)
    old = json.loads(json.dumps(subscription))
    world.clock.advance(60)
    end_subscription(world, subscription, reason="cancellation_requested")
    await shop.settle()
    now = dict(subscription)

    async def lag(request: Any) -> None:
        stale = request.url.path == "/v1/subscriptions"
        subscription.clear()
        subscription.update(old if stale else now)

    shop.wire.before = lag
    before = await ledger(shop.engine)
    assert (await healer.reconcile(heal=True)).drift == ()
    assert await ledger(shop.engine) == before


async def test_what_ended_unheard_is_found_by_its_absence(shop: Shop, healer: Healer, world: World) -> None:
    """An old open invoice is in no list of the last days; it is asked for all the same."""
    customer = await shop.post("customers", email="ada@example.com")
    invoice = scenario.send_invoice(world, customer["id"], 4000)
    await shop.settle()
    world.clock.advance(5 * DAY)
    world.faults.drop(times=None)
    scenario.pay_invoice(world, invoice)
    since = datetime.fromtimestamp(world.now(), UTC) - timedelta(days=1)
    found = _told(await healer.reconcile(since))
    assert found["invoice", invoice["id"]] == "differs"


async def test_what_the_provider_deleted(shop: Shop, healer: Healer, world: World) -> None:
    """A customer or draft that is gone is healed; a payment that is gone is told, for a person to look at."""
    customer = await shop.post("customers", email="ada@example.com")
    draft = await shop.post("invoices", customer=customer["id"])
    paid = scenario.charge_directly(world, 700)
    await shop.settle()
    world.faults.drop(times=None)
    await _delete(shop, f"customers/{customer['id']}")
    world.remove(world.get("invoice", draft["id"]), tombstone=False)
    world.remove(world.get("payment_intent", paid["id"]), tombstone=False)
    found = await healer.reconcile(heal=True)
    told = {(one.kind.value, one.id): (one.what, one.healed) for one in found.drift}
    assert told == {
        ("customer", customer["id"]): (What.DIFFERS, True),
        ("invoice", draft["id"]): (What.MISSING_THERE, True),
        ("payment", paid["id"]): (What.MISSING_THERE, False),
    }
    assert not found.agrees
    mine = await ledger(shop.engine)
    assert mine[f"payment_invoice/{draft['id']}"]["status"] == "void"
    assert mine[f"payment_customer/{customer['id']}"]["deleted"] is True


async def _delete(shop: Shop, path: str) -> None:
    headers = {"Authorization": f"Bearer {shop.world.secret_key}"}
    async with httpx.AsyncClient(transport=transport(shop.world), headers=headers) as client:
        (await client.delete(f"http://simulator/v1/{path}")).raise_for_status()


async def test_an_open_checkout_is_no_drift(shop: Shop, healer: Healer, world: World) -> None:
    """Nothing happened yet, and no event will tell of it."""
    scenario.open_checkout(world, scenario.offer(world, "Poster", 2400))
    await shop.settle()
    assert (await healer.reconcile()).drift == ()


async def test_a_failed_bank_debit_agrees(shop: Shop, healer: Healer, world: World) -> None:
    """Only an event tells that a delayed payment failed: the session itself stays unpaid for good."""
    scenario.buy(world, scenario.offer(world, "Poster", 2400), card="000222222227")
    world.clock.advance(10 * DAY)
    await shop.settle()
    (checkout,) = await shop.rows(tables.checkout)
    assert checkout["payment_state"] == "failed"
    assert (await healer.reconcile()).drift == ()


@pytest.mark.parametrize("damage", [{"gross": 1}, {"transactions": 99}])
async def test_sums_that_lie_are_found_and_mended(
    shop: Shop, healer: Healer, world: World, damage: dict[str, int]
) -> None:
    """Totals are compared with the rows; a report only says so, healing rebuilds them."""
    scenario.charge_directly(world, 700)
    await shop.settle()
    async with write(shop.engine) as connection:
        await connection.execute(update(tables.total).values(damage))
    found = await healer.reconcile()
    assert (found.sums, found.agrees) == (1, False)
    mended = await healer.reconcile(heal=True)
    assert (mended.sums, mended.agrees) == (1, True)
    assert (await healer.reconcile()).sums == 0


async def test_it_is_remembered_what_was_found(shop: Shop, healer: Healer, world: World) -> None:
    """The last run's drift can be read: how much, of what, and how much of it was healed."""
    scenario.charge_directly(world, 700)
    await healer.reconcile(heal=True)
    last = await healer.last(Healing.RECONCILIATION)
    assert last.finished_at is not None
    assert last.counts["drift"] == last.counts["healed"] == len(last.drift) == 2
    assert {one["kind"] for one in last.drift} == {"payment", "charge"}


async def test_a_report_holds_nothing_personal(shop: Shop, healer: Healer, world: World) -> None:
    """That an address differs is told, not which."""
    customer = await shop.post("customers", email="ada@example.com", name="Ada Lovelace")
    await shop.settle()
    world.faults.drop(times=None)
    await shop.post(f"customers/{customer['id']}", email="eve@example.com")
    found = await healer.reconcile()
    (one,) = found.drift
    assert one.differences == (Difference("email"),)
    assert "example.com" not in json.dumps(one.told()) + repr(found)


async def test_a_flood_of_drift_is_cut_off(
    shop: Shop, healer: Healer, world: World, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A ledger that never heard of a large account needs a back-fill: the report stops and says so."""
    monkeypatch.setattr("overseer_payment.sync.reconciliation.MOST_DRIFT", 20)
    scenario.play_history(world, days=10)
    found = await healer.reconcile()
    assert found.truncated
    assert not found.agrees


async def test_one_object_that_cannot_be_read_stops_nothing(shop: Shop, healer: Healer, world: World) -> None:
    """It is counted, not called drift, and everything else is compared."""
    good, bad = scenario.charge_directly(world, 500), scenario.charge_directly(world, 700)
    await shop.settle()
    world.get("charge", bad["latest_charge"])["currency"] = "?"
    world.faults.drop(times=None)
    refund = scenario.refund(world, good, 100)
    found = await healer.reconcile()
    world.get("charge", bad["latest_charge"])["currency"] = "usd"
    assert found.unreadable >= 1
    assert ("refund", refund["id"]) in _told(found)
    assert bad["latest_charge"] not in {one.id for one in found.drift}
