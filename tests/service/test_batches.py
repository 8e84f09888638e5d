"""How the inbox stores: any text as it came, each event once, in company where there is some."""

from __future__ import annotations

import asyncio

import pytest
from sqlalchemy import select
from sqlalchemy.ext.asyncio import AsyncEngine

from overseer_payment import tables
from overseer_payment.committing import committed
from overseer_payment.database import read
from overseer_payment.errors import DatabaseError
from overseer_payment.inbox import Inbox
from overseer_payment.ledger import accounts, arrivals
from overseer_payment.ledger.arrivals import Arrival
from tests.service.arriving import ACCOUNT, AT, arrived

pytestmark = pytest.mark.anyio

ODD = [
    "",
    "{}",
    "{a,b}",
    'NULL "x"',
    "\\",
    "%s %b",
    "?, ?",
    "'; --",
    "é 山 🎈",
    "\u202e\n\t\x01",
    "x" * 70_000,
]


async def _stored(engine: AsyncEngine) -> list[str]:
    async with read(engine) as connection:
        query = select(tables.event.c.provider_event_id).order_by(tables.event.c.id)
        return list((await connection.execute(query)).scalars())


@pytest.mark.parametrize("plain", [False, True], ids=["fast", "any driver"])
async def test_rows_are_what_came(engine: AsyncEngine, plain: bool, monkeypatch: pytest.MonkeyPatch) -> None:
    """More than a statement takes, texts that mean something to databases, no version, repeated ids."""
    if plain:
        monkeypatch.setattr(arrivals, "is_one_statement", lambda _: False)
    (id,) = (await committed(engine, accounts.ensure, {ACCOUNT})).values()
    came = [Arrival(id, f"evt_{n}", text[:200], None, text, AT) for n, text in enumerate(ODD)]
    more = [Arrival(id, f"more_{n}", "t", "2026-10-28.endive", "{}", AT) for n in range(200)]
    again = [Arrival(id, "evt_3", "another", None, "another", AT), more[7]]
    for batch in ([*came, *more, *again], again, came[:1]):
        await committed(engine, arrivals.insert, batch, AT)
    event = tables.event.c
    query = select(*(event[name] for name in Arrival._fields)).order_by(event.id)
    async with read(engine) as connection:
        rows = [Arrival(*row) for row in await connection.execute(query)]
        rest = (
            await connection.execute(select(event.status, event.attempts, event.due_at, event.received_at))
        ).all()
    assert sorted(rows, key=lambda row: row.provider_event_id) == sorted(
        [*came, *more], key=lambda row: row.provider_event_id
    )
    assert set(rest) == {("pending", 0, AT, AT)}


async def test_who_was_in_company_waits_for_it(engine: AsyncEngine, monkeypatch: pytest.MonkeyPatch) -> None:
    """Four were stored together; the first of the next four to come is stored with the others."""
    monkeypatch.setattr("overseer_payment.inbox._PATIENCE", 60)
    commits: list[int] = []
    inbox = Inbox(engine, stored=lambda: commits.append(1))

    async def four(name: str, pause: float) -> None:
        async def one(n: int) -> None:
            await asyncio.sleep(pause * n)
            await inbox.store(ACCOUNT, arrived(f"{name}_{n}"), "{}")

        await asyncio.gather(*(one(n) for n in range(4)))

    await four("first", 0)
    inbox._price = 60  # as if that commit had taken long: the machine's own pace decides nothing
    async with asyncio.timeout(30):
        await four("second", 0.0005)
    assert len(commits) == 2
    assert len(await _stored(engine)) == 8


async def test_who_is_alone_does_not_wait(engine: AsyncEngine, monkeypatch: pytest.MonkeyPatch) -> None:
    """Nobody was there a moment ago, so nobody is waited for, however long a commit takes."""
    monkeypatch.setattr("overseer_payment.inbox._PATIENCE", 60)
    inbox = Inbox(engine)
    async with asyncio.timeout(30):
        for n in range(3):
            await inbox.store(ACCOUNT, arrived(f"evt_{n}"), "{}")
            inbox._price = 60
    assert await _stored(engine) == ["evt_0", "evt_1", "evt_2"]


async def test_who_waits_for_company_is_told_of_the_end(
    engine: AsyncEngine, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The process ends meanwhile: the delivery is refused, so the provider sends it again."""
    monkeypatch.setattr("overseer_payment.inbox._PATIENCE", 60)
    inbox = Inbox(engine)
    inbox._company, inbox._price = 2, 60
    waiting = asyncio.create_task(inbox.store(ACCOUNT, arrived("evt_1"), "{}"))
    await asyncio.sleep(0.01)
    assert inbox._flusher is not None
    inbox._flusher.cancel()
    with pytest.raises(DatabaseError, match="Send it again"):
        await waiting
    assert await _stored(engine) == []
