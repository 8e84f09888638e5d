"""Disputes, as they are shown, asked for and answered."""

from __future__ import annotations

from datetime import datetime
from enum import StrEnum
from typing import Annotated, Literal

from pydantic import Field, StringConstraints

from overseer_payment.provider import DisputeKind, DisputeStatus
from overseer_payment.schemas.base import Body, Currency, LedgerQuery, Row


class DisputeFilter(StrEnum):
    """What disputes can be asked for: any state, or all that need or await an answer."""

    OPEN = "open"
    NEEDS_RESPONSE = "needs_response"
    UNDER_REVIEW = "under_review"
    APPEAL_NEEDS_RESPONSE = "appeal_needs_response"
    APPEAL_UNDER_REVIEW = "appeal_under_review"
    WON = "won"
    LOST = "lost"
    CLOSED = "closed"
    PREVENTED = "prevented"


class Deadline(StrEnum):
    """How an answer stands with time."""

    NONE = "none"  # nothing is due: it is decided, the bank decides, or it takes no answer by its nature
    OPEN = "open"
    DUE_SOON = "due_soon"
    PAST_DUE = "past_due"
    CANNOT_RESPOND = "cannot_respond"  # the bank takes no answer in this dispute


class DisputeRow(Row):
    """A chargeback, an inquiry of a bank, or an early fraud warning, about one payment."""

    id: int
    provider: str
    livemode: bool
    provider_dispute_id: str
    kind: DisputeKind
    status: DisputeStatus
    reason: str | None = None
    amount: int
    currency: str
    funds_withdrawn: int = Field(
        default=0, description="What the dispute took from the balance, in minor units; 0 once it is back."
    )
    evidence_due_by: datetime | None = None
    deadline: Deadline = Deadline.NONE
    can_respond: bool = Field(default=False, description="Can evidence be given now?")
    can_accept: bool = Field(default=False, description="Can it be accepted now? Chargebacks only.")
    refundable: bool = Field(
        default=False, description="Would a refund settle it? Of open inquiries and warnings only."
    )
    has_evidence: bool = False
    submission_count: int = 0
    transaction_id: int | None = None
    customer_id: int | None = None
    customer_email: str | None = Field(default=None, repr=False)
    customer_name: str | None = Field(default=None, repr=False)
    url: str | None = Field(default=None, description="Its page in the provider's own dashboard.")
    occurred_at: datetime
    created_at: datetime


class DisputeQuery(LedgerQuery):
    status: DisputeFilter | None = Field(
        default=None,
        description="Only disputes in this state; `open`: all that need or await an answer, "
        "the nearest deadline first.",
    )
    due_soon: bool = Field(default=False, description="Only those whose answer is due within seven days.")
    kind: DisputeKind | None = Field(default=None, description="Only chargebacks, inquiries or warnings.")
    currency: Currency | None = None


_Text = Annotated[str, StringConstraints(max_length=150_000)]
_Ids = Annotated[list[Annotated[str, StringConstraints(max_length=255)]], Field(max_length=50)]


class EvidenceBody(Body):
    evidence: dict[Annotated[str, StringConstraints(max_length=100)], _Text | _Ids] = Field(
        default_factory=dict,
        max_length=100,
        repr=False,
        description="By the provider's field: a text, or the id of an uploaded file (or several).",
    )
    submit: bool = Field(
        default=False,
        description="Hand everything staged so far, and this, to the bank. That works once, and is final.",
    )


class EvidenceFileBody(Body):
    """What is asked beside a file's bytes."""

    name: str = Field(
        default="evidence", min_length=1, max_length=255, pattern=r"^[^/\\\x00-\x1f\x7f\"]+$",
        description="The file's name, for the bank.",
    )  # fmt: skip


class EvidenceFileRow(Row):
    """An uploaded file: its id is what goes into the evidence."""

    id: str
    name: str
    media_type: str
    size: int = Field(description="In bytes.")


class EvidenceFieldRow(Row):
    name: str
    title: str
    kind: Literal["text", "file", "files"]
    longest: int | None = Field(default=None, description="How many characters a text may have.")
    appeal: bool = Field(default=False, description="Asked for in an appeal only.")


class EvidenceFormRow(Row):
    """What the provider takes as evidence in this dispute."""

    fields: list[EvidenceFieldRow]
    longest_together: int | None = None
    file_types: list[str] = Field(default_factory=list)
    largest_file: int = Field(default=0, description="In bytes.")
