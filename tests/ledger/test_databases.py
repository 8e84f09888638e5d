"""The same ledger on both databases, and written by several at once."""

from __future__ import annotations

import multiprocessing
import random
import threading
import time
from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import closing

import pytest
from sqlalchemy import Connection, Engine, create_engine, text
from sqlalchemy.exc import DBAPIError
from sqlalchemy.ext.asyncio import AsyncEngine

from overseer_payment import database, tables
from overseer_payment.breakdowns import is_transient
from overseer_payment.ledger import codec, merge, totals
from overseer_payment.ledger.record import record
from overseer_payment.provider import InvoiceStatus, Kind, Snapshot
from tests.ledger import books, properties
from tests.ledger.provider import START
from tests.ledger.telling import SUCCEEDED, Ledger, charge, customer, invoice, moment, payment, refund
from tests.ledger.world import batches

pytestmark = pytest.mark.anyio

_TRIES = 20
_PATIENCE = 20.0


async def _write(engine: AsyncEngine, work: Callable[[Connection], object]) -> None:
    async with database.write(engine) as connection:
        await connection.run_sync(work)


@pytest.mark.parametrize("seed", [3, 7])
async def test_both_databases_keep_the_same_books(engine: AsyncEngine, seed: int) -> None:
    """A whole history, in order and shuffled, reads back as it does from a database in memory."""
    world = properties.made_up(seed, length=60)
    with closing(books.memory()) as memory:
        books.tell(memory, 1, world.told, size=1000)
        expected = books.books(memory, 1)
    told = properties.shuffled(world, random.Random(seed))
    async with database.write(engine) as connection:
        await connection.run_sync(lambda c: books.tell(c, 1, world.told, size=1000))
        await connection.run_sync(lambda c: books.tell(c, 2, told, size=3))
        assert await connection.run_sync(books.books, 1) == expected
        assert await connection.run_sync(books.books, 2) == expected
        assert await connection.run_sync(totals.rebuild) == 0


async def test_a_rolled_back_record_leaves_nothing(engine: AsyncEngine) -> None:
    """What is recorded stands and falls with the caller's transaction."""

    def break_off(connection: Connection) -> None:
        record(connection, 1, [payment(10, SUCCEEDED)], now=START)
        raise ZeroDivisionError

    with pytest.raises(ZeroDivisionError):
        await _write(engine, break_off)
    async with database.read(engine) as connection:
        assert await connection.run_sync(books.books, 1) == {}
        assert await connection.run_sync(books.wants, 1) == {}


async def test_texts_that_a_database_refuses_are_kept_as_far_as_they_go(engine: AsyncEngine) -> None:
    """NUL, half surrogates and overlong texts neither stop an event nor alter what else it says."""
    hostile = "a\x00b\ud800" + "x" * 2000
    told: list[Snapshot] = [
        charge(10, description=hostile, method=hostile, email=hostile, metadata={"k\x00": "v\udfff"}),
        refund(20, SUCCEEDED, 300, made=20, reason=hostile, failure_reason=hostile),
        customer(10, email=hostile, name=hostile),
        invoice(10, InvoiceStatus.PAID, number=hostile, hosted_url=hostile),
    ]
    async with database.write(engine) as connection:
        await connection.run_sync(lambda c: record(c, 1, told, now=START))
        again = await connection.run_sync(lambda c: record(c, 1, told, now=START))
        found = await connection.run_sync(books.books, 1)
        kept = await connection.run_sync(books.known, 1)
    assert again.changes == []
    row = found["payment_transaction/pi_1"]
    assert row["description"] == "a\ufffdb\ufffd" + "x" * 2000
    assert row["method"] == row["description"][:255]
    assert found["payment_transaction/re_1"]["reason"] == row["method"]
    assert len(found["payment_customer/cus_1"]["email"]) == 512
    assert next(s for s in kept if s.kind is Kind.CHARGE).metadata == {"k\ufffd": "v\ufffd"}


async def test_what_is_kept_of_an_object_decodes_to_what_was_told(engine: AsyncEngine) -> None:
    """Snapshots survive the database: a later derivation sees exactly what the first one saw."""
    told = properties.made_up(11, length=60).told
    newest = {s.ref: s for s in sorted(told, key=lambda s: (s.as_of.version, merge.tie(s, codec.encode(s))))}
    async with database.write(engine) as connection:
        await connection.run_sync(lambda c: books.tell(c, 1, told, size=1000))
        kept = {snapshot.ref: snapshot for snapshot in await connection.run_sync(books.known, 1)}
    assert kept == newest


# -- several at once -----------------------------------------------------------------------------


