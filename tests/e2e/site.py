"""A business at a simulator of its own, and processes of this package that serve it or work for it."""

from __future__ import annotations

import asyncio
import json
import subprocess
import sys
import time
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import httpx
from sqlalchemy import Select, select

from overseer_payment import database, tables
from overseer_payment.ledger import totals
from overseer_payment.registry import Registry
from overseer_payment.service import Payments
from overseer_payment.settings import Settings
from overseer_payment.simulator import World
from overseer_payment.simulator.deliveries import signature
from overseer_payment.simulator.server import create_app
from tests.support.environment import clean_environment
from tests.support.server import Running, free_port, running, serving

SECRET = "whsec_Y3Jhc2ggdGVzdHM"
_COMMAND = Path(sys.executable).parent / "overseer"
_END = 40  # seconds that one command may take on a busy machine


@dataclass
class Site:
    """One database, one simulated account, and whoever serves them."""

    url: str
    folder: Path
    world: World
    api: str
    answered: set[str] = field(default_factory=set)
    """Ids of events that were answered 200."""
    more: dict[str, str] = field(default_factory=dict)
    """Settings beyond the usual."""

    @property
    def environ(self) -> dict[str, str]:
        return {
            "OVERSEER_DATABASE_URL": self.url,
            "OVERSEER_TOKEN": "a-token-for-tests-0123456789",
            "OVERSEER_SAFE_MODE": "1",
            "STRIPE_SECRET_KEY": self.world.secret_key,
            "STRIPE_WEBHOOK_SECRET": SECRET,
            "STRIPE_API_BASE": self.api,
            **self.more,
        }

    # -- processes -------------------------------------------------------------------------------------

    @contextmanager
    def serve(self) -> Iterator[Running]:
        """`overseer serve` in a process of its own; `kill()` ends it as a power cut would."""
        port = free_port()
        with running(
            [_COMMAND, "serve", "--port", str(port)],
            url=f"http://127.0.0.1:{port}/healthz",
            log=self.folder / "serve.log",
            env=self.environ,
            cwd=self.folder,
        ) as server:
            yield server

    def begin(self, *words: str, stdout: int = subprocess.PIPE) -> subprocess.Popen[str]:
        """`overseer payment WORDS` in a process of its own; the caller waits for its end."""
        return subprocess.Popen(
            [_COMMAND, "payment", *words],
            cwd=self.folder,
            env=clean_environment(self.environ),
            stdout=stdout,
            stderr=subprocess.PIPE,
            text=True,
        )

    def at_once(self, *commands: Sequence[str]) -> list[tuple[int, str, str]]:
        """Commands begun at the same moment: the exit code, stdout and stderr of each."""
        processes = [self.begin(*words) for words in commands]
        try:
            ends = [process.communicate(timeout=_END) for process in processes]
        finally:
            for process in processes:
                process.kill()
                process.wait()
        return [(p.returncode, *end) for p, end in zip(processes, ends, strict=True)]

    def run(self, *words: str) -> str:
        """One command that has to succeed; what it printed."""
        [(code, out, err)] = self.at_once(words)
        assert code == 0, err
        return out

    # -- deliveries --------------------------------------------------------------------------------------

    async def deliver(self, server: Running, *, kill_after: int | None = None, at_once: int = 16) -> None:
        """Send every event that was not answered yet, `at_once` at a time; the server may be killed amid it.

        Ends when all are sent or, with `kill_after`, soon after so many were answered.
        """
        waiting = [event for event in self.world.events if event["id"] not in self.answered]
        enough = len(self.answered) + (kill_after if kill_after is not None else len(waiting) + 1)
        hook = server.url.replace("/healthz", "/api/v1/payment/webhook/stripe")
        async with httpx.AsyncClient(timeout=_END) as client:

            async def send() -> None:
                while waiting and server.process.poll() is None:
                    event = waiting.pop(0)
                    try:
                        answer = await client.post(hook, **_signed(event))
                    except httpx.TransportError:
                        continue  # never answered: the provider would send it again
                    if answer.status_code == 200:
                        self.answered.add(event["id"])
                    if len(self.answered) >= enough:
                        server.process.kill()

            await asyncio.gather(*(send() for _ in range(at_once)))

    def settle(self, *, applying: bool = True) -> None:
        """Everything that happened arrives, in this process, and is applied if that is asked for."""

        async def work() -> None:
            engine = database.create_engine(self.url)
            payments = Payments(engine, Registry(self.environ), Settings())
            for event in self.world.events:
                sent = _signed(event)
                await payments.receive("stripe", sent["content"], sent["headers"])
            if applying:
                await payments.worker.drain(hurry=True)
            await payments.aclose()
            await engine.dispose()

        asyncio.run(work())

    # -- what is in the database ---------------------------------------------------------------------------

    def rows(self, query: Select[Any]) -> list[Any]:
        """What a query finds."""

        async def ask() -> list[Any]:
            engine = database.create_engine(self.url)
            async with database.read(engine) as connection:
                found = list((await connection.execute(query)).all())
            await engine.dispose()
            return found

        return asyncio.run(ask())

    def events(self) -> dict[str, tuple[str, int]]:
        """Status and attempts of every stored event, by the provider's id."""
        table = tables.event.c
        return {
            id: (status, attempts)
            for id, status, attempts in self.rows(
                select(table.provider_event_id, table.status, table.attempts)
            )
        }

    def wrong_totals(self) -> int:
        """How many totals differ from their rows."""

        async def ask() -> int:
            engine = database.create_engine(self.url)
            async with database.read(engine) as connection:
                wrong = await connection.run_sync(totals.wrong)
            await engine.dispose()
            return wrong

        return asyncio.run(ask())

    def gross(self) -> int:
        """Everything that was ever paid."""
        return int(sum(row.gross for row in self.rows(select(tables.total.c.gross))))

    def until_applied(self, count: int) -> None:
        """Wait until so many events are applied or ignored."""
        end = time.monotonic() + _END
        while sum(status in {"applied", "ignored"} for status, _ in self.events().values()) < count:
            assert time.monotonic() < end, self.events()
            time.sleep(0.1)


def _signed(event: Mapping[str, Any]) -> dict[str, Any]:
    body = json.dumps(event).encode()
    return {
        "content": body,
        "headers": {"stripe-signature": signature(body, [SECRET], int(time.time()))},
    }


@contextmanager
def opened(url: str, folder: Path) -> Iterator[Site]:
    """A site on a migrated database."""

    async def prepare() -> None:
        engine = database.create_engine(url)
        await database.upgrade(engine)
        await engine.dispose()

    asyncio.run(prepare())
    world = World()
    with serving(create_app(world), lifespan="off") as api:
        yield Site(url, folder, world, api)
