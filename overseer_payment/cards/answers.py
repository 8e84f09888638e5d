"""Answering a dispute: write and keep evidence, attach files, hand it to the bank once, or concede."""

from __future__ import annotations

from dataclasses import dataclass
from functools import partial
from typing import TYPE_CHECKING

from pydantic import ValidationError
from starlette.responses import RedirectResponse, Response

from overseer_payment.asking import disputes as asking
from overseer_payment.cards import dispute_words, evidence, words
from overseer_payment.cards.addresses import Address
from overseer_payment.cards.flows import Change, Deed, Fact, Fields, Question, Slip, Told
from overseer_payment.cards.forms import key_of, new_key, read_form
from overseer_payment.cards.frame import frame_of, view
from overseer_payment.cards.offering import ANSWERS, REFUNDS, offers
from overseer_payment.cards.render import PRIVATE
from overseer_payment.cards.uploads import read_upload
from overseer_payment.errors import Conflict, Invalid, PayloadTooLarge, PaymentError
from overseer_payment.provider import Capability, DisputeStatus
from overseer_payment.schemas import EvidenceBody, EvidenceFileBody
from overseer_payment.shown import disputes as shown

if TYPE_CHECKING:
    from overseer_payment.cards.frame import Frame
    from overseer_payment.cards.render import View
    from overseer_payment.cards.visit import Visit
    from overseer_payment.schemas import DisputeDetail

_MAX_TEXTS = 2 * 1024 * 1024  # 150,000 characters, each escaped at its longest
_TEXTS, _FILE = "op-evidence", "op-attach"


@dataclass(frozen=True, slots=True)
class Offer:
    """What this viewer may do about a dispute now."""

    answer: bool
    submit: bool
    accept: bool
    refund: bool

    @property
    def any(self) -> bool:
        """Is there anything to be done?"""
        return self.answer or self.accept or self.refund


def offer_of(seen: Visit, frame: Frame, row: DisputeDetail) -> Offer:
    """The ways on, as far as the bank, the provider and the viewer's permissions leave them open."""
    may = offers(seen, frame, row.provider, Capability.DISPUTE_RESPONSES, permission=ANSWERS)
    answer = may and row.can_respond and row.form is not None
    back = offers(seen, frame, row.provider, Capability.REFUND, permission=REFUNDS)
    return Offer(
        answer=answer,
        submit=answer and bool(row.evidence),
        accept=may and row.can_accept,
        refund=back and row.refundable and row.transaction_id is not None,
    )


async def drawer(
    seen: Visit, row: DisputeDetail, *, told: Told | None = None, slip: Slip | None = None, status: int = 200
) -> View:
    """The dispute as it stands; `slip` is what was wrong with what somebody just sent about it."""
    frame = await frame_of(seen, "disputes")
    return view(
        seen,
        "dispute.html",
        title=words.DISPUTE_KIND[row.kind],
        http_status=status,
        frame=frame,
        row=row,
        state=dispute_words.state(row),
        standing=dispute_words.standing(row, seen.fmt),
        offer=offer_of(seen, frame, row),
        groups=evidence.groups(row),
        files=evidence.files(row),
        staged=evidence.staged(row),
        prefix=evidence.PREFIX,
        told=told,
        slip=slip,
        key=new_key(),
        csrf=seen.host.csrf_token(seen.request),
    )


def told(seen: Visit, row: DisputeDetail) -> Told | None:
    """What became of what was just done, by how the dispute stands now."""
    match seen.request.query_params.get("done"):
        case "kept" if row.evidence:
            return Told("open", "Kept with the dispute. The bank has not been told anything yet.")
        case "submitted" if row.submission_count or not row.can_respond:
            return Told("ok", "Submitted. The bank decides now.")
        case "accepted" if row.status is DisputeStatus.LOST:
            money = seen.fmt.money(row.amount, row.currency, row.provider)
            return Told("neutral", f"Accepted. It is lost: {money} stay with the buyer.")
        case "submitted" | "accepted":
            return Told("open", "It is on its way; the provider has not confirmed it yet.")
    return None


