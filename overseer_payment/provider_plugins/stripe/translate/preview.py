"""An invoice preview (page "Create a preview invoice"): what would be asked for, under no id of use."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import datetime

from overseer_payment.provider import InvoicePreview, PreviewLine
from overseer_payment.provider_plugins.stripe.translate import fields as f


def preview(obj: f.Json) -> InvoicePreview:
    """What the preview asks for, and its lines. Raises PayloadInvalid without a sum or a currency."""
    lines = tuple(_lines(obj))
    return InvoicePreview(
        currency=f.currency(obj),
        total=f.amount(obj, "total"),
        amount_due=f.amount(obj, "amount_due"),
        lines=lines,
        due_at=f.moment(obj, "next_payment_attempt") or f.moment(obj, "due_date"),
        # The invoice's own period is that of the usage it looks back on; what is bought is on the lines.
        period_start=min(_moments(line.period_start for line in lines), default=None),
        period_end=max(_moments(line.period_end for line in lines), default=None),
    )


def _lines(obj: f.Json) -> Iterator[PreviewLine]:
    for row in f.rows(obj, "lines"):
        period = f.inner(row, "period")
        yield PreviewLine(
            description=f.text(row, "description") or "",
            amount=f.whole(row, "amount"),
            quantity=f.whole(row, "quantity") if isinstance(row.get("quantity"), int) else None,
            proration=_is_proration(row),
            period_start=f.moment(period, "start"),
            period_end=f.moment(period, "end"),
        )


def _is_proration(row: f.Json) -> bool:
    """Since Basil told by what the line came from."""
    parent = f.inner(row, "parent")
    return any(
        f.flag(f.inner(parent, details), "proration")
        for details in ("subscription_item_details", "invoice_item_details")
    ) or f.flag(row, "proration")


def _moments(found: Iterator[datetime | None]) -> Iterator[datetime]:
    return (moment for moment in found if moment is not None)
