"""Answering disputes at the pages: what is due first, what is kept, what is final, and what is refused."""

from __future__ import annotations

import re
from datetime import UTC, datetime, timedelta

import pytest

from overseer_payment.cards import evidence
from overseer_payment.cards.dispute_words import standing
from overseer_payment.cards.formatting import Formatter
from overseer_payment.money import ISO
from overseer_payment.provider import DisputeKind, DisputeStatus
from overseer_payment.schemas import Deadline, DisputeDetail, DisputeRow
from overseer_payment.simulator import scenario as play
from tests.cards.desk import Desk, text_of

LIST = "/payment/modal/disputes"
NOW = datetime.now(UTC)


def row(**changes: object) -> DisputeRow:
    fields = {
        "id": 1,
        "provider": "stripe",
        "livemode": False,
        "provider_dispute_id": "du_1",
        "kind": "chargeback",
        "status": "needs_response",
        "reason": "product_not_received",
        "amount": 7900,
        "currency": "usd",
        "occurred_at": NOW,
        "created_at": NOW,
        **changes,
    }
    return DisputeRow.model_validate(fields)


async def disputed(desk: Desk, amount: int = 7900, **how: object) -> str:
    """A paid and disputed payment; the dispute's address."""
    opened = play.dispute(desk.shop.world, await desk.shop.pay(amount, "usd"), **how)  # type: ignore[arg-type]  # what the test says
    await desk.shop.settle()
    return f"/payment/disputes/{opened['id']}"


@pytest.mark.parametrize(
    ("changes", "tone", "says"),
    [
        ({"deadline": "open", "evidence_due_by": NOW + timedelta(days=12)}, "open", "Due in 1"),
        ({"deadline": "due_soon", "evidence_due_by": NOW + timedelta(days=5)}, "warn", "Due in"),
        ({"deadline": "due_soon", "evidence_due_by": NOW + timedelta(days=2)}, "danger", "Due in"),
        ({"deadline": "past_due", "evidence_due_by": NOW - timedelta(days=2)}, "off", "Was due"),
        ({"deadline": "cannot_respond"}, "off", "Takes no answer"),
        ({"status": "under_review", "submission_count": 1}, "open", "The bank decides"),
        ({"kind": "fraud_warning"}, "warn", "Refund or leave it"),
        ({"status": "won"}, "neutral", "Decided for you"),
        ({"status": "lost"}, "neutral", "Decided for the buyer"),
        ({"status": "prevented"}, "neutral", "Given back"),
        ({"status": "closed", "kind": "inquiry"}, "neutral", "Came to nothing"),
    ],
)
def test_a_dispute_says_what_is_due(changes: dict[str, object], tone: str, says: str) -> None:
    """In words that are true now; amber and red only where a person has to do something."""
    said = standing(row(**changes), Formatter(lambda _: ISO, NOW))
    assert said.tone == tone
    assert says in text_of(said.text)
    assert said.advice


def test_every_state_has_words() -> None:
    """No kind, status or deadline is without a sentence."""
    fmt = Formatter(lambda _: ISO, NOW)
    for kind in DisputeKind:
        for status in DisputeStatus:
            for deadline in Deadline:
                assert standing(row(kind=kind, status=status, deadline=deadline), fmt).advice


def test_the_form_begins_with_what_convinces() -> None:
    """The reason says which fields come first and unfolded; all are there once, files apart."""
    names = ["customer_name", "customer_email", "shipping_date", "shipping_carrier", "product_description"]
    fields = [{"name": name, "title": name.capitalize().replace("_", " "), "kind": "text"} for name in names]
    fields.append({"name": "receipt", "title": "Receipt", "kind": "file"})
    found = DisputeDetail.model_validate(
        {**row().model_dump(), "form": {"fields": fields}, "evidence": {"customer_name": "Ada"}}
    )
    groups = evidence.groups(found)
    assert (groups[0].title, groups[0].matters) == ("Shipping", True)
    assert sorted(field.name for group in groups for field in group.fields) == sorted(names)
    assert {group.title: group.filled for group in groups} == {"Shipping": 0, "Customer": 1, "General": 0}
    assert evidence.files(found) == [("receipt", "Receipt")]


