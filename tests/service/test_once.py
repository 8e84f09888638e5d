"""Once: however often a refund is clicked, retried or crashed, the provider sees one for each intent."""

from __future__ import annotations

import asyncio
from collections.abc import Sequence
from datetime import timedelta

import httpx
import pytest
from sqlalchemy import update

from overseer_payment import tables
from overseer_payment.database import utcnow, write
from overseer_payment.errors import (
    IdempotencyConflict,
    ObjectAbsent,
    OutcomeUnknown,
    PaymentError,
    ProviderRateLimited,
    ProviderRejected,
    ProviderUnavailable,
)
from overseer_payment.provider import Provider, Ref, RefundRequest, Snapshot
from tests.service.breaking import Died, breaker, dying_at_commit, failing_on
from tests.service.shop import OPERATOR, Shop

pytestmark = pytest.mark.anyio


@pytest.fixture
async def intent(shop: Shop) -> str:
    """A payment of 10.00 USD."""
    intent = await shop.pay(1000)
    await shop.settle()
    return intent


async def _one_refund(shop: Shop, intent: str, amount: int) -> None:
    """One refund at the provider, one row, one sum."""
    await shop.settle()
    assert [refund["amount"] for refund in shop.world.find("refund")] == [amount]
    assert [row.amount for row in (await shop.transaction(intent)).refunds] == [amount]
    assert await shop.revenue() == {"usd": (1000, amount, 0, 1000 - amount)}
    assert shop.balance() == {"usd": 1000 - amount}
    assert await shop.operations() == [("refund", "succeeded")]


async def test_clicks_at_the_same_moment_are_one_refund(shop: Shop, intent: str) -> None:
    """Six requests with one key, in two processes: one refund, and each is answered its row."""
    async with shop.beside() as other:
        both = (shop.payments, other)
        sides = [Shop(shop.world, shop.engine, shop.wire, both[n % 2], shop.deliverer) for n in range(6)]
        rows = await asyncio.gather(*(side.refund(intent, 400, "click") for side in sides))
    assert len({row.id for row in rows}) == 1
    await _one_refund(shop, intent, 400)


async def test_a_key_repeats_its_answer_and_refuses_other_parameters(shop: Shop, intent: str) -> None:
    """The same key later: the same row, nothing sent. With another amount: 409."""
    first = await shop.refund(intent, 400, "k")
    again = await shop.refund(intent, 400, "k")
    assert first.id == again.id
    with pytest.raises(IdempotencyConflict):
        await shop.refund(intent, 500, "k")
    await _one_refund(shop, intent, 400)


async def test_a_refusal_is_repeated_under_its_key(shop: Shop, intent: str) -> None:
    """What the provider refused for good stays refused under that key, without asking again."""
    shop.world.faults.answer(400, "POST", "/v1/refunds")
    errors = []
    for _ in range(2):
        with pytest.raises(PaymentError) as refused:
            await shop.refund(intent, 400, "k")
        errors.append((refused.value.status, refused.value.detail))
    assert errors[0] == errors[1]
    assert len(shop.requests("POST", "/v1/refunds")) == 1
    await shop.refund(intent, 400, "new")
    assert shop.made("refund") == 1


@pytest.mark.parametrize("fault", ["unreachable", "limited"])
async def test_what_never_arrived_can_be_sent_again_under_its_key(
    shop: Shop, intent: str, fault: str
) -> None:
    """Not reached, or turned away at the door: nothing happened, so the key is free for another try."""
    if fault == "unreachable":
        shop.wire.down = True
        with pytest.raises(ProviderUnavailable):
            await shop.refund(intent, 400, "k")
        shop.wire.down = False
    else:
        shop.world.faults.answer(429, "POST", "/v1/refunds")
        with pytest.raises(ProviderRateLimited):
            await shop.refund(intent, 400, "k")
    assert (await shop.transaction(intent)).amount_refundable == 1000
    await shop.refund(intent, 400, "k")
    assert shop.made("refund") == 1
    assert [status for _, status in await shop.operations()] == ["failed", "succeeded"]


@pytest.mark.parametrize("after_effect", [True, False])
async def test_a_time_out_is_settled_under_the_same_key(shop: Shop, intent: str, after_effect: bool) -> None:
    """The outcome is unknown, so the sum stays reserved; settling finds or makes the one refund."""
    shop.world.faults.time_out("POST", "/v1/refunds", after_effect=after_effect, times=3)
    with pytest.raises(OutcomeUnknown):
        await shop.refund(intent, 600)
    assert await shop.operations() == [("refund", "unknown")]
    with pytest.raises(PaymentError, match="Only"):
        await shop.refund(intent, 600)
    shop.later(10)
    await _one_refund(shop, intent, 600)


