"""What is done to a subscription is done once, whatever happens."""

from __future__ import annotations

import asyncio
from typing import Any

import pytest

from overseer_payment.asking import subscriptions
from overseer_payment.errors import (
    Conflict,
    IdempotencyConflict,
    OutcomeUnknown,
    PaymentError,
    ProviderUnavailable,
)
from overseer_payment.schemas import (
    ChangePlanBody,
    SubscriptionRow,
)
from tests.service.breaking import Died, breaker, dying_at_commit
from tests.service.shop import OPERATOR, Shop
from tests.service.subscriptions.changing import AT_END, NOW, WISHES, effects, shown, subscribed

pytestmark = pytest.mark.anyio


async def test_two_cancels_at_once_are_one(shop: Shop, sub: str) -> None:
    """One is sent; the other is told that a change is on its way, or that it is done."""
    async with shop.beside() as other:
        wishes = [subscriptions.cancel(one, OPERATOR, sub, AT_END) for one in (shop.payments, other)]
        found = await asyncio.gather(*wishes, return_exceptions=True)
    done = [one for one in found if isinstance(one, SubscriptionRow)]
    refused = [one for one in found if isinstance(one, Conflict)]
    assert (len(done), len(refused)) == (1, 1)
    assert refused[0].code in {"change_under_way", "already_canceling"}
    assert len(effects(shop)) == 1


async def test_one_key_is_one_change(shop: Shop, sub: str) -> None:
    """Six times at once and once later: one request, the same row; with another body a conflict."""
    body = ChangePlanBody(quantity=2)
    wishes = [
        subscriptions.change_plan(shop.payments, OPERATOR, sub, body, idempotency_key="k") for _ in range(6)
    ]
    rows = await asyncio.gather(*wishes)
    assert {row.quantity for row in rows} == {2}
    again = await subscriptions.change_plan(shop.payments, OPERATOR, sub, body, idempotency_key="k")
    assert again.quantity == 2
    assert len(effects(shop)) == 1
    with pytest.raises(IdempotencyConflict):
        await subscriptions.change_plan(
            shop.payments, OPERATOR, sub, ChangePlanBody(quantity=3), idempotency_key="k"
        )


async def _ends_as(shop: Shop, id: str, wanted: dict[str, Any], *, operation: str = "succeeded") -> None:
    await shop.settle()
    row = (await shown(shop, id)).model_dump()
    assert {name: row[name] for name in wanted} == wanted
    assert (await shop.operations())[-1][1] == operation


@pytest.mark.parametrize("after_effect", [True, False])
async def test_a_time_out_is_settled_under_the_same_key(shop: Shop, after_effect: bool) -> None:
    """Whether it took effect is not known; until it is, nothing else is sent; then it is as was asked."""
    subs = {name: await subscribed(shop) for name in WISHES}
    for name, (wish, _) in WISHES.items():
        path = f"/v1/subscriptions/{subs[name]}"
        shop.world.faults.time_out("*", path, after_effect=after_effect, times=3)
        with pytest.raises(OutcomeUnknown):
            await wish(shop, subs[name])
        with pytest.raises(Conflict) as waiting:
            await subscriptions.change_plan(shop.payments, OPERATOR, subs[name], ChangePlanBody(quantity=9))
        assert waiting.value.code == "change_under_way"
    shop.later(10)
    for name, (_, wanted) in WISHES.items():
        await _ends_as(shop, subs[name], wanted)


@pytest.mark.parametrize("commit", [1, 2])
async def test_a_crash_between_sending_and_recording_is_settled(shop: Shop, sub: str, commit: int) -> None:
    """Died before it was sent, or after the provider did it: after a restart it is done, once."""
    with breaker(shop.engine) as broken:
        broken.at = dying_at_commit(commit)
        with pytest.raises((Died, PaymentError, asyncio.CancelledError)):
            await subscriptions.change_plan(shop.payments, OPERATOR, sub, ChangePlanBody(quantity=2))
    shop.later(150)
    await shop.settle()
    quantity = shop.world.get("subscription", sub)["items"]["data"][0]["quantity"]
    assert (await shown(shop, sub)).quantity == quantity == (1 if commit == 1 else 2)


@pytest.mark.parametrize("effect", [True, False])
async def test_after_a_day_it_is_looked_at_instead_of_sent_again(shop: Shop, sub: str, effect: bool) -> None:
    """The provider has forgotten the key: what took effect is found, what didn't is told as failed."""
    shop.world.faults.time_out("POST", "/v1/subscriptions/*", after_effect=effect, times=3)
    with pytest.raises(OutcomeUnknown):
        await subscriptions.change_plan(shop.payments, OPERATOR, sub, ChangePlanBody(quantity=2))
    sent = len(effects(shop))
    shop.later(24 * 3600)
    await _ends_as(shop, sub, {"quantity": 2 if effect else 1}, operation="succeeded" if effect else "failed")
    assert len(effects(shop)) == sent


async def test_an_outage_changes_nothing_and_can_be_repeated(shop: Shop, sub: str) -> None:
    """Not reached: said so, nothing is on its way, and the same key may be used again."""
    shop.wire.down = True
    for _ in range(2):
        with pytest.raises(ProviderUnavailable):
            await subscriptions.cancel(shop.payments, OPERATOR, sub, NOW, idempotency_key="k")
    with pytest.raises(ProviderUnavailable):
        await subscriptions.preview_change(shop.payments, OPERATOR, sub, ChangePlanBody(quantity=2))
    shop.wire.down = False
    row = await subscriptions.cancel(shop.payments, OPERATOR, sub, NOW, idempotency_key="k")
    assert row.status == "canceled"
