"""What an invoice would say that doesn't exist yet: of a subscription as it stands, or as it would be."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from typing import Protocol, runtime_checkable


@dataclass(frozen=True, slots=True, kw_only=True)
class PreviewLine:
    """One line. `amount` in minor units, below zero where time already paid for is given back."""

    description: str
    amount: int
    quantity: int | None = None
    proration: bool = False
    period_start: datetime | None = None
    period_end: datetime | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class InvoicePreview:
    """An invoice that nobody made. Amounts in minor units of `currency`; `amount_due` after credit.

    `due_at` is when it would be asked for, None where the provider doesn't tell.
    """

    currency: str
    total: int
    amount_due: int
    lines: tuple[PreviewLine, ...] = ()
    due_at: datetime | None = None
    period_start: datetime | None = None
    period_end: datetime | None = None


@runtime_checkable
class PreviewsInvoices(Protocol):
    """What a provider that declares INVOICE_PREVIEW does besides. Others need not have the method."""

    async def upcoming_invoice(self, subscription: str) -> InvoicePreview:
        """The next invoice of a subscription as it stands. Raises ObjectAbsent, and ProviderRejected where
        none will come (it ends, or is paused)."""
