"""Rows, queries and bodies of the public surface: REST, CLI `--json` and the pages all use these.

Amounts are integers in minor units of `currency`, by the provider's rule. Moments are aware UTC.
Fields of the documented contract keep their name and meaning; more may be added.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, field
from datetime import date, datetime
from enum import StrEnum
from typing import Annotated, Any, Generic, Literal, TypeVar

from pydantic import AfterValidator, BaseModel, ConfigDict, Field, StringConstraints

from overseer_payment.errors import Forbidden, Invalid
from overseer_payment.host_contract import PERMISSIONS, User
from overseer_payment.money import iso_exponent
from overseer_payment.provider import (
    CheckoutMode,
    CheckoutPaymentState,
    CheckoutStatus,
    DisputeKind,
    DisputeStatus,
    SubscriptionStatus,
)

RowT = TypeVar("RowT", bound=BaseModel)


def _listed_currency(code: str) -> str:
    try:
        iso_exponent(code.upper())
    except Invalid as error:
        raise ValueError(error.detail) from None
    return code


Currency = Annotated[
    str,
    StringConstraints(pattern=r"^[A-Za-z]{3}$", to_lower=True),
    AfterValidator(_listed_currency),
]
Identifier = Annotated[str, StringConstraints(min_length=1, max_length=255, pattern=r"^[\x21-\x7e]+$")]
Metadata = dict[
    Annotated[str, StringConstraints(min_length=1, max_length=40, pattern=r"^[^\[\]\x00-\x1f]+$")],
    Annotated[str, StringConstraints(max_length=500)],
]


class Row(BaseModel):
    """Base of everything that is answered."""

    model_config = ConfigDict(frozen=True)


class Body(BaseModel):
    """Base of everything that is asked: an unknown field is an error, not silence."""

    model_config = ConfigDict(frozen=True, extra="forbid", hide_input_in_errors=True)


# -- who asks -----------------------------------------------------------------------------------


@dataclass(frozen=True, slots=True)
class Viewer:
    """Who asks, and what they may do. Without `payment.view` only rows of `user`'s own customers exist."""

    actor: str
    """For the audit trail: `user:42`, `token`, `cli:alice`."""
    user: User | None = None
    permissions: frozenset[str] = field(default_factory=frozenset)

    @classmethod
    def operator(cls, actor: str) -> Viewer:
        """Someone at the machine itself (CLI, tests): may do everything."""
        return cls(actor, None, frozenset(PERMISSIONS))

    @property
    def sees_all(self) -> bool:
        return "payment.view" in self.permissions

    def require(self, permission: str) -> None:
        """Raises Forbidden unless `permission` was granted."""
        if permission not in self.permissions:
            raise Forbidden(f"You need the permission {permission} ({PERMISSIONS[permission]}).")


# -- rows ---------------------------------------------------------------------------------------


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
    refunds: list[TransactionRow] = []
    disputes: list[DisputeRow] = []
    timeline: list[TimelineEntry] = []
    references: list[Reference] = []


class SubscriptionItemRow(Row):
    id: str
    price_id: str
    product_id: str | None = None
    name: str | None = None
    quantity: int
    amount: int = Field(description="For one unit and one interval, in minor units.")
    interval: str | None = None
    interval_count: int = 1


class SubscriptionRow(Row):
    id: int
    provider: str
    livemode: bool
    provider_subscription_id: str
    customer_id: int | None = None
    customer_email: str | None = Field(default=None, repr=False)
    status: SubscriptionStatus
    plan_name: str | None = None
    amount: int = Field(description="Sum over items for one interval, in minor units.")
    currency: str
    interval: str | None = None
    interval_count: int = 1
    quantity: int
    items: list[SubscriptionItemRow] = []
    current_period_start: datetime | None = None
    current_period_end: datetime | None = None
    cancel_at_period_end: bool = False
    cancel_at: datetime | None = None
    canceled_at: datetime | None = None
    ended_at: datetime | None = None
    trial_end: datetime | None = None
    collection_paused: bool = False
    occurred_at: datetime
    created_at: datetime


class CustomerRow(Row):
    id: int
    provider: str
    livemode: bool
    provider_customer_id: str
    user_id: str | None = None
    email: str | None = Field(default=None, repr=False)
    name: str | None = Field(default=None, repr=False)
    deleted: bool = False
    occurred_at: datetime | None = None
    created_at: datetime


class CustomerValue(Row):
    """Lifetime value in one currency, in minor units."""

    currency: str
    gross: int
    refunded: int
    disputed: int
    net: int
    payments: int


class CustomerDetail(CustomerRow):
    value: list[CustomerValue] = []
    subscriptions: list[SubscriptionRow] = []


