"""Changing subscriptions over the real SDK: the provider really changes, and its next word agrees."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable
from datetime import UTC, datetime, timedelta
from typing import Any

import httpx
import pytest

from overseer_payment import tables
from overseer_payment.asking import subscriptions
from overseer_payment.errors import (
    Conflict,
    Forbidden,
    IdempotencyConflict,
    Invalid,
    NotFound,
    OutcomeUnknown,
    PaymentError,
    ProviderRejected,
    ProviderUnavailable,
)
from overseer_payment.host_contract import User
from overseer_payment.provider import PauseBehavior, PauseKind, Proration
from overseer_payment.schemas import (
    CancelBody,
    ChangePlanBody,
    CheckoutBody,
    PauseBody,
    SubscriptionRow,
    Viewer,
)
from tests.service.breaking import Died, breaker, dying_at_commit
from tests.service.shop import OPERATOR, Shop

pytestmark = pytest.mark.anyio

NOW = CancelBody(at_period_end=False)
AT_END = CancelBody()
DAY = 86_400


@pytest.fixture
def shop(shop: Shop) -> Shop:
    """Nobody does two things within one moment: each request comes a second later."""

    async def tick(_: httpx.Request) -> None:
        shop.world.clock.advance(1)

    shop.wire.before = tick
    return shop


@pytest.fixture
async def sub(shop: Shop) -> str:
    """An active subscription of 15.00 USD a month; its id at the provider."""
    return await subscribed(shop)


async def subscribed(shop: Shop, amount: int = 1500) -> str:
    session = await shop.subscribe(amount)
    await shop.settle()
    return str(shop.world.get("checkout.session", session)["subscription"])


async def shown(shop: Shop, id: str) -> SubscriptionRow:
    return await shop.payments.subscription(OPERATOR, id)


async def agrees(shop: Shop, row: SubscriptionRow) -> None:
    """The provider's events and reads say what was answered, and what was sent has its outcome."""
    await shop.settle()
    assert await shown(shop, str(row.id)) == row
    stands = shop.world.get("subscription", row.provider_subscription_id)
    assert (stands["status"], stands["cancel_at_period_end"]) == (row.status, row.cancel_at_period_end)
    assert bool(stands["pause_collection"]) == row.collection_paused
    assert {status for kind, status in await shop.operations() if kind.startswith("subscription")} <= {
        "succeeded"
    }


# -- cancel ------------------------------------------------------------------------------------------


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


# -- resume and pause ----------------------------------------------------------------------------------


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


# -- change --------------------------------------------------------------------------------------------


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
        with pytest.raises(ProviderRejected):
            await subscriptions.change_plan(shop.payments, OPERATOR, sub, ChangePlanBody(new_price_id=price))
    await shop.settle()
    assert await shown(shop, sub) == before


# -- once, whatever happens ----------------------------------------------------------------------------


def _effects(shop: Shop) -> list[str]:
    return [
        r.path for r in shop.world.requests if r.method in {"POST", "DELETE"} and "subscriptions" in r.path
    ]


async def test_two_cancels_at_once_are_one(shop: Shop, sub: str) -> None:
    """One is sent; the other is told that a change is on its way, or that it is done."""
    async with shop.beside() as other:
        wishes = [subscriptions.cancel(one, OPERATOR, sub, AT_END) for one in (shop.payments, other)]
        found = await asyncio.gather(*wishes, return_exceptions=True)
    done = [one for one in found if isinstance(one, SubscriptionRow)]
    refused = [one for one in found if isinstance(one, Conflict)]
    assert (len(done), len(refused)) == (1, 1)
    assert refused[0].code in {"change_under_way", "already_canceling"}
    assert len(_effects(shop)) == 1


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
    assert len(_effects(shop)) == 1
    with pytest.raises(IdempotencyConflict):
        await subscriptions.change_plan(
            shop.payments, OPERATOR, sub, ChangePlanBody(quantity=3), idempotency_key="k"
        )


Wish = Callable[[Shop, str], Awaitable[SubscriptionRow]]
WISHES: dict[str, tuple[Wish, dict[str, Any]]] = {
    "cancel": (
        lambda shop, sub: subscriptions.cancel(shop.payments, OPERATOR, sub, AT_END),
        {"cancel_at_period_end": True},
    ),
    "cancel now": (
        lambda shop, sub: subscriptions.cancel(shop.payments, OPERATOR, sub, NOW),
        {"status": "canceled"},
    ),
    "pause": (
        lambda shop, sub: subscriptions.pause(shop.payments, OPERATOR, sub, PauseBody()),
        {"collection_paused": True},
    ),
    "change": (
        lambda shop, sub: subscriptions.change_plan(shop.payments, OPERATOR, sub, ChangePlanBody(quantity=2)),
        {"quantity": 2},
    ),
}


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
    sent = len(_effects(shop))
    shop.later(24 * 3600)
    await _ends_as(shop, sub, {"quantity": 2 if effect else 1}, operation="succeeded" if effect else "failed")
    assert len(_effects(shop)) == sent


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


# -- who -----------------------------------------------------------------------------------------------