async def test_the_caller_who_repeats_an_unknown_one_gets_it_settled(shop: Shop, intent: str) -> None:
    """The same key again sends under the same provider key at once: no waiting for the worker."""
    shop.world.faults.time_out("POST", "/v1/refunds", after_effect=True, times=3)
    with pytest.raises(OutcomeUnknown):
        await shop.refund(intent, 600, "k")
    assert (await shop.refund(intent, 600, "k")).amount == 600
    await _one_refund(shop, intent, 600)


async def test_the_refund_s_own_event_settles_it_too(shop: Shop, intent: str) -> None:
    """The webhook names our operation: nothing needs to be sent or read again."""
    shop.world.faults.time_out("POST", "/v1/refunds", after_effect=True, times=3)
    with pytest.raises(OutcomeUnknown):
        await shop.refund(intent, 600)
    shop.wire.down = True
    await shop.settle()
    assert await shop.operations() == [("refund", "succeeded")]
    assert (await shop.transaction(intent)).amount_refundable == 400


async def test_a_retry_that_does_not_arrive_says_nothing_about_the_first(shop: Shop, intent: str) -> None:
    """Settling while the provider is down leaves it unknown and reserved: no second refund is let through."""
    shop.world.faults.time_out("POST", "/v1/refunds", after_effect=True, times=3)
    shop.world.faults.drop("*", times=None)
    with pytest.raises(OutcomeUnknown):
        await shop.refund(intent, 600, "k")
    shop.wire.down = True
    with pytest.raises(OutcomeUnknown):
        await shop.refund(intent, 600, "k")
    shop.later(60)
    await shop.payments.worker.drain()
    assert await shop.operations() == [("refund", "unknown")]
    shop.wire.down = False
    with pytest.raises(PaymentError, match="Only"):
        await shop.refund(intent, 600, "other")
    shop.later(8000)
    await _one_refund(shop, intent, 600)


@pytest.mark.parametrize("commit", [1, 2])
async def test_a_process_that_dies_around_the_call_leaves_one_refund(
    shop: Shop, intent: str, commit: int
) -> None:
    """Before the operation is stored nothing is sent; before its answer is recorded it is found again."""
    with breaker(shop.engine) as broken:
        broken.at = dying_at_commit(commit)
        with pytest.raises(Died):
            await shop.refund(intent, 600, "k")
    assert shop.made("refund") == commit - 1
    shop.world.faults.drop("*", times=None)
    shop.later(300)
    await shop.payments.worker.drain()
    await shop.refund(intent, 600, "k")
    await _one_refund(shop, intent, 600)


async def test_a_process_that_dies_before_the_call_still_refunds(shop: Shop, intent: str) -> None:
    """The operation is stored, so it is sent after the restart: that was asked for."""

    async def die(_: httpx.Request) -> None:
        raise Died

    shop.wire.before = die
    with pytest.raises(Died):
        await shop.refund(intent, 600)
    assert (await shop.operations(), shop.made("refund")) == ([("refund", "sending")], 0)
    async with Shop.opened(shop.world, shop.engine) as restarted:
        restarted.later(300)
        await restarted.settle()
        await _one_refund(restarted, intent, 600)


async def test_what_the_provider_accepted_and_we_could_not_record_is_recorded_later(
    shop: Shop, intent: str
) -> None:
    """The database fails after the provider's answer: the caller hears that it will come, and it does."""
    with breaker(shop.engine) as broken:
        broken.at = failing_on("INSERT INTO payment_object")
        with pytest.raises(OutcomeUnknown, match="took the request"):
            await shop.refund(intent, 600, "k")
    assert shop.made("refund") == 1
    shop.later(10)
    await shop.payments.worker.drain()
    assert (await shop.refund(intent, 600, "k")).amount == 600
    await _one_refund(shop, intent, 600)


async def test_a_database_that_stays_away_leaves_it_to_the_lease(shop: Shop, intent: str) -> None:
    """Not even the outcome can be written: the operation is settled when its lease has run out."""
    with breaker(shop.engine) as broken:

        async def lose(_: httpx.Request) -> None:
            broken.at = failing_on("")

        shop.wire.after = lose
        with pytest.raises(OutcomeUnknown):
            await shop.refund(intent, 600)
    shop.wire.after = shop.wire.before
    assert await shop.operations() == [("refund", "sending")]
    shop.later(60)
    await shop.payments.worker.drain()
    assert await shop.operations() == [("refund", "sending")]
    shop.later(130)
    await _one_refund(shop, intent, 600)


