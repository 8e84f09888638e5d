"""How many events a second are stored and fully applied, sustained.

In one process on SQLite; on PostgreSQL with one and with two processes. Beside it: the same events merely
stored.
"""

from __future__ import annotations

import argparse
import asyncio
import cProfile
import os
import pstats
import sys
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager, nullcontext
from typing import TypeVar
from unittest import mock

from sqlalchemy import Connection, Engine

from bench.common import counted, databases, kinds, median, parser, say, service, together, verdict
from bench.events import Signed, signed
from overseer_payment import twins

T = TypeVar("T")

TARGET = 1500.0  # events a second, in one process on one core


def main() -> int:
    options = _options()
    if options.drain:
        asyncio.run(_drain(options.drain))
        return 0
    if options.one_core and hasattr(os, "sched_setaffinity"):
        os.sched_setaffinity(0, {min(os.sched_getaffinity(0))})
    count = options.events or (1500 if options.quick else 15000)
    rounds = options.rounds or (1 if options.quick else 3)
    good = True
    with databases(options) as new:
        for kind in kinds(options):
            rates, floors, cpu = list[float](), list[float](), list[float]()
            for number in range(rounds):
                events = signed(count, start=number * 10**6)
                floors.append(count / asyncio.run(_timed(new(kind), events, applying=False)))
                used = time.process_time()
                url = new(kind)
                rates.append(count / asyncio.run(_timed(url, events, applying=True, profile=options.profile)))
                cpu.append(count / (time.process_time() - used))
            say(
                f"{kind}, one process: {median(rates):,.0f}/s stored and applied "
                f"({median(cpu):,.0f} for each second of processor time), {median(floors):,.0f}/s stored"
            )
            if kind == "sqlite":
                good &= verdict("events/s", median(rates), TARGET, least=True)
            else:
                _workers(new, events, rounds)
    return 0 if good else 1


def _options() -> argparse.Namespace:
    made = parser(__doc__)
    made.add_argument("--events", type=int, help="how many")
    made.add_argument("--one-core", action="store_true", help="keep this process on one core")
    made.add_argument("--profile", action="store_true", help="print where applying spends its time")
    made.add_argument("--drain", metavar="URL", help=argparse.SUPPRESS)
    return made.parse_args()


async def _timed(url: str, events: list[Signed], *, applying: bool, profile: bool = False) -> float:
    """Seconds until all events are stored, and with `applying` applied by the same process."""
    async with service(url) as payments:

        async def deliver(event: Signed) -> None:
            await payments.receive("stripe", event.body, event.headers)

        async def apply() -> None:
            payments.worker.start()
            for _ in range(10**6):
                if delivered.is_set() and not await counted(payments.engine, "pending"):
                    return
                await asyncio.sleep(0.02)

        async def deliver_all() -> None:
            await together(deliver, events, 64)
            delivered.set()

        delivered = asyncio.Event()
        begun = time.perf_counter()
        with _profiled() if profile else nullcontext():
            async with asyncio.TaskGroup() as group:
                group.create_task(deliver_all())
                if applying:
                    group.create_task(apply())
        seconds = time.perf_counter() - begun
        if applying:
            assert await counted(payments.engine, "failed") == 0
            assert await counted(payments.engine, "pending") == 0
        return seconds


@contextmanager
def _profiled() -> Iterator[None]:
    """Prints where this thread spent its time, and the one that writes SQLite files."""
    watch, threads = cProfile.Profile(), cProfile.Profile()
    transaction = twins._transaction

    def watched(engine: Engine, begin: str, work: Callable[[Connection], T]) -> T:
        if begin == "BEGIN":  # readers are several, and a profile is of one thread
            return transaction(engine, begin, work)
        return threads.runcall(transaction, engine, begin, work)

    with mock.patch.object(twins, "_transaction", watched), watch:
        yield
    stats = pstats.Stats(watch, stream=sys.stdout)
    if threads.getstats():
        stats.add(threads)
    stats.sort_stats("tottime").print_stats(45)


def _workers(new: object, events: list[Signed], rounds: int) -> None:
    """Drain a full inbox by one and by two processes."""
    assert callable(new)
    seconds: dict[int, list[float]] = {1: [], 2: []}
    for _ in range(rounds):
        for workers in seconds:
            url = new("postgresql")
            asyncio.run(_timed(url, events, applying=False))
            seconds[workers].append(asyncio.run(_drained(url, workers)))
    one, two = (len(events) / median(its) for its in seconds.values())
    say(f"postgresql, a full inbox: {one:,.0f}/s by one process, {two:,.0f}/s by two")
    verdict("two processes to one", two / one, 1.0, least=True)


async def _drained(url: str, workers: int) -> float:
    """Seconds from the first change of a row until nothing is pending, without the processes' start."""
    command = (sys.executable, "-m", "bench.apply", "--drain", url)
    running = [await asyncio.create_subprocess_exec(*command) for _ in range(workers)]
    async with service(url) as payments:
        full = await counted(payments.engine, "pending")
        begun = None
        for _ in range(60_000):
            left = await counted(payments.engine, "pending")
            if left < full and begun is None:
                begun, full = time.perf_counter(), left
            if left == 0:
                break
            await asyncio.sleep(0.01)
        seconds = time.perf_counter() - (begun or 0)
    for process in running:
        await process.wait()
    return seconds


async def _drain(url: str) -> None:
    async with service(url) as payments:
        idle = 0
        while idle < 5:
            idle = 0 if await payments.worker.applier.step() else idle + 1
            await asyncio.sleep(0.02 if idle else 0)


if __name__ == "__main__":
    sys.exit(main())
