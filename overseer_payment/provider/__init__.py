"""The provider contract: what a payment provider's plugin gives us, in plain types without I/O.

Amounts are integers in minor units of the row's currency *by the provider's own rule*
(`ProviderSpec.currencies` knows that rule: Stripe counts ISK in hundredths, ISO 4217 does not).
Moments are aware UTC datetimes.

A **snapshot** is complete: it says everything its type can hold about one object as of one
moment. What a payload leaves out is not set to None by guess; it is another snapshot
(`InvoicePaymentSnapshot` for "this invoice was paid by that payment") or a `Ref` to fetch.
"""

from __future__ import annotations

from overseer_payment.provider.billing import (
    DeletesCustomers,
    ExpiresCheckouts,
    OpensPortal,
    PortalRequest,
    PortalSession,
)
from overseer_payment.provider.capabilities import (
    Capability,
)
from overseer_payment.provider.dispute_states import (
    AWAITS_RESPONSE,
    OPEN_DISPUTE,
    DisputeKind,
    DisputeStatus,
)
from overseer_payment.provider.disputing import (
    AnswersDisputes,
    Evidence,
    EvidenceField,
    EvidenceFile,
    EvidenceForm,
)
from overseer_payment.provider.endpoints import (
    Endpoint,
    EndpointRequest,
    LocalSecret,
    ManagesEndpoints,
    SignsDeliveries,
)
from overseer_payment.provider.events import (
    Event,
    EventPage,
    Parsed,
    SnapshotPage,
)
from overseer_payment.provider.naming import (
    API_LEVEL,
    AsOf,
    Kind,
    Ref,
    Source,
)
from overseer_payment.provider.previews import (
    InvoicePreview,
    PreviewLine,
    PreviewsInvoices,
)
from overseer_payment.provider.pricing import PriceOption, PriceScheme, SubscriptionItem, UnitPriced
from overseer_payment.provider.protocol import (
    ListsEvents,
    ListsObjects,
    NamesItsKey,
    Provider,
    ProviderSpec,
    TellsFaults,
)
from overseer_payment.provider.requests import (
    CheckoutRequest,
    CustomerRequest,
    Health,
    Price,
    RefundRequest,
)
from overseer_payment.provider.snapshots import (
    ChargeSnapshot,
    CheckoutMode,
    CheckoutPaymentState,
    CheckoutSnapshot,
    CheckoutStatus,
    CustomerSnapshot,
    DisputeSnapshot,
    InvoicePaymentSnapshot,
    InvoiceSnapshot,
    InvoiceStatus,
    PaymentSnapshot,
    PriceSnapshot,
    ProductSnapshot,
    RefundSnapshot,
    Snapshot,
    SubscriptionSnapshot,
    SubscriptionStatus,
    TransactionStatus,
)
from overseer_payment.provider.subscribing import (
    Cancellation,
    CancelRequest,
    ChangePreview,
    ChangeRequest,
    ChangesSubscriptions,
    PauseBehavior,
    PauseKind,
    PauseRequest,
    PausesSubscriptions,
    Proration,
    ResumeRequest,
)
from overseer_payment.provider.triggering import (
    Triggered,
    TriggersEvents,
)

__all__ = [
    "API_LEVEL",
    "AWAITS_RESPONSE",
    "OPEN_DISPUTE",
    "AnswersDisputes",
    "AsOf",
    "CancelRequest",
    "Cancellation",
    "Capability",
    "ChangePreview",
    "ChangeRequest",
    "ChangesSubscriptions",
    "ChargeSnapshot",
    "CheckoutMode",
    "CheckoutPaymentState",
    "CheckoutRequest",
    "CheckoutSnapshot",
    "CheckoutStatus",
    "CustomerRequest",
    "CustomerSnapshot",
    "DeletesCustomers",
    "DisputeKind",
    "DisputeSnapshot",
    "DisputeStatus",
    "Endpoint",
    "EndpointRequest",
    "Event",
    "EventPage",
    "Evidence",
    "EvidenceField",
    "EvidenceFile",
    "EvidenceForm",
    "ExpiresCheckouts",
    "Health",
    "InvoicePaymentSnapshot",
    "InvoicePreview",
    "InvoiceSnapshot",
    "InvoiceStatus",
    "Kind",
    "ListsEvents",
    "ListsObjects",
    "LocalSecret",
    "ManagesEndpoints",
    "NamesItsKey",
    "OpensPortal",
    "Parsed",
    "PauseBehavior",
    "PauseKind",
    "PauseRequest",
    "PausesSubscriptions",
    "PaymentSnapshot",
    "PortalRequest",
    "PortalSession",
    "PreviewLine",
    "PreviewsInvoices",
    "Price",
    "PriceOption",
    "PriceScheme",
    "PriceSnapshot",
    "ProductSnapshot",
    "Proration",
    "Provider",
    "ProviderSpec",
    "Ref",
    "RefundRequest",
    "RefundSnapshot",
    "ResumeRequest",
    "SignsDeliveries",
    "Snapshot",
    "SnapshotPage",
    "Source",
    "SubscriptionItem",
    "SubscriptionSnapshot",
    "SubscriptionStatus",
    "TellsFaults",
    "TransactionStatus",
    "Triggered",
    "TriggersEvents",
    "UnitPriced",
]
