"""A business at random: whatever buyers, banks, the network and our own crashes do, the ledger ends right."""

from __future__ import annotations

import asyncio
import random
import shutil
import tempfile
from collections import Counter
from collections.abc import Coroutine, Iterator
from contextlib import AsyncExitStack, suppress
from datetime import UTC, datetime, timedelta
from functools import cache
from pathlib import Path
from typing import Any

import pytest
from hypothesis import HealthCheck, Phase, settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, initialize, precondition, rule
from sqlalchemy import select

from overseer_payment import database, tables
from overseer_payment.committing import committed
from overseer_payment.errors import PaymentError
from overseer_payment.ledger import totals
from overseer_payment.listening import News, on
from overseer_payment.recording import OPERATION
from overseer_payment.simulator import SimError, World, assert_contract
from overseer_payment.simulator.resources.disputes import close_dispute, open_dispute
from overseer_payment.simulator.resources.refunds import refund_charge
from tests.service.breaking import Died, breaker, dying_at_commit
from tests.service.shop import Shop

CARDS = st.sampled_from(
    [
        "pm_card_visa",
        "pm_card_visa",
        "pm_card_chargeDeclined",
        "pm_card_pendingRefund",
        "pm_card_refundFail",
        "pm_card_createDispute",
    ]
)
DEBITS = st.sampled_from(["pm_sepa_settles", "pm_sepa_fails"])
AMOUNTS = st.sampled_from([500, 1000, 2345])
INDEX = st.integers(0, 50)


EFFECTS = (
    "payment.succeeded",
    "refund.succeeded",
    "refund.failed",
    "subscription.started",
    "subscription.ended",
    "dispute.opened",
    "checkout.completed",
    "invoice.paid",
)


def _happened(event: dict[str, Any]) -> Iterator[tuple[str, str]]:
    """What an event at the provider is for an application."""
    about = event["data"]["object"]
    id, status = str(about["id"]), about.get("status")
    match about["object"], status:
        case "payment_intent", "succeeded":
            yield "payment.succeeded", id
        case "refund", "succeeded" | "failed":
            yield f"refund.{status}", id
        case "subscription", _ if not status.startswith("incomplete"):
            yield "subscription.started", id
            if status == "canceled":
                yield "subscription.ended", id
        case "dispute", _:
            yield "dispute.opened", id
        case "checkout.session", "complete":
            yield "checkout.completed", id
        case "invoice", "paid":
            yield "invoice.paid", id


