"""Evidence end to end: what is kept, checked and shown, files, and that an answer goes out once."""

from __future__ import annotations

import asyncio
from datetime import UTC, datetime, timedelta
from typing import Any

import httpx
import pytest
from sqlalchemy import select, update

from overseer_payment import tables
from overseer_payment.asking import disputes
from overseer_payment.asking.dispute_files import add_file
from overseer_payment.database import utcnow, write
from overseer_payment.errors import (
    Conflict,
    IdempotencyConflict,
    Invalid,
    OutcomeUnknown,
    PayloadTooLarge,
    PaymentError,
    ProviderRejected,
    ProviderUnavailable,
    UnsupportedMediaType,
)
from overseer_payment.schemas import DisputeDetail, EvidenceBody, EvidenceFileBody
from overseer_payment.shown.disputes import dispute
from overseer_payment.simulator import scenario as play
from tests.service.shop import OPERATOR, Shop

pytestmark = pytest.mark.anyio

PDF = b"%PDF-1.7\n" + b"." * 100
SUBMITTED = EvidenceBody(evidence={"customer_name": "Ada"}, submit=True)
# What no database has a say in is proved on one of them.
on_one = pytest.mark.parametrize("database_url", ["sqlite"], indirect=True)


@pytest.fixture
def begins() -> datetime:
    """Two days ago: deadlines of disputes are still to come."""
    return datetime.now(UTC) - timedelta(days=2)


@pytest.fixture
async def id(shop: Shop) -> str:
    """An open chargeback about 10.00 USD."""
    opened = play.dispute(shop.world, await shop.pay(1000))
    await shop.settle()
    return str(opened["id"])


async def stage(shop: Shop, id: str, key: str | None = None, **evidence: Any) -> DisputeDetail:
    shop.world.clock.advance(1)  # nobody does two things within the millisecond
    body = EvidenceBody(evidence=evidence)
    return await disputes.stage_evidence(shop.payments, OPERATOR, id, body, idempotency_key=key)


async def submissions(shop: Shop, id: str) -> int:
    """How often the provider took evidence for good."""
    return int(shop.world.get("dispute", id)["evidence_details"]["submission_count"])


async def test_staged_evidence_is_kept_shown_and_changed(shop: Shop, id: str) -> None:
    """Field by field, until it is submitted: then all of it goes, and stays to be read."""
    row = await stage(shop, id, customer_name="Ada", product_description="A poster")
    assert row.evidence == {"customer_name": "Ada", "product_description": "A poster"}
    assert (row.status, row.has_evidence, row.submission_count) == ("needs_response", True, 0)
    row = await stage(shop, id, customer_name="Ada Lovelace", receipt="")
    assert row.evidence == {"customer_name": "Ada Lovelace", "product_description": "A poster"}
    sent = await disputes.stage_evidence(shop.payments, OPERATOR, id, EvidenceBody(submit=True))
    await shop.settle()
    row = await dispute(shop.payments, OPERATOR, id)
    assert (sent.status, row.status, row.evidence) == ("under_review", "under_review", sent.evidence)
    assert shop.world.get("dispute", id)["evidence"]["product_description"] == "A poster"
    told = [entry.title for entry in row.timeline if entry.kind == "operation"]
    assert told == ["Evidence staged", "Evidence staged", "Evidence submitted"]
    assert await shop.operations() == [
        ("dispute_evidence", "succeeded"),
        ("dispute_evidence", "succeeded"),
        ("dispute_submission", "succeeded"),
    ]


@on_one
async def test_evidence_is_checked_before_anything_is_sent(shop: Shop, id: str) -> None:
    """Unknown fields, values of the wrong sort, texts that are too long, nothing at all."""
    long = dict.fromkeys(("customer_name", "billing_address", "service_date"), "x" * 19000)
    more = (
        "shipping_address",
        "shipping_carrier",
        "shipping_date",
        "uncategorized_text",
        "customer_email_address",
    )
    for wrong, part in (
        ({"customer_nam": "Ada"}, "customer_name"),
        ({"customer_name": ["Ada"]}, "one value"),
        ({"receipt": "two words"}, "Upload the file first"),
        ({"customer_name": "x" * 20_001}, "20,000 characters"),
        ({**long, **dict.fromkeys(more, "y" * 19_000)}, "150,000 characters"),
        ({"appeal.card.reason_for_filing": "Unfair"}, "no field"),
        ({}, "nothing to stage"),
        ({"customer_name": ""}, "nothing to stage"),
    ):
        with pytest.raises(Invalid, match=part):
            await stage(shop, id, **wrong)
    with pytest.raises(Invalid, match="nothing to submit"):
        await disputes.stage_evidence(shop.payments, OPERATOR, id, EvidenceBody(submit=True))
    await stage(shop, id, customer_name="Ada")
    with pytest.raises(Invalid, match="not taken back"):
        await stage(shop, id, customer_name="")
    assert shop.requests("POST", "/v1/disputes") == [f"/v1/disputes/{id}"]


