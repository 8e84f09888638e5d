"""Disputes in words: what is due by when, what it means, and what can be done about it."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import timedelta
from typing import TYPE_CHECKING

from markupsafe import Markup

from overseer_payment.cards.words import DISPUTE, Tone, Word
from overseer_payment.provider import OPEN_DISPUTE, DisputeKind, DisputeStatus
from overseer_payment.schemas import Deadline

if TYPE_CHECKING:
    from overseer_payment.cards.formatting import Formatter
    from overseer_payment.schemas import DisputeRow

_URGENT = timedelta(days=3)


@dataclass(frozen=True, slots=True)
class Standing:
    """What is due: in short for the list, and as whole sentences for who opens the dispute."""

    tone: Tone
    text: Markup
    advice: str


def state(row: DisputeRow) -> Word:
    """The state in a word. A warning has no answer, it asks for a decision."""
    if row.kind is DisputeKind.FRAUD_WARNING and row.status is DisputeStatus.NEEDS_RESPONSE:
        return Word("Needs a decision", "warn")
    return DISPUTE[row.status]


def standing(row: DisputeRow, fmt: Formatter) -> Standing:
    """How a dispute stands now, and what that asks of whom."""
    due = row.evidence_due_by
    if row.deadline is Deadline.PAST_DUE and due is not None:
        text = Markup("Was due {}").format(fmt.when(due))
        return Standing(
            "off", text, "The deadline has passed: the bank takes no answer any more and decides."
        )
    if row.deadline is Deadline.CANNOT_RESPOND:
        return Standing("off", Markup("Takes no answer"), "The bank takes no answer in this dispute.")
    if row.deadline in {Deadline.OPEN, Deadline.DUE_SOON} and due is not None:
        return Standing(_urgency(row, fmt), Markup("Due {}").format(fmt.when(due)), _asked(row))
    if row.status in OPEN_DISPUTE:
        return _waiting(row)
    return _decided(row)


def _urgency(row: DisputeRow, fmt: Formatter) -> Tone:
    assert row.evidence_due_by is not None
    if row.evidence_due_by - fmt.now < _URGENT:
        return "danger"
    return "warn" if row.deadline is Deadline.DUE_SOON else "open"


def _asked(row: DisputeRow) -> str:
    if row.kind is DisputeKind.INQUIRY:
        return (
            "The bank asks about this payment; no money has been taken yet. Answer it, or refund the "
            "payment, which ends it. Without either it may become a chargeback."
        )
    if row.status is DisputeStatus.APPEAL_NEEDS_RESPONSE:
        return "It was lost and goes on: say why the decision is wrong, before the deadline."
    return (
        "The bank took this money back. Answer with evidence before the deadline, or accept that it is lost. "
        "Without an answer it is lost."
    )


def _waiting(row: DisputeRow) -> Standing:
    if row.kind is DisputeKind.FRAUD_WARNING:
        advice = (
            "The card’s issuer suspects fraud. It can’t be answered: refund the payment before it becomes "
            "a chargeback, or leave it if you know the buyer."
        )
        return Standing("warn", Markup("Refund or leave it"), advice)
    if row.submission_count:
        return Standing(
            "open", Markup("The bank decides"), "Your evidence was submitted. The bank decides now."
        )
    return Standing("open", Markup("The bank decides"), "Nothing is due from you: the bank decides.")


def _decided(row: DisputeRow) -> Standing:
    match row.status:
        case DisputeStatus.WON:
            said = "Decided for you", "The bank decided for you: the money is yours."
        case DisputeStatus.LOST:
            said = "Decided for the buyer", "The bank decided for the buyer: the money is gone."
        case DisputeStatus.PREVENTED:
            said = "Given back", "The payment was given back before it became a dispute."
        case _:
            said = "Came to nothing", "It is over without having become a chargeback."
    return Standing("neutral", Markup("{}").format(said[0]), said[1])
