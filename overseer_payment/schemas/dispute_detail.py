"""One dispute with everything that an answer needs."""

from __future__ import annotations

from pydantic import Field

from overseer_payment.schemas.disputes import DisputeRow, EvidenceFormRow
from overseer_payment.schemas.transactions import TimelineEntry, TransactionRow


class DisputeDetail(DisputeRow):
    """The row, the payment it is about, what was staged so far, and what can be added."""

    transaction: TransactionRow | None = None
    evidence: dict[str, str | list[str]] = Field(
        default_factory=dict, repr=False, description="Staged or submitted so far; of files their ids."
    )
    form: EvidenceFormRow | None = Field(
        default=None, description="None: this provider takes no evidence through its API."
    )
    timeline: list[TimelineEntry] = Field(default_factory=list)
