"""Changing, canceling, pausing and resuming subscriptions at the simulator, over the real SDK."""

from __future__ import annotations

import pytest
import stripe

from overseer_payment.simulator import World
from overseer_payment.simulator import scenario as play
from overseer_payment.simulator.resources.subscription_shapes import current_period, items_of
from tests.simulator.resources_kit import DAY, FAILS_ON_RENEWAL, booked, latest, logged, subscribed

pytestmark = pytest.mark.anyio


async def test_a_preview_is_what_the_change_then_costs(world: World, sdk: stripe.StripeClient) -> None:
    """Preview and update with one proration date agree to the cent, and the preview changes nothing."""
    subscription, dearer = subscribed(world), play.offer(world, "Max", 5000, interval="month")
    world.clock.advance(10 * DAY + 12345)
    item, at = items_of(subscription)[0]["id"], world.now()
    with logged(world) as log:
        preview = await sdk.v1.invoices.create_preview_async(
            {
                "subscription": subscription["id"],
                "subscription_details": {
                    "items": [{"id": item, "price": dearer["id"], "quantity": 2}],
                    "proration_date": at,
                    "proration_behavior": "always_invoice",
                },
            }
        )
    assert log == []
    assert preview.id is not None
    assert preview.id.startswith("upcoming_in_")
    await sdk.v1.subscriptions.update_async(
        subscription["id"],
        {
            "items": [{"id": item, "price": dearer["id"], "quantity": 2}],
            "proration_date": at,
            "proration_behavior": "always_invoice",
        },
    )
    invoice = latest(world, subscription)
    assert (invoice["total"], invoice["billing_reason"]) == (preview.total, "subscription_update")
    assert [line["amount"] < 0 for line in invoice["lines"]["data"]] == [True, False]
    assert 0 < invoice["total"] < 10000


async def test_a_new_price_is_for_one_unless_a_quantity_is_named(
    world: World, sdk: stripe.StripeClient
) -> None:
    """As Stripe warns: a change of price takes the quantity back to one; the recurring preview shows it."""
    subscription, dearer = subscribed(world), play.offer(world, "Max", 5000, interval="month")
    item = items_of(subscription)[0]["id"]
    await sdk.v1.subscriptions.update_async(subscription["id"], {"items": [{"id": item, "quantity": 3}]})
    preview = await sdk.v1.invoices.create_preview_async(
        {
            "subscription": subscription["id"],
            "subscription_details": {
                "items": [{"id": item, "price": dearer["id"]}],
                "proration_behavior": "always_invoice",
            },
            "preview_mode": "recurring",
        }
    )
    assert (preview.total, preview.next_payment_attempt) == (5000, current_period(subscription)[1])
    await sdk.v1.subscriptions.update_async(
        subscription["id"], {"items": [{"id": item, "price": dearer["id"]}]}
    )
    assert items_of(subscription)[0]["quantity"] == 1


async def test_prorations_wait_for_the_next_invoice_by_default(
    world: World, sdk: stripe.StripeClient
) -> None:
    """`create_prorations` bills nothing now; the next period's invoice has the lines. `none` has none."""
    subscription = subscribed(world)
    item = items_of(subscription)[0]["id"]
    world.clock.advance(10 * DAY)
    await sdk.v1.subscriptions.update_async(subscription["id"], {"items": [{"id": item, "quantity": 3}]})
    assert booked(world) == 2000
    await sdk.v1.subscriptions.update_async(
        subscription["id"], {"items": [{"id": item, "quantity": 4}], "proration_behavior": "none"}
    )
    world.clock.advance(current_period(subscription)[1] - world.now() + 3600)
    lines = latest(world, subscription)["lines"]["data"]
    assert len(lines) == 3
    assert lines[-1]["amount"] == 8000
    assert latest(world, subscription)["status"] == "paid"