async def test_a_file_is_uploaded_and_named(shop: Shop, id: str) -> None:
    """Its type is told by its content; the id goes into the evidence and comes back with it."""
    body = EvidenceFileBody(name="receipt.pdf")
    file = await add_file(shop.payments, OPERATOR, id, PDF, body, idempotency_key="once")
    again = await add_file(shop.payments, OPERATOR, id, PDF, body, idempotency_key="once")
    assert again == file
    assert (file.name, file.media_type, file.size) == ("receipt.pdf", "application/pdf", len(PDF))
    assert [f["filename"] for f in shop.world.find("file")] == ["receipt.pdf"]
    row = await stage(shop, id, receipt=file.id)
    assert row.evidence == {"receipt": file.id}
    with pytest.raises(ProviderRejected):
        await stage(shop, id, refund_policy="file_of_nobody")
    with pytest.raises(IdempotencyConflict):
        await add_file(shop.payments, OPERATOR, id, PDF + b".", body, idempotency_key="once")
    assert (await dispute(shop.payments, OPERATOR, id)).timeline[-1].title == "Evidence staged"


@on_one
async def test_files_that_banks_do_not_read_go_nowhere(shop: Shop, id: str) -> None:
    """Too large, another type whatever its name says, empty; nothing of it is kept or sent."""
    largest = PDF + b"." * (5 * 1024 * 1024 - len(PDF))
    wrong: list[tuple[bytes, type[PaymentError]]] = [
        (largest + b".", PayloadTooLarge),
        (b"GIF89a", UnsupportedMediaType),
        (b"<html>%PDF-", UnsupportedMediaType),
        (b"", Invalid),
    ]
    for content, error in wrong:
        with pytest.raises(error):
            await add_file(shop.payments, OPERATOR, id, content, EvidenceFileBody(name="receipt.pdf"))
    assert await shop.operations() == []
    assert (await add_file(shop.payments, OPERATOR, id, largest)).size == 5 * 1024 * 1024
    kept = await shop.rows(select(tables.operation.c.request))
    assert len(kept[0]["request"]) < 500


async def test_an_upload_that_failed_can_be_made_again(shop: Shop, id: str) -> None:
    """Under the same key; one that a crash cut off ends as failed, by itself."""
    shop.wire.down = True
    with pytest.raises(ProviderUnavailable):
        await add_file(shop.payments, OPERATOR, id, PDF, idempotency_key="once")
    shop.wire.down = False
    made = await add_file(shop.payments, OPERATOR, id, PDF, idempotency_key="once")
    assert made.id.startswith("file_")
    table = tables.operation
    async with write(shop.engine) as connection:
        dead = {"status": "sending", "due_at": utcnow(), "result": None}
        await connection.execute(update(table).where(table.c.result == made.id).values(dead))
    await shop.payments.sender.settle()
    assert [status for _, status in await shop.operations()] == ["failed", "failed"]
    with pytest.raises(ProviderRejected, match="Upload the file again"):
        await add_file(shop.payments, OPERATOR, id, PDF, idempotency_key="once")


async def test_submitting_twice_at_once_sends_once(shop: Shop, id: str) -> None:
    """Five people in two processes: the bank gets one answer, the others are told so."""
    async with shop.beside() as other:
        sides = [(shop.payments, other)[n % 2] for n in range(5)]
        told = await asyncio.gather(
            *(disputes.stage_evidence(side, OPERATOR, id, SUBMITTED) for side in sides),
            return_exceptions=True,
        )
    done = [answer for answer in told if isinstance(answer, DisputeDetail)]
    refused = [answer for answer in told if isinstance(answer, Conflict)]
    assert (len(done), len(refused)) == (1, 4)
    assert {error.code for error in refused} <= {"answer_under_way", "already_submitted"}
    assert await submissions(shop, id) == 1
    assert len(shop.requests("POST", "/v1/disputes")) == 1


