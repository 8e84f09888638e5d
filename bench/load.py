"""Delivers events to a server over keep-alive connections and notes how long each took."""

from __future__ import annotations

import asyncio
import socket
import sys
import time
from collections.abc import AsyncIterator, Iterator, Sequence
from contextlib import asynccontextmanager, closing
from dataclasses import dataclass

from bench.common import percentile
from bench.events import Signed
from bench.servers import PATH


@dataclass(frozen=True, slots=True)
class Load:
    """What a load came to."""

    rate: float
    """Events a second."""
    p99: float
    """Milliseconds."""


@asynccontextmanager
async def server(which: str, url: str) -> AsyncIterator[tuple[int, asyncio.subprocess.Process]]:
    """One of `bench.servers` in a process of its own; its port and the process."""
    with closing(socket.socket()) as listener:
        listener.bind(("127.0.0.1", 0))
        listener.listen(256)
        number = listener.fileno()
        command = (sys.executable, "-m", "bench.servers", which, url, "--socket", str(number))
        process = await asyncio.create_subprocess_exec(*command, pass_fds=[number])
        try:
            yield listener.getsockname()[1], process
        finally:
            if process.returncode is None:
                process.terminate()
            await process.wait()


async def deliver(port: int, events: Sequence[Signed], connections: int) -> Load:
    """Send all events over so many connections at once. Raises RuntimeError unless each is answered 200."""
    requests = iter([_request(event) for event in events])
    took: list[float] = []
    # The first one waits until the server is up; it is not counted.
    await _connection(port, iter([next(requests)]), [])
    begun = time.perf_counter()
    async with asyncio.TaskGroup() as group:
        for _ in range(connections):
            group.create_task(_connection(port, requests, took))
    return Load(len(took) / (time.perf_counter() - begun), percentile(took, 0.99) * 1000)


def _request(event: Signed) -> bytes:
    head = (
        f"POST {PATH} HTTP/1.1\r\nhost: 127.0.0.1\r\ncontent-type: application/json\r\n"
        f"stripe-signature: {event.header}\r\ncontent-length: {len(event.body)}\r\n\r\n"
    )
    return head.encode() + event.body


async def _connection(port: int, requests: Iterator[bytes], took: list[float]) -> None:
    reader, writer = await asyncio.open_connection("127.0.0.1", port)
    for request in requests:
        begun = time.perf_counter()
        writer.write(request)
        head = await reader.readuntil(b"\r\n\r\n")
        if not head.startswith(b"HTTP/1.1 200"):
            raise RuntimeError(f"refused: {head[:60]!r}")
        length = next(line for line in head.lower().split(b"\r\n") if line.startswith(b"content-length:"))
        await reader.readexactly(int(length.partition(b":")[2]))
        took.append(time.perf_counter() - begun)
    writer.close()
