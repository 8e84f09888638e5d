"""Connections of a pool: lost ones are replaced before they are used, living ones aren't asked each time."""

from __future__ import annotations

import pytest
from sqlalchemy import Connection, text
from sqlalchemy.ext.asyncio import AsyncEngine

from overseer_payment import database, resting

pytestmark = pytest.mark.anyio


def _process(connection: Connection) -> int:
    return int(connection.execute(text("SELECT pg_backend_pid()")).scalar_one())


async def _end(engine: AsyncEngine, process: int) -> None:
    """What a restart of the server does to a connection."""
    async with database.write(engine) as connection:
        ended = await connection.execute(
            text("SELECT pg_terminate_backend(:process, 5000)"), {"process": process}
        )
        assert ended.scalar_one() is True


async def test_a_connection_that_was_lost_while_it_rested_is_replaced(
    postgres_url: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Nobody is told of it: the next transaction has another connection."""
    monkeypatch.setattr(resting, "_RESTED", 0.0)
    engine, other = database.create_engine(postgres_url), database.create_engine(postgres_url)
    first = await database.read_at_once(engine, _process)
    assert await database.read_at_once(engine, _process) == first
    await _end(other, first)
    assert await database.read_at_once(engine, _process) != first
    for each in (engine, other):
        await each.dispose()


async def test_a_connection_in_use_is_not_asked(postgres_url: str, monkeypatch: pytest.MonkeyPatch) -> None:
    """One transaction after the other costs no round trip of its own; after a rest it costs one."""
    engine = database.create_engine(postgres_url)
    asked: list[object] = []
    monkeypatch.setattr(engine.dialect, "do_ping", asked.append)
    monkeypatch.setattr(resting, "_RESTED", 60.0)
    for _ in range(3):
        await database.read_at_once(engine, _process)
    assert asked == []
    monkeypatch.setattr(resting, "_RESTED", 0.0)
    await database.read_at_once(engine, _process)
    assert len(asked) == 1
    await engine.dispose()