async def _dispute(seen: Visit) -> DisputeDetail:
    return await shown.dispute(seen.payments, seen.viewer, str(seen.request.path_params["id"]))


# -- writing ------------------------------------------------------------------------------------------


async def keep(seen: Visit) -> View | Response:
    """Keep the texts that are new; whatever goes wrong, what was typed comes back in its form."""
    fields = await read_form(seen.host, seen.request, limit=_MAX_TEXTS)
    row, onwards = await _dispute(seen), fields.get("then") == "submit"
    try:
        key, said = key_of(fields), _said(row, fields)
        if said:
            body = EvidenceBody(evidence=said)
            await asking.stage_evidence(seen.payments, seen.viewer, str(row.id), body, idempotency_key=key)
        elif not (onwards and row.evidence):
            raise Invalid("There is nothing new to keep. Write something first.")
    except ValidationError:
        return await _again(seen, row, Invalid("That is more text than any bank reads."), _TEXTS, fields)
    except PaymentError as error:
        return await _again(seen, row, error, _TEXTS, fields)
    return _to(seen.links.dispute(row.id, "submit") if onwards else seen.links.dispute(row.id, done="kept"))


def _said(row: DisputeDetail, fields: Fields) -> dict[str, str | list[str]]:
    """The texts that say something new. Browsers end lines in two characters, banks count one."""
    known = {field.name for field in row.form.fields} if row.form else set()
    typed = {
        name.removeprefix(evidence.PREFIX): text.replace("\r\n", "\n").strip()
        for name, text in fields.items()
        if name.startswith(evidence.PREFIX)
    }
    return {
        name: text for name, text in typed.items() if name in known and text != row.evidence.get(name, "")
    }


async def attach(seen: Visit) -> View | Response:
    """Upload one file and put it into its field."""
    row = await _dispute(seen)
    limit = row.form.largest_file if row.form else 0
    fields: Fields = {}
    try:
        fields, file = await read_upload(seen.host, seen.request, limit=limit)
        key, field = key_of(fields), _file_field(row, fields.get("field", ""))
        if file is None:
            raise Invalid("Choose a file first.")
        named = EvidenceFileBody(name=_safe(file.name))
        made = await asking.add_file(
            seen.payments, seen.viewer, str(row.id), file.content, named, idempotency_key=key
        )
        body = EvidenceBody(evidence={field: _with(row, field, made.id)})
        await asking.stage_evidence(
            seen.payments, seen.viewer, str(row.id), body, idempotency_key=f"{key}-staged"
        )
    except PayloadTooLarge:
        error = PayloadTooLarge(
            f"Files of evidence may have {limit // 1024 // 1024} MB. Nothing was attached."
        )
        return await _again(seen, row, error, _FILE, fields)
    except PaymentError as error:
        return await _again(seen, row, error, _FILE, fields)
    return _to(seen.links.dispute(row.id, done="kept"))


def _file_field(row: DisputeDetail, name: str) -> str:
    if name not in dict(evidence.files(row)):
        raise Invalid("Choose what the file shows.")
    return name


def _with(row: DisputeDetail, field: str, id: str) -> str | list[str]:
    """One file takes the place of the one before; where several fit, it comes beside them."""
    kind = next((one.kind for one in row.form.fields if one.name == field), "file") if row.form else "file"
    before = row.evidence.get(field, [])
    if kind != "files":
        return id
    return list(dict.fromkeys([*(before if isinstance(before, list) else [before]), id]))


def _safe(name: str) -> str:
    """The file's name without its folder and without what no bank can read."""
    last = name.replace("\\", "/").rpartition("/")[2]
    return "".join(sign for sign in last if sign.isprintable() and sign != '"')[:255] or "evidence"


async def _again(seen: Visit, row: DisputeDetail, error: PaymentError, form: str, typed: Fields) -> View:
    kept = {name: text for name, text in typed.items() if name not in {"key", "csrf_token"}}
    return await drawer(seen, row, slip=Slip(form, error.detail, kept), status=error.status)