async def test_one_key_is_one_answer(shop: Shop, id: str) -> None:
    """Clicked four times with one key: each is answered the same; with other evidence it is refused."""
    async with shop.beside() as other:
        sides = [(shop.payments, other)[n % 2] for n in range(4)]
        rows = await asyncio.gather(
            *(disputes.accept(side, OPERATOR, id, idempotency_key="click") for side in sides)
        )
    assert {row.status for row in rows} == {"lost"}
    assert len(shop.requests("POST", "/v1/disputes")) == 1
    assert (await disputes.accept(shop.payments, OPERATOR, id, idempotency_key="click")).status == "lost"
    with pytest.raises(IdempotencyConflict):
        await stage(shop, id, "click", customer_name="Ada")


@pytest.mark.parametrize("after_effect", [True, False])
async def test_a_time_out_is_settled_under_the_same_key(shop: Shop, id: str, after_effect: bool) -> None:
    """Whether the answer or the request was lost: in the end the bank has one answer, and we know it."""

    async def lost(request: httpx.Request) -> None:
        if "/disputes/" in request.url.path and request.method == "POST":
            raise httpx.ReadTimeout("lost", request=request)

    if after_effect:
        shop.wire.after = lost
    else:
        shop.wire.before = lost
    with pytest.raises(OutcomeUnknown):
        await disputes.stage_evidence(shop.payments, OPERATOR, id, SUBMITTED)
    with pytest.raises(Conflict) as caught:
        await disputes.accept(shop.payments, OPERATOR, id)
    assert caught.value.code == "answer_under_way"
    shop.wire.after = shop.wire.before = _arrives
    shop.later(300)
    await shop.payments.sender.settle()
    assert await shop.operations() == [("dispute_submission", "succeeded")]
    row = await dispute(shop.payments, OPERATOR, id)
    assert (row.status, row.submission_count, await submissions(shop, id)) == ("under_review", 1, 1)


@on_one
async def test_evidence_that_broke_off_replaces_nothing_newer(shop: Shop, id: str) -> None:
    """Until it is settled other evidence is refused: sent again, it would come last."""

    async def lost(request: httpx.Request) -> None:
        if request.method == "POST":
            raise httpx.ReadTimeout("lost", request=request)

    shop.wire.before = lost
    with pytest.raises(OutcomeUnknown):
        await stage(shop, id, customer_name="Ada")
    shop.wire.before = _arrives
    for newer in (EvidenceBody(evidence={"customer_name": "Ada Lovelace"}), SUBMITTED):
        with pytest.raises(Conflict) as caught:
            await disputes.stage_evidence(shop.payments, OPERATOR, id, newer)
        assert caught.value.code == "answer_under_way"
    shop.later(300)
    await shop.payments.sender.settle()
    assert (await stage(shop, id, customer_name="Ada Lovelace")).evidence == {"customer_name": "Ada Lovelace"}
    await shop.drain()
    assert shop.world.get("dispute", id)["evidence"]["customer_name"] == "Ada Lovelace"


async def _arrives(_: httpx.Request) -> None:
    return None


@pytest.mark.parametrize("happened", [True, False])
async def test_when_the_key_is_forgotten_we_look_instead(shop: Shop, id: str, happened: bool) -> None:
    """Days later nothing is sent again: the dispute itself tells whether the answer arrived."""

    async def lost(request: httpx.Request) -> None:
        if request.method == "POST":
            raise httpx.ReadTimeout("lost", request=request)

    shop.wire.after, shop.wire.before = (lost, _arrives) if happened else (_arrives, lost)
    with pytest.raises(OutcomeUnknown):
        await stage(shop, id, customer_name="Ada")
    with pytest.raises(OutcomeUnknown):
        await disputes.accept(shop.payments, OPERATOR, id)
    before = len(shop.requests("POST", "/v1/disputes"))
    shop.later(30 * 3600)
    async with write(shop.engine) as connection:
        await connection.execute(
            update(tables.operation).values(created_at=utcnow(), status="unknown", due_at=utcnow())
        )
    await shop.payments.sender.settle()
    outcome = "succeeded" if happened else "failed"
    assert {status for _, status in await shop.operations()} == {outcome}
    assert len(shop.requests("POST", "/v1/disputes")) == before
    assert (await dispute(shop.payments, OPERATOR, id)).status == ("lost" if happened else "needs_response")


@on_one
async def test_an_unreachable_provider_changes_nothing(shop: Shop, id: str) -> None:
    """What was never sent can be asked for again, also under the same key."""
    shop.wire.down = True
    with pytest.raises(ProviderUnavailable):
        await disputes.accept(shop.payments, OPERATOR, id, idempotency_key="k")
    shop.wire.down = False
    assert (await disputes.accept(shop.payments, OPERATOR, id, idempotency_key="k")).status == "lost"