class CheckoutRow(Row):
    """One checkout session. `amount_total` in minor units; what is true is in `payment_state`."""

    session_id: str
    provider: str
    livemode: bool
    mode: CheckoutMode
    status: CheckoutStatus
    payment_state: CheckoutPaymentState
    amount_total: int | None = None
    currency: str | None = None
    checkout_url: str | None = None
    transaction_id: int | None = None
    subscription_id: int | None = None
    customer_id: int | None = None
    expires_at: datetime | None = None
    occurred_at: datetime
    created_at: datetime


class CheckoutCreated(Row):
    session_id: str
    checkout_url: str


class Revenue(Row):
    """Sums in one currency, in minor units; `net` = gross − refunded − disputed."""

    currency: str
    gross: int
    refunded: int
    disputed: int
    net: int


class StatusView(Row):
    """The health of payments, and all-time sums of the account that is looked at."""

    provider: str | None
    account: str | None = Field(
        default=None, description="`default`, `example`, `demo` or a connected account's id."
    )
    enabled: bool
    livemode: bool
    is_test_mode: bool
    healthy: bool
    health_message: str
    api_version: str | None = None
    total_transactions: int
    active_subscriptions: int
    open_disputes: int
    failed_events: int
    pending_events: int = 0
    last_event_at: datetime | None = None
    revenue: list[Revenue]


class RevenuePoint(Row):
    date: date
    gross: int
    refunded: int
    disputed: int
    net: int


class RevenueSeries(Row):
    currency: str
    points: list[RevenuePoint]


class RevenueTimeseries(Row):
    days: int
    series: list[RevenueSeries]


class PriceRow(Row):
    id: str
    product_id: str
    product_name: str
    nickname: str | None = None
    amount: int | None = None
    currency: str
    interval: str | None = None
    interval_count: int = 1


class Catalog(Row):
    provider: str
    prices: list[PriceRow]


class ProviderState(StrEnum):
    READY = "ready"
    NOT_CONFIGURED = "not_configured"
    BROKEN = "broken"
    BLOCKED = "blocked"


class ProviderRow(Row):
    """One provider plugin, whatever its state."""

    key: str
    title: str
    state: ProviderState
    error: str | None = None
    distribution: str | None = None
    version: str | None = None
    api_version: str | None = None
    capabilities: list[str] = []


class Finding(Row):
    """Something that `doctor` found, with its cure."""

    id: str
    level: Literal["ok", "warning", "error"]
    title: str
    cure: str | None = None


class Page(Row, Generic[RowT]):
    """Some rows, newest first, and where to go on."""

    rows: list[RowT]
    next_cursor: str | None = None

    def __iter__(self) -> Iterator[RowT]:  # type: ignore[override]
        return iter(self.rows)


# -- queries and bodies ---------------------------------------------------------------------------


class ListQuery(Body):
    limit: int = Field(default=20, ge=1, le=100)
    cursor: Annotated[str, StringConstraints(max_length=200)] | None = None


class TransactionQuery(ListQuery):
    status: TransactionState | None = None
    type: TransactionType | None = None
    currency: Currency | None = None
    customer_id: Identifier | None = None
    subscription_id: Identifier | None = None
    q: Annotated[str, StringConstraints(max_length=200)] | None = Field(
        default=None, description="Part of an id, e-mail address, name or description."
    )
    occurred_after: datetime | None = None
    occurred_before: datetime | None = None


class SubscriptionQuery(ListQuery):
    status: SubscriptionStatus | None = None
    customer_id: Identifier | None = None


class CustomerQuery(ListQuery):
    q: Annotated[str, StringConstraints(max_length=200)] | None = None


class CheckoutBody(Body):
    price_id: Identifier | None = None
    mode: CheckoutMode
    quantity: int = Field(default=1, ge=1, le=999_999)
    success_url: Annotated[str, StringConstraints(max_length=2000)] | None = None
    cancel_url: Annotated[str, StringConstraints(max_length=2000)] | None = None
    trial_period_days: int | None = Field(default=None, ge=1, le=730)
    metadata: Metadata = {}
    customer_id: Identifier | None = None
    currency: Currency | None = Field(default=None, description="Needed in setup mode, else the price's own.")
    provider: Identifier | None = None


class RefundBody(Body):
    amount: int | None = Field(default=None, ge=1, description="Minor units; omitted: all that remains.")
    reason: Literal["duplicate", "fraudulent", "requested_by_customer"] | None = None


class RevenueQuery(Body):
    days: int = Field(default=30, ge=1, le=365)
    currency: Currency | None = None


JsonObject = dict[str, Any]
