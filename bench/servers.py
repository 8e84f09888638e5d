"""The servers that `bench.accept` compares and `bench.burst` floods, each run as a process of its own."""

from __future__ import annotations

import argparse
import asyncio
import hashlib
import hmac
import socket
import sqlite3
from collections.abc import AsyncIterator, Awaitable, Callable, MutableMapping
from contextlib import asynccontextmanager
from typing import Any, cast

import uvicorn
from starlette.applications import Starlette

from bench.common import SECRET, service
from overseer_payment.host_contract import Host
from overseer_payment.routes.api import public_api_routes
from overseer_payment.routes.op import PREFIX
from overseer_payment.settling import settle

Message = MutableMapping[str, Any]
_NOBODY = cast(Host, None)  # public routes ask a host nothing
PATH = f"{PREFIX}/webhook/stripe"


def main() -> None:
    made = argparse.ArgumentParser()
    made.add_argument("which", choices=("floor", "ours", "applying"))
    made.add_argument("url")
    made.add_argument("--socket", type=int, required=True, help="descriptor of the listening socket")
    options = made.parse_args()
    listener = socket.socket(fileno=options.socket)
    asyncio.run(_serve(options.which, options.url, listener))


async def _serve(which: str, url: str, listener: socket.socket) -> None:
    opened = _floor(url) if which == "floor" else _ours(url, applying=which == "applying")
    async with opened as app:
        settle()  # as `overseer serve` does; the floor alike
        config = uvicorn.Config(app, log_level="warning", lifespan="off", access_log=False)
        await uvicorn.Server(config).serve(sockets=[listener])


# -- ours -----------------------------------------------------------------------------------------------


@asynccontextmanager
async def _ours(url: str, *, applying: bool) -> AsyncIterator[Any]:
    async with service(url) as payments:
        if applying:
            payments.worker.start()
        yield Starlette(routes=[*public_api_routes(_NOBODY, lambda _: payments)])


# -- the floor --------------------------------------------------------------------------------------------

# The least that may answer 200: the signature checked, one durable row for each event, many rows a commit.
_CREATE = "CREATE TABLE IF NOT EXISTS floor (id BIGINT, header TEXT, body TEXT)"


@asynccontextmanager
async def _floor(url: str) -> AsyncIterator[Any]:
    if url.startswith("sqlite"):
        connection = sqlite3.connect(url.partition(":///")[2], isolation_level=None, check_same_thread=False)
        for pragma in ("journal_mode=WAL", "synchronous=FULL"):
            connection.execute(f"PRAGMA {pragma}")
        connection.execute(_CREATE)

        def write(rows: list[tuple[str, str]]) -> None:
            connection.execute("BEGIN IMMEDIATE")
            connection.executemany("INSERT INTO floor (header, body) VALUES (?, ?)", rows)
            connection.execute("COMMIT")

        yield _Floor(lambda rows: asyncio.to_thread(write, rows))
        connection.close()
        return
    import psycopg

    async with await psycopg.AsyncConnection.connect(url.replace("+psycopg", "")) as pool:
        await pool.execute(_CREATE)
        await pool.commit()

        async def insert(rows: list[tuple[str, str]]) -> None:
            async with pool.cursor() as cursor:
                await cursor.executemany("INSERT INTO floor (header, body) VALUES (%s, %s)", rows)
            await pool.commit()

        yield _Floor(insert)


class _Floor:
    """A bare ASGI application with group commit."""

    def __init__(self, write: Callable[[list[tuple[str, str]]], Awaitable[None]]) -> None:
        self._write = write
        self._waiting: list[tuple[tuple[str, str], asyncio.Future[None]]] = []
        self._flusher: asyncio.Task[None] | None = None

    async def __call__(self, scope: Any, receive: Callable[[], Awaitable[Message]], send: Any) -> None:
        body = b""
        while True:
            message = await receive()
            body += message.get("body", b"")
            if not message.get("more_body"):
                break
        header = next(value for name, value in scope["headers"] if name == b"stripe-signature").decode()
        status = 200 if _is_valid(body, header) else 400
        if status == 200:
            done: asyncio.Future[None] = asyncio.get_running_loop().create_future()
            self._waiting.append(((header, body.decode()), done))
            if self._flusher is None or self._flusher.done():
                self._flusher = asyncio.create_task(self._flush())
            await done
        await send({"type": "http.response.start", "status": status, "headers": [(b"content-length", b"2")]})
        await send({"type": "http.response.body", "body": b"{}"})

    async def _flush(self) -> None:
        while self._waiting:
            batch, self._waiting = self._waiting, []
            await self._write([row for row, _ in batch])
            for _, done in batch:
                done.set_result(None)


def _is_valid(body: bytes, header: str) -> bool:
    parts = dict(part.split("=", 1) for part in header.split(","))
    made = hmac.new(SECRET.encode(), f"{parts['t']}.".encode() + body, hashlib.sha256).hexdigest()
    return hmac.compare_digest(made, parts["v1"])


if __name__ == "__main__":
    main()
