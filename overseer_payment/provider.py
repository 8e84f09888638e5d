"""The provider contract: what a payment provider's plugin gives us, in plain types without I/O.

Amounts are integers in minor units of the row's currency *by the provider's own rule*
(`ProviderSpec.currencies` knows that rule: Stripe counts ISK in hundredths, ISO 4217 does not).
Moments are aware UTC datetimes.

A **snapshot** is complete: it says everything its type can hold about one object as of one
moment. What a payload leaves out is not set to None by guess; it is another snapshot
(`InvoicePaymentSnapshot` for "this invoice was paid by that payment") or a `Ref` to fetch.
"""

from __future__ import annotations

from collections.abc import AsyncIterator, Callable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from enum import StrEnum
from typing import Any, ClassVar, Protocol, TypeAlias, runtime_checkable

from pydantic import BaseModel

from overseer_payment.money import CurrencyTable

API_LEVEL = 1
"""Version of this contract. A plugin that names another level is listed as broken, with the reason."""


class Kind(StrEnum):
    """What sort of provider object a `Ref` names."""

    CUSTOMER = "customer"
    CHECKOUT = "checkout"
    PAYMENT = "payment"  # a payment intent: one attempt or several to collect one sum
    CHARGE = "charge"  # one attempt that reached the card network or bank
    REFUND = "refund"
    INVOICE = "invoice"
    INVOICE_PAYMENT = "invoice_payment"
    SUBSCRIPTION = "subscription"
    DISPUTE = "dispute"  # chargebacks, inquiries and early fraud warnings


class Capability(StrEnum):
    """What a provider can do. Declared if and only if implemented; UI and CLI offer no more than this."""

    CHECKOUT_PAYMENT = "checkout_payment"
    CHECKOUT_SUBSCRIPTION = "checkout_subscription"
    CHECKOUT_SETUP = "checkout_setup"
    TRIAL = "trial"
    REFUND = "refund"
    PARTIAL_REFUND = "partial_refund"
    CUSTOMERS = "customers"
    CATALOG = "catalog"
    EVENT_LIST = "event_list"  # the provider is a `ListsEvents`: what a webhook missed can be asked for
    OBJECT_LIST = "object_list"  # the provider is a `ListsObjects`: history can be read, and compared


class Source(StrEnum):
    """Where a snapshot comes from. A read of the API beats an event payload of the same moment."""

    EVENT = "event"
    READ = "read"


@dataclass(frozen=True, slots=True, order=True)
class Ref:
    """Names one object at the provider."""

    kind: Kind
    id: str


@dataclass(frozen=True, slots=True)
class AsOf:
    """The moment, by the provider's clock, at which a snapshot was true, and its source.

    For an event: the event's creation time (Stripe: whole seconds). For a read: when the read began.
    """

    moment: datetime
    source: Source

    @property
    def version(self) -> int:
        """A number that orders snapshots of one object: milliseconds since 1970, then READ over EVENT."""
        return int(self.moment.timestamp() * 1000) * 2 + (self.source is Source.READ)


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
    SUCCEEDED, before that the amount asked for. `amount_refunded` includes pending refunds.
    """

    kind: ClassVar[Kind] = Kind.CHARGE
    status: TransactionStatus
    amount: int
    amount_refunded: int
    currency: str
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
    """The last attempt failed (told by the event's type, or an open invoice with attempts)."""
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
class SubscriptionItem:
    """One line of a subscription. `amount` is for one unit and one interval."""

    id: str
    price: str
    product: str | None = None
    name: str | None = None
    quantity: int = 1
    amount: int = 0
    interval: str | None = None
    """day, week, month or year."""
    interval_count: int = 1


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


class DisputeKind(StrEnum):
    CHARGEBACK = "chargeback"
    INQUIRY = "inquiry"
    FRAUD_WARNING = "fraud_warning"


class DisputeStatus(StrEnum):
    """Provider-neutral: OPEN states need or await an answer, the rest are final.

    Stripe's `warning_*` states map onto the same words with kind INQUIRY; `appeal_*` likewise.
    """

    NEEDS_RESPONSE = "needs_response"
    UNDER_REVIEW = "under_review"
    APPEAL_NEEDS_RESPONSE = "appeal_needs_response"
    APPEAL_UNDER_REVIEW = "appeal_under_review"
    WON = "won"
    LOST = "lost"
    CLOSED = "closed"
    PREVENTED = "prevented"


OPEN_DISPUTE = frozenset(
    {
        DisputeStatus.NEEDS_RESPONSE,
        DisputeStatus.UNDER_REVIEW,
        DisputeStatus.APPEAL_NEEDS_RESPONSE,
        DisputeStatus.APPEAL_UNDER_REVIEW,
    }
)


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
    | DisputeSnapshot
)