async def test_another_interval_begins_a_new_cycle(world: World, sdk: stripe.StripeClient) -> None:
    """Monthly to yearly: the unused month is credited and the year billed at once."""
    subscription, yearly = subscribed(world), play.offer(world, "Year", 20000, interval="year")
    world.clock.advance(15 * DAY)
    item = items_of(subscription)[0]["id"]
    await sdk.v1.subscriptions.update_async(
        subscription["id"], {"items": [{"id": item, "price": yearly["id"]}]}
    )
    start, end = current_period(subscription)
    assert (start, end - start) == (world.now(), 365 * DAY)
    invoice = latest(world, subscription)
    assert invoice["status"] == "paid"
    assert 18000 < invoice["total"] < 20000


async def test_a_credit_waits_on_the_customers_balance(world: World, sdk: stripe.StripeClient) -> None:
    """A downgrade billed at once owes nothing; the credit is used up by the next invoice."""
    subscription, cheap = subscribed(world, 9000), play.offer(world, "Mini", 1000, interval="month")
    world.clock.advance(DAY)
    item = items_of(subscription)[0]["id"]
    await sdk.v1.subscriptions.update_async(
        subscription["id"],
        {"items": [{"id": item, "price": cheap["id"]}], "proration_behavior": "always_invoice"},
    )
    credit = world.get("customer", subscription["customer"])["balance"]
    assert -8000 < credit < -7000
    assert (latest(world, subscription)["status"], latest(world, subscription)["amount_due"]) == ("paid", 0)
    world.clock.advance(current_period(subscription)[1] - world.now() + 3600)
    assert world.get("customer", subscription["customer"])["balance"] == credit + 1000
    assert booked(world) == 9000


async def test_canceling_at_the_period_end_can_be_undone(world: World, sdk: stripe.StripeClient) -> None:
    """Planned: active, with a date. Undone: no trace. Planned again: canceled at the end, unbilled."""
    id = subscribed(world)["id"]
    planned = await sdk.v1.subscriptions.update_async(id, {"cancel_at_period_end": True})
    end = current_period(world.get("subscription", id))[1]
    assert (planned.status, planned.cancel_at, planned.cancel_at_period_end) == ("active", end, True)
    undone = await sdk.v1.subscriptions.update_async(id, {"cancel_at_period_end": False})
    assert (undone.cancel_at, undone.canceled_at) == (None, None)
    await sdk.v1.subscriptions.update_async(id, {"cancel_at_period_end": True})
    with logged(world) as log:
        world.clock.advance(end - world.now())
    assert log == ["customer.subscription.deleted"]
    assert world.get("subscription", id)["ended_at"] == end


async def test_canceling_now_is_final(world: World, sdk: stripe.StripeClient) -> None:
    """A second cancel finds no subscription; a change is refused; time brings nothing more."""
    id = subscribed(world)["id"]
    canceled = await sdk.v1.subscriptions.cancel_async(
        id, {"cancellation_details": {"feedback": "too_expensive"}}
    )
    assert (canceled.status, canceled.ended_at) == ("canceled", world.now())
    assert canceled.cancellation_details is not None
    assert canceled.cancellation_details.feedback == "too_expensive"
    with pytest.raises(stripe.InvalidRequestError) as caught:
        await sdk.v1.subscriptions.cancel_async(id)
    assert (caught.value.http_status, caught.value.code) == (404, "resource_missing")
    with pytest.raises(stripe.InvalidRequestError):
        await sdk.v1.subscriptions.update_async(id, {"cancel_at_period_end": True})
    with logged(world) as log:
        world.clock.advance(40 * DAY)
    assert log == []


async def test_a_moment_of_cancellation_is_kept(world: World, sdk: stripe.StripeClient) -> None:
    """`cancel_at` in the middle of a period ends it there."""
    id, at = subscribed(world)["id"], world.now() + 9 * DAY
    await sdk.v1.subscriptions.update_async(id, {"cancel_at": at})
    world.clock.advance(20 * DAY)
    assert (world.get("subscription", id)["status"], world.get("subscription", id)["ended_at"]) == (
        "canceled",
        at,
    )


