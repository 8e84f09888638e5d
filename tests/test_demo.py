"""Made-up payments: right in themselves, in accounts of their own, and gone without a trace."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Mapping
from datetime import UTC, datetime, timedelta
from typing import Any

import httpx
import pytest
import uvicorn
from sqlalchemy import func, select
from sqlalchemy.ext.asyncio import AsyncEngine

from overseer_payment import database, demo, tables
from overseer_payment.errors import ConfigurationError, Conflict
from overseer_payment.host import create_app
from overseer_payment.ledger import totals
from overseer_payment.registry import Registry
from overseer_payment.schemas import RefundBody, TransactionQuery, Viewer
from overseer_payment.service import Payments
from overseer_payment.settings import Settings
from overseer_payment.simulator import World, transport
from tests.support.server import free_port

pytestmark = pytest.mark.anyio

OPERATOR = Viewer.operator("tests")
DAYS = 20  # of example data: enough to hold every kind of thing


@pytest.fixture
async def payments(engine: AsyncEngine) -> AsyncIterator[Payments]:
    """A service without a provider: example data needs none."""
    payments = Payments(engine, Registry({"OVERSEER_SAFE_MODE": "1"}), Settings())
    yield payments
    await payments.aclose()


async def _counts(engine: AsyncEngine) -> dict[str, int]:
    async with database.read(engine) as connection:
        return {
            table.name: (await connection.execute(select(func.count()).select_from(table))).scalar_one()
            for table in tables.metadata.sorted_tables
        }


async def test_example_data_is_complete_and_right(payments: Payments, engine: AsyncEngine) -> None:
    """Every event ends applied or ignored, nothing is left to be read, totals equal the rows."""
    seen: list[tuple[int, int]] = []
    count = await demo.seed(payments, days=DAYS, progress=lambda done, of: seen.append((done, of)))
    counts = await _counts(engine)
    assert count == counts["payment_event"] > 100
    assert seen[-1] == (count, count)
    assert counts["payment_wanted"] == 0
    status = await payments.status(OPERATOR)
    assert (status.account, status.failed_events, status.pending_events) == ("example", 0, 0)
    assert status.total_transactions > 20
    assert status.active_subscriptions > 0
    assert {"usd", "eur"} <= {revenue.currency for revenue in status.revenue}
    async with database.write(engine) as connection:
        assert await connection.run_sync(totals.rebuild) == 0


async def test_seeding_again_replaces_and_clearing_leaves_nothing(
    payments: Payments, engine: AsyncEngine
) -> None:
    """Twice is as once; `clear` answers how many events it removed, a second time none."""
    first = await demo.seed(payments, days=DAYS)
    second = await demo.seed(payments, days=DAYS)
    assert (await _counts(engine))["payment_event"] == second
    assert abs(first - second) < first / 2
    assert await demo.clear(payments) == second
    assert set((await _counts(engine)).values()) == {0}
    assert await demo.clear(payments) == 0


async def test_real_rows_are_untouched_by_example_data(engine: AsyncEngine) -> None:
    """With real payments there, seeding and clearing change no figure and no list that anybody sees."""
    world = World(start=datetime.now(UTC) - timedelta(days=1))
    config = {
        "STRIPE_SECRET_KEY": world.secret_key,
        "STRIPE_WEBHOOK_SECRET": "whsec_ZGVtbyB0ZXN0cw",
        "STRIPE_API_BASE": "http://simulator.invalid",
    }
    registry = Registry(config, http_factory=lambda _: httpx.AsyncClient(transport=transport(world)))
    payments = Payments(engine, registry, Settings())
    await _pay_and_deliver(world, payments)

    async def seen() -> Any:
        status = await payments.status(OPERATOR)
        page = await payments.transactions(OPERATOR, TransactionQuery())
        return status.model_dump(exclude={"health_message"}), page.model_dump()

    before = await seen()
    await demo.seed(payments, days=DAYS)
    assert not await demo.is_shown(payments)
    assert await seen() == before
    await demo.clear(payments)
    assert await seen() == before
    await payments.aclose()


async def _pay_and_deliver(world: World, payments: Payments) -> None:
    from overseer_payment.simulator import scenario

    scenario.buy(world, scenario.offer(world, "Poster", 2400), email="ada@example.com")
    await demo._deliver_all(payments, world.events, "whsec_ZGVtbyB0ZXN0cw", None)
    assert (await payments.status(OPERATOR)).total_transactions == 1


async def test_nothing_can_be_sent_for_example_data(payments: Payments) -> None:
    """Its payments are shown, but a refund of one is refused: no account stands behind it."""
    await demo.seed(payments, days=DAYS)
    assert await demo.is_shown(payments)
    page = await payments.transactions(OPERATOR, TransactionQuery(limit=1))
    with pytest.raises(Conflict):
        await payments.refund(OPERATOR, str(page.rows[0].id), RefundBody())


def test_demo_settings_point_at_a_simulator_of_one_s_own() -> None:
    """Fresh secrets each time, a database of its own unless one is named; a live key is refused."""
    base = {"OVERSEER_PUBLIC_URL": "http://127.0.0.1:8123/"}
    one, two = demo.prepare(base), demo.prepare(base)
    assert one["STRIPE_API_BASE"] == "http://127.0.0.1:8123/_stripe"
    assert one["STRIPE_SECRET_KEY"] != two["STRIPE_SECRET_KEY"]
    assert one["STRIPE_WEBHOOK_SECRET"] != two["STRIPE_WEBHOOK_SECRET"]
    assert one["OVERSEER_DATABASE_URL"] == "sqlite+aiosqlite:///overseer-demo-8123.db"
    usual = demo.prepare({"OVERSEER_PUBLIC_URL": "http://127.0.0.1:8000"})
    assert usual["OVERSEER_DATABASE_URL"] == "sqlite+aiosqlite:///overseer-demo.db"
    named = demo.prepare({**base, "OVERSEER_DATABASE_URL": "sqlite:///mine.db"})
    assert named["OVERSEER_DATABASE_URL"] == "sqlite:///mine.db"
    with pytest.raises(ConfigurationError):
        demo.prepare({**base, "STRIPE_SECRET_KEY": "rk_live_x"})


@pytest.mark.slow
async def test_a_demo_is_filled_through_its_own_endpoint(
    empty_sqlite_url: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The embedded host, a real server: every event arrives signed over HTTP and none is left over."""
    monkeypatch.setattr(demo, "DAYS", 30)  # a third of what a person sees
    port = free_port()
    url = f"http://127.0.0.1:{port}"
    config: Mapping[str, str] = {
        "OVERSEER_PUBLIC_URL": url,
        "OVERSEER_TOKEN": "token-of-the-demo",
        "OVERSEER_SAFE_MODE": "1",
    }
    config = {**config, **demo.prepare({**config, "OVERSEER_DATABASE_URL": empty_sqlite_url})}
    engine = database.create_engine(empty_sqlite_url)
    await engine.dispose()
    app = create_app(config, demo=True)
    server = uvicorn.Server(uvicorn.Config(app, port=port, log_level="warning", lifespan="on"))
    serving = asyncio.create_task(server.serve())
    try:
        async with asyncio.timeout(30):
            while not server.started:  # noqa: ASYNC110  (uvicorn tells it by a flag only)
                await asyncio.sleep(0.05)
        await demo.ready(app.state.host)
        await _looks_lived_in(url)
    finally:
        server.should_exit = True
        await asyncio.wait_for(serving, 30)


async def _looks_lived_in(url: str) -> None:
    headers = {"Authorization": "Bearer token-of-the-demo"}
    async with httpx.AsyncClient(base_url=f"{url}/api/v1/payment", headers=headers, trust_env=False) as http:
        status = (await http.get("/status")).json()
        series = (await http.get("/revenue-timeseries", params={"days": 30})).json()["series"]
    assert (status["account"], status["healthy"], status["failed_events"]) == ("demo", True, 0)
    assert status["pending_events"] == 0
    assert status["total_transactions"] > 60
    assert status["active_subscriptions"] > 3
    assert sum(1 for point in series[0]["points"] if point["gross"]) > 20


def test_a_month_can_pass_again_and_again() -> None:
    """Each time periods end and renewals are paid now, on the demo's own clock, which stays with ours."""
    from overseer_payment.simulator import scenario

    world = World(start=datetime.now(UTC) - timedelta(days=60))
    scenario.play_history(world, days=60)
    paid = [len(world.find("charge"))]
    for _ in range(3):
        assert "came to the end of a period" in demo._month(world)
        paid.append(len(world.find("charge")))
    assert paid == sorted(set(paid))
    assert abs(world.now() - datetime.now(UTC).timestamp()) < 60
