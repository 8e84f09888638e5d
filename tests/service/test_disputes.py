"""Disputes end to end: what is listed, what may be answered, and what becomes of the money."""

from __future__ import annotations

import itertools
import random
from datetime import UTC, datetime, timedelta

import pytest

from overseer_payment import tables
from overseer_payment.asking import disputes
from overseer_payment.errors import Conflict
from overseer_payment.provider import Kind, Ref
from overseer_payment.schemas import (
    Deadline,
    DisputeDetail,
    EvidenceBody,
)
from overseer_payment.shown.disputes import dispute
from overseer_payment.simulator import World
from overseer_payment.simulator import scenario as play
from overseer_payment.simulator.resources.disputes import offer_appeal
from tests.service.disputing import LOSING, WINNING, disputed, on_one, page
from tests.service.shop import OPERATOR, Shop

pytestmark = pytest.mark.anyio


@pytest.fixture
def begins() -> datetime:
    """Two days ago: deadlines of disputes are still to come."""
    return datetime.now(UTC) - timedelta(days=2)


async def test_a_dispute_is_linked_to_its_payment(shop: Shop) -> None:
    """However the payment is known, and with what an operator has to know to act."""
    session = await shop.buy(2500)
    await shop.settle()
    opened = play.dispute(shop.world, session, reason="product_not_received")
    await shop.settle()
    row = await dispute(shop.payments, OPERATOR, opened["id"])
    payment = await shop.transaction(session)
    assert (row.kind, row.status, row.reason) == ("chargeback", "needs_response", "product_not_received")
    assert (row.amount, row.funds_withdrawn, row.currency) == (2500, 2500, "usd")
    assert (row.transaction_id, row.customer_email) == (payment.id, "ada@example.com")
    assert row.transaction is not None
    assert row.transaction.provider_transaction_id == payment.provider_transaction_id
    assert (row.deadline, row.refundable) == (Deadline.OPEN, False)
    assert (row.can_respond, row.can_accept) == (True, True)
    assert row.url == f"https://dashboard.stripe.com/test/disputes/{opened['id']}"
    assert [entry.title for entry in row.timeline] == ["Chargeback opened"]
    assert await dispute(shop.payments, OPERATOR, str(row.id)) == row


def ended(row: DisputeDetail) -> tuple[str, str | None, str | None, datetime]:
    """The last that its timeline tells of the dispute itself."""
    last = [entry for entry in row.timeline if entry.kind == "dispute"][-1]
    return last.title, last.status, last.detail, last.at


def closed(shop: Shop, id: str) -> datetime:
    """When the provider told that it is over."""
    [event] = [
        event
        for event in shop.world.events
        if event["type"] == "charge.dispute.closed" and event["data"]["object"]["id"] == id
    ]
    return datetime.fromtimestamp(event["created"], UTC)


@on_one
async def test_the_end_of_a_dispute_is_dated_by_the_event_that_told_it(shop: Shop) -> None:
    """To the second, also once the dispute was read again later."""
    for result, title in (("won", "Dispute won"), ("lost", "Dispute lost")):
        id = await disputed(shop)
        shop.world.clock.advance(3600)
        play.close_dispute(shop.world, id, "won" if result == "won" else "lost")
        await shop.settle()
        expected = (title, result, None, closed(shop, id))
        assert ended(await dispute(shop.payments, OPERATOR, id)) == expected
        shop.world.clock.advance(3600)
        await shop.payments.worker.reader.want(shop.payments.home(), Ref(Kind.DISPUTE, id))
        await shop.drain()
        assert ended(await dispute(shop.payments, OPERATOR, id)) == expected


SUMS = {"usd": 1000, "jpy": 1000, "kwd": 12340}


