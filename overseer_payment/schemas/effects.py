"""What applications are told, and what became of it."""

from __future__ import annotations

from datetime import datetime
from enum import StrEnum
from typing import Annotated

from pydantic import Field, StringConstraints

from overseer_payment.schemas.base import ListQuery, Row
from overseer_payment.schemas.subscriptions import SubscriptionItemRow


class EffectState(StrEnum):
    PENDING = "pending"  # to be told
    FAILED = "failed"  # the listener raised or took too long; it is told again
    DONE = "done"
    LAPSED = "lapsed"  # a reminder that was not needed any more
    DEAD = "dead"  # no longer tried by itself


class EffectRow(Row):
    """One delivery of one piece of news to one listener."""

    id: int
    provider: str
    account: str = Field(description="`default` or a connected account's id.")
    livemode: bool
    listener: str
    topic: str
    provider_id: str = Field(description="What it is about, by the provider's id.")
    status: EffectState
    attempts: int = Field(description="How often telling it was tried.")
    last_error: str | None = None
    due_at: datetime | None = Field(default=None, description="When it is tried next; null: not by itself.")
    created_at: datetime
    finished_at: datetime | None = None


class SubscriptionTerms(Row):
    """What a subscription is of and comes to in one interval; each name as in its row."""

    plan_name: str | None = None
    amount: int
    currency: str
    interval: str | None = None
    interval_count: int = 1
    quantity: int
    items: list[SubscriptionItemRow]

    @property
    def prices(self) -> list[tuple[str, int]]:
        """Each price and how many of it: whether this is another plan."""
        return sorted((item.price_id, item.quantity) for item in self.items)


class EffectQuery(ListQuery):
    status: EffectState | None = None
    failed: bool = Field(default=False, description="Only failed and dead ones.")
    listener: Annotated[str, StringConstraints(min_length=1, max_length=200)] | None = Field(
        default=None, description="Only what this listener is told."
    )