@dataclass(frozen=True, slots=True, kw_only=True)
class Event:
    """One verified webhook delivery, as far as the inbox needs to know it.

    `account` is None for the account that the API key belongs to, else the connected account's id.
    """

    id: str
    type: str
    occurred_at: datetime
    livemode: bool
    api_version: str | None
    account: str | None
    payload: Mapping[str, Any] = field(repr=False)


@dataclass(frozen=True, slots=True, kw_only=True)
class Parsed:
    """What an event says: `snapshots` to record, and `fetch`: objects whose payload can't be used as it is.

    Both empty: the event says nothing about money; it ends as *ignored*.
    """

    snapshots: tuple[Snapshot, ...] = ()
    fetch: tuple[Ref, ...] = ()


@dataclass(frozen=True, slots=True, kw_only=True)
class EventPage:
    """Some of the provider's past events. `next_cursor` asks for those that follow, None: there are no more.

    `as_of` is the provider's time when this read began: an event made later may be missing. Of events
    before `kept_since` the provider tells no more; None: it keeps them for good.
    """

    events: tuple[Event, ...]
    next_cursor: str | None
    as_of: datetime
    kept_since: datetime | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class SnapshotPage:
    """Some of the provider's objects, read at `as_of` by its clock, each with what it links to.

    `unreadable` names objects that are there but whose JSON can't be used: one of them must not hide the
    others.
    """

    snapshots: tuple[Snapshot, ...]
    next_cursor: str | None
    as_of: datetime
    unreadable: tuple[Ref, ...] = ()


@dataclass(frozen=True, slots=True, kw_only=True)
class CheckoutRequest:
    """What to sell. Exactly one of `customer` (the provider's id) and `email` may be set."""

    mode: CheckoutMode
    success_url: str
    cancel_url: str
    price: str | None = None
    """The provider's price id; None only in setup mode."""
    quantity: int = 1
    currency: str | None = None
    """Needed in setup mode only."""
    customer: str | None = None
    email: str | None = field(default=None, repr=False)
    client_reference: str | None = None
    trial_period_days: int | None = None
    metadata: Mapping[str, str] = field(default_factory=dict)


@dataclass(frozen=True, slots=True, kw_only=True)
class RefundRequest:
    """`amount` in minor units of `currency`. Names the payment intent, else the charge."""

    amount: int
    currency: str
    payment: str | None = None
    charge: str | None = None
    reason: str | None = None
    metadata: Mapping[str, str] = field(default_factory=dict)


@dataclass(frozen=True, slots=True, kw_only=True)
class CustomerRequest:
    email: str | None = field(default=None, repr=False)
    name: str | None = field(default=None, repr=False)
    metadata: Mapping[str, str] = field(default_factory=dict)


@dataclass(frozen=True, slots=True, kw_only=True)
class Price:
    """One way to buy one product. `amount` in minor units, None when it depends (tiers, custom)."""

    id: str
    product: str
    product_name: str
    amount: int | None
    currency: str
    interval: str | None = None
    interval_count: int = 1
    nickname: str | None = None
    active: bool = True


@dataclass(frozen=True, slots=True, kw_only=True)
class Health:
    """What a health check found. `message` is one sentence for a person."""

    healthy: bool
    message: str
    livemode: bool
    account: str | None = None
    """The provider's own id of the account the key belongs to, when it could be read."""
    title: str | None = None


