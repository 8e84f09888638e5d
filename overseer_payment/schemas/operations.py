"""What was sent to providers, and what people decided here: the audit trail."""

from __future__ import annotations

from datetime import datetime
from enum import StrEnum

from pydantic import Field

from overseer_payment.schemas.base import ListQuery, Row


class OperationState(StrEnum):
    SENDING = "sending"  # under way, or cut off and about to be settled
    SUCCEEDED = "succeeded"
    PENDING = "pending"  # the provider took it and decides later
    FAILED = "failed"  # a definite no; nothing happened
    UNKNOWN = "unknown"  # no answer: being settled under the same key


class OperationRow(Row):
    """One wish: who wanted what, and what came of it. Never what was sent, nor under which key."""

    id: int
    provider: str
    account: str = Field(description="`default`, `example`, `demo` or a connected account's id.")
    livemode: bool
    kind: str = Field(description="`refund`, `checkout`, `customer`, `event.replay`, …")
    status: OperationState
    actor: str = Field(description="`user:ID`, `token` (the admin token) or `cli:NAME`.")
    target: str | None = Field(default=None, description="What it was about, by the provider's or our id.")
    transaction_id: int | None = None
    amount: int | None = Field(default=None, description="In minor units of `currency`.")
    currency: str | None = None
    reason: str | None = None
    result: str | None = Field(default=None, description="The provider's id of what came of it.")
    error_code: str | None = None
    error: str | None = None
    attempts: int
    created_at: datetime
    finished_at: datetime | None = None


class OperationQuery(ListQuery):
    status: OperationState | None = None
