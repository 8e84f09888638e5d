"""A business as a state machine: each rule is something that buyers, banks, the network, the owner or we do.

What we do ourselves may die at any commit, and what we read may arrive after the next change.
"""

from __future__ import annotations

import asyncio
import random
from collections import Counter
from collections.abc import Callable, Coroutine
from contextlib import AbstractContextManager, AsyncExitStack, suppress
from datetime import UTC, datetime, timedelta
from typing import Any, TypeAlias

import httpx
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, initialize, precondition, rule

from overseer_payment import database
from overseer_payment.asking import subscriptions
from overseer_payment.errors import PaymentError
from overseer_payment.listening import News, on
from overseer_payment.provider import PauseKind
from overseer_payment.schemas import CancelBody, ChangePlanBody, PauseBody
from overseer_payment.simulator import SimError, World, assert_contract
from overseer_payment.simulator.resources.disputes import close_dispute, open_dispute
from overseer_payment.simulator.resources.refunds import refund_charge
from overseer_payment.simulator.resources.subscription_changes import change
from overseer_payment.simulator.resources.subscription_flow import end_subscription
from tests.service.agreeing import EFFECTS, assert_agrees
from tests.service.breaking import Died, breaker, dying_at_commit
from tests.service.shop import OPERATOR, Shop, nothing

Doing: TypeAlias = Coroutine[Any, Any, Any]
Place: TypeAlias = Callable[[], AbstractContextManager[str]]
"""Makes the URL of a database of its own, with our tables."""

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
DEATHS = st.sampled_from([None, None, None, 1, 2, 3, 4, 6, 9, 14])
"""At which commit the process dies, counted from the start of what it does; mostly at none."""
WISHES = ("cancel", "cancel now", "resume", "pause", "stand still", "quantity", "plan")
OWNERS = ("refund", "dispute", "decide", "cancel", "end", "quantity")


