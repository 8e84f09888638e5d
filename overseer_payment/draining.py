"""Reads away what a refused request still sends, before it is told so.

Who is answered while they are still sending meets a closed connection instead of the answer: the server
closes it with bytes unread, and their system then throws away what had arrived. Bounded, for not everybody
who sends too much wants an answer.
"""

from __future__ import annotations

import asyncio
from contextlib import suppress
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from starlette.types import ASGIApp, Message, Receive, Scope, Send

_MOST = 32 * 1024 * 1024  # bytes
_PATIENCE = 10.0  # seconds


class Drained:
    """An application whose refusals (400 and above) are sent once the request's body was read to its end."""

    def __init__(self, app: ASGIApp) -> None:
        self._app = app

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] != "http" or not _has_body(scope):
            await self._app(scope, receive, send)
            return
        body = _Body(scope, receive)

        async def patient(message: Message) -> None:
            if message["type"] == "http.response.start" and message["status"] >= 400:
                await body.drain()
            await send(message)

        await self._app(scope, body.receive, patient)


class _Body:
    def __init__(self, scope: Scope, receive: Receive) -> None:
        self._receive = receive
        # Who waits to be asked for the body has sent nothing, and need not.
        self._under_way = (b"expect", b"100-continue") not in scope["headers"]

    async def receive(self) -> Message:
        self._under_way = False
        message = await self._receive()
        self._under_way = message["type"] == "http.request" and message.get("more_body", False)
        return message

    async def drain(self) -> None:
        left = _MOST
        # Whoever limits bodies outside of us may end it as well.
        with suppress(Exception):
            async with asyncio.timeout(_PATIENCE):
                while self._under_way and left > 0:
                    left -= len((await self.receive()).get("body", b""))


def _has_body(scope: Scope) -> bool:
    headers = dict(scope["headers"])
    return b"transfer-encoding" in headers or headers.get(b"content-length", b"0") != b"0"