def _to(href: str) -> Response:
    return RedirectResponse(href, 303, PRIVATE)


# -- what is final ------------------------------------------------------------------------------------


def _submitting(seen: Visit, row: DisputeDetail) -> Question:
    """Everything that would go to the bank. Raises Conflict where nothing can be submitted."""
    if not row.can_respond:
        raise Conflict(dispute_words.standing(row, seen.fmt).advice)
    if not row.evidence:
        raise Conflict("There is nothing to submit yet. Write or attach evidence first.")
    money = seen.fmt.money(row.amount, row.currency, row.provider)
    return Question(
        text="Submit this evidence to the bank?",
        button="Submit, once and for good",
        progress="Submitting…",
        consequence=f"Everything above goes to the bank, which then decides about {money}. Nothing can be "
        "added, changed or taken back afterwards.",
        facts=evidence.staged(row),
        livemode=row.livemode,
        fields={"shown": evidence.digest(row)},
    )


async def _submit(seen: Visit, row: DisputeDetail, fields: Fields, key: str) -> None:
    """Hand to the bank what was shown. Raises Conflict if a colleague has changed it since."""
    # After the first of two clicks nothing can be changed; the second is known by its key.
    if row.can_respond and fields.get("shown") != evidence.digest(row):
        raise Conflict("The evidence is another one than you were shown. Look at it again, then submit.")
    body = EvidenceBody(submit=True)
    await asking.stage_evidence(seen.payments, seen.viewer, str(row.id), body, idempotency_key=key)


def _accepting(seen: Visit, row: DisputeDetail) -> Question:
    """What conceding means. Raises Conflict where it can't be conceded."""
    if not row.can_accept:
        raise Conflict(dispute_words.standing(row, seen.fmt).advice)
    money = seen.fmt.money(row.amount, row.currency, row.provider)
    return Question(
        text=f"Accept that {money} are lost?",
        button="Accept the dispute",
        progress="Accepting…",
        consequence=f"The dispute is lost at once: {money} stay with the buyer, and the bank will not hear "
        "your side. Fees that the provider took for the dispute are not given back. This can’t be undone.",
        facts=_facts(seen, row),
        livemode=row.livemode,
        danger=True,
        fields={},
    )


async def _accept(seen: Visit, row: DisputeDetail, _: Fields, key: str) -> None:
    await asking.accept(seen.payments, seen.viewer, str(row.id), idempotency_key=key)


def _facts(seen: Visit, row: DisputeDetail) -> list[Fact]:
    who = row.customer_name or row.customer_email or "Unknown"
    facts = [Fact("Buyer", who), Fact("Reason", words.phrase(row.reason or "not told"))]
    if row.evidence_due_by:
        facts.append(Fact("Answer due", seen.fmt.when(row.evidence_due_by)))
    return facts


def _change(seen: Visit, row: DisputeDetail, what: str) -> Change:
    submitting = what == "submit"
    return Change(
        title="Submit evidence" if submitting else "Accept dispute",
        tab="disputes",
        list_text="All disputes",
        row=seen.links.dispute(row.id),
        row_text="Dispute",
        action=seen.links.dispute(row.id, what),
        keep="Not yet" if submitting else "Keep contesting it",
        nothing="Nothing was submitted" if submitting else "Nothing was accepted",
        unknown=f"We don’t know yet whether it was {'submitted' if submitting else 'accepted'}",
        done=seen.links.dispute(row.id, done="submitted" if submitting else "accepted"),
    )


SUBMIT = Deed(_dispute, partial(_change, what="submit"), _submitting, _submit)
ACCEPT = Deed(_dispute, partial(_change, what="accept"), _accepting, _accept)
PAGES = (
    Address("/payment/disputes/{id}/evidence", None, ANSWERS, keep),
    Address("/payment/disputes/{id}/files", None, ANSWERS, attach),
    SUBMIT.at("/payment/disputes/{id}/submit", ANSWERS),
    ACCEPT.at("/payment/disputes/{id}/accept", ANSWERS),
)