@pytest.mark.anyio
async def test_open_disputes_come_first_by_their_deadline(desk: Desk) -> None:
    """The tab opens with what needs an answer, the nearest deadline first; decided ones are a click away."""
    assert "No open dispute" in await desk.read(LIST)
    await disputed(desk, 1100, answer_within_days=20)
    await disputed(desk, 2200, answer_within_days=6)
    await disputed(desk, 3300, answer_within_days=None)  # lost at once
    shown = await desk.read(LIST)
    assert shown.index("22.00") < shown.index("11.00")
    assert "33.00" not in shown
    assert "33.00" in await desk.read(f"{LIST}?status=lost")
    assert "33.00" in await desk.read(f"{LIST}?status=all")
    assert "11.00" not in await desk.read(f"{LIST}?due_soon=true")
    await desk.see(f"{LIST}?status=nonsense", 422)


@pytest.mark.anyio
async def test_evidence_is_kept_then_submitted_once(desk: Desk) -> None:
    """Kept texts are a draft; the confirmation shows them all; after submitting nothing can be changed."""
    at = await disputed(desk)
    page = await desk.see(at)
    told = await desk.send(
        page, f"{at_of(page)}/evidence", {"say.shipping_carrier": "UPS", "say.shipping_date": " "}
    )
    assert "The bank has not been told anything yet" in told
    dispute = desk.shop.world.find("dispute")[0]
    assert (dispute["evidence"]["shipping_carrier"], dispute["status"]) == ("UPS", "needs_response")
    confirm = await desk.see(f"{at_of(page)}/submit")
    assert "once and for good" in confirm
    assert "UPS" in confirm
    told = await desk.send(confirm, f"{at_of(page)}/submit")
    assert "Submitted. The bank decides now." in told
    assert "Write evidence" not in told
    assert (dispute["status"], dispute["evidence_details"]["submission_count"]) == ("under_review", 1)
    assert "The bank decides" in await desk.read(f"{at_of(page)}/submit", 409)


@pytest.mark.anyio
async def test_what_was_not_shown_is_not_submitted(desk: Desk) -> None:
    """A colleague adds evidence while the confirmation is open: it is asked again."""
    page = await desk.see(await disputed(desk))
    action = f"{at_of(page)}/evidence"
    await desk.send(page, action, {"say.shipping_carrier": "UPS"})
    confirm = await desk.see(f"{at_of(page)}/submit")
    await desk.send(await desk.see(at_of(page)), action, {"say.shipping_carrier": "DHL"})
    told = await desk.send(confirm, f"{at_of(page)}/submit", status=409)
    assert "Look at it again" in told
    assert desk.shop.world.find("dispute")[0]["status"] == "needs_response"
    again = await desk.see(f"{at_of(page)}/submit")
    assert "Submitted" in await desk.send(again, f"{at_of(page)}/submit")


@pytest.mark.anyio
async def test_one_button_leads_from_the_form_to_the_confirmation(desk: Desk) -> None:
    """What was written is kept on the way, with its line ends as banks count them."""
    page = await desk.see(await disputed(desk))
    told = await desk.send(
        page,
        f"{at_of(page)}/evidence",
        {"then": "submit", "say.product_description": "A poster.\r\nOne."},
    )
    assert "Submit this evidence to the bank?" in told
    assert desk.shop.world.find("dispute")[0]["evidence"]["product_description"] == "A poster.\nOne."


