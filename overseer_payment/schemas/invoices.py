"""Invoices, as they are shown and asked for, and what a subscription will ask for next."""

from __future__ import annotations

from datetime import datetime

from pydantic import Field

from overseer_payment.provider import InvoiceStatus, TransactionStatus
from overseer_payment.schemas.base import Identifier, LedgerQuery, Row
from overseer_payment.schemas.transactions import TransactionRow


class InvoiceRow(Row):
    """One document that asks for money. Amounts in minor units of `currency`."""

    id: int
    provider: str
    livemode: bool
    provider_invoice_id: str
    number: str | None = None
    status: InvoiceStatus
    currency: str
    total: int = Field(description="Less than zero where it gives credit.")
    amount_due: int
    amount_paid: int
    amount_remaining: int
    customer_id: int | None = None
    customer_email: str | None = Field(default=None, repr=False)
    customer_name: str | None = Field(default=None, repr=False)
    subscription_id: int | None = None
    attempt_count: int = Field(default=0, description="How often it was tried to collect it.")
    next_attempt_at: datetime | None = Field(
        default=None, description="When the provider will try again; null: not by itself."
    )
    due_at: datetime | None = None
    paid_at: datetime | None = None
    hosted_url: str | None = Field(default=None, description="The provider's page to see and pay it.")
    pdf_url: str | None = None
    occurred_at: datetime
    created_at: datetime


class InvoiceAttempt(Row):
    """One attempt to collect an invoice. The amount in minor units of `currency`."""

    at: datetime
    status: TransactionStatus
    amount: int
    currency: str
    method: str | None = None
    failure_code: str | None = None
    failure_message: str | None = None
    provider_id: str


class InvoiceDetail(InvoiceRow):
    description: str | None = None
    billing_reason: str | None = None
    period_start: datetime | None = None
    period_end: datetime | None = None
    url: str | None = Field(default=None, description="Its page in the provider's own dashboard; staff only.")
    payments: list[TransactionRow] = Field(default_factory=list)
    attempts: list[InvoiceAttempt] = Field(default_factory=list, description="Oldest first.")


class InvoiceQuery(LedgerQuery):
    status: InvoiceStatus | None = None
    customer_id: Identifier | None = None
    subscription_id: Identifier | None = None


class UpcomingLine(Row):
    description: str
    amount: int = Field(description="Less than zero where time already paid for is given back.")
    quantity: int | None = None
    proration: bool = False
    period_start: datetime | None = None
    period_end: datetime | None = None


class UpcomingInvoice(Row):
    """What a subscription would be billed next, as things stand. Amounts in minor units of `currency`."""

    subscription_id: int
    currency: str
    total: int
    amount_due: int
    due_at: datetime | None = Field(default=None, description="When it will be asked for.")
    period_start: datetime | None = None
    period_end: datetime | None = None
    lines: list[UpcomingLine] = Field(default_factory=list)