async def test_only_those_who_may_manage_change_anything(shop: Shop, sub: str) -> None:
    """Staff without the permission and the buyer are refused; to a stranger there is no such row."""
    customer = shop.world.get("subscription", sub)["customer"]
    own = tables.customer.update().where(tables.customer.c.provider_customer_id == customer)
    async with shop.engine.begin() as connection:
        await connection.execute(own.values(user_id="7"))
    viewers: list[tuple[Viewer, type[PaymentError]]] = [
        (Viewer("staff", None, frozenset({"payment.view", "payment.refund"})), Forbidden),
        (Viewer("user:7", User("7", "Ada")), Forbidden),
        (Viewer("user:8", User("8", "Bob")), NotFound),
    ]
    body = ChangePlanBody(quantity=2)
    for viewer, error in viewers:
        with pytest.raises(error):
            await subscriptions.cancel(shop.payments, viewer, sub, AT_END)
        with pytest.raises(error):
            await subscriptions.resume(shop.payments, viewer, sub)
        with pytest.raises(error):
            await subscriptions.pause(shop.payments, viewer, sub, PauseBody())
        with pytest.raises(error):
            await subscriptions.change_plan(shop.payments, viewer, sub, body)
        with pytest.raises(error):
            await subscriptions.preview_change(shop.payments, viewer, sub, body)
    assert _effects(shop) == []


async def test_example_data_is_not_changed(shop: Shop, sub: str) -> None:
    """The key's own account doesn't know what was made up: said before anything is sent."""
    made_up = tables.provider.update().where(tables.provider.c.account == "default")
    async with shop.engine.begin() as connection:
        await connection.execute(made_up.values(account="example"))
    for wish, _ in WISHES.values():
        with pytest.raises(Conflict) as refused:
            await wish(shop, sub)
        assert refused.value.code == "other_account"
    assert _effects(shop) == []


# -- what is shown -------------------------------------------------------------------------------------


async def test_states_are_shown_as_what_they_are(shop: Shop) -> None:
    """A trial, one that can't be paid, one that was never paid: each by its own word."""
    shop.world.settings["after_last_retry"] = "mark_unpaid"
    trial = await shop.subscribe(1500, trial_period_days=14)
    failing = await subscribed(shop)
    customer = shop.world.get("subscription", failing)["customer"]
    declining = await shop.post("payment_methods/pm_card_chargeCustomerFail/attach", customer=customer)
    await shop.post(f"subscriptions/{failing}", default_payment_method=declining["id"])
    await shop.settle()
    assert (await shown(shop, shop.world.get("checkout.session", trial)["subscription"])).status == "trialing"
    await shop.advance(32)
    assert (await shown(shop, failing)).status == "past_due"
    await shop.advance(40)
    assert (await shown(shop, failing)).status == "unpaid"


async def test_what_was_never_paid_and_what_waits_for_a_card(shop: Shop) -> None:
    """`incomplete` until its day is over, then `incomplete_expired`; a trial without a card ends `paused`."""
    customer = (await shop.post("customers", email="ada@example.com"))["id"]
    price = await shop.price(1500, "usd", "month")
    base = {"customer": customer, "items[0][price]": price}
    unpaid = (await shop.post("subscriptions", **base, payment_behavior="default_incomplete"))["id"]
    end = {"trial_settings[end_behavior][missing_payment_method]": "pause"}
    trial = (await shop.post("subscriptions", **base, **end, trial_period_days="2"))["id"]
    await shop.settle()
    assert [(await shown(shop, id)).status for id in (unpaid, trial)] == ["incomplete", "trialing"]
    with pytest.raises(Conflict) as refused:
        await subscriptions.pause(shop.payments, OPERATOR, unpaid, PauseBody(kind=PauseKind.SUBSCRIPTION))
    assert refused.value.code == "not_pausable"
    await shop.advance(3)
    assert [(await shown(shop, id)).status for id in (unpaid, trial)] == ["incomplete_expired", "paused"]


async def test_a_product_that_no_event_told_of_is_read_once(shop: Shop) -> None:
    """Two subscriptions name it by its id: one read names both, and an event renames both."""
    (endpoint,) = shop.world.find("webhook_endpoint")
    everything = endpoint["enabled_events"]
    endpoint["enabled_events"] = ["customer.created", "customer.subscription.created"]
    sessions = [await shop.subscribe(1500), await shop.subscribe(1500)]
    await shop.settle()
    subs = [shop.world.get("checkout.session", session)["subscription"] for session in sessions]
    assert [(await shown(shop, id)).plan_name for id in subs] == ["Growth", "Growth"]
    (path,) = shop.requests("GET", "/v1/products/")
    endpoint["enabled_events"] = everything
    shop.world.clock.advance(5)  # news of the very second of a read would be asked about once more
    await shop.post(path.removeprefix("/v1/"), name="Crew")
    await shop.settle()
    assert [(await shown(shop, id)).plan_name for id in subs] == ["Crew", "Crew"]
    assert len(shop.requests("GET", "/v1/products/")) == 1


def test_a_body_that_asks_for_nothing_is_refused() -> None:
    """No price, no quantity, no trial; or a pause with what only the other kind takes."""
    with pytest.raises(ValueError, match="new_price_id"):
        ChangePlanBody()
    with pytest.raises(ValueError, match="paused collection"):
        PauseBody(kind=PauseKind.SUBSCRIPTION, resumes_at=datetime.now(UTC) + timedelta(days=1))