def _record_retrying(engine: Engine, account_id: int, some: Sequence[Snapshot]) -> None:
    """One transaction, run again after a deadlock, as a worker does."""
    for _ in range(_TRIES):
        try:
            with engine.begin() as connection:
                record(connection, account_id, some, now=START)
            return
        except DBAPIError as error:
            if not is_transient(error):
                raise
    raise AssertionError("deadlocks don't end")


def _record_share(url: str, seed: int, share: int, shares: int, account_id: int) -> None:
    told = properties.shuffled(properties.made_up(seed, length=60), random.Random(seed))
    engine = create_engine(url)
    try:
        for some in batches(told[share::shares], 2):
            _record_retrying(engine, account_id, some)
    finally:
        engine.dispose()


@pytest.fixture
def postgres_engine(postgres_url: str) -> Iterator[Engine]:
    engine = create_engine(postgres_url)
    tables.metadata.create_all(engine)
    yield engine
    engine.dispose()


def _expected(seed: int) -> books.Books:
    with closing(books.memory()) as memory:
        books.tell(memory, 1, properties.made_up(seed, length=60).told, size=1000)
        return books.books(memory, 1)


@pytest.mark.parametrize("seed", [2, 15])
def test_threads_that_record_one_history_together_leave_the_same_rows(
    postgres_engine: Engine, postgres_url: str, seed: int
) -> None:
    """Four writers with interleaved shares of the same events, duplicates included, end as one would."""
    with ThreadPoolExecutor(4) as pool:
        shares = [pool.submit(_record_share, postgres_url, seed, share, 4, 1) for share in range(4)]
        for done in shares:
            done.result(_PATIENCE * 2)
    with postgres_engine.connect() as connection:
        assert books.books(connection, 1) == _expected(seed)
        assert totals.rebuild(connection) == 0


def test_processes_that_record_one_history_together_leave_the_same_rows(
    postgres_engine: Engine, postgres_url: str
) -> None:
    """The same with processes, which share nothing but the database."""
    spawn = multiprocessing.get_context("spawn")
    workers = [spawn.Process(target=_record_share, args=(postgres_url, 5, share, 2, 1)) for share in range(2)]
    for worker in workers:
        worker.start()
    for worker in workers:
        worker.join(_PATIENCE * 2)
    assert [worker.exitcode for worker in workers] == [0, 0]
    with postgres_engine.connect() as connection:
        assert books.books(connection, 1) == _expected(5)


def test_who_derives_the_same_payment_waits_and_sees_what_the_first_committed(
    postgres_engine: Engine,
) -> None:
    """A refund recorded while its charge is being recorded waits, and then finds the charge."""
    with postgres_engine.connect() as first, first.begin():
        record(first, 1, [charge(10)], now=START)
        second = threading.Thread(
            target=_record_retrying, args=(postgres_engine, 1, [refund(20, SUCCEEDED, 300, made=20)])
        )
        second.start()
        with postgres_engine.connect() as watcher:
            _until(lambda: _waiting(watcher))
        first.commit()
    second.join(_PATIENCE)
    assert not second.is_alive()
    with postgres_engine.connect() as connection:
        row = Ledger(connection, 1).payment()
        assert (row["status"], row["amount_refunded"]) == ("partially_refunded", 300)


def _waiting(connection: Connection) -> bool:
    query = text("SELECT count(*) FROM pg_locks WHERE locktype = 'advisory' AND NOT granted")
    with connection.begin():
        return bool(connection.execute(query).scalar_one())


def _until(holds: Callable[[], bool]) -> None:
    end = time.monotonic() + _PATIENCE
    while not holds():
        assert time.monotonic() < end, "nobody waits"
        time.sleep(0.01)


def test_totals_can_be_rebuilt_beside_writers(postgres_engine: Engine, postgres_url: str) -> None:
    """Rebuilding while others record finds no difference, at any moment, and loses nothing of theirs."""
    with ThreadPoolExecutor(2) as pool:
        shares = [pool.submit(_record_share, postgres_url, 7, share, 2, 1) for share in range(2)]
        rebuilt = 0
        while not all(share.done() for share in shares) or not rebuilt:
            with postgres_engine.begin() as connection:
                assert totals.rebuild(connection) == 0
            rebuilt += 1
        for share in shares:
            share.result(0)
    with postgres_engine.connect() as connection:
        assert books.books(connection, 1) == _expected(7)


def test_accounts_do_not_wait_for_each_other(postgres_engine: Engine) -> None:
    """The same ids of another account are other payments: recording them takes no lock of this one."""
    with postgres_engine.connect() as first, first.begin():
        record(first, 1, [charge(10)], now=moment(0))
        with postgres_engine.connect() as second, second.begin():
            second.execute(text("SET LOCAL lock_timeout = '5s'"))
            record(second, 2, [charge(10)], now=moment(0))
