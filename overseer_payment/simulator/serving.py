"""The simulator as a server of its own, on 127.0.0.1, that also delivers its webhooks."""

from __future__ import annotations

import socket
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

import anyio
import httpx
import uvicorn
from starlette.types import ASGIApp

from overseer_payment.simulator.deliveries import Deliverer
from overseer_payment.simulator.server import create_app
from overseer_payment.simulator.world import World

_CONCURRENT_DELIVERIES = 8


@asynccontextmanager
async def serving(world: World, *, port: int = 0) -> AsyncIterator[str]:
    """Serve `world` and deliver its webhooks until the block ends; yield the base URL.

    Port 0 takes a free one. Sets `world.public_url`. Raises OSError when the port is taken.
    """
    async with httpx.AsyncClient() as client:
        deliverer = Deliverer(world, client, concurrency=_CONCURRENT_DELIVERIES)
        async with (
            listening(create_app(world, deliverer), port=port) as base,
            anyio.create_task_group() as group,
        ):
            world.public_url = base
            group.start_soon(deliverer.run)
            yield base
            group.cancel_scope.cancel()


@asynccontextmanager
async def listening(app: ASGIApp, *, port: int = 0) -> AsyncIterator[str]:
    """Serve any ASGI application on 127.0.0.1 until the block ends; yield its base URL."""
    config = uvicorn.Config(app, log_level="warning", lifespan="off", date_header=False)
    with _bound(port) as bound:
        server = _Server(config)
        async with anyio.create_task_group() as group:
            group.start_soon(server.run_on, bound)
            await server.ready.wait()
            try:
                yield f"http://127.0.0.1:{bound.getsockname()[1]}"
            finally:
                server.should_exit = True


def _bound(port: int) -> socket.socket:
    # Bound here and not by uvicorn, which ends the whole process when a port is taken.
    bound = socket.socket(socket.AF_INET, socket.SOCK_STREAM)
    bound.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
    try:
        bound.bind(("127.0.0.1", port))
    except OSError:
        bound.close()
        raise
    return bound


class _Server(uvicorn.Server):
    """Uvicorn that tells when it answers, and leaves signals to whoever runs it."""

    def __init__(self, config: uvicorn.Config) -> None:
        super().__init__(config)
        self.ready = anyio.Event()

    async def run_on(self, bound: socket.socket) -> None:
        # `serve` would install signal handlers, which belong to the application around this server.
        await self._serve([bound])

    async def startup(self, sockets: list[socket.socket] | None = None) -> None:
        await super().startup(sockets)
        self.ready.set()
