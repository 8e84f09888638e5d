"""What a drawer shows of what was paid: the latest payments and invoices of one customer or subscription."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Literal

from overseer_payment.schemas import InvoiceQuery, TransactionQuery
from overseer_payment.shown import invoices as shown

if TYPE_CHECKING:
    from overseer_payment.cards.visit import Visit
    from overseer_payment.schemas import InvoiceRow, TransactionRow

_FEW = 10


@dataclass(frozen=True, slots=True)
class Paid:
    """The newest of each; `all` leads to the payments that aren't here."""

    payments: Sequence[TransactionRow]
    invoices: Sequence[InvoiceRow]
    all: str | None


async def paid_by(seen: Visit, of: Literal["customer_id", "subscription_id"], id: int) -> Paid:
    """What was lately paid by that customer, or for that subscription."""
    whose = {of: str(id), "limit": _FEW}
    payments = await seen.payments.transactions(seen.viewer, TransactionQuery.model_validate(whose))
    invoices = await shown.invoices(seen.payments, seen.viewer, InvoiceQuery.model_validate(whose))
    more = seen.links.tab("transactions", **{of: id}) if payments.next_cursor is not None else None
    return Paid(payments.rows, invoices.rows, more)
