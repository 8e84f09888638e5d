"""Events as they arrived, and what became of them."""

from __future__ import annotations

from datetime import datetime
from enum import StrEnum
from typing import Annotated

from pydantic import Field, StringConstraints

from overseer_payment.schemas.base import JsonObject, ListQuery, Row


class EventState(StrEnum):
    PENDING = "pending"  # stored, not applied yet
    APPLIED = "applied"
    IGNORED = "ignored"  # it says nothing about money, or a person took it out
    FAILED = "failed"  # applying raised; it is tried again
    DEAD = "dead"  # no longer tried by itself


class EventRow(Row):
    """One verified delivery of a provider's event."""

    id: int
    provider: str
    account: str = Field(description="`default`, `example`, `demo` or a connected account's id.")
    livemode: bool
    provider_event_id: str
    type: str
    status: EventState
    attempts: int = Field(description="How often applying it was tried.")
    last_error: str | None = None
    occurred_at: datetime = Field(description="By the provider's clock, in whole seconds.")
    received_at: datetime


class EventDetail(EventRow):
    """The same with what the provider sent, which may name people."""

    api_version: str | None = None
    applied_at: datetime | None = None
    due_at: datetime | None = Field(
        default=None, description="When it is tried next; absent once nothing is left to do."
    )
    payload: JsonObject = Field(repr=False)


class EventQuery(ListQuery):
    status: EventState | None = None
    failed: bool = Field(default=False, description="Only failed and dead ones.")
    type: Annotated[str, StringConstraints(min_length=1, max_length=255)] | None = Field(
        default=None, description="The provider's own word, like `invoice.paid`."
    )


class Replayed(Row):
    """How many failed and dead events were put back."""

    replayed: int
