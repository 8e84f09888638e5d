"""A mail server for tests: takes letters on the loopback, keeps them, refuses as often as it is asked to."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from email import message_from_bytes, policy
from email.message import EmailMessage


@dataclass
class Mailbox:
    """What was handed in. `refusals`: how many letters are turned away for now."""

    letters: list[EmailMessage] = field(default_factory=list)
    refusals: int = 0
    port: int = 0

    @property
    def url(self) -> str:
        return f"smtp://127.0.0.1:{self.port}"

    async def serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        """One client, from its greeting to its end (RFC 5321, as much as smtplib needs)."""
        writer.write(b"220 tests\r\n")
        while line := await reader.readline():
            verb = line[:4].upper()
            if verb == b"DATA":
                writer.write(await self._data(reader, writer))
            elif verb == b"QUIT":
                writer.write(b"221 bye\r\n")
                break
            else:
                writer.write(b"250 ok\r\n")
        writer.close()

    async def _data(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> bytes:
        writer.write(b"354 go on\r\n")
        body = await reader.readuntil(b"\r\n.\r\n")
        if self.refusals:
            self.refusals -= 1
            return b"451 not now\r\n"
        self.letters.append(message_from_bytes(body[:-3], policy=policy.default))
        return b"250 taken\r\n"


@asynccontextmanager
async def mailbox() -> AsyncIterator[Mailbox]:
    """A server for the length of the block."""
    box = Mailbox()
    server = await asyncio.start_server(box.serve, "127.0.0.1", 0)
    box.port = server.sockets[0].getsockname()[1]
    async with server:
        yield box
