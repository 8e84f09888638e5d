"""Payments and refunds, as they are shown, asked for and given back."""

from __future__ import annotations

from datetime import datetime
from enum import StrEnum
from typing import Annotated, Literal

from pydantic import Field, StringConstraints

from overseer_payment.schemas.base import Body, Currency, Identifier, LedgerQuery, Row
from overseer_payment.schemas.disputes import DisputeRow


class TransactionType(StrEnum):
    CHARGE = "charge"
    REFUND = "refund"
    SUBSCRIPTION = "subscription"


class TransactionState(StrEnum):
    PENDING = "pending"
    SUCCEEDED = "succeeded"
    FAILED = "failed"
    CANCELED = "canceled"
    REFUNDED = "refunded"
    PARTIALLY_REFUNDED = "partially_refunded"


class TransactionRow(Row):
    """One payment, or one refund (then `parent_id` is the payment's id)."""

    id: int
    provider: str
    livemode: bool
    provider_transaction_id: str
    type: TransactionType
    status: TransactionState
    amount: int
    amount_refunded: int = Field(description="Sum of succeeded refunds, in minor units.")
    amount_disputed: int = Field(description="Sum taken by disputes that are open or lost, in minor units.")
    amount_refundable: int = Field(
        default=0, description="What could still be refunded now, pending refunds deducted."
    )
    currency: str
    customer_id: int | None = None
    customer_email: str | None = Field(default=None, repr=False)
    customer_name: str | None = Field(default=None, repr=False)
    subscription_id: int | None = None
    invoice_id: int | None = None
    parent_id: int | None = None
    description: str | None = None
    method: str | None = None
    reason: str | None = None
    failure_code: str | None = None
    failure_message: str | None = None
    occurred_at: datetime
    created_at: datetime


class Reference(Row):
    """An id by which the provider knows (part of) a payment, and its page there."""

    kind: str
    id: str
    url: str | None = None


class TimelineEntry(Row):
    """Something that happened to a payment, oldest first."""

    at: datetime
    kind: Literal["attempt", "payment", "refund", "dispute", "operation", "event", "checkout", "invoice"]
    title: str
    detail: str | None = None
    status: str | None = None
    amount: int | None = None
    currency: str | None = None
    actor: str | None = None


class TransactionDetail(TransactionRow):
    refunds: list[TransactionRow] = Field(default_factory=list)
    disputes: list[DisputeRow] = Field(default_factory=list)
    timeline: list[TimelineEntry] = Field(default_factory=list)
    references: list[Reference] = Field(default_factory=list)
    refund_refused: str | None = Field(
        default=None,
        description="The `code` under which a refund would be refused now; null where it would be taken. "
        "Told to staff alone.",
    )


class TransactionQuery(LedgerQuery):
    status: TransactionState | None = None
    type: TransactionType | None = None
    currency: Currency | None = None
    customer_id: Identifier | None = None
    subscription_id: Identifier | None = None
    q: Annotated[str, StringConstraints(max_length=200)] | None = Field(
        default=None,
        description="An id, or the beginning of an e-mail address or a customer's name. In the newest 10,000 "
        "rows (before `occurred_before`) also any part of an id, address, name or description.",
    )
    occurred_after: datetime | None = None
    occurred_before: datetime | None = None
    order: Literal["newest", "oldest", "largest", "smallest"] = Field(
        default="newest",
        description="Which come first. By their amounts only with a `currency`; refunds by what they gave "
        "back.",
    )


class RefundBody(Body):
    amount: int | None = Field(default=None, ge=1, description="Minor units; omitted: all that remains.")
    reason: Literal["duplicate", "fraudulent", "requested_by_customer"] | None = None
