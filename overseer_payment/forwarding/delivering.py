"""Posting one event, signed, until the server has answered.

A server that can't be reached, or says that it can't store (503), is waited for: events keep their
order. Any other refusal is final, a 5xx after a few tries, or one event would hold up all that follow.
"""

from __future__ import annotations

import asyncio
import json
from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from datetime import datetime
from typing import TYPE_CHECKING

from overseer_payment.database import utcnow
from overseer_payment.errors import Conflict
from overseer_payment.provider import Event, SignsDeliveries

if TYPE_CHECKING:
    import httpx

LONGEST_PAUSE = 30.0
_TRIES = 5
_TIMEOUT = 30.0
_OUR_SECRET = frozenset({"signature_invalid", "webhook_not_configured"})

Sleep = Callable[[float], Awaitable[None]]


@dataclass(frozen=True, slots=True)
class Forwarded:
    """One event that was dealt with: `status` is the server's last answer."""

    at: datetime
    event: Event
    status: int

    @property
    def taken(self) -> bool:
        return 200 <= self.status < 300


def pause(attempt: int) -> float:
    """Seconds before the next try: doubled each time, bounded."""
    return min(float(2 ** min(attempt, 10)), LONGEST_PAUSE)


@dataclass(slots=True)
class Courier:
    """Posts to one address. `notice` is told once whenever the server goes away or comes back."""

    http: httpx.AsyncClient
    url: str
    signer: SignsDeliveries
    secret: str
    notice: Callable[[str], None]
    sleep: Sleep = asyncio.sleep
    now: Callable[[], datetime] = utcnow

    async def deliver(self, event: Event) -> Forwarded:
        """Post it until there is an answer that counts.

        Raises Conflict when the server doesn't know our secret: no event would get through.
        """
        body = json.dumps(event.payload, separators=(",", ":")).encode()
        refused, waited = 0, 0
        while True:
            answer = await self._post(body)
            if answer is None or answer.status_code == 503:
                self._require_known_secret(answer)
                if not waited:
                    said = "does not answer" if answer is None else "can't store events at the moment (503)"
                    self.notice(f"{self.url} {said}: waiting for it.")
                waited += 1
                await self.sleep(pause(waited - 1))
                continue
            if waited:
                self.notice(f"{self.url} answers again.")
                waited = 0
            self._require_known_secret(answer)
            refused += 1
            if answer.status_code < 500 or refused == _TRIES:
                return Forwarded(self.now(), event, answer.status_code)
            await self.sleep(pause(refused - 1))

    async def _post(self, body: bytes) -> httpx.Response | None:
        """The answer; None when there was none."""
        import httpx

        headers = {"content-type": "application/json; charset=utf-8"}
        headers |= self.signer.sign(body, secret=self.secret, now=self.now())  # anew: signatures grow old
        try:
            return await self.http.post(
                self.url, content=body, headers=headers, timeout=_TIMEOUT, follow_redirects=False
            )
        except httpx.HTTPError:
            return None

    def _require_known_secret(self, answer: httpx.Response | None) -> None:
        if answer is not None and answer.status_code in {400, 503} and _code(answer) in _OUR_SECRET:
            raise Conflict(
                f"{self.url} does not know the signing secret that this listener uses. Set it there "
                "(payment webhook listen --print-secret prints it) and restart the server.",
            )


def _code(answer: httpx.Response) -> str | None:
    """The `code` of a problem as our own webhook answers it."""
    if answer.headers.get("content-type", "").partition(";")[0] != "application/problem+json":
        return None
    try:
        found = answer.json()
    except ValueError:
        return None
    return found.get("code") if isinstance(found, dict) else None