class Business(RuleBasedStateMachine):
    """Each rule is something that happens; the end delivers everything once more and compares."""

    def __init__(self) -> None:
        super().__init__()
        self.runner = asyncio.Runner()
        self.stack = AsyncExitStack()
        self.ahead = 0.0
        self.clicks = 0
        self.heard: Counter[str] = Counter()

    def _run(self, happening: Coroutine[Any, Any, Any]) -> Any:
        return self.runner.run(happening)

    @initialize()
    def open(self) -> None:
        self._run(self._open())

    async def _open(self) -> None:
        folder = self.stack.enter_context(tempfile.TemporaryDirectory())
        self.world = World(start=datetime.now(UTC) - timedelta(days=900), check="sample")
        self.world.clock.freeze()
        file = Path(folder) / "business.db"
        shutil.copy(await _migrated(), file)
        engine = database.create_engine(f"sqlite:///{file}")
        self.stack.push_async_callback(engine.dispose)
        told = on(*EFFECTS, name="application")(self._hear)
        self.shop = await self.stack.enter_async_context(Shop.opened(self.world, engine, listeners=[told]))

    async def _hear(self, news: News) -> None:
        self.heard[news.effect_id] += 1

    # -- buyers --------------------------------------------------------------------------------------

    @rule(amount=AMOUNTS, card=CARDS)
    def buys(self, amount: int, card: str) -> None:
        self._try(self.shop.buy(amount, card=card))

    @rule(amount=AMOUNTS, card=DEBITS)
    def buys_by_debit(self, amount: int, card: str) -> None:
        self._try(self.shop.buy(amount, "eur", card))

    @rule(card=CARDS, trial=st.sampled_from([None, 7]))
    def subscribes(self, card: str, trial: int | None) -> None:
        self._try(self.shop.subscribe(1500, card, trial_period_days=trial))

    # -- the business ---------------------------------------------------------------------------------

    @precondition(lambda self: self.world.find("charge"))
    @rule(which=INDEX, part=st.sampled_from([None, 100, 400]), twice=st.booleans())
    def refunds(self, which: int, part: int | None, twice: bool) -> None:
        """We refund, perhaps by two clicks at the same moment."""
        payment = self._charge(which)["payment_intent"]
        self.clicks += 1
        key = f"click-{self.clicks}"
        clicks = [self.shop.refund(payment, part, key) for _ in range(1 + twice)]
        self._run(_all(clicks))

    @precondition(lambda self: self.world.find("charge"))
    @rule(which=INDEX, part=st.sampled_from([None, 150]))
    def refunds_in_the_dashboard(self, which: int, part: int | None) -> None:
        with suppress(SimError):
            refund_charge(self.world, self._charge(which)["id"], part)

    @precondition(lambda self: self.world.find("charge"))
    @rule(which=INDEX, kind=st.sampled_from(["chargeback", "inquiry"]))
    def is_disputed(self, which: int, kind: Any) -> None:
        with suppress(SimError):
            open_dispute(self.world, self._charge(which)["id"], kind=kind)

    @precondition(lambda self: self.world.find("dispute"))
    @rule(which=INDEX, result=st.sampled_from(["won", "lost"]))
    def bank_decides(self, which: int, result: Any) -> None:
        disputes = self.world.find("dispute")
        with suppress(SimError):
            close_dispute(self.world, disputes[which % len(disputes)]["id"], result)

    @rule(days=st.sampled_from([0.001, 1, 5, 32]))
    def time_passes(self, days: float) -> None:
        self.world.clock.advance(days * 86_400)

    # -- the network and we -----------------------------------------------------------------------------

    @rule(
        fault=st.sampled_from(["drop", "duplicate", "delay", "reorder"]),
        types=st.sampled_from(["*", "charge.*", "invoice.*", "refund.*", "customer.*", "payment_intent.*"]),
    )
    def network_fails(self, fault: str, types: str) -> None:
        faults = self.world.faults
        match fault:
            case "drop":
                faults.drop(types, times=3, acknowledged=True)
            case "duplicate":
                faults.duplicate(2, types, times=3)
            case "delay":
                faults.delay(86_400, types, times=3)
            case _:
                faults.reorder(8)

    @rule(method=st.sampled_from(["GET", "POST"]), after=st.booleans(), times=st.sampled_from([1, 3]))
    def calls_break(self, method: str, after: bool, times: int) -> None:
        path = "*" if method == "GET" else "/v1/refunds"
        self.world.faults.time_out(method, path, after_effect=after, times=times)

    @rule(down=st.booleans())
    def provider_goes_and_comes(self, down: bool) -> None:
        self.shop.wire.down = down

    @rule()
    def events_come(self) -> None:
        self._run(self.shop.deliverer.deliver_due())

    @rule(commit=st.sampled_from([None, None, 1, 2, 3]), wait=st.sampled_from([0, 5, 300]))
    def we_work(self, commit: int | None, wait: float) -> None:
        """All the background work, or as much of it as is done before the process dies."""
        self.ahead += wait
        self.shop.later(self.ahead)
        self._run(self._work(commit))

    async def _work(self, commit: int | None) -> None:
        with breaker(self.shop.engine) as broken, suppress(Died):
            if commit is not None:
                broken.at = dying_at_commit(commit)
            await self.shop.drain()

    # -- the end -----------------------------------------------------------------------------------------

    def teardown(self) -> None:
        try:
            if hasattr(self, "shop"):
                self._run(self._heal())
                self._run(self._compare())
                assert_contract(self.world)
        finally:
            self._run(self.stack.aclose())
            self.runner.close()

    async def _heal(self) -> None:
        self.world.faults.clear()
        self.shop.wire.down = False
        # A pending refund has left the provider's balance, but is none of ours yet: let banks decide.
        self.world.clock.advance(10 * 86_400)
        self.world.deliveries.take_due(float("inf"))
        everything = list(self.world.events)
        random.Random(len(everything)).shuffle(everything)
        for event in everything:
            await self.shop.receive(event)
        for _ in range(6):
            self.ahead += 4000
            self.shop.later(self.ahead)
            await self.shop.drain()

    async def _compare(self) -> None:
        shop, world = self.shop, self.world
        assert {c: net for c, (*_, net) in (await shop.revenue()).items() if net} == shop.balance()
        assert await shop.count(tables.wanted) == 0
        states = Counter(row["status"] for row in await shop.rows(select(tables.event.c.status)))
        assert set(states) <= {"applied", "ignored"}, states
        await self._same_refunds()
        await self._same_effects()
        assert await committed(shop.engine, totals.rebuild) == 0
        disputes = {row["provider_dispute_id"] for row in await shop.rows(tables.dispute)}
        assert disputes == {dispute["id"] for dispute in world.find("dispute")}
        known = {r["provider_subscription_id"]: r["status"] for r in await shop.rows(tables.subscription)}
        assert known == {s["id"]: s["status"] for s in world.find("subscription")}

    async def _same_refunds(self) -> None:
        """As many rows as refunds, each in the provider's state; one refund for each operation of ours."""
        refunds = self.world.find("refund")
        rows = [row for row in await self.shop.rows(tables.transaction) if row["type"] == "refund"]
        told = {row["provider_transaction_id"]: (row["status"], row["amount"]) for row in rows}
        assert told == {refund["id"]: (refund["status"], refund["amount"]) for refund in refunds}
        ours = Counter(refund["metadata"].get(OPERATION) for refund in refunds)
        ours.pop(None, None)
        assert set(ours.values()) <= {1}
        operations = [row for row in await self.shop.rows(tables.operation) if row["kind"] == "refund"]
        assert {row["status"] for row in operations} <= {"succeeded", "pending", "failed"}
        assert {row["idempotency_key"] for row in operations if row["result"]} == set(ours)

    async def _same_effects(self) -> None:
        """The application was told of what happened at the provider, each thing under one id."""
        told = select(tables.news.c.topic, tables.news.c.provider_id, tables.effect.c.status).join(
            tables.effect, tables.effect.c.news_id == tables.news.c.id
        )
        effects = [tuple(row.values()) for row in await self.shop.rows(told)]
        happened = {fact for event in self.world.events for fact in _happened(event)}
        assert {(topic, id) for topic, id, _ in effects} == happened
        assert {status for *_, status in effects} <= {"done"}
        assert len(self.heard) == len(effects)

    # -- helpers -------------------------------------------------------------------------------------------

    def _charge(self, which: int) -> dict[str, Any]:
        charges = self.world.find("charge")
        return charges[which % len(charges)]

    def _try(self, happening: Coroutine[Any, Any, Any]) -> None:
        """Something that may be refused: the provider is away, or knows nothing of it yet."""

        async def tried() -> None:
            with suppress(PaymentError):
                await happening

        self._run(tried())


@cache
def _folder() -> tempfile.TemporaryDirectory[str]:
    return tempfile.TemporaryDirectory()


async def _migrated() -> Path:
    """An empty database with all tables; made once, because migrating takes longer than many a run."""
    file = Path(_folder().name) / "migrated.db"
    if not file.exists():
        engine = database.create_engine(f"sqlite:///{file}")
        await database.upgrade(engine)
        await engine.dispose()
    return file


async def _all(happenings: list[Coroutine[Any, Any, Any]]) -> None:
    for outcome in await asyncio.gather(*happenings, return_exceptions=True):
        if isinstance(outcome, BaseException) and not isinstance(outcome, PaymentError):
            raise outcome


TestBusiness = pytest.mark.slow(Business.TestCase)
TestBusiness.settings = settings(
    max_examples=12,
    stateful_step_count=25,
    deadline=None,
    suppress_health_check=[HealthCheck.too_slow, HealthCheck.filter_too_much],
    # Shrinking would take longer than reading: a run says each step that it took.
    phases=(Phase.explicit, Phase.reuse, Phase.generate),
    print_blob=True,
)
