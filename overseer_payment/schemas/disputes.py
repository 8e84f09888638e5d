"""Disputes, as they are shown."""

from __future__ import annotations

from datetime import datetime

from overseer_payment.provider import (
    DisputeKind,
    DisputeStatus,
)
from overseer_payment.schemas.base import Row


class DisputeRow(Row):
    id: int
    provider: str
    livemode: bool
    provider_dispute_id: str
    kind: DisputeKind
    status: DisputeStatus
    reason: str | None = None
    amount: int
    currency: str
    evidence_due_by: datetime | None = None
    has_evidence: bool = False
    transaction_id: int | None = None
    occurred_at: datetime
    created_at: datetime
