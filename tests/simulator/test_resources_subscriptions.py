"""Subscriptions over months: renewed, failing, changed, paused, ended; each with its true status."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import Any

import pytest
import stripe

from overseer_payment.simulator import World
from overseer_payment.simulator import scenario as play
from overseer_payment.simulator.resources.periods import period_end
from overseer_payment.simulator.resources.subscription_shapes import current_period, items_of
from tests.simulator.resources_kit import DAY, assert_conserved, booked, logged, refusal

pytestmark = pytest.mark.anyio

FAILS_ON_RENEWAL = "4000000000000341"


def subscribed(world: World, amount: int = 2000, **more: Any) -> dict[str, Any]:
    return play.subscribe(world, play.offer(world, "Pro", amount, interval="month"), **more)


def latest(world: World, subscription: dict[str, Any]) -> dict[str, Any]:
    return world.get("invoice", subscription["latest_invoice"])


# -- renewal ---------------------------------------------------------------------------------------


def test_month_ends_are_clamped_and_come_back() -> None:
    """31 January renews on 28 February and then on 31 March again."""
    anchor = int(datetime(2026, 1, 31, 9, 30, tzinfo=UTC).timestamp())
    february = period_end(anchor, "month", 1, anchor=anchor)
    march = period_end(february, "month", 1, anchor=anchor)
    written = [f"{datetime.fromtimestamp(moment, UTC):%d.%m. %H:%M}" for moment in (february, march)]
    assert written == ["28.02. 09:30", "31.03. 09:30"]


async def test_a_period_ends_with_a_draft_that_is_paid_an_hour_later(world: World) -> None:
    """The new period begins at once; the invoice is drafted, then finalized and collected off session."""
    subscription = subscribed(world)
    _, end = current_period(subscription)
    world.clock.advance(end - world.now() - 1)
    with logged(world) as log:
        world.clock.advance(1)
    assert log == ["invoice.created", "customer.subscription.updated"]
    assert latest(world, subscription)["status"] == "draft"
    assert current_period(subscription)[0] == end
    with logged(world) as log:
        world.clock.advance(3600)
    assert log == [
        "invoice.finalized",
        "payment_intent.created",
        "charge.succeeded",
        "payment_intent.succeeded",
        "invoice_payment.paid",
        "invoice.updated",
        "invoice.paid",
        "invoice.payment_succeeded",
    ]
    assert latest(world, subscription)["billing_reason"] == "subscription_cycle"
    assert booked(world) == 4000


async def test_a_failing_renewal_is_retried_and_then_ends_the_subscription(world: World) -> None:
    """past_due after the first failure; three retries; then canceled for non-payment."""
    subscription = subscribed(world, card=FAILS_ON_RENEWAL)
    world.clock.advance(current_period(subscription)[1] - world.now() + 3600)
    invoice = latest(world, subscription)
    assert (subscription["status"], invoice["status"], invoice["attempt_count"]) == ("past_due", "open", 1)
    assert invoice["next_payment_attempt"] == world.now() + 3 * DAY
    world.clock.advance(15 * DAY)
    assert (subscription["status"], invoice["attempt_count"]) == ("canceled", 4)
    assert subscription["cancellation_details"]["reason"] == "payment_failed"
    assert invoice["next_payment_attempt"] is None
    assert_conserved(world)


async def test_unpaid_instead_of_canceled_by_choice(world: World) -> None:
    """`after_last_retry` can leave the subscription unpaid, as the Dashboard's setting does."""
    world.settings["after_last_retry"] = "mark_unpaid"
    subscription = subscribed(world, card=FAILS_ON_RENEWAL)
    world.clock.advance(current_period(subscription)[1] - world.now() + 16 * DAY)
    assert subscription["status"] == "unpaid"


async def test_paying_an_overdue_invoice_makes_it_active(world: World, sdk: stripe.StripeClient) -> None:
    """The failed attempt stays in the record; one payment succeeded."""
    subscription = subscribed(world, card=FAILS_ON_RENEWAL)
    world.clock.advance(current_period(subscription)[1] - world.now() + 3600)
    with logged(world) as log:
        paid = await sdk.v1.invoices.pay_async(
            subscription["latest_invoice"], {"payment_method": "pm_card_visa"}
        )
    assert (paid.status, paid.attempt_count, subscription["status"]) == ("paid", 2, "active")
    assert log[-1] == "customer.subscription.updated"
    world.clock.advance(5 * DAY)
    assert latest(world, subscription)["attempt_count"] == 2  # the planned retry found nothing to do


# -- trial -----------------------------------------------------------------------------------------