@pytest.mark.parametrize("happened", [True, False])
async def test_when_the_key_is_forgotten_we_look_instead(shop: Shop, intent: str, happened: bool) -> None:
    """Older than a provider remembers keys: the payment's refunds are read, and nothing is sent."""
    shop.world.faults.time_out("POST", "/v1/refunds", after_effect=happened, times=3)
    shop.world.faults.drop("*", times=None)
    with pytest.raises(OutcomeUnknown):
        await shop.refund(intent, 600, "k")
    async with write(shop.engine) as connection:
        await connection.execute(update(tables.operation).values(created_at=utcnow() - timedelta(hours=24)))
    sent = len(shop.requests("POST", "/v1/refunds"))
    shop.later(10)
    await shop.payments.worker.drain()
    assert len(shop.requests("POST", "/v1/refunds")) == sent
    if happened:
        await _one_refund(shop, intent, 600)
    else:
        assert await shop.operations() == [("refund", "failed")]
        assert (await shop.transaction(intent)).amount_refundable == 1000
        with pytest.raises((ProviderRejected, ObjectAbsent)):
            await shop.refund(intent, 600, "k")


async def test_a_caller_who_goes_away_does_not_stop_the_refund(shop: Shop, intent: str) -> None:
    """The request is cancelled while the provider works: its answer is recorded all the same."""
    reached, go_on = asyncio.Event(), asyncio.Event()

    async def wait(_: httpx.Request) -> None:
        reached.set()
        await go_on.wait()

    shop.wire.after = wait
    click = asyncio.create_task(shop.refund(intent, 600, "k"))
    await reached.wait()
    click.cancel()
    await asyncio.gather(click, return_exceptions=True)
    go_on.set()
    await shop.payments.sender.aclose()
    await _one_refund(shop, intent, 600)


async def test_nothing_is_locked_while_the_provider_is_slow(shop: Shop, intent: str) -> None:
    """During a refund under way events are stored and applied, and another payment is refunded."""
    reached, go_on = asyncio.Event(), asyncio.Event()

    async def wait(request: httpx.Request) -> None:
        if request.url.path == "/v1/refunds" and not reached.is_set():
            reached.set()
            await go_on.wait()

    shop.wire.before = wait
    slow = asyncio.create_task(shop.refund(intent, 600))
    await reached.wait()
    other = await shop.pay(500)
    await shop.settle()
    assert (await shop.refund(other)).status == "succeeded"
    with pytest.raises(PaymentError):
        await shop.refund(intent, 600)
    go_on.set()
    assert (await slow).amount == 600


async def test_no_connection_is_held_while_the_provider_is_asked(shop: Shop) -> None:
    """Every request of every kind is made with no transaction open anywhere in this process."""
    held: list[int] = []

    async def look(_: httpx.Request) -> None:
        held.append(shop.engine.pool.checkedout())  # type: ignore[attr-defined]  # the pool that our engines have

    shop.wire.before = look
    session = await shop.subscribe()
    await shop.deliverer.deliver_due()
    worker = shop.payments.worker
    for _ in range(50):
        await worker.applier.step()
        await worker.reader.hurry()
        if not await worker.reader.step(limit=1):
            break
    await shop.refund(session, 100)
    await shop.payments.status(OPERATOR)
    assert len(held) >= 3
    assert not any(held)


class _Forgetful:
    """A provider without memory for keys: what was done is refused when it is asked for again."""

    def __init__(self, inner: Provider) -> None:
        self.inner = inner
        self.calls = 0

    async def refund(self, request: RefundRequest, *, idempotency_key: str) -> Sequence[Snapshot]:
        self.calls += 1
        if self.calls > 1:
            raise ProviderRejected("Already refunded.", code="charge_already_refunded")
        await self.inner.refund(request, idempotency_key=idempotency_key)
        raise OutcomeUnknown("The answer was lost.")

    async def fetch(self, ref: Ref) -> Sequence[Snapshot]:
        return await self.inner.fetch(ref)


async def test_already_done_is_success(shop: Shop, intent: str) -> None:
    """A retry that is refused because the first attempt did it: the refund is found, not called failed."""
    forgetful = _Forgetful(shop.payments.registry.get("stripe"))
    shop.payments.sender.provider = lambda _: forgetful  # type: ignore[assignment, return-value]  # stands in for the provider, as far as it is asked
    shop.world.faults.drop("*", times=None)
    with pytest.raises(OutcomeUnknown):
        await shop.refund(intent, 600)
    shop.later(10)
    await shop.payments.worker.sender.settle()
    assert forgetful.calls == 2
    assert await shop.operations() == [("refund", "succeeded")]
    await _one_refund(shop, intent, 600)