async def test_lists_hide_canceled_ones_unless_asked(world: World, sdk: stripe.StripeClient) -> None:
    """Without a status the canceled are left out; `all` and `canceled` show them."""
    kept, gone = subscribed(world)["id"], subscribed(world)["id"]
    await sdk.v1.subscriptions.cancel_async(gone)
    assert [s.id for s in (await sdk.v1.subscriptions.list_async()).data] == [kept]
    assert len((await sdk.v1.subscriptions.list_async({"status": "all"})).data) == 2
    assert [s.id for s in (await sdk.v1.subscriptions.list_async({"status": "canceled"})).data] == [gone]


@pytest.mark.parametrize(
    ("behavior", "status"),
    [("keep_as_draft", "draft"), ("mark_uncollectible", "uncollectible"), ("void", "void")],
)
async def test_paused_collection_keeps_it_active(
    world: World, sdk: stripe.StripeClient, behavior: str, status: str
) -> None:
    """Invoices are made and not collected; taking the pause back is one update."""
    subscription = subscribed(world)
    paused = await sdk.v1.subscriptions.update_async(
        subscription["id"], {"pause_collection": {"behavior": behavior}}
    )
    assert paused.status == "active"
    world.clock.advance(current_period(subscription)[1] - world.now() + 2 * 3600)
    assert (latest(world, subscription)["status"], booked(world)) == (status, 2000)
    resumed = await sdk.v1.subscriptions.update_async(subscription["id"], {"pause_collection": ""})
    assert resumed.pause_collection is None


async def test_a_paused_subscription_stands_still(world: World, sdk: stripe.StripeClient) -> None:
    """No periods pass; resuming begins a new one and bills it, less what was not used of the old one."""
    subscription = subscribed(world)
    world.clock.advance(10 * DAY)
    with logged(world) as log:
        paused = await sdk.v1.subscriptions.pause_async(subscription["id"])
    assert paused.status == "paused"
    assert log == [
        "invoiceitem.created",
        "customer.subscription.updated",
        "customer.subscription.paused",
    ]
    (credit,) = world.find("invoiceitem")
    assert -2000 < credit["amount"] < 0
    with logged(world) as log:
        world.clock.advance(60 * DAY)
    assert log == []
    resumed = await sdk.v1.subscriptions.resume_async(subscription["id"])
    assert (resumed.status, booked(world)) == ("active", 4000 + credit["amount"])
    assert current_period(subscription)[0] == world.now()


async def test_resuming_within_the_period_costs_less(world: World, sdk: stripe.StripeClient) -> None:
    """With the anchor unchanged the paid period goes on; its end bills the next, less the days paused."""
    subscription = subscribed(world)
    end = current_period(subscription)[1]
    await sdk.v1.subscriptions.pause_async(subscription["id"])
    world.clock.advance(5 * DAY)
    resumed = await sdk.v1.subscriptions.resume_async(
        subscription["id"], {"billing_cycle_anchor": {"type": "unchanged"}}
    )
    assert (resumed.status, booked(world)) == ("active", 2000)
    world.clock.advance(end - world.now() + 3600)
    paused = sum(item["amount"] for item in world.find("invoiceitem"))
    assert -500 < paused < 0
    assert booked(world) == 4000 + paused


async def test_resuming_can_wait_for_the_money(world: World, sdk: stripe.StripeClient) -> None:
    """`resume_on_payment_success` stays paused when the card is refused, until the invoice is paid."""
    subscription = subscribed(world, card=FAILS_ON_RENEWAL)
    await sdk.v1.subscriptions.pause_async(
        subscription["id"], {"bill_for": {"unused_time_from": {"type": "none"}}}
    )
    world.clock.advance(60 * DAY)
    resumed = await sdk.v1.subscriptions.resume_async(
        subscription["id"], {"payment_behavior": "resume_on_payment_success"}
    )
    assert resumed.status == "paused"
    await sdk.v1.invoices.pay_async(subscription["latest_invoice"], {"payment_method": "pm_card_visa"})
    assert subscription["status"] == "active"
