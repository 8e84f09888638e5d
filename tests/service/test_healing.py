"""Healing as a part of the running service: when it is on, and what people are told of it."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from datetime import UTC, datetime, timedelta
from typing import cast

import pytest
from sqlalchemy import update
from sqlalchemy.ext.asyncio import AsyncEngine

from overseer_payment import tables
from overseer_payment.composition import running
from overseer_payment.database import write
from overseer_payment.host_contract import Host
from overseer_payment.schemas import Finding
from overseer_payment.simulator import World, scenario
from overseer_payment.sync import Healing, Patience, reconcile, sources
from tests.service.shop import OPERATOR, SECRET, Shop
from tests.test_composition import PlainHost

pytestmark = pytest.mark.anyio

DAY = timedelta(days=1)


async def _at_once(_: float) -> None:
    return None


_AT_ONCE = Patience(_at_once)


@pytest.fixture
async def host(engine: AsyncEngine) -> AsyncIterator[PlainHost]:
    """A host without a provider, on an up-to-date database."""
    plain = PlainHost(engine.url.render_as_string(hide_password=False))
    yield plain
    await plain.engine.dispose()


async def _findings(shop: Shop) -> dict[str, Finding]:
    return {finding.id: finding for finding in await shop.payments.doctor()}


async def _heals(shop: Shop) -> None:
    """The service heals by itself, at once instead of half a minute after its start."""
    shop.payments.worker._healing.after = 0
    await shop.payments.start(healing=True)


async def _until_recovered(shop: Shop, events: int) -> None:
    for _ in range(400):
        if (await shop.payments.status(OPERATOR)).recovered_events == events:
            return
        await asyncio.sleep(0.02)
    raise TimeoutError(await shop.payments.status(OPERATOR))


async def _age(shop: Shop, kind: Healing, by: timedelta) -> None:
    """Let the last run of that kind have ended so long ago."""
    mine = update(tables.sync).where(tables.sync.c.kind == kind.value)
    async with write(shop.engine) as connection:
        await connection.execute(mine.values(finished_at=datetime.now(UTC) - by))


async def test_hosts_heal_unless_told_not_to(host: PlainHost) -> None:
    """On wherever a host runs the service; PAYMENT_HEALING=0 turns it off, and a demo needs none."""
    async with running(cast(Host, host)) as payments:
        assert payments.worker.heals
    assert not payments.worker.heals
    for config in ({"PAYMENT_HEALING": "0"}, {"OVERSEER_DEMO": "1"}):
        host.config = config
        async with running(cast(Host, host)) as payments:
            assert payments.worker.running
            assert not payments.worker.heals


async def test_a_service_started_plainly_asks_no_provider(shop: Shop) -> None:
    """A test or a script that starts the service gets the work on what it has, and no more."""
    await shop.payments.start()
    assert shop.payments.worker.running
    assert not shop.payments.worker.heals


async def test_what_never_arrived_is_recovered_by_itself(shop: Shop, world: World) -> None:
    """Without anybody's doing a running service finds the lost payment, applies it, and says so."""
    scenario.charge_directly(world, 700)
    await shop.settle()
    world.faults.drop(times=None)
    known = len(world.events)
    scenario.charge_directly(world, 900)
    await _heals(shop)
    await _until_recovered(shop, len(world.events) - known)
    for _ in range(400):
        if (await shop.revenue()).get("usd", (0,))[0] == 1600:
            break
        await asyncio.sleep(0.02)
    assert (await shop.revenue())["usd"][0] == 1600
    status = await shop.payments.status(OPERATOR)
    assert status.last_recovery_at is not None
    assert (await _findings(shop))["healing"].level == "ok"


async def test_doctor_says_when_nobody_heals(shop: Shop) -> None:
    """Events came, and for hours nobody asked for those that didn't: a warning with its cure and reason."""
    await shop.pay(700)
    await shop.settle()
    assert "healing" not in await _findings(shop)
    async with write(shop.engine) as connection:
        await connection.execute(update(tables.event).values(received_at=datetime.now(UTC) - DAY))
    finding = (await _findings(shop))["healing"]
    assert (finding.level, "payment sync" in str(finding.cure)) == ("warning", True)
    await _heals(shop)
    for _ in range(400):
        if (await shop.payments.status(OPERATOR)).last_recovery_at is not None:
            break
        await asyncio.sleep(0.02)
    assert (await _findings(shop))["healing"].level == "ok"
    await _age(shop, Healing.RECOVERY, DAY)
    assert (await _findings(shop))["healing"].level == "warning"


async def test_drift_that_is_left_is_told(shop: Shop) -> None:
    """A comparison that mended nothing: its differences are in the status and with the doctor."""
    await shop.pay(700)
    await shop.settle()
    (source,) = sources(shop.payments.registry, shop.payments.homes())
    await reconcile(shop.engine, source, since=None, heal=False, patience=_AT_ONCE)
    clean = await shop.payments.status(OPERATOR)
    assert (clean.drift, clean.healed, clean.last_reconciliation_at is not None) == (0, 0, True)
    assert "drift" not in await _findings(shop)
    shop.world.faults.drop(times=None)
    await shop.pay(900)
    await reconcile(shop.engine, source, since=None, heal=False, patience=_AT_ONCE)
    left = (await shop.payments.status(OPERATOR)).drift
    assert left > 0
    assert str(left) in (await _findings(shop))["drift"].title
    await reconcile(shop.engine, source, since=None, heal=True, patience=_AT_ONCE)
    mended = await shop.payments.status(OPERATOR)
    assert (mended.drift, mended.healed) == (0, left)
    assert "drift" not in await _findings(shop)


async def test_status_tells_how_far_applying_is_behind(shop: Shop) -> None:
    """Seconds since the oldest pending event could have been applied; 0 once all are."""
    assert (await shop.payments.status(OPERATOR)).lag_seconds == 0
    await shop.pay(700)
    await shop.deliverer.deliver_due()
    async with write(shop.engine) as connection:
        late = datetime.now(UTC) - timedelta(seconds=90)
        await connection.execute(update(tables.event).values(due_at=late))
    status = await shop.payments.status(OPERATOR)
    assert status.pending_events > 0
    assert 90 <= status.lag_seconds < 100
    await shop.drain()
    status = await shop.payments.status(OPERATOR)
    assert (status.pending_events, status.lag_seconds) == (0, 0)


async def test_a_placeholder_beside_a_good_secret_is_told(world: World, engine: AsyncEngine) -> None:
    """Deliveries are verified by the good one; that the other is none is a warning without the secret."""
    secrets = f"{SECRET},whsec_your_secret_here"
    async with Shop.opened(world, engine, STRIPE_WEBHOOK_SECRET=secrets) as shop:
        findings = await _findings(shop)
    assert findings["webhook.stripe"].level == "ok"
    assert findings["settings.stripe"].level == "warning"
    assert "STRIPE_WEBHOOK_SECRET" in findings["settings.stripe"].title
    assert "whsec_" not in findings["settings.stripe"].title