class Business(RuleBasedStateMachine):
    """The end delivers everything once more, in another order, and compares."""

    place: Place

    def __init__(self) -> None:
        super().__init__()
        self.runner = asyncio.Runner()
        self.stack = AsyncExitStack()
        self.ahead = 0.0
        self.clicks = 0
        self.dying = False
        self.heard: Counter[str] = Counter()

    def _run(self, happening: Doing) -> Any:
        return self.runner.run(happening)

    @initialize()
    def open(self) -> None:
        self._run(self._open())

    async def _open(self) -> None:
        self.world = World(start=datetime.now(UTC) - timedelta(days=900), check="sample")
        self.world.clock.freeze()
        engine = database.create_engine(self.stack.enter_context(self.place()))
        self.stack.push_async_callback(engine.dispose)
        told = on(*EFFECTS, name="application")(self._hear)
        self.shop = await self.stack.enter_async_context(Shop.opened(self.world, engine, listeners=[told]))
        self.other = await self.shop.price(2500, "usd", "month")

    async def _hear(self, news: News) -> None:
        self.heard[news.effect_id] += 1

    # -- buyers and their banks --------------------------------------------------------------------------

    @rule(amount=AMOUNTS, card=CARDS)
    def buys(self, amount: int, card: str) -> None:
        self._try(self.shop.buy(amount, card=card))

    @rule(amount=AMOUNTS, card=DEBITS)
    def buys_by_debit(self, amount: int, card: str) -> None:
        self._try(self.shop.buy(amount, "eur", card))

    @rule(card=CARDS, trial=st.sampled_from([None, 7]))
    def subscribes(self, card: str, trial: int | None) -> None:
        self._try(self.shop.subscribe(1500, card, trial_period_days=trial))

    @precondition(lambda self: self.world.find("charge"))
    @rule(which=INDEX, kind=st.sampled_from(["chargeback", "inquiry"]))
    def is_disputed(self, which: int, kind: Any) -> None:
        with suppress(SimError):
            open_dispute(self.world, self._one("charge", which)["id"], kind=kind)

    @precondition(lambda self: self.world.find("dispute"))
    @rule(which=INDEX, result=st.sampled_from(["won", "lost"]))
    def bank_decides(self, which: int, result: Any) -> None:
        with suppress(SimError):
            close_dispute(self.world, self._one("dispute", which)["id"], result)

    @rule(days=st.sampled_from([0.00002, 0.001, 1, 5, 32]))
    def time_passes(self, days: float) -> None:
        self.world.clock.advance(days * 86_400)

    # -- we ------------------------------------------------------------------------------------------------

    @precondition(lambda self: self.world.find("charge"))
    @rule(which=INDEX, part=st.sampled_from([None, 100, 400]), twice=st.booleans(), death=DEATHS)
    def refunds(self, which: int, part: int | None, twice: bool, death: int | None) -> None:
        """We refund, perhaps by two clicks at the same moment."""
        payment, key = self._one("charge", which)["payment_intent"], self._click()
        clicks = [self.shop.refund(payment, part, key) for _ in range(1 + twice)]
        self._try(*clicks, death=death)

    @precondition(lambda self: self.world.find("subscription"))
    @rule(which=INDEX, wish=st.sampled_from(WISHES), twice=st.booleans(), death=DEATHS)
    def changes(self, which: int, wish: str, twice: bool, death: int | None) -> None:
        """We change a subscription; the second click has the key of the first."""
        id, key = self._one("subscription", which)["id"], self._click()
        self._try(*(self._change(id, wish, key) for _ in range(1 + twice)), death=death)

    async def _change(self, id: str, wish: str, key: str) -> None:
        payments = self.shop.payments
        match wish:
            case "cancel" | "cancel now":
                end = CancelBody(at_period_end=wish == "cancel")
                await subscriptions.cancel(payments, OPERATOR, id, end, idempotency_key=key)
            case "resume":
                await subscriptions.resume(payments, OPERATOR, id, idempotency_key=key)
            case "pause" | "stand still":
                pause = PauseBody(kind=PauseKind.COLLECTION if wish == "pause" else PauseKind.SUBSCRIPTION)
                await subscriptions.pause(payments, OPERATOR, id, pause, idempotency_key=key)
            case _:
                plan = {"new_price_id": self.other} if wish == "plan" else {"quantity": 2 + self.clicks % 3}
                body = ChangePlanBody.model_validate(plan)
                await subscriptions.change_plan(payments, OPERATOR, id, body, idempotency_key=key)

    @rule(death=DEATHS, wait=st.sampled_from([0, 5, 300]))
    def we_work(self, death: int | None, wait: float) -> None:
        """All the background work, or as much of it as is done before the process dies."""
        self.ahead += wait
        self.shop.later(self.ahead)
        self._try(self.shop.drain(), death=death)

    # -- the owner, in the provider's dashboard ------------------------------------------------------------

    @rule(which=INDEX, wish=st.sampled_from(OWNERS))
    def owner_acts(self, which: int, wish: str) -> None:
        self._own(which, wish)

    def _own(self, which: int, wish: str) -> None:
        """What is possible just then."""
        world = self.world
        with suppress(SimError, ZeroDivisionError):
            match wish:
                case "refund":
                    refund_charge(world, self._one("charge", which)["id"], (None, 150)[which % 2])
                case "dispute":
                    open_dispute(world, self._one("charge", which)["id"])
                case "decide":
                    close_dispute(world, self._one("dispute", which)["id"], ("won", "lost")[which % 2])
                case _:
                    self._own_subscription(self._one("subscription", which), wish)

    def _own_subscription(self, subscription: dict[str, Any], wish: str) -> None:
        if subscription["status"] in ("canceled", "incomplete_expired"):
            return
        if wish == "end":
            end_subscription(self.world, subscription, reason="cancellation_requested")
        elif wish == "cancel":
            change(self.world, subscription, {"cancel_at_period_end": True})
        else:
            item = subscription["items"]["data"][0]
            change(self.world, subscription, {"items": [{"id": item["id"], "quantity": 5}]})

    # -- the network ---------------------------------------------------------------------------------------

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

    @rule(
        call=st.sampled_from(["GET *", "POST /v1/refunds", "POST /v1/subscriptions/*"]),
        after=st.booleans(),
        times=st.sampled_from([1, 3]),
    )
    def calls_break(self, call: str, after: bool, times: int) -> None:
        self.world.faults.time_out(*call.split(), after_effect=after, times=times)

    @rule(down=st.booleans())
    def provider_goes_and_comes(self, down: bool) -> None:
        self.shop.wire.down = down

    @rule(which=INDEX, wish=st.sampled_from(OWNERS), wait=st.sampled_from([0, 0.5, 3]), told=st.booleans())
    def a_read_comes_late(self, which: int, wish: str, wait: float, told: bool) -> None:
        """The next read is answered, then something changes and is perhaps applied, then the answer comes."""
        wire = self.shop.wire

        async def meanwhile(request: httpx.Request) -> None:
            if request.method != "GET":
                return
            wire.after = nothing
            self.world.clock.advance(wait)
            self._own(which, wish)
            if told and not self.dying:
                await self.shop.deliverer.deliver_due()
                await self.shop.payments.worker.applier.step()

        wire.after = meanwhile

    @rule()
    def events_come(self) -> None:
        self._run(self.shop.deliverer.deliver_due())

    # -- the end -------------------------------------------------------------------------------------------

    def teardown(self) -> None:
        try:
            if hasattr(self, "shop"):
                self._run(self._heal())
                self._run(assert_agrees(self.shop, self.heard))
                assert_contract(self.world)
        finally:
            self._run(self.stack.aclose())
            self.runner.close()

    async def _heal(self) -> None:
        self.world.faults.clear()
        self.shop.wire.down, self.shop.wire.after = False, nothing
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

    # -- helpers -------------------------------------------------------------------------------------------

    def _one(self, name: str, which: int) -> dict[str, Any]:
        found = self.world.find(name)
        return found[which % len(found)]

    def _click(self) -> str:
        self.clicks += 1
        return f"click-{self.clicks}"

    def _try(self, *happenings: Doing, death: int | None = None) -> None:
        """Things that are asked at one moment and may be refused; perhaps the process dies of it."""

        async def tried() -> None:
            with breaker(self.shop.engine) as broken:
                if death is not None:
                    broken.at = dying_at_commit(death)
                await _all(happenings)

        self.dying = death is not None
        self._run(tried())


async def _all(happenings: tuple[Doing, ...]) -> None:
    for outcome in await asyncio.gather(*happenings, return_exceptions=True):
        if isinstance(outcome, BaseException) and not isinstance(outcome, PaymentError | Died):
            raise outcome
