"""What the measurements share: databases, a service without a network, medians, how results are told."""

from __future__ import annotations

import argparse
import asyncio
import statistics
import sys
import tempfile
from collections.abc import AsyncIterator, Awaitable, Callable, Iterator, Sequence
from contextlib import ExitStack, asynccontextmanager, contextmanager
from pathlib import Path
from typing import TypeVar

import httpx
from sqlalchemy import func, select
from sqlalchemy.ext.asyncio import AsyncEngine

from overseer_payment import database, tables
from overseer_payment.registry import Registry
from overseer_payment.schemas import Viewer
from overseer_payment.service import Payments
from overseer_payment.settings import Settings

T = TypeVar("T")

SECRET = "whsec_bWVhc3VyZW1lbnRz"
CONFIG = {"STRIPE_SECRET_KEY": "sk_test_" + "b" * 24, "STRIPE_WEBHOOK_SECRET": SECRET}
OPERATOR = Viewer.operator("bench")
KINDS = ("sqlite", "postgresql")


def parser(description: str | None) -> argparse.ArgumentParser:
    """What every measurement takes."""
    made = argparse.ArgumentParser(description=(description or "").splitlines()[0])
    made.add_argument("--quick", action="store_true", help="small numbers: does it work, not how fast is it")
    made.add_argument("--rounds", type=int, default=None, help="how often each side is measured")
    made.add_argument("--database", choices=KINDS, action="append", help="only this one (may be repeated)")
    made.add_argument("--postgres", metavar="URL", help="a server to use instead of a throw-away one")
    return made


@contextmanager
def databases(options: argparse.Namespace) -> Iterator[Callable[[str], str]]:
    """A function that answers the URL of a new, empty database of the kind."""
    with ExitStack() as stack:
        home = Path(stack.enter_context(tempfile.TemporaryDirectory(prefix="overseer-bench-")))
        servers: list[object] = []

        def new(kind: str) -> str:
            if kind == "sqlite":
                folder = tempfile.mkdtemp(dir=home)
                return f"sqlite+aiosqlite:///{folder}/bench.db"
            from tests.support.postgres import Postgres, running_postgres

            if not servers:
                servers.append(stack.enter_context(running_postgres(options.postgres)))
            server = servers[0]
            assert isinstance(server, Postgres)
            return stack.enter_context(server.database())

        yield new


def kinds(options: argparse.Namespace) -> Sequence[str]:
    return options.database or KINDS


async def _unreachable(request: httpx.Request) -> httpx.Response:
    raise httpx.ConnectError("measurements have no network", request=request)


@asynccontextmanager
async def service(url: str) -> AsyncIterator[Payments]:
    """The service on an up-to-date database; its provider can be reached by nobody."""
    engine = database.create_engine(url)
    transport = httpx.MockTransport(_unreachable)
    payments = Payments(
        engine, Registry(CONFIG, http_factory=lambda _: httpx.AsyncClient(transport=transport)), Settings()
    )
    try:
        await database.upgrade(engine)
        yield payments
    finally:
        await payments.aclose()
        await engine.dispose()


async def counted(engine: AsyncEngine, status: str) -> int:
    """How many events are in this state."""
    query = select(func.count()).select_from(tables.event).where(tables.event.c.status == status)
    async with database.read(engine) as connection:
        return int((await connection.execute(query)).scalar_one())


async def together(work: Callable[[T], Awaitable[object]], items: Sequence[T], tasks: int) -> None:
    """Do `work` for all items, at most `tasks` of them at a time."""
    waiting = iter(items)

    async def one() -> None:
        for item in waiting:
            await work(item)

    async with asyncio.TaskGroup() as group:
        for _ in range(tasks):
            group.create_task(one())


def median(values: Sequence[float]) -> float:
    return statistics.median(values)


def percentile(values: Sequence[float], share: float) -> float:
    ordered = sorted(values)
    return ordered[min(len(ordered) - 1, int(len(ordered) * share))]


def say(text: str) -> None:
    sys.stdout.write(text + "\n")
    sys.stdout.flush()


def verdict(what: str, ratio: float, target: float, *, least: bool) -> bool:
    """Print how a ratio stands to its target."""
    good = ratio >= target if least else ratio <= target
    sign = "≥" if least else "≤"
    say(f"  {'ok  ' if good else 'MISS'} {what}: {ratio:.2f} (target {sign} {target:g})")
    return good


def sizes(
    description: str | None,
    compared: Callable[[str, str, int, int], Awaitable[bool]],
    *,
    rows: int,
    rounds: int,
    quick_rounds: int,
) -> int:
    """Compare a ledger of 1,000 payments with a large one on each database; the exit code.

    `compared` takes the URLs of both, how many payments the large one gets, and how many rounds.
    """
    made = parser(description)
    made.add_argument("--rows", type=int, help="how many the larger ledger has")
    options = made.parse_args()
    large = options.rows or (20_000 if options.quick else rows)
    rounds = options.rounds or (quick_rounds if options.quick else rounds)

    async def run(small_url: str, large_url: str) -> bool:
        return await compared(small_url, large_url, large, rounds)

    good = True
    with databases(options) as new:
        for kind in kinds(options):
            say(f"{kind}: {large:,} to 1,000 payments")
            good &= asyncio.run(run(new(kind), new(kind)))
    return 0 if good else 1
