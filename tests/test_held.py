"""The connection that deliveries are stored over on PostgreSQL: a shortcut that nobody may notice."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator

import pytest
from sqlalchemy import event, select, text
from sqlalchemy.ext.asyncio import AsyncEngine, create_async_engine

from overseer_payment import database, tables
from overseer_payment.held import Held
from overseer_payment.inbox import Inbox
from tests.service.arriving import ACCOUNT, arrived

pytestmark = pytest.mark.anyio

_BACKENDS = (
    "SELECT pid FROM pg_stat_activity WHERE datname = current_database() AND pid <> pg_backend_pid() "
    "AND query LIKE 'INSERT INTO payment_event%'"
)


@pytest.fixture
async def engine(postgres_url: str) -> AsyncIterator[AsyncEngine]:
    """A host's own, whose pool holds one connection."""
    engine = create_async_engine(
        postgres_url.replace("postgresql://", "postgresql+psycopg://"),
        pool_size=1,
        max_overflow=0,
        pool_timeout=5,
    )
    yield engine
    await engine.dispose()


@pytest.fixture
async def watcher(postgres_url: str) -> AsyncIterator[AsyncEngine]:
    engine = database.create_engine(postgres_url)
    yield engine
    await engine.dispose()


async def _store(inbox: Inbox, *ids: str) -> None:
    await asyncio.gather(*(inbox.store(ACCOUNT, arrived(id), "{}") for id in ids))


async def _kept(engine: AsyncEngine) -> list[int]:
    async with database.read(engine) as connection:
        return list((await connection.execute(text(_BACKENDS))).scalars())


async def _stored(engine: AsyncEngine) -> list[str]:
    async with database.read(engine) as connection:
        id = tables.event.c.provider_event_id
        return list((await connection.execute(select(id).order_by(id))).scalars())


async def test_deliveries_of_a_known_account_go_past_the_pool(
    engine: AsyncEngine, watcher: AsyncEngine
) -> None:
    """Each is there once it is answered, and so is the pool's only connection."""
    inbox, asked = Inbox(engine), list[str]()
    await _store(inbox, "evt_1")
    await _store(inbox, "evt_1")
    event.listen(engine.sync_engine, "before_cursor_execute", lambda *given: asked.append(given[2]))
    async with engine.connect() as occupied:
        await _store(inbox, "evt_1", "evt_2")
        await _store(inbox, "evt_2", "evt_3")
        assert await _stored(watcher) == ["evt_1", "evt_2", "evt_3"]
        await occupied.rollback()
    assert asked == []
    assert len(await _kept(watcher)) == 1


async def test_a_lost_connection_costs_nobody_an_event(engine: AsyncEngine, watcher: AsyncEngine) -> None:
    """The server ended it, as a restart does: the delivery is answered as if nothing had been."""
    inbox = Inbox(engine)
    await _store(inbox, "evt_1")
    await _store(inbox, "evt_2")
    (first,) = await _kept(watcher)
    async with database.write(watcher) as connection:
        ended = await connection.execute(text("SELECT pg_terminate_backend(:p, 5000)"), {"p": first})
        assert ended.scalar_one() is True
    await _store(inbox, "evt_3", "evt_4")
    await _store(inbox, "evt_5")
    assert await _stored(watcher) == ["evt_1", "evt_2", "evt_3", "evt_4", "evt_5"]
    (second,) = await _kept(watcher)
    assert second != first


@pytest.mark.parametrize("whole_engine", [False, True])
async def test_it_ends(engine: AsyncEngine, watcher: AsyncEngine, whole_engine: bool) -> None:
    """With its owner, or with the engine: nothing is left at the server. Both may be used again."""
    inbox = Inbox(engine)
    for round in range(2):
        await _store(inbox, f"evt_{round}_1")
        await _store(inbox, f"evt_{round}_2")
        assert len(await _kept(watcher)) == 1
        if whole_engine:
            await engine.dispose()
        else:
            inbox.close()
        for _ in range(1000):
            if not await _kept(watcher):
                break
            await asyncio.sleep(0.01)  # the server notices in its own time
        assert await _kept(watcher) == []
    assert len(await _stored(watcher)) == 4


async def test_an_event_that_the_database_refuses_is_refused_alone(
    engine: AsyncEngine, watcher: AsyncEngine
) -> None:
    """Of those that came together it is the only one that is told to come again."""
    inbox = Inbox(engine)
    await _store(inbox, "evt_0")
    told = await asyncio.gather(
        _store(inbox, "evt_1"), _store(inbox, "evt_\0"), _store(inbox, "evt_2"), return_exceptions=True
    )
    assert [type(one).__name__ for one in told] == ["NoneType", "DatabaseError", "NoneType"]
    assert await _stored(watcher) == ["evt_0", "evt_1", "evt_2"]


async def test_what_is_cut_off_leaves_no_connection_in_an_unknown_state(engine: AsyncEngine) -> None:
    """After a cancellation and after an error the next statement runs on a connection of its own."""
    held = Held(engine)
    assert await held.execute("SELECT 1", ())
    slow = asyncio.create_task(held.execute("SELECT pg_sleep(30)", ()))
    await asyncio.sleep(0.1)
    slow.cancel()
    with pytest.raises(asyncio.CancelledError):
        await slow
    async with asyncio.timeout(10):
        assert await held.execute("SELECT 1", ())
    assert not await held.execute("SELECT 1 / 0", ())
    assert await held.execute("SELECT 1", ())
