"""Evidence, files, appeals and prevented disputes at the simulated provider."""

from __future__ import annotations

from io import BytesIO
from typing import Any

import pytest
import stripe

from overseer_payment.simulator import World
from overseer_payment.simulator import scenario as play
from overseer_payment.simulator.resources import dispute_shapes, disputes
from tests.simulator.resources_kit import DAY, assert_conserved, booked, logged, refusal

pytestmark = pytest.mark.anyio

PNG = b"\x89PNG\r\n\x1a\n" + b"\0" * 32


def bought(world: World) -> dict[str, Any]:
    return play.buy(world, play.offer(world, "Poster", 1000))


async def uploaded(sdk: stripe.StripeClient, content: bytes = PNG) -> stripe.File:
    return await sdk.v1.files.create_async({"purpose": "dispute_evidence", "file": BytesIO(content)})


def test_the_evidence_has_the_fields_of_the_sdk() -> None:
    """Texts and files together are what Stripe's dispute can hold as evidence, beside its nested parts."""
    known = {name for name in stripe.Dispute.Evidence.__annotations__ if not name.startswith("_")}
    assert {*dispute_shapes.TEXTS, *dispute_shapes.FILES} == known - {"appeal", "enhanced_evidence"}


async def test_evidence_names_uploaded_files(world: World, sdk: stripe.StripeClient) -> None:
    """A file has to be there before a dispute names it; then the dispute tells its id."""
    dispute = play.dispute(world, bought(world))
    with pytest.raises(stripe.InvalidRequestError) as caught:
        await sdk.v1.disputes.update_async(
            dispute["id"], {"evidence": {"receipt": "file_absent"}, "submit": False}
        )
    assert refusal(caught)[0] == "resource_missing"
    file = await uploaded(sdk)
    assert (file.type, file.size, (await sdk.v1.files.retrieve_async(file.id)).purpose) == (
        "png",
        len(PNG),
        "dispute_evidence",
    )
    staged = await sdk.v1.disputes.update_async(
        dispute["id"], {"evidence": {"receipt": file.id}, "submit": False}
    )
    assert staged.evidence.receipt == file.id


@pytest.mark.parametrize(
    ("content", "code"),
    [
        (b"GIF89a", "file_type_invalid"),
        (b"", "file_type_invalid"),
        (PNG + b"\0" * 5 * 1024 * 1024, "file_too_large"),
    ],
)
async def test_only_small_documents_and_pictures_are_taken(
    sdk: stripe.StripeClient, content: bytes, code: str
) -> None:
    """PDF, PNG and JPEG up to 5 MB."""
    with pytest.raises(stripe.InvalidRequestError) as caught:
        await uploaded(sdk, content)
    assert refusal(caught)[0] == code


async def test_a_lost_dispute_can_be_appealed_and_won(world: World, sdk: stripe.StripeClient) -> None:
    """The money stays gone until the appeal is won; the appeal has evidence of its own."""
    dispute = play.dispute(world, bought(world))
    await sdk.v1.disputes.update_async(dispute["id"], {"evidence": {"uncategorized_text": "losing_evidence"}})
    disputes.offer_appeal(world, dispute["id"])
    assert (dispute["status"], booked(world)) == ("appeal_needs_response", 0)
    file = await uploaded(sdk)
    appeal: Any = {"card": {"reason_for_filing": "winning_evidence", "supporting_files": [file.id]}}
    answered = await sdk.v1.disputes.update_async(dispute["id"], {"evidence": {"appeal": appeal}})
    assert (answered.status, answered.evidence_details.submission_count, booked(world)) == ("won", 2, 1000)
    assert_conserved(world)


async def test_an_appeal_left_alone_is_lost_again(world: World) -> None:
    """At its own deadline, not at that of the dispute before."""
    dispute = play.dispute(world, bought(world))
    play.close_dispute(world, dispute, "lost")
    disputes.offer_appeal(world, dispute["id"], answer_within_days=40)
    world.clock.advance(30 * DAY)
    assert dispute["status"] == "appeal_needs_response"
    world.clock.advance(11 * DAY)
    assert (dispute["status"], booked(world)) == ("lost", 0)


async def test_test_evidence_escalates_an_inquiry(world: World, sdk: stripe.StripeClient) -> None:
    """It becomes a chargeback that awaits an answer; losing evidence merely ends it."""
    escalated, ended = (
        play.dispute(world, bought(world), kind="inquiry"),
        play.dispute(world, bought(world), kind="inquiry"),
    )
    for id, text in ((escalated["id"], "escalate_inquiry_evidence"), (ended["id"], "losing_evidence")):
        await sdk.v1.disputes.update_async(id, {"evidence": {"uncategorized_text": text}})
    assert (escalated["status"], ended["status"], booked(world)) == ("needs_response", "warning_closed", 1000)


async def test_a_full_refund_ends_an_inquiry(world: World) -> None:
    """A partial one doesn't."""
    session = bought(world)
    inquiry = play.dispute(world, session, kind="inquiry")
    play.refund(world, session, 400)
    assert inquiry["status"] == "warning_needs_response"
    with logged(world) as log:
        play.refund(world, session)
    assert inquiry["status"] == "warning_closed"
    assert "charge.dispute.closed" in log
    assert_conserved(world)


async def test_a_dispute_without_an_answer_arrives_lost(world: World, sdk: stripe.StripeClient) -> None:
    """Its deadline is 0, as Stripe writes it, and the money is gone."""
    dispute = play.dispute(world, bought(world), answer_within_days=None)
    found = await sdk.v1.disputes.retrieve_async(dispute["id"])
    assert (found.status, found.evidence_details.due_by, booked(world)) == ("lost", 0, 0)


async def test_a_prevented_dispute_took_a_refund_instead(world: World, sdk: stripe.StripeClient) -> None:
    """The money went back as a refund; the dispute itself takes nothing."""
    session = bought(world)
    dispute = play.prevent_dispute(world, session)
    found = await sdk.v1.disputes.retrieve_async(dispute["id"])
    assert (found.status, found.balance_transactions, booked(world)) == ("prevented", [], 0)
    assert len(world.find("refund")) == 1
    assert_conserved(world)
