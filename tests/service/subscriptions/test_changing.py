"""Changing plans over the real SDK: the provider really changes, and its next word agrees."""

from __future__ import annotations

from datetime import UTC, datetime

import pytest

from overseer_payment.asking import subscriptions
from overseer_payment.errors import (
    Invalid,
    ProviderRejected,
)
from overseer_payment.provider import Proration
from overseer_payment.schemas import (
    ChangePlanBody,
    CheckoutBody,
)
from tests.service.shop import OPERATOR, Shop
from tests.service.subscriptions.changing import DAY, agrees, shown, subscribed

pytestmark = pytest.mark.anyio


async def test_a_change_shows_the_new_plan_and_its_price(shop: Shop, sub: str) -> None:
    """Another price and quantity: the row at once, the provider, and the next invoice with the difference."""
    new = await shop.price(3000, "usd", "month")
    await shop.advance(15)
    body = ChangePlanBody(new_price_id=new, quantity=2)
    row = await subscriptions.change_plan(shop.payments, OPERATOR, sub, body)
    assert (row.amount, row.quantity, row.items[0].price_id) == (6000, 2, new)
    assert row.plan_name == "Growth"
    await agrees(shop, row)
    assert await shop.revenue() == {"usd": (1500, 0, 0, 1500)}
    await shop.advance(18)
    gross = (await shop.revenue())["usd"][0]
    assert 7500 < gross < 7500 + 6000


async def test_a_new_price_keeps_the_quantity(shop: Shop, sub: str) -> None:
    """Stripe takes it back to one unless it is named, so it is."""
    await subscriptions.change_plan(shop.payments, OPERATOR, sub, ChangePlanBody(quantity=5))
    body = ChangePlanBody(new_price_id=await shop.price(3000, "usd", "month"))
    assert (await subscriptions.change_plan(shop.payments, OPERATOR, sub, body)).quantity == 5


async def test_always_invoice_asks_at_once_for_what_the_preview_showed(shop: Shop, sub: str) -> None:
    """To the cent, also when it is ordered later than it was shown; and asking about it changed nothing."""
    await shop.advance(10)
    body = ChangePlanBody(
        new_price_id=await shop.price(4500, "usd", "month"), proration_behavior=Proration.ALWAYS_INVOICE
    )
    before, made = await shown(shop, sub), shop.made("invoice")
    preview = await subscriptions.preview_change(shop.payments, OPERATOR, sub, body)
    assert (await shown(shop, sub), shop.made("invoice")) == (before, made)
    assert all(not kind.startswith("subscription") for kind, _ in await shop.operations())
    assert preview.currency == "usd"
    assert 0 < preview.due_now < 3000
    assert sum(line.amount for line in preview.lines) == preview.due_now
    assert preview.next_invoice is not None
    assert preview.next_invoice.amount_due == 4500
    shop.world.clock.advance(3 * DAY)
    agreed = body.model_copy(update={"proration_date": preview.proration_date})
    row = await subscriptions.change_plan(shop.payments, OPERATOR, sub, agreed)
    await agrees(shop, row)
    assert await shop.revenue() == {"usd": (1500 + preview.due_now, 0, 0, 1500 + preview.due_now)}


async def test_other_prorations_ask_for_nothing_now(shop: Shop) -> None:
    """The next invoice is what the preview said it would be: with the difference, or without any."""
    behaviors = (Proration.CREATE_PRORATIONS, Proration.NONE)
    subs = {behavior: await subscribed(shop) for behavior in behaviors}
    await shop.advance(10)
    due = 0
    for behavior, sub in subs.items():
        new = await shop.price(4500, "usd", "month")
        body = ChangePlanBody(new_price_id=new, proration_behavior=behavior)
        preview = await subscriptions.preview_change(shop.payments, OPERATOR, sub, body)
        assert preview.due_now == 0
        assert preview.next_invoice is not None
        assert (preview.next_invoice.amount_due == 4500) == (behavior is Proration.NONE)
        due += preview.next_invoice.amount_due
        await subscriptions.change_plan(shop.payments, OPERATOR, sub, body)
    await shop.advance(23)
    assert (await shop.revenue())["usd"][0] == 2 * 1500 + due


