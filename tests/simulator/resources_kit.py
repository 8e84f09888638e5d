"""What the tests of the resources share: looking at the event log, and the books."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

import pytest
import stripe

from overseer_payment.simulator import World
from overseer_payment.simulator import scenario as play

DAY = 86_400
FAILS_ON_RENEWAL = "4000000000000341"


class Log(list[str]):
    """The types of the events that a block caused, in order; `events` holds the events themselves."""

    def __init__(self) -> None:
        super().__init__()
        self.events: list[dict[str, Any]] = []

    def of(self, type: str) -> list[dict[str, Any]]:
        """The objects of the events of one type."""
        return [event["data"]["object"] for event in self.events if event["type"] == type]


@contextmanager
def logged(world: World) -> Iterator[Log]:
    """Collect the events that the block causes."""
    log, seen = Log(), len(world.events)
    yield log
    log.events.extend(world.events[seen:])
    log.extend(event["type"] for event in log.events)


def refusal(caught: pytest.ExceptionInfo[stripe.StripeError]) -> tuple[str | None, str | None]:
    """Code and parameter of an error that the SDK raised."""
    return caught.value.code, getattr(caught.value, "param", None)


def booked(world: World, currency: str = "usd") -> int:
    """The account's balance: the sum of all movements of money."""
    return sum(t["net"] for t in world.find("balance_transaction", currency=currency))


def expected(world: World, currency: str = "usd") -> int:
    """The same from the objects: captured − refunded − withdrawn by disputes + reinstated."""
    captured = sum(c["amount_captured"] for c in world.find("charge", currency=currency))
    refunded = sum(
        r["amount"]
        for r in world.find("refund", currency=currency)
        if r["status"] in ("succeeded", "pending")
    )
    disputed = sum(
        t["amount"] for d in world.find("dispute", currency=currency) for t in d["balance_transactions"]
    )
    total: int = captured - refunded + disputed
    return total


def assert_conserved(world: World) -> None:
    """No money appeared or vanished."""
    for currency in ("usd", "eur", "jpy"):
        assert booked(world, currency) == expected(world, currency)


def subscribed(world: World, amount: int = 2000, **more: Any) -> dict[str, Any]:
    return play.subscribe(world, play.offer(world, "Pro", amount, interval="month"), **more)


def latest(world: World, subscription: dict[str, Any]) -> dict[str, Any]:
    return world.get("invoice", subscription["latest_invoice"])
