"""Signed events in any number, of the size and in the order in which real ones come.

The simulator plays one sale of each sort; every further one is the same text with ids of its own.
"""

from __future__ import annotations

import asyncio
import json
import re
import time
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

import httpx

from bench.common import SECRET
from overseer_payment.simulator import World, transport
from overseer_payment.simulator.deliveries import signature

# What all sales share; everything else that looks like an id is made anew.
_SHARED = ("price_", "prod_", "acct_", "we_")
_ID = re.compile(r"\b[a-z]{2,}_(?:test_)?[A-Za-z0-9]{14,}\b")


@dataclass(frozen=True, slots=True)
class Signed:
    """One delivery."""

    body: bytes
    header: str

    @property
    def headers(self) -> dict[str, str]:
        return {"stripe-signature": self.header}


def signed(count: int, *, start: int = 0) -> list[Signed]:
    """`count` deliveries, in the order in which they happened. Another `start` gives other sales."""
    now, found = int(time.time()), list[Signed]()
    for body in _bodies(start):
        found.append(Signed(body, signature(body, [SECRET], now)))
        if len(found) == count:
            break
    return found


def _bodies(start: int) -> Iterator[bytes]:
    sales = asyncio.run(_sales())
    templates = [[_pieces(event) for event in sale] for sale in sales]
    for number in range(start, start + 10**7):
        suffix = f"n{number}"
        for pieces in templates[number % len(templates)]:
            # Every second piece is an id.
            yield "".join(piece + suffix if at % 2 else piece for at, piece in enumerate(pieces)).encode()


def _pieces(event: dict[str, Any]) -> list[str]:
    text, pieces, end = json.dumps(event), list[str](), 0
    for found in _ID.finditer(text):
        if not found[0].startswith(_SHARED):
            pieces += [text[end : found.start()], found[0]]
            end = found.end()
    return [*pieces, text[end:]]


async def _sales() -> list[list[dict[str, Any]]]:
    """What is told of: a payment, the same with a refund, a first subscription, a declined card."""
    found = []
    for sell in (_pay, _pay_and_refund, _subscribe, _decline, _pay):
        world = World()
        async with httpx.AsyncClient(transport=transport(world)) as http:
            await sell(_Caller(http, world.secret_key))
        found.append([dict(event) for event in world.events])
    return found


@dataclass(frozen=True, slots=True)
class _Caller:
    http: httpx.AsyncClient
    key: str

    async def __call__(self, path: str, **form: str) -> dict[str, Any]:
        headers = {"authorization": f"Bearer {self.key}"}
        answer = await self.http.post(f"http://simulator/v1/{path}", data=form, headers=headers)
        return dict(answer.json())


async def _pay(call: _Caller, card: str = "pm_card_visa") -> dict[str, Any]:
    customer = await call("customers", email="ada@example.com", name="Ada Lovelace")
    form = {"amount": "4900", "currency": "usd", "confirm": "true", "payment_method": card}
    return await call("payment_intents", customer=customer["id"], description="Order 1042", **form)


async def _pay_and_refund(call: _Caller) -> None:
    paid = await _pay(call)
    await call("refunds", payment_intent=paid["id"], amount="900")


async def _decline(call: _Caller) -> None:
    await _pay(call, "pm_card_chargeDeclined")


async def _subscribe(call: _Caller) -> None:
    customer = await call("customers", email="bea@example.com", name="Bea")
    method = await call("payment_methods/pm_card_visa/attach", customer=customer["id"])
    product = await call("products", name="Team")
    recurring = {"unit_amount": "4900", "currency": "usd", "recurring[interval]": "month"}
    price = await call("prices", product=product["id"], **recurring)
    items = {"items[0][price]": price["id"], "items[0][quantity]": "2"}
    await call("subscriptions", customer=customer["id"], default_payment_method=method["id"], **items)