@runtime_checkable
class Provider(Protocol):
    """A configured provider. Built once for each event loop by `ProviderSpec.factory`.

    Methods that write take an idempotency key, stored by the caller *before* the call; the same key
    again must not move money twice. They return what the provider answered as snapshots (source READ).
    They raise `ProviderRejected` for a definite no, `ProviderUnavailable` or `ProviderRateLimited`
    when nothing happened, and `OutcomeUnknown` when it may have. No SDK error leaves a provider.
    """

    livemode: bool

    async def create_checkout(self, request: CheckoutRequest, *, idempotency_key: str) -> CheckoutSnapshot:
        """Open a hosted checkout; the snapshot's `url` is where to send the buyer."""

    async def get_transaction(self, provider_transaction_id: str) -> Sequence[Snapshot]:
        """Everything about one payment, known by its payment intent, charge, session or invoice id.

        Raises ObjectAbsent.
        """

    async def refund(self, request: RefundRequest, *, idempotency_key: str) -> Sequence[Snapshot]:
        """Give money back. The refund comes first in what is returned, its charge may follow."""

    async def create_customer(
        self, request: CustomerRequest, *, idempotency_key: str
    ) -> CustomerSnapshot: ...

    def verify_webhook(self, body: bytes, headers: Mapping[str, str], *, now: datetime) -> Event:
        """Check the signature of the raw bytes against every configured secret, and read the envelope.

        Header names are lower case. Raises WebhookNotConfigured, SignatureInvalid, PayloadInvalid.
        """

    def parse(self, event: Event) -> Parsed:
        """Translate an event. Pure: no I/O, no clock. An unknown type gives an empty `Parsed`.

        Raises PayloadInvalid when an event of a known type can't be read.
        """

    async def fetch(self, ref: Ref) -> Sequence[Snapshot]:
        """The present state of one object and of what it links to. Raises ObjectAbsent.

        An invoice comes with all its `InvoicePaymentSnapshot`s, a charge with all its refunds.
        """

    def list_prices(self) -> AsyncIterator[Price]:
        """Every active price (capability CATALOG)."""

    async def health_check(self) -> Health:
        """Can we talk to the provider with this key? Never raises a ProviderError: says so instead."""

    def dashboard_url(self, ref: Ref) -> str | None:
        """The page about this object in the provider's own dashboard."""

    async def aclose(self) -> None: ...


@runtime_checkable
class ListsEvents(Protocol):
    """What a provider that declares EVENT_LIST does besides. Others need not have the method."""

    async def list_events(self, since: datetime | None, *, cursor: str | None = None) -> EventPage:
        """Events about money since that moment (None: as far back as they are kept), a bounded page.

        Oldest first as far as the provider can; every event that a webhook would have brought, as it
        would have brought it. Lists lag behind: callers ask again for the last few minutes. `cursor` is
        a `next_cursor` with the same `since`, from any process and any day; ProviderRejected or
        ObjectAbsent says that it is too old. Raises ProviderError.
        """


@runtime_checkable
class ListsObjects(Protocol):
    """What a provider that declares OBJECT_LIST does besides. Others need not have the method."""

    async def list_objects(
        self, kind: Kind, *, since: datetime | None = None, cursor: str | None = None
    ) -> SnapshotPage:
        """The present state of objects of one kind made since that moment (None: of all), a bounded page.

        At the version of the API that the plugin speaks, source READ, complete like those of `fetch`.
        Older ones may be among them: a kind that lives on (subscriptions) is listed as long as it is
        alive. A kind that the provider doesn't have gives an empty page. Raises ProviderError.
        """


@dataclass(frozen=True, slots=True, kw_only=True)
class ProviderSpec:
    """What `register_providers()` yields: a declaration that costs nothing to make.

    `settings` is read from the environment by `overseer_payment.settings`; `configured(settings)` says
    whether enough is set to build a provider. `factory(settings, http)` builds one; `http` is an
    `httpx.AsyncClient` that the caller owns (tests inject an ASGI transport there).
    """

    key: str
    """`^[a-z][a-z0-9_]*$`"""
    title: str
    api_version: str
    """The version of the provider's API that this plugin speaks."""
    capabilities: frozenset[Capability]
    settings: type[BaseModel]
    factory: Callable[[Any, Any], Provider]
    configured: Callable[[Any], bool]
    currencies: CurrencyTable = field(default_factory=CurrencyTable)
    api_level: int = API_LEVEL
