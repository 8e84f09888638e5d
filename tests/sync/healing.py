"""Healing one shop's ledger, and two ledgers side by side."""

from __future__ import annotations

import json
from collections import Counter
from collections.abc import AsyncIterator, Iterable, Mapping
from contextlib import asynccontextmanager, suppress
from dataclasses import dataclass, field
from datetime import datetime
from itertools import count
from typing import Any

from sqlalchemy.ext.asyncio import AsyncEngine

from overseer_payment.database import read
from overseer_payment.ledger import accounts
from overseer_payment.ledger.accounts import Account
from overseer_payment.sync import (
    Backfilled,
    Healing,
    LastRun,
    Patience,
    Reconciled,
    Recovered,
    Source,
    backfill,
    last_runs,
    reconcile,
    recover,
    sources,
)
from overseer_payment.tables import metadata
from tests.ledger.books import books
from tests.service.shop import Shop, service, settings_of

DAY = 86_400
# What only a read knows, what is made anew at each read, and which of two sources of a failure spoke last.
_ONLY_READ = ("hosted_url", "pdf_url", "url", "failure_code", "failure_message")


@dataclass
class Waits:
    """Stands in for waiting: counts instead."""

    taken: list[float] = field(default_factory=list)

    async def __call__(self, seconds: float) -> None:
        self.taken.append(seconds)


@dataclass
class Healer:
    """The three ways of healing, for the shop's own account."""

    shop: Shop
    waits: Waits = field(default_factory=Waits)
    told: list[tuple[str, int]] = field(default_factory=list)

    @property
    def source(self) -> Source:
        (source,) = sources(self.shop.payments.registry, self.shop.payments.homes())
        return source

    @property
    def patience(self) -> Patience:
        return Patience(self.waits)

    async def recover(self, **more: Any) -> Recovered:
        """Ask for missed events, and apply them."""
        done = await recover(
            self.shop.engine,
            self.source,
            self.shop.payments.inbox.store,
            patience=self.patience,
            progress=self._note,
            **more,
        )
        assert done is not None
        await self.shop.payments.worker.drain(hurry=True)
        return done

    async def backfill(self, since: datetime | None = None, **more: Any) -> Backfilled:
        """Read history."""
        done = await backfill(
            self.shop.engine, self.source, since=since, patience=self.patience, progress=self._note, **more
        )
        assert done is not None
        await self.shop.payments.worker.drain(hurry=True)
        return done

    async def reconcile(self, since: datetime | None = None, **more: Any) -> Reconciled:
        """Compare, and heal if asked to."""
        done = await reconcile(
            self.shop.engine, self.source, since=since, patience=self.patience, progress=self._note, **more
        )
        assert done is not None
        return done

    async def last(self, kind: Healing) -> LastRun:
        """How healing of one kind stands."""
        mine = self.shop.payments.account
        runs = await last_runs(self.shop.engine)
        (found,) = [run for run in runs if run.kind is kind and run.account.account == mine]
        return found

    def _note(self, what: str, count: int) -> None:
        self.told.append((what, count))


class Killed(BaseException):
    """The process ends here."""


@asynccontextmanager
async def killed(shop: Shop, *, at: int) -> AsyncIterator[None]:
    """What is done inside ends as if killed, at the given request to the provider."""
    requests = count(1)

    async def die(_: object) -> None:
        if next(requests) == at:
            raise Killed

    shop.wire.before = die
    with suppress(Killed):
        yield
        raise AssertionError(f"it made no {at} requests")
    shop.wire.before = _go_on


async def _go_on(_: object) -> None:
    return None


async def prepared(engine: AsyncEngine) -> None:
    """Make the tables of the tests' own."""
    async with engine.begin() as connection:
        await connection.run_sync(metadata.create_all)


async def deliver(shop: Shop, events: Iterable[Mapping[str, Any]]) -> None:
    """Deliver exactly these, and do the work that they lead to."""
    for event in events:
        await shop.receive(event)
    await shop.payments.worker.drain(hurry=True)


async def truth(shop: Shop, *, account: str = "truth") -> dict[str, Any]:
    """The ledger of somebody to whom every event was delivered, in order."""
    other = service(shop.wire, shop.engine, settings_of(shop.world), account=account)
    try:
        for event in list(shop.world.events):
            await shop.receive(event, payments=other)
        await other.worker.drain(hurry=True)
    finally:
        await other.aclose()
    return await ledger(shop.engine, account=account)


async def keeps_the_balance(shop: Shop) -> bool:
    """Is net revenue what the provider holds, per currency, its fees aside?"""
    held: Counter[str] = Counter()
    for moved in shop.world.find("balance_transaction"):
        held[moved["currency"]] += moved["amount"]
    for refund in shop.world.find("refund", status="pending"):  # withheld already, not yet given back
        held[refund["currency"]] += refund["amount"]
    net = {currency: sums[3] for currency, sums in (await shop.revenue()).items() if sums[3]}
    return net == {currency: amount for currency, amount in held.items() if amount}


async def ledger(engine: AsyncEngine, *, account: str = accounts.DEFAULT) -> dict[str, Any]:
    """Every row and sum of one account, by provider ids."""
    async with read(engine) as connection:
        id = (await connection.run_sync(accounts.known)).get(Account("stripe", account, False))
        found = await connection.run_sync(books, id) if id is not None else {}
    return {key: _plain(row) for key, row in found.items()}


def _plain(row: Any) -> Any:
    if not isinstance(row, dict):
        return row
    kept = {name: value for name, value in row.items() if name not in _ONLY_READ}
    if kept.get("payment_state") == "failed":
        kept["payment_state"] = "unpaid"  # only an event tells which; the payment itself says it too
    if "items" in kept:
        kept["items"] = [{**item, "name": None} for item in json.loads(kept["items"])]
    return kept
