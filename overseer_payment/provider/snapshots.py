"""Snapshots: what a provider says about one object as of one moment, in types that know no provider."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime
from enum import StrEnum
from typing import Any, ClassVar, TypeAlias

from overseer_payment.money import UnitAmount
from overseer_payment.provider.dispute_states import DisputeKind, DisputeStatus
from overseer_payment.provider.naming import AsOf, Kind, Ref
from overseer_payment.provider.pricing import PriceOption, PriceScheme, SubscriptionItem, write_one_way


class TransactionStatus(StrEnum):
    """What a provider says about a payment, a charge or a refund."""

    PENDING = "pending"
    SUCCEEDED = "succeeded"
    FAILED = "failed"
    CANCELED = "canceled"


@dataclass(frozen=True, slots=True, kw_only=True)
class _Snapshot:
    kind: ClassVar[Kind]

    id: str
    as_of: AsOf
    livemode: bool
    occurred_at: datetime
    """When the provider created the object."""
    metadata: Mapping[str, str] = field(default_factory=dict)
    raw: Mapping[str, Any] = field(default_factory=dict, repr=False)
    """The provider's own JSON of this object, kept for people and for host code."""

    @property
    def ref(self) -> Ref:
        return Ref(self.kind, self.id)


@dataclass(frozen=True, slots=True, kw_only=True)
class CustomerSnapshot(_Snapshot):
    """A customer at the provider."""

    kind: ClassVar[Kind] = Kind.CUSTOMER
    email: str | None = field(default=None, repr=False)
    name: str | None = field(default=None, repr=False)
    currency: str | None = None
    deleted: bool = False


@dataclass(frozen=True, slots=True, kw_only=True)
class PaymentSnapshot(_Snapshot):
    """A payment intent. `amount` is what is asked for, `amount_received` what was collected."""

    kind: ClassVar[Kind] = Kind.PAYMENT
    status: TransactionStatus
    amount: int
    amount_received: int
    currency: str
    customer: str | None = None
    latest_charge: str | None = None
    description: str | None = None
    email: str | None = field(default=None, repr=False)
    failure_code: str | None = None
    failure_message: str | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class ChargeSnapshot(_Snapshot):
    """One attempt to move money. `payment` is the payment intent it belongs to, if there is one.

    `status` is PENDING while authorised and not captured. `amount` is the captured amount once
    SUCCEEDED, before that the amount asked for. `amount_refunded` includes pending refunds, and nothing
    of `amount_released`: what was authorised and will not be captured any more.
    """

    kind: ClassVar[Kind] = Kind.CHARGE
    status: TransactionStatus
    amount: int
    amount_refunded: int
    currency: str
    amount_released: int = 0
    payment: str | None = None
    customer: str | None = None
    description: str | None = None
    email: str | None = field(default=None, repr=False)
    name: str | None = field(default=None, repr=False)
    method: str | None = None
    """For a person, never a full number: "visa •••• 4242", "sepa_debit"."""
    disputed: bool = False
    failure_code: str | None = None
    failure_message: str | None = None
    receipt_url: str | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class RefundSnapshot(_Snapshot):
    """One refund of one charge. PENDING may become SUCCEEDED, and SUCCEEDED may become FAILED days later."""

    kind: ClassVar[Kind] = Kind.REFUND
    status: TransactionStatus
    amount: int
    currency: str
    charge: str | None = None
    payment: str | None = None
    reason: str | None = None
    failure_reason: str | None = None
    booked: bool = True
    """Does the provider's balance tell of it? Not of the release of what was never captured."""


class InvoiceStatus(StrEnum):
    DRAFT = "draft"
    OPEN = "open"
    PAID = "paid"
    UNCOLLECTIBLE = "uncollectible"
    VOID = "void"


@dataclass(frozen=True, slots=True, kw_only=True)
class InvoiceSnapshot(_Snapshot):
    """A document that asks for money. It annotates payments; it is never added to them."""

    kind: ClassVar[Kind] = Kind.INVOICE
    status: InvoiceStatus
    currency: str
    total: int
    amount_due: int
    amount_paid: int
    amount_remaining: int
    number: str | None = None
    customer: str | None = None
    subscription: str | None = None
    email: str | None = field(default=None, repr=False)
    name: str | None = field(default=None, repr=False)
    description: str | None = None
    billing_reason: str | None = None
    attempt_count: int = 0
    attempt_failed: bool = False
    """The last attempt failed (told by the event's type, or an open invoice that is to be tried again)."""
    paid_out_of_band: bool = False
    next_attempt_at: datetime | None = None
    due_at: datetime | None = None
    paid_at: datetime | None = None
    period_start: datetime | None = None
    period_end: datetime | None = None
    hosted_url: str | None = None
    pdf_url: str | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class InvoicePaymentSnapshot(_Snapshot):
    """The link between an invoice and the payment (or charge) that paid or tries to pay it.

    With neither `payment` nor `charge` it says: known to be paid outside the provider.
    """

    kind: ClassVar[Kind] = Kind.INVOICE_PAYMENT
    invoice: str
    payment: str | None = None
    charge: str | None = None
    status: str = "open"
    """open, paid or canceled."""
    amount_paid: int = 0
    currency: str = ""


