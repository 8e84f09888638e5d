"""Refunds: partial, several, refused, pending, and coming back days later."""

from __future__ import annotations

from typing import Any

import pytest
import stripe

from overseer_payment.simulator import World
from overseer_payment.simulator import scenario as play
from tests.simulator.resources_kit import DAY, assert_conserved, booked, logged, refusal

pytestmark = pytest.mark.anyio


def bought(world: World, amount: int = 1000, *, card: str = play.GOOD_CARD) -> dict[str, Any]:
    return play.buy(world, play.offer(world, "Poster", amount), card=card)


async def test_two_partial_refunds_make_a_refunded_charge(world: World, sdk: stripe.StripeClient) -> None:
    """Only the one that takes the rest marks the charge as refunded; each is announced."""
    session = bought(world)
    with logged(world) as log:
        first = await sdk.v1.refunds.create_async(
            {"payment_intent": session["payment_intent"], "amount": 400, "reason": "duplicate"}
        )
        second = await sdk.v1.refunds.create_async({"payment_intent": session["payment_intent"]})
    assert (first.amount, first.reason, second.amount) == (400, "duplicate", 600)
    assert log == ["refund.created", "charge.refunded", "refund.updated"] * 2
    assert [c["refunded"] for c in log.of("charge.refunded")] == [False, True]
    assert [c["amount_refunded"] for c in log.of("charge.refunded")] == [400, 1000]
    charge = await sdk.v1.charges.retrieve_async(
        play.charge_of(world, session)["id"], {"expand": ["refunds"]}
    )
    assert charge.refunds is not None
    assert sum(refund.amount for refund in charge.refunds.data) == 1000
    assert booked(world) == 0


async def test_more_than_remains_is_refused(world: World, sdk: stripe.StripeClient) -> None:
    """The message names both sums; when nothing remains the code says so."""
    session = bought(world, 1000)
    play.refund(world, session, 400)
    intent = session["payment_intent"]
    with pytest.raises(stripe.InvalidRequestError) as caught:
        await sdk.v1.refunds.create_async({"payment_intent": intent, "amount": 700})
    wanted = "Refund amount ($7.00) is greater than unrefunded amount on charge ($6.00)"
    assert caught.value.user_message == wanted
    play.refund(world, session)
    with pytest.raises(stripe.InvalidRequestError) as caught:
        await sdk.v1.refunds.create_async({"payment_intent": intent})
    assert refusal(caught)[0] == "charge_already_refunded"
    assert_conserved(world)


async def test_a_disputed_charge_is_not_refunded_but_an_inquiry_is(
    world: World, sdk: stripe.StripeClient
) -> None:
    """Chargebacks take the money themselves; an inquiry can be settled by a refund."""
    disputed, asked = bought(world), bought(world)
    play.dispute(world, disputed)
    play.dispute(world, asked, kind="inquiry")
    with pytest.raises(stripe.InvalidRequestError) as caught:
        await sdk.v1.refunds.create_async({"payment_intent": disputed["payment_intent"]})
    assert refusal(caught)[0] == "charge_disputed"
    refund = await sdk.v1.refunds.create_async({"payment_intent": asked["payment_intent"]})
    assert refund.status == "succeeded"
    assert_conserved(world)


async def test_an_unpaid_intent_has_nothing_to_refund(world: World, sdk: stripe.StripeClient) -> None:
    """A declined payment is refused as such."""
    intent = play.charge_directly(world, 1000, card="pm_card_chargeDeclined")
    with pytest.raises(stripe.InvalidRequestError) as caught:
        await sdk.v1.refunds.create_async({"payment_intent": intent["id"]})
    assert refusal(caught) == ("payment_intent_unexpected_state", "payment_intent")


async def test_a_refund_that_fails_days_later_gives_the_money_back(
    world: World, sdk: stripe.StripeClient
) -> None:
    """It had succeeded; then `refund.failed` comes, and charge and balance are as before it."""
    session = bought(world, card="4000000000005126")
    refund = await sdk.v1.refunds.create_async({"payment_intent": session["payment_intent"]})
    assert (refund.status, booked(world)) == ("succeeded", 0)
    with logged(world) as log:
        world.clock.advance(5 * DAY)
    assert log == ["refund.updated", "charge.refund.updated", "refund.failed"]
    failed = log.of("refund.failed")[0]
    assert (failed["status"], failed["failure_reason"]) == ("failed", "expired_or_canceled_card")
    charge = play.charge_of(world, session)
    assert (charge["amount_refunded"], charge["refunded"], booked(world)) == (0, False, 1000)
    assert play.refund(world, session)["amount"] == 1000  # the whole sum can be refunded again


async def test_a_pending_refund_succeeds_later(world: World, sdk: stripe.StripeClient) -> None:
    """Until then it says why it waits; its money has already left the balance."""
    session = bought(world, card="4000000000007726")
    refund = await sdk.v1.refunds.create_async({"payment_intent": session["payment_intent"]})
    assert (refund.status, refund.pending_reason, booked(world)) == ("pending", "processing", 0)
    world.clock.advance(5 * DAY)
    after = await sdk.v1.refunds.retrieve_async(refund.id)
    assert (after.status, getattr(after, "pending_reason", None)) == ("succeeded", None)
    assert_conserved(world)


async def test_only_a_pending_refund_can_be_canceled(world: World, sdk: stripe.StripeClient) -> None:
    """Canceling returns the money; a succeeded one is beyond that, and its time brings nothing more."""
    session = bought(world, card="4000000000007726")
    refund = await sdk.v1.refunds.create_async({"payment_intent": session["payment_intent"]})
    assert (await sdk.v1.refunds.cancel_async(refund.id)).status == "canceled"
    assert booked(world) == 1000
    with logged(world) as log:
        world.clock.advance(5 * DAY)
    assert log == []
    done = play.refund(world, bought(world))
    with pytest.raises(stripe.InvalidRequestError):
        await sdk.v1.refunds.cancel_async(done["id"])


async def test_refunds_are_listed_by_payment(world: World, sdk: stripe.StripeClient) -> None:
    """Filters by charge and by payment intent find the same refund and not the other one."""
    session, other = bought(world), bought(world)
    refund = play.refund(world, session, 100)
    play.refund(world, other, 100)
    by_intent = await sdk.v1.refunds.list_async({"payment_intent": session["payment_intent"]})
    by_charge = await sdk.v1.refunds.list_async({"charge": refund["charge"]})
    assert [r.id for r in by_intent.data] == [r.id for r in by_charge.data] == [refund["id"]]


async def test_a_subscription_payment_is_refundable(world: World, sdk: stripe.StripeClient) -> None:
    """It is found from its invoice by way of the invoice's payments."""
    subscription = play.subscribe(world, play.offer(world, "Pro", 2000, interval="month"))
    payments = await sdk.v1.invoice_payments.list_async({"invoice": subscription["latest_invoice"]})
    intent = payments.data[0].payment.payment_intent
    assert isinstance(intent, str)
    refund = await sdk.v1.refunds.create_async({"payment_intent": intent, "amount": 500})
    assert (refund.amount, booked(world)) == (500, 1500)
