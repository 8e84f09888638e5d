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
    """What was handed in. `answers`: what is said once instead of yes, by verb; "." is the letter's end."""

    letters: list[EmailMessage] = field(default_factory=list)
    answers: dict[str, str] = field(default_factory=dict)
    port: int = 0

    @property
    def url(self) -> str:
        return f"smtp://127.0.0.1:{self.port}"

    async def serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        """One client, from its greeting to its end (RFC 5321, as much as smtplib needs)."""
        writer.write(b"220 tests\r\n")
        while line := await reader.readline():
            verb = line[:4].decode().strip().upper()
            refused = self.answers.pop(verb, None)
            if verb == "DATA" and refused is None:
                writer.write(b"354 go on\r\n")
                writer.write(self._taken(await reader.readuntil(b"\r\n.\r\n")))
            else:
                writer.write(f"{refused or '250 ok'}\r\n".encode())
            if verb == "QUIT":
                break
        writer.close()

    def _taken(self, body: bytes) -> bytes:
        if refused := self.answers.pop(".", None):
            return f"{refused}\r\n".encode()
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
