"""Rows, queries and bodies of the public surface: REST, CLI `--json` and the pages all use these.

Amounts are integers in minor units of `currency`, by the provider's rule. Moments are aware UTC.
Fields of the documented contract keep their name and meaning; more may be added.
"""

from __future__ import annotations

from overseer_payment.schemas.base import (
    Body,
    Currency,
    Identifier,
    JsonObject,
    ListQuery,
    Metadata,
    Page,
    Row,
    RowT,
)
from overseer_payment.schemas.catalog import (
    Catalog,
    PriceRow,
)
from overseer_payment.schemas.checkouts import (
    CheckoutBody,
    CheckoutCreated,
    CheckoutRow,
)
from overseer_payment.schemas.customers import (
    CustomerDetail,
    CustomerQuery,
    CustomerRow,
    CustomerValue,
    EraseBody,
    Erased,
    LinkBody,
    PortalBody,
    PortalCreated,
)
from overseer_payment.schemas.dispute_detail import (
    DisputeDetail,
)
from overseer_payment.schemas.disputes import (
    Deadline,
    DisputeFilter,
    DisputeQuery,
    DisputeRow,
    EvidenceBody,
    EvidenceFieldRow,
    EvidenceFileBody,
    EvidenceFileRow,
    EvidenceFormRow,
)
from overseer_payment.schemas.endpoints import (
    EndpointBody,
    EndpointDeleted,
    EndpointList,
    EndpointRow,
    RotationBody,
)
from overseer_payment.schemas.events import (
    EventDetail,
    EventQuery,
    EventRow,
    EventState,
    Replayed,
)
from overseer_payment.schemas.invoices import (
    InvoiceAttempt,
    InvoiceDetail,
    InvoiceQuery,
    InvoiceRow,
    UpcomingInvoice,
    UpcomingLine,
)
from overseer_payment.schemas.operations import (
    OperationQuery,
    OperationRow,
    OperationState,
)
from overseer_payment.schemas.providers import (
    Finding,
    ProviderRow,
    ProviderState,
)
from overseer_payment.schemas.reports import (
    CurrencyMetrics,
    MetricsQuery,
    MetricsSummary,
    MrrPoint,
    MrrSeries,
    MrrTimeseries,
    PeriodMetrics,
    Revenue,
    RevenuePoint,
    RevenueQuery,
    RevenueSeries,
    RevenueTimeseries,
    StatusView,
)
from overseer_payment.schemas.subscriptions import (
    CancelBody,
    ChangePlanBody,
    ChangePreview,
    PauseBody,
    SubscriptionItemRow,
    SubscriptionQuery,
    SubscriptionRow,
)
from overseer_payment.schemas.transactions import (
    Reference,
    RefundBody,
    TimelineEntry,
    TransactionDetail,
    TransactionQuery,
    TransactionRow,
    TransactionState,
    TransactionType,
)
from overseer_payment.schemas.viewer import (
    Viewer,
)

__all__ = [
    "Body",
    "CancelBody",
    "Catalog",
    "ChangePlanBody",
    "ChangePreview",
    "CheckoutBody",
    "CheckoutCreated",
    "CheckoutRow",
    "Currency",
    "CurrencyMetrics",
    "CustomerDetail",
    "CustomerQuery",
    "CustomerRow",
    "CustomerValue",
    "EraseBody",
    "Erased",
    "LinkBody",
    "PortalBody",
    "PortalCreated",
    "Deadline",
    "DisputeDetail",
    "DisputeFilter",
    "DisputeQuery",
    "DisputeRow",
    "EndpointBody",
    "EndpointDeleted",
    "EndpointList",
    "EndpointRow",
    "EventDetail",
    "EventQuery",
    "EventRow",
    "EventState",
    "EvidenceBody",
    "EvidenceFieldRow",
    "EvidenceFileBody",
    "EvidenceFileRow",
    "EvidenceFormRow",
    "Finding",
    "Identifier",
    "InvoiceAttempt",
    "InvoiceDetail",
    "InvoiceQuery",
    "InvoiceRow",
    "JsonObject",
    "ListQuery",
    "Metadata",
    "MetricsQuery",
    "MetricsSummary",
    "MrrPoint",
    "MrrSeries",
    "MrrTimeseries",
    "OperationQuery",
    "OperationRow",
    "OperationState",
    "Page",
    "PauseBody",
    "PeriodMetrics",
    "PriceRow",
    "ProviderRow",
    "ProviderState",
    "Reference",
    "RefundBody",
    "Replayed",
    "Revenue",
    "RevenuePoint",
    "RevenueQuery",
    "RevenueSeries",
    "RevenueTimeseries",
    "RotationBody",
    "Row",
    "RowT",
    "StatusView",
    "SubscriptionItemRow",
    "SubscriptionQuery",
    "SubscriptionRow",
    "TimelineEntry",
    "TransactionDetail",
    "TransactionQuery",
    "TransactionRow",
    "TransactionState",
    "TransactionType",
    "UpcomingInvoice",
    "UpcomingLine",
    "Viewer",
]
