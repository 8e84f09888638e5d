"""Subscriptions over months: renewed, failing, changed, paused, ended; each with its true status."""

from __future__ import annotations

from datetime import UTC, datetime

import pytest
import stripe

from overseer_payment.simulator import World
from overseer_payment.simulator import scenario as play
from overseer_payment.simulator.resources.periods import period_end
from overseer_payment.simulator.resources.subscription_shapes import current_period
from tests.simulator.resources_kit import (
    DAY,
    FAILS_ON_RENEWAL,
    assert_conserved,
    booked,
    latest,
    logged,
    refusal,
    subscribed,
)

pytestmark = pytest.mark.anyio


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


# -- ending ----------------------------------------------------------------------------------------


# -- pausing ---------------------------------------------------------------------------------------