async def test_a_won_dispute_gives_the_money_back_exactly(shop: Shop) -> None:
    """Revenue, the payment and the provider's balance agree before and after, in every currency."""
    ids = {currency: await disputed(shop, amount, currency) for currency, amount in SUMS.items()}
    assert await shop.revenue() == {of: (amount, 0, amount, 0) for of, amount in SUMS.items()}
    assert shop.balance() == {}
    for id in ids.values():
        await disputes.stage_evidence(shop.payments, OPERATOR, id, WINNING)
    await shop.settle()
    assert await shop.revenue() == {of: (amount, 0, 0, amount) for of, amount in SUMS.items()}
    assert shop.balance() == SUMS
    for currency, id in ids.items():
        row = await dispute(shop.payments, OPERATOR, id)
        assert (row.status, row.funds_withdrawn, row.deadline, row.can_respond) == ("won", 0, "none", False)
        assert ended(row)[:2] == ("Dispute won", "won")
        assert row.transaction is not None
        assert (row.transaction.amount_disputed, row.transaction.amount_refundable) == (0, SUMS[currency])


async def test_a_lost_dispute_keeps_the_money_exactly(shop: Shop) -> None:
    """Also one about a part of a payment: the rest stays, and can still be given back."""
    part = {currency: amount // 10 * 4 for currency, amount in SUMS.items()}
    left = {currency: amount - part[currency] for currency, amount in SUMS.items()}
    for currency, amount in SUMS.items():
        id = await disputed(shop, amount, currency, about=part[currency])
        await disputes.stage_evidence(shop.payments, OPERATOR, id, LOSING)
        await shop.settle()
        row = await dispute(shop.payments, OPERATOR, id)
        assert (row.status, row.amount, row.funds_withdrawn) == ("lost", part[currency], part[currency])
        assert ended(row)[:2] == ("Dispute lost", "lost")
        assert row.transaction is not None
        assert (row.transaction.amount_disputed, row.transaction.amount_refundable) == (
            part[currency],
            left[currency],
        )
    assert await shop.revenue() == {of: (sum, 0, part[of], left[of]) for of, sum in SUMS.items()}
    assert shop.balance() == left


async def test_accepting_a_chargeback_loses_it_for_good(shop: Shop) -> None:
    """Once: afterwards neither evidence nor another acceptance is taken, and nothing is sent for it."""
    id = await disputed(shop)
    row = await disputes.accept(shop.payments, OPERATOR, id)
    assert (row.status, row.funds_withdrawn, row.can_accept) == ("lost", 1000, False)
    assert row.timeline[-1].title == "Dispute accepted"
    # The answer to our own request says that it is lost, and not since when.
    assert ended(row)[:3] == ("Dispute lost", "lost", "by then: the provider doesn't tell when")
    # It was not lost when it was opened.
    assert (row.timeline[0].title, row.timeline[0].status) == ("Chargeback opened", None)
    assert row.timeline[-1].actor == OPERATOR.actor
    before = len(shop.requests("POST", "/v1/disputes"))
    for answer in (
        disputes.accept(shop.payments, OPERATOR, id),
        disputes.stage_evidence(shop.payments, OPERATOR, id, WINNING),
    ):
        with pytest.raises(Conflict) as caught:
            await answer
        assert caught.value.code == "dispute_closed"
    await shop.settle()
    assert len(shop.requests("POST", "/v1/disputes")) == before
    assert await shop.revenue() == {"usd": (1000, 0, 1000, 0)}


async def test_evidence_is_submitted_once(shop: Shop) -> None:
    """While the bank decides nothing can be added; that is said, and nothing is sent."""
    id = await disputed(shop)
    body = EvidenceBody(evidence={"customer_name": "Ada"}, submit=True)
    row = await disputes.stage_evidence(shop.payments, OPERATOR, id, body)
    assert (row.status, row.submission_count, row.deadline) == ("under_review", 1, "none")
    with pytest.raises(Conflict) as caught:
        await disputes.stage_evidence(shop.payments, OPERATOR, id, body)
    assert caught.value.code == "already_submitted"
    assert shop.requests("POST", "/v1/disputes") == [f"/v1/disputes/{id}"]


async def test_what_nobody_told_us_yet_is_said_as_a_conflict(shop: Shop) -> None:
    """The bank closed it and the event isn't here: the provider's no is explained, and the row is right."""
    id = await disputed(shop)
    play.close_dispute(shop.world, id, "lost")
    with pytest.raises(Conflict) as caught:
        await disputes.accept(shop.payments, OPERATOR, id)
    assert caught.value.code == "dispute_closed"
    assert (await dispute(shop.payments, OPERATOR, id)).status == "lost"


@on_one
async def test_a_passed_deadline_takes_no_answer(shop: Shop) -> None:
    """It is shown as past due, also while the provider hasn't closed it."""
    id = await disputed(shop, within=1)
    row = await dispute(shop.payments, OPERATOR, id)
    assert (row.deadline, row.can_respond) == (Deadline.PAST_DUE, False)
    with pytest.raises(Conflict) as caught:
        await disputes.stage_evidence(shop.payments, OPERATOR, id, WINNING)
    assert caught.value.code == "past_due"


@on_one
async def test_a_dispute_that_takes_no_answer_says_so(shop: Shop) -> None:
    """It arrives lost; the money is gone and nothing can be sent."""
    id = await disputed(shop, within=None)
    row = await dispute(shop.payments, OPERATOR, id)
    assert (row.status, row.deadline, row.can_respond) == ("lost", Deadline.CANNOT_RESPOND, False)
    assert await shop.revenue() == {"usd": (1000, 0, 1000, 0)}
    with pytest.raises(Conflict):
        await disputes.stage_evidence(shop.payments, OPERATOR, id, WINNING)


@on_one
async def test_a_prevented_dispute_took_a_refund(shop: Shop) -> None:
    """It is shown, needs nothing, and the money is counted once: as refunded."""
    intent = await shop.pay(1000)
    made = play.prevent_dispute(shop.world, intent)
    await shop.settle()
    row = await dispute(shop.payments, OPERATOR, made["id"])
    assert (row.status, row.deadline, row.funds_withdrawn) == ("prevented", "none", 0)
    assert await page(shop, status="open") == []
    assert await shop.revenue() == {"usd": (1000, 1000, 0, 0)}
    assert shop.balance() == {}


@on_one
async def test_an_appeal_is_answered_with_its_own_evidence(shop: Shop) -> None:
    """A lost dispute comes back for an answer; winning the appeal returns the money."""
    id = await disputed(shop)
    await disputes.stage_evidence(shop.payments, OPERATOR, id, LOSING)
    shop.world.clock.advance(3600)
    offer_appeal(shop.world, id)
    await shop.settle()
    row = await dispute(shop.payments, OPERATOR, id)
    assert (row.status, row.can_respond, row.funds_withdrawn) == ("appeal_needs_response", True, 1000)
    assert row.form is not None
    assert {field.name for field in row.form.fields} == {
        "appeal.card.reason_for_filing",
        "appeal.card.supporting_files",
    }
    appeal = EvidenceBody(evidence={"appeal.card.reason_for_filing": "winning_evidence"}, submit=True)
    await disputes.stage_evidence(shop.payments, OPERATOR, id, appeal)
    await shop.settle()
    row = await dispute(shop.payments, OPERATOR, id)
    assert (row.status, row.submission_count) == ("won", 2)
    assert await shop.revenue() == {"usd": (1000, 0, 0, 1000)}
    assert shop.balance() == {"usd": 1000}


async def test_an_inquiry_is_refunded_instead(shop: Shop) -> None:
    """It can't be accepted; a full refund ends it, and no money goes twice."""
    id = await disputed(shop, kind="inquiry")
    row = await dispute(shop.payments, OPERATOR, id)
    assert (row.kind, row.can_respond, row.can_accept, row.refundable) == ("inquiry", True, False, True)
    with pytest.raises(Conflict) as caught:
        await disputes.accept(shop.payments, OPERATOR, id)
    assert caught.value.code == "refund_instead"
    await shop.refund(str(row.transaction_id))
    await shop.settle()
    row = await dispute(shop.payments, OPERATOR, id)
    assert (row.status, row.refundable, row.funds_withdrawn) == ("closed", False, 0)
    assert await shop.revenue() == {"usd": (1000, 1000, 0, 0)}
    assert shop.balance() == {}
    assert {entry.title for entry in row.timeline} >= {"Bank inquiry opened", "Refunded"}


async def test_a_fraud_warning_is_refunded_instead(shop: Shop) -> None:
    """It takes no answer; a full refund settles it before it becomes a dispute."""
    intent = await shop.pay(1000)
    made = play.warn_of_fraud(shop.world, intent)
    await shop.settle()
    row = await dispute(shop.payments, OPERATOR, made["id"])
    assert (row.kind, row.amount, row.currency, row.form) == ("fraud_warning", 1000, "usd", None)
    assert (row.deadline, row.can_respond, row.refundable) == ("none", False, True)
    for answer in (
        disputes.accept(shop.payments, OPERATOR, made["id"]),
        disputes.stage_evidence(shop.payments, OPERATOR, made["id"], WINNING),
    ):
        with pytest.raises(Conflict) as caught:
            await answer
        assert caught.value.code == "refund_instead"
    await shop.refund(intent)
    await shop.settle()
    row = await dispute(shop.payments, OPERATOR, made["id"])
    assert (row.status, row.refundable) == ("closed", False)
    assert await shop.revenue() == {"usd": (1000, 1000, 0, 0)}


@on_one
async def test_a_refund_waits_for_the_bank(shop: Shop) -> None:
    """409 while a chargeback is open; after it is won the payment can be refunded."""
    id = await disputed(shop)
    row = await dispute(shop.payments, OPERATOR, id)
    with pytest.raises(Conflict) as caught:
        await shop.refund(str(row.transaction_id))
    assert caught.value.code == "dispute_open"
    await disputes.stage_evidence(shop.payments, OPERATOR, id, WINNING)
    await shop.settle()
    assert (await shop.refund(str(row.transaction_id))).amount == 1000


async def test_events_in_any_order_and_number_end_the_same(shop: Shop, world: World) -> None:
    """Created, staged, submitted, won: whatever order they come in, twice each, the dispute is won."""
    intent = await shop.pay(1000)
    await shop.settle()
    start = len(world.events)
    id = play.dispute(world, intent)["id"]
    for step in ({"evidence[customer_name]": "Ada", "submit": "false"}, {"submit": "true"}):
        world.clock.advance(60)
        await shop.post(f"disputes/{id}", **step)
    world.clock.advance(60)
    play.close_dispute(world, id, "won")
    told = [event for event in world.events[start:] if event["type"].startswith("charge.dispute.")]
    assert len(told) == 6
    orders = list(itertools.permutations(told))
    for number, order in enumerate(random.Random(7).sample(orders, 3)):
        for event in (*order, *order):
            again = {**event, "id": f"{event['id']}_{number}"}
            await shop.receive(again)
        await shop.drain()
        row = await dispute(shop.payments, OPERATOR, id)
        assert (row.status, row.funds_withdrawn, row.submission_count) == ("won", 0, 1)
        assert await shop.revenue() == {"usd": (1000, 0, 0, 1000)}
    assert await shop.count(tables.dispute) == 1


@on_one
async def test_a_dispute_before_its_charge_is_linked_when_that_comes(shop: Shop, world: World) -> None:
    """The dispute's own event is enough to show it; its payment is there once everything has come in."""
    intent = await shop.pay(1000)
    id = play.dispute(world, intent)["id"]
    created = next(event for event in world.events if event["type"] == "charge.dispute.created")
    shop.wire.down = True
    await shop.receive(created)
    await shop.drain()
    row = await dispute(shop.payments, OPERATOR, id)
    assert (row.amount, row.status, row.transaction) == (1000, "needs_response", None)
    shop.wire.down = False
    shop.later(60)
    await shop.settle()
    row = await dispute(shop.payments, OPERATOR, id)
    assert row.transaction is not None
    assert row.transaction.provider_transaction_id == intent
