"""A business for one script: a simulated account, one database, and the embedded host's application.

Nothing works in the background: what the webhook stored is applied when somebody asks for it.
"""

from __future__ import annotations

import asyncio
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass

import httpx
from starlette.applications import Starlette

from overseer_payment import database
from overseer_payment.composition import payments_for
from overseer_payment.host import create_app
from overseer_payment.service import Payments
from overseer_payment.simulator import Deliverer, World, transport

HOME = "http://127.0.0.1:8000"
TOKEN = "an-operators-token-of-one-year"
SECRET = "whsec_Zmlyc3QgeWVhcg"


@dataclass
class Business:
    """The account, the application that listens, and the loop in which that lives."""

    world: World
    config: dict[str, str]
    app: Starlette
    payments: Payments
    runner: asyncio.Runner

    def client(self) -> httpx.AsyncClient:
        return httpx.AsyncClient(transport=httpx.ASGITransport(self.app), base_url=HOME)

    def tick(self) -> None:
        """Nobody does two things within one second, and the provider tells whole ones."""
        self.world.clock.advance(2)

    def deliver(self) -> None:
        """What is due reaches the webhook, several deliveries at a time."""

        async def all_due() -> None:
            async with self.client() as client:
                await Deliverer(self.world, client, concurrency=8).deliver_due()

        self.runner.run(all_due())


@contextmanager
def opened(world: World, url: str) -> Iterator[Business]:
    """A business on a new database, whose webhook the provider knows."""
    config = {
        "OVERSEER_DATABASE_URL": url,
        "OVERSEER_TOKEN": TOKEN,
        "OVERSEER_SAFE_MODE": "1",
        "STRIPE_SECRET_KEY": world.secret_key,
        "STRIPE_WEBHOOK_SECRET": SECRET,
        "STRIPE_API_BASE": "http://simulator.invalid",
    }
    world.add_endpoint(f"{HOME}/api/v1/payment/webhook/stripe", SECRET)
    app = create_app(config)
    host = app.state.host
    with asyncio.Runner() as runner:
        payments = payments_for(host, http_factory=lambda _: http_to(world))
        runner.run(database.upgrade(host.engine))
        try:
            yield Business(world, config, app, payments, runner)
        finally:
            runner.run(payments.aclose())
            runner.run(host.engine.dispose())


def _to(world: World) -> httpx.AsyncClient:
    return httpx.AsyncClient(transport=transport(world))


def http_to(world: World) -> httpx.AsyncClient:
    """What the SDK reaches the provider through."""
    return httpx.AsyncClient(transport=transport(world))