class CheckoutMode(StrEnum):
    PAYMENT = "payment"
    SUBSCRIPTION = "subscription"
    SETUP = "setup"


class CheckoutStatus(StrEnum):
    OPEN = "open"
    COMPLETE = "complete"
    EXPIRED = "expired"


class CheckoutPaymentState(StrEnum):
    """FAILED is told only by the event of a delayed method's failure; a read of a session can't see it."""

    UNPAID = "unpaid"
    PAID = "paid"
    NOT_REQUIRED = "not_required"
    FAILED = "failed"


@dataclass(frozen=True, slots=True, kw_only=True)
class CheckoutSnapshot(_Snapshot):
    """A checkout session. `url` is the hosted page while the session is open."""

    kind: ClassVar[Kind] = Kind.CHECKOUT
    mode: CheckoutMode
    status: CheckoutStatus
    payment_state: CheckoutPaymentState
    amount_total: int | None = None
    currency: str | None = None
    url: str | None = None
    customer: str | None = None
    payment: str | None = None
    invoice: str | None = None
    subscription: str | None = None
    email: str | None = field(default=None, repr=False)
    name: str | None = field(default=None, repr=False)
    client_reference: str | None = None
    expires_at: datetime | None = None


class SubscriptionStatus(StrEnum):
    INCOMPLETE = "incomplete"
    INCOMPLETE_EXPIRED = "incomplete_expired"
    TRIALING = "trialing"
    ACTIVE = "active"
    PAST_DUE = "past_due"
    UNPAID = "unpaid"
    PAUSED = "paused"
    CANCELED = "canceled"


@dataclass(frozen=True, slots=True, kw_only=True)
class SubscriptionSnapshot(_Snapshot):
    """A subscription; the period is the earliest start and latest end over its items."""

    kind: ClassVar[Kind] = Kind.SUBSCRIPTION
    status: SubscriptionStatus
    customer: str | None
    currency: str
    items: tuple[SubscriptionItem, ...] = ()
    current_period_start: datetime | None = None
    current_period_end: datetime | None = None
    cancel_at_period_end: bool = False
    cancel_at: datetime | None = None
    canceled_at: datetime | None = None
    ended_at: datetime | None = None
    trial_start: datetime | None = None
    trial_end: datetime | None = None
    collection_paused: bool = False
    collection_resumes_at: datetime | None = None
    latest_invoice: str | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class ProductSnapshot(_Snapshot):
    """What is sold. Prices and items of subscriptions name it by its id; its name is told here alone."""

    kind: ClassVar[Kind] = Kind.PRODUCT
    name: str | None = None
    description: str | None = None
    active: bool = True
    deleted: bool = False


@dataclass(frozen=True, slots=True, kw_only=True)
class PriceSnapshot(_Snapshot):
    """For how much a product is sold: `amount` is in minor units of `currency`, as in `UnitPriced`."""

    kind: ClassVar[Kind] = Kind.PRICE
    product: str
    currency: str
    amount: UnitAmount | None = None
    scheme: PriceScheme = PriceScheme.FLAT
    package: int = 1
    """`amount` is for so many units at once."""
    options: tuple[PriceOption, ...] = ()
    interval: str | None = None
    """day, week, month or year; None: it is paid once."""
    interval_count: int = 1
    nickname: str | None = None
    active: bool = True

    def __post_init__(self) -> None:
        write_one_way(self)


@dataclass(frozen=True, slots=True, kw_only=True)
class DisputeSnapshot(_Snapshot):
    """A chargeback, an inquiry or an early fraud warning about one charge.

    `evidence_due_by` is None when no answer is possible. `funds_withdrawn` is what the dispute has
    taken from our balance so far, in minor units of `currency`: 0 for inquiries and warnings, and
    again 0 once reinstated.
    """

    kind: ClassVar[Kind] = Kind.DISPUTE
    dispute_kind: DisputeKind
    status: DisputeStatus
    amount: int
    currency: str
    charge: str | None = None
    payment: str | None = None
    reason: str | None = None
    evidence_due_by: datetime | None = None
    has_evidence: bool = False
    submission_count: int = 0
    refundable: bool = False
    funds_withdrawn: int = 0


Snapshot: TypeAlias = (
    CustomerSnapshot
    | PaymentSnapshot
    | ChargeSnapshot
    | RefundSnapshot
    | InvoiceSnapshot
    | InvoicePaymentSnapshot
    | CheckoutSnapshot
    | SubscriptionSnapshot
    | ProductSnapshot
    | PriceSnapshot
    | DisputeSnapshot
)