async def test_another_interval_is_asked_for_at_once(shop: Shop, sub: str) -> None:
    """From monthly to yearly the period begins anew: the preview says what is due now, and what in a year."""
    body = ChangePlanBody(new_price_id=await shop.price(12000, "usd", "year"))
    preview = await subscriptions.preview_change(shop.payments, OPERATOR, sub, body)
    row = await subscriptions.change_plan(shop.payments, OPERATOR, sub, body)
    await agrees(shop, row)
    assert row.interval == "year"
    assert (await shop.revenue())["usd"][0] == 1500 + preview.due_now
    assert preview.next_invoice is not None
    assert preview.next_invoice.amount_due == 12000


async def test_yen_are_counted_in_yen(shop: Shop) -> None:
    """A plan in a currency without minor units: preview and change in whole yen."""
    old, new = await shop.price(1000, "jpy", "month"), await shop.price(5000, "jpy", "month")
    session = (
        await shop.payments.create_checkout(
            OPERATOR, CheckoutBody.model_validate({"price_id": old, "mode": "subscription"})
        )
    ).session_id
    shop.fill_in(session)
    await shop.settle()
    sub = shop.world.get("checkout.session", session)["subscription"]
    body = ChangePlanBody(new_price_id=new, proration_behavior=Proration.ALWAYS_INVOICE)
    preview = await subscriptions.preview_change(shop.payments, OPERATOR, sub, body)
    assert (preview.currency, preview.due_now) == ("jpy", 4000)
    row = await subscriptions.change_plan(shop.payments, OPERATOR, sub, body)
    assert (row.amount, row.currency) == (5000, "jpy")
    await shop.settle()
    assert await shop.revenue() == {"jpy": (5000, 0, 0, 5000)}


async def test_of_several_items_one_must_be_named(shop: Shop, sub: str) -> None:
    """The others keep what they have; an item that isn't there is told apart from one that isn't named."""
    more = await shop.price(700, "usd", "month")
    await shop.post(f"subscriptions/{sub}", **{"items[0][price]": more, "items[0][quantity]": "3"})
    await shop.settle()
    items = (await shown(shop, sub)).items
    assert [item.quantity for item in items] == [1, 3]
    for body, code in (
        (ChangePlanBody(quantity=4), "which_item"),
        (ChangePlanBody(quantity=4, item_id="si_no"), "no_such_item"),
        (ChangePlanBody(quantity=3, item_id=items[1].id), "nothing_changes"),
    ):
        with pytest.raises(Invalid) as refused:
            await subscriptions.change_plan(shop.payments, OPERATOR, sub, body)
        assert refused.value.code == code
    later = datetime.fromtimestamp(shop.world.now() + 20 * DAY, UTC)
    row = await subscriptions.change_plan(shop.payments, OPERATOR, sub, ChangePlanBody(trial_end=later))
    assert (row.trial_end, [item.quantity for item in row.items]) == (later, [1, 3])
    body = ChangePlanBody(quantity=4, item_id=items[1].id)
    row = await subscriptions.change_plan(shop.payments, OPERATOR, sub, body)
    assert [item.quantity for item in row.items] == [1, 4]
    await agrees(shop, row)


async def test_a_trial_can_be_ended_or_moved(shop: Shop) -> None:
    """Its end moves with nothing asked for; ended now, the first period is paid."""
    session = await shop.subscribe(1500, trial_period_days=14)
    await shop.settle()
    sub = shop.world.get("checkout.session", session)["subscription"]
    later = datetime.fromtimestamp(shop.world.now() + 20 * DAY, UTC)
    row = await subscriptions.change_plan(shop.payments, OPERATOR, sub, ChangePlanBody(trial_end=later))
    assert (row.status, row.trial_end) == ("trialing", later)
    await agrees(shop, row)
    row = await subscriptions.change_plan(shop.payments, OPERATOR, sub, ChangePlanBody(trial_end="now"))
    assert row.status == "active"
    await shop.settle()
    assert await shop.revenue() == {"usd": (1500, 0, 0, 1500)}


async def test_a_price_that_cannot_be_is_refused_and_changes_nothing(shop: Shop, sub: str) -> None:
    """Unknown, or in another currency: the provider's own no, in one sentence; the plan stays."""
    before = await shown(shop, sub)
    for price in ("price_none", await shop.price(500, "eur", "month")):
        body = ChangePlanBody(new_price_id=price)
        with pytest.raises(ProviderRejected):
            await subscriptions.preview_change(shop.payments, OPERATOR, sub, body)
        with pytest.raises(ProviderRejected):
            await subscriptions.change_plan(shop.payments, OPERATOR, sub, body)
    await shop.settle()
    assert await shown(shop, sub) == before