@pytest.mark.anyio
async def test_what_was_typed_is_never_lost(desk: Desk) -> None:
    """A text that is too long, nothing at all, a provider that is down: the form comes back as it was."""
    page = await desk.see(await disputed(desk))
    action = f"{at_of(page)}/evidence"
    told = await desk.send(page, action, {"say.shipping_carrier": "x" * 20_001}, status=422)
    assert "may have 20,000 characters" in told
    assert "nothing new to keep" in await desk.send(page, action, status=422)
    desk.shop.wire.down = True
    again = await desk.http.post(action, data=form(page, action) | {"say.shipping_carrier": "Snail & Co"})
    assert again.status_code == 503
    assert 'value="Snail &amp; Co"' in again.text


@pytest.mark.anyio
async def test_a_file_is_attached_to_its_field(desk: Desk) -> None:
    """Uploaded and put into the evidence at once; what is no document is refused by its content."""
    page = await desk.see(await disputed(desk))
    action = f"{at_of(page)}/files"
    receipt = {"field": "receipt"}
    paper = ("slip.pdf", b"%PDF-1.7 paid\r\n--x\r\n", "application/pdf")
    assert "Kept with the dispute" in await desk.send(page, action, receipt, files={"file": paper})
    world = desk.shop.world
    kept = world.get("file", world.find("dispute")[0]["evidence"]["receipt"])
    assert (kept["filename"], kept["size"]) == ("slip.pdf", len(paper[1]))
    page = await desk.see(at_of(page))
    wrong = {"file": ("slip.pdf", b"MZ", "application/pdf")}
    assert "This is none of them" in await desk.send(page, action, receipt, files=wrong, status=415)
    large = {"file": ("slip.pdf", b"%PDF-" + b"x" * 6 * 1024 * 1024, "application/pdf")}
    assert "may have 5 MB" in await desk.send(page, action, receipt, files=large, status=413)
    told = await desk.send(page, action, {"field": "nonsense"}, files={"file": paper}, status=422)
    assert "Choose what the file shows" in told
    forged = await desk.http.post(action, data=receipt, files={"file": paper})
    assert forged.status_code == 403


@pytest.mark.anyio
async def test_accepting_states_what_is_lost(desk: Desk) -> None:
    """The sum first, then it is lost for good."""
    at = at_of(await desk.see(await disputed(desk)))
    confirm = await desk.see(f"{at}/accept")
    assert "Accept that 79.00 USD are lost?" in confirm
    told = await desk.send(confirm, f"{at}/accept")
    assert "It is lost: 79.00 USD stay with the buyer." in told
    assert "Accept…" not in told


@pytest.mark.anyio
async def test_an_inquiry_is_refunded_instead(desk: Desk) -> None:
    """It can't be accepted; a refund of all that was paid ends it, and the page says so."""
    page = await desk.see(await disputed(desk, kind="inquiry"))
    assert "Accept…" not in page
    assert "Refund instead…" in page
    await desk.see(f"{at_of(page)}/accept", 409)


@pytest.mark.anyio
async def test_who_may_not_answer_is_offered_nothing(desk: Desk) -> None:
    """The dispute is seen, no way to answer it is; the addresses refuse as well."""
    at = at_of(await desk.see(await disputed(desk)))
    desk.host.permissions -= {"payment.disputes", "payment.refund"}
    seen = await desk.see(at)
    assert "Needs an answer" in seen
    assert "<form" not in seen
    assert "op-deeds" not in seen
    await desk.see(f"{at}/submit", 403)
    await desk.see(f"{at}/accept", 403)


def at_of(page: str) -> str:
    """The dispute's address by our own id, as its page names it."""
    found = re.search(r"/payment/disputes/\d+", page)
    assert found
    return found[0]


def form(page: str, action: str) -> dict[str, str]:
    """The hidden fields of the form to `action`."""
    found = re.search(rf'action="{re.escape(action)}".*?</form>', page, re.S)
    assert found
    return dict(re.findall(r'<input type="hidden" name="([^"]+)" value="([^"]*)">', found[0]))