async def test_a_trial_warns_three_days_ahead_and_then_bills(world: World) -> None:
    """Once; then the subscription is active and the first real invoice is paid."""
    subscription = subscribed(world, trial_days=14)
    with logged(world) as log:
        world.clock.advance(11 * DAY)
    assert log == ["customer.subscription.trial_will_end"]
    world.clock.advance(3 * DAY + 3600)
    assert subscription["status"] == "active"
    assert (latest(world, subscription)["amount_paid"], booked(world)) == (2000, 2000)


async def test_a_trial_without_a_card_ends_as_it_was_told(world: World, sdk: stripe.StripeClient) -> None:
    """cancel, pause, or an invoice that can't be collected."""
    price = play.offer(world, "Pro", 2000, interval="month")
    customer = await sdk.v1.customers.create_async({"email": "ada@example.com"})
    ends = {}
    for behaviour in ("cancel", "pause", "create_invoice"):
        made = await sdk.v1.subscriptions.create_async(
            {
                "customer": customer.id,
                "items": [{"price": price["id"]}],
                "trial_period_days": 5,
                "trial_settings": {"end_behavior": {"missing_payment_method": behaviour}},
            }
        )
        ends[behaviour] = made.id
    world.clock.advance(5 * DAY + 3600)
    found = {b: world.get("subscription", id)["status"] for b, id in ends.items()}
    assert found == {"cancel": "canceled", "pause": "paused", "create_invoice": "past_due"}


async def test_ending_a_trial_now_bills_now(world: World, sdk: stripe.StripeClient) -> None:
    """`trial_end=now` begins a paid period at this moment."""
    subscription = subscribed(world, trial_days=14)
    updated = await sdk.v1.subscriptions.update_async(subscription["id"], {"trial_end": "now"})
    assert updated.status == "active"
    assert current_period(subscription)[0] == world.now()
    assert booked(world) == 2000


# -- the first invoice -----------------------------------------------------------------------------


async def test_an_incomplete_subscription_expires_after_23_hours(
    world: World, sdk: stripe.StripeClient
) -> None:
    """Its invoice is void then, and it never comes back."""
    price = play.offer(world, "Pro", 2000, interval="month")
    customer = await sdk.v1.customers.create_async({"email": "ada@example.com"})
    made = await sdk.v1.subscriptions.create_async(
        {
            "customer": customer.id,
            "items": [{"price": price["id"]}],
            "payment_behavior": "default_incomplete",
            "expand": ["latest_invoice.confirmation_secret"],
        }
    )
    assert made.status == "incomplete"
    assert isinstance(made.latest_invoice, stripe.Invoice)
    assert made.latest_invoice.confirmation_secret is not None
    world.clock.advance(23 * 3600)
    after = await sdk.v1.subscriptions.retrieve_async(made.id, {"expand": ["latest_invoice"]})
    assert after.status == "incomplete_expired"
    assert isinstance(after.latest_invoice, stripe.Invoice)
    assert after.latest_invoice.status == "void"


async def test_paying_the_first_intent_activates(world: World, sdk: stripe.StripeClient) -> None:
    """With `default_incomplete` the buyer confirms the intent; invoice and subscription follow."""
    price = play.offer(world, "Pro", 2000, interval="month")
    customer = await sdk.v1.customers.create_async({"email": "ada@example.com"})
    made = await sdk.v1.subscriptions.create_async(
        {
            "customer": customer.id,
            "items": [{"price": price["id"]}],
            "payment_behavior": "default_incomplete",
        }
    )
    intent = world.find("payment_intent")[0]["id"]
    await sdk.v1.payment_intents.confirm_async(intent, {"payment_method": "pm_card_visa"})
    assert (await sdk.v1.subscriptions.retrieve_async(made.id)).status == "active"


async def test_without_a_card_or_with_a_bad_one_it_is_refused(world: World, sdk: stripe.StripeClient) -> None:
    """No default method: 400. `error_if_incomplete` with a card that asks back: 402, nothing stored."""
    price = play.offer(world, "Pro", 2000, interval="month")
    customer = await sdk.v1.customers.create_async({"email": "ada@example.com"})
    params: stripe.params.SubscriptionCreateParams = {
        "customer": customer.id,
        "items": [{"price": price["id"]}],
    }
    with pytest.raises(stripe.InvalidRequestError) as caught:
        await sdk.v1.subscriptions.create_async(params)
    assert refusal(caught)[0] == "resource_missing"
    with pytest.raises(stripe.CardError):
        await sdk.v1.subscriptions.create_async(
            {
                **params,
                "payment_behavior": "error_if_incomplete",
                "default_payment_method": "pm_card_threeDSecure2Required",
            }
        )
    assert world.find("subscription") == []


# -- changes ---------------------------------------------------------------------------------------


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


# -- ending ----------------------------------------------------------------------------------------


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


# -- pausing ---------------------------------------------------------------------------------------


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
