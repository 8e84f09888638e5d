"""Ending, resuming and pausing subscriptions: the provider really changes, and its next word agrees."""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from datetime import UTC, datetime

import pytest

from overseer_payment.asking import subscriptions
from overseer_payment.errors import (
    Conflict,
)
from overseer_payment.provider import PauseBehavior, PauseKind
from overseer_payment.schemas import (
    ChangePlanBody,
    PauseBody,
)
from tests.service.shop import OPERATOR, Shop
from tests.service.subscriptions.changing import AT_END, DAY, NOW, agrees, shown, subscribed

pytestmark = pytest.mark.anyio


async def test_cancel_at_period_end_ends_when_the_period_does(shop: Shop, sub: str) -> None:
    """Until then it goes on; then the clock ends it, without another invoice."""
    row = await subscriptions.cancel(shop.payments, OPERATOR, sub, AT_END)
    assert (row.status, row.cancel_at_period_end, row.ended_at) == ("active", True, None)
    await agrees(shop, row)
    invoices = shop.made("invoice")
    await shop.advance(32)
    assert (await shown(shop, sub)).status == "canceled"
    assert shop.made("invoice") == invoices


async def test_cancel_now_is_for_good(shop: Shop, sub: str) -> None:
    """The answer is the provider's new state; canceling it again, or anything else, is a conflict."""
    row = await subscriptions.cancel(shop.payments, OPERATOR, sub, NOW)
    assert row.status == "canceled"
    assert row.ended_at is not None
    await agrees(shop, row)
    sent = len(shop.world.requests)
    change = ChangePlanBody(quantity=2)
    wishes: list[Callable[[], Awaitable[object]]] = [
        lambda: subscriptions.cancel(shop.payments, OPERATOR, sub, NOW),
        lambda: subscriptions.cancel(shop.payments, OPERATOR, sub, AT_END),
        lambda: subscriptions.resume(shop.payments, OPERATOR, sub),
        lambda: subscriptions.pause(shop.payments, OPERATOR, sub, PauseBody()),
        lambda: subscriptions.change_plan(shop.payments, OPERATOR, sub, change),
        lambda: subscriptions.preview_change(shop.payments, OPERATOR, sub, change),
    ]
    for wish in wishes:
        with pytest.raises(Conflict) as refused:
            await wish()
        assert refused.value.code == "ended"
    assert len(shop.world.requests) == sent


async def test_what_ended_unheard_is_success_to_cancel_and_a_conflict_to_change(shop: Shop) -> None:
    """Canceled in the provider's dashboard a moment ago: no webhook has come yet."""
    one, two = await subscribed(shop), await subscribed(shop, 900)
    for id in (one, two):
        await shop.delete(f"subscriptions/{id}")
    assert (await subscriptions.cancel(shop.payments, OPERATOR, one, NOW)).status == "canceled"
    with pytest.raises(Conflict) as refused:
        await subscriptions.change_plan(shop.payments, OPERATOR, two, ChangePlanBody(quantity=2))
    assert refused.value.code == "ended"
    assert (await shown(shop, two)).status == "canceled"


async def test_resume_takes_back_a_planned_end(shop: Shop, sub: str) -> None:
    """It is renewed as if nothing had been; resuming it again is a conflict."""
    await subscriptions.cancel(shop.payments, OPERATOR, sub, AT_END)
    with pytest.raises(Conflict) as twice:
        await subscriptions.cancel(shop.payments, OPERATOR, sub, AT_END)
    assert twice.value.code == "already_canceling"
    row = await subscriptions.resume(shop.payments, OPERATOR, sub)
    assert (row.status, row.cancel_at_period_end, row.cancel_at) == ("active", False, None)
    await agrees(shop, row)
    with pytest.raises(Conflict) as nothing:
        await subscriptions.resume(shop.payments, OPERATOR, sub)
    assert nothing.value.code == "not_paused"
    await shop.advance(32)
    assert (await shown(shop, sub)).status == "active"
    assert await shop.revenue() == {"usd": (3000, 0, 0, 3000)}


FATES = {
    PauseBehavior.VOID: "void",
    PauseBehavior.KEEP_AS_DRAFT: "draft",
    PauseBehavior.MARK_UNCOLLECTIBLE: "uncollectible",
}


async def test_paused_collection_asks_for_nothing(shop: Shop) -> None:
    """Periods go on, their invoices end as asked, and the day it resumes is kept."""
    subs = {behavior: await subscribed(shop) for behavior in FATES}
    until = datetime.fromtimestamp(shop.world.now() + 40 * DAY, UTC)
    for behavior, sub in subs.items():
        body = PauseBody(behavior=behavior, resumes_at=until)
        row = await subscriptions.pause(shop.payments, OPERATOR, sub, body)
        assert (row.status, row.collection_paused, row.collection_resumes_at) == ("active", True, until)
        await agrees(shop, row)
        with pytest.raises(Conflict):
            await subscriptions.pause(shop.payments, OPERATOR, sub, PauseBody())
    await shop.advance(32)
    assert await shop.revenue() == {"usd": (4500, 0, 0, 4500)}
    for behavior, sub in subs.items():
        latest = shop.world.get("invoice", shop.world.get("subscription", sub)["latest_invoice"])
        assert (latest["billing_reason"], latest["status"]) == ("subscription_cycle", FATES[behavior])
    await shop.advance(9)
    assert not any([(await shown(shop, sub)).collection_paused for sub in subs.values()])


async def test_resume_takes_back_all_that_keeps_it_from_going_on(shop: Shop, sub: str) -> None:
    """A planned end together with a pause of either kind: both at once."""
    await subscriptions.pause(shop.payments, OPERATOR, sub, PauseBody())
    await subscriptions.cancel(shop.payments, OPERATOR, sub, AT_END)
    row = await subscriptions.resume(shop.payments, OPERATOR, sub)
    assert (row.collection_paused, row.cancel_at_period_end) == (False, False)
    await agrees(shop, row)
    await subscriptions.cancel(shop.payments, OPERATOR, sub, AT_END)
    await subscriptions.pause(shop.payments, OPERATOR, sub, PauseBody(kind=PauseKind.SUBSCRIPTION))
    row = await subscriptions.resume(shop.payments, OPERATOR, sub)
    assert (row.status, row.cancel_at_period_end) == ("active", False)
    await agrees(shop, row)


async def test_a_paused_subscription_stands_still_until_it_is_resumed(shop: Shop, sub: str) -> None:
    """No period and no invoice meanwhile; resumed it begins a period, which costs less what was unused."""
    await shop.advance(10)
    row = await subscriptions.pause(shop.payments, OPERATOR, sub, PauseBody(kind=PauseKind.SUBSCRIPTION))
    assert (row.status, row.collection_paused) == ("paused", False)
    await agrees(shop, row)
    invoices = shop.made("invoice")
    await shop.advance(40)
    assert shop.made("invoice") == invoices
    row = await subscriptions.resume(shop.payments, OPERATOR, sub)
    assert row.status == "active"
    await agrees(shop, row)
    assert shop.made("invoice") == invoices + 1
    assert 1500 < (await shop.revenue())["usd"][0] < 3000
