"""Disputes, inquiries and early fraud warnings: who holds the money when, and what can still be done."""

from __future__ import annotations

from typing import Any

import pytest
import stripe

from overseer_payment.simulator import World
from overseer_payment.simulator import scenario as play
from overseer_payment.simulator.resources.disputes import escalate
from tests.simulator.resources_kit import DAY, assert_conserved, booked, logged, refusal

pytestmark = pytest.mark.anyio


def bought(world: World, *, card: str = play.GOOD_CARD) -> dict[str, Any]:
    return play.buy(world, play.offer(world, "Poster", 1000), card=card)


async def test_a_chargeback_takes_the_money_at_once(world: World, sdk: stripe.StripeClient) -> None:
    """The dispute names charge and intent, has a deadline, and the sum has left the balance."""
    session = bought(world)
    with logged(world) as log:
        opened = play.dispute(world, session, reason="product_not_received")
    assert log == ["charge.dispute.created", "charge.dispute.funds_withdrawn"]
    dispute = await sdk.v1.disputes.retrieve_async(opened["id"])
    assert (dispute.status, dispute.reason, dispute.amount) == (
        "needs_response",
        "product_not_received",
        1000,
    )
    assert dispute.payment_intent == session["payment_intent"]
    assert dispute.evidence_details.due_by is not None
    assert dispute.evidence_details.due_by > world.now() + 7 * DAY
    assert play.charge_of(world, session)["disputed"] is True
    assert booked(world) == 0


async def test_the_disputing_card_disputes_after_its_payment(world: World) -> None:
    """The dispute of 4000 0000 0000 0259 is the last thing that happens, after the completed session."""
    with logged(world) as log:
        bought(world, card="4000000000000259")
    assert log[-3:] == [
        "checkout.session.completed",
        "charge.dispute.created",
        "charge.dispute.funds_withdrawn",
    ]


async def test_staged_evidence_is_not_submitted(world: World, sdk: stripe.StripeClient) -> None:
    """`submit=false` keeps the dispute waiting; submitting goes once, without evidence too."""
    dispute = play.dispute(world, bought(world))
    staged = await sdk.v1.disputes.update_async(
        dispute["id"], {"evidence": {"customer_name": "Ada", "uncategorized_text": "sent"}, "submit": False}
    )
    assert (staged.status, staged.evidence_details.has_evidence) == ("needs_response", True)
    assert staged.evidence_details.submission_count == 0
    submitted = await sdk.v1.disputes.update_async(dispute["id"], {"submit": True})
    assert (submitted.status, submitted.evidence.customer_name) == ("under_review", "Ada")
    assert submitted.evidence_details.submission_count == 1
    with pytest.raises(stripe.InvalidRequestError) as caught:
        await sdk.v1.disputes.update_async(dispute["id"], {"evidence": {"customer_name": "Bob"}})
    assert refusal(caught)[0] == "dispute_evidence_submitted"


@pytest.mark.parametrize(
    ("text", "status", "left"), [("winning_evidence", "won", 1000), ("losing_evidence", "lost", 0)]
)
async def test_test_evidence_decides_the_dispute(
    world: World, sdk: stripe.StripeClient, text: str, status: str, left: int
) -> None:
    """`submit` defaults to true; winning reinstates the money, losing keeps it gone."""
    dispute = play.dispute(world, bought(world))
    with logged(world) as log:
        answered = await sdk.v1.disputes.update_async(
            dispute["id"], {"evidence": {"uncategorized_text": text}}
        )
    assert (answered.status, booked(world)) == (status, left)
    assert log[0] == "charge.dispute.updated"
    assert log[-1] == "charge.dispute.closed"
    assert ("charge.dispute.funds_reinstated" in log) is (status == "won")
    assert_conserved(world)


async def test_an_unanswered_dispute_is_lost_at_its_deadline(world: World, sdk: stripe.StripeClient) -> None:
    """Submitted ones are not; they wait for the bank."""
    silent, answered = play.dispute(world, bought(world)), play.dispute(world, bought(world))
    await sdk.v1.disputes.update_async(answered["id"], {"evidence": {"customer_name": "Ada"}})
    world.clock.advance(30 * DAY)
    assert (silent["status"], silent["evidence_details"]["submission_count"]) == ("lost", 0)
    assert answered["status"] == "under_review"
    assert play.close_dispute(world, answered, "won")["status"] == "won"
    assert_conserved(world)


async def test_accepting_a_dispute_loses_it_for_good(world: World, sdk: stripe.StripeClient) -> None:
    """A closed dispute takes neither evidence nor a second closing."""
    dispute = play.dispute(world, bought(world))
    assert (await sdk.v1.disputes.close_async(dispute["id"])).status == "lost"
    with pytest.raises(stripe.InvalidRequestError):
        await sdk.v1.disputes.close_async(dispute["id"])
    with pytest.raises(stripe.InvalidRequestError):
        await sdk.v1.disputes.update_async(dispute["id"], {"evidence": {"customer_name": "Ada"}})


async def test_an_inquiry_takes_nothing_and_lapses(world: World) -> None:
    """After 120 days it is closed as a warning; the money was there all the time."""
    inquiry = play.dispute(world, bought(world), kind="inquiry")
    assert (inquiry["status"], inquiry["is_charge_refundable"]) == ("warning_needs_response", True)
    assert booked(world) == 1000
    world.clock.advance(121 * DAY)
    assert inquiry["status"] == "warning_closed"
    assert booked(world) == 1000


async def test_an_inquiry_can_become_a_chargeback(world: World) -> None:
    """Then the money goes and a new deadline runs."""
    inquiry = play.dispute(world, bought(world), kind="inquiry")
    world.clock.advance(30 * DAY)
    escalate(world, inquiry["id"])
    assert (inquiry["status"], booked(world)) == ("needs_response", 0)
    world.clock.advance(25 * DAY)
    assert inquiry["status"] == "lost"


async def test_a_fraud_warning_is_actionable_until_refunded(world: World, sdk: stripe.StripeClient) -> None:
    """A full refund settles it; a partial one does not."""
    session = bought(world, card="4000000000005423")
    warnings = await sdk.v1.radar.early_fraud_warnings.list_async(
        {"payment_intent": session["payment_intent"]}
    )
    assert [w.actionable for w in warnings.data] == [True]
    play.refund(world, session, 400)
    assert world.find("radar.early_fraud_warning")[0]["actionable"] is True
    with logged(world) as log:
        play.refund(world, session)
    assert log.of("radar.early_fraud_warning.updated")[0]["actionable"] is False
