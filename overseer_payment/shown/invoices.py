"""Invoices as people see them, and what a subscription will be billed next."""

from __future__ import annotations

import asyncio
from typing import TYPE_CHECKING

from sqlalchemy import select

from overseer_payment import tables
from overseer_payment.errors import (
    Conflict,
    NotSupported,
    ObjectAbsent,
    PaymentError,
    ProviderRejected,
    ProviderUnavailable,
)
from overseer_payment.ledger import accounts, queries
from overseer_payment.provider import InvoicePreview, Kind, PreviewsInvoices, Ref
from overseer_payment.schemas import (
    InvoiceDetail,
    InvoiceQuery,
    InvoiceRow,
    Page,
    SubscriptionRow,
    UpcomingInvoice,
    UpcomingLine,
    Viewer,
)

if TYPE_CHECKING:
    from sqlalchemy import Connection

    from overseer_payment.ledger.accounts import Account
    from overseer_payment.ledger.scope import Scope
    from overseer_payment.shown.views import Views

_PATIENCE = 20.0
_ENDED = frozenset({"canceled", "incomplete_expired"})


async def invoices(payments: Views, viewer: Viewer, query: InvoiceQuery) -> Page[InvoiceRow]:
    """Invoices, newest first."""
    which = payments.of_provider(query.provider)
    return await payments.ask(viewer, lambda c, scope: queries.invoices(c, scope, query), which=which)


async def invoice(payments: Views, viewer: Viewer, id: str) -> InvoiceDetail:
    """One invoice, by our id or the provider's, with its payments and attempts. Raises NotFound."""
    found = await payments.ask(viewer, lambda c, scope: queries.invoice(c, scope, id), one=True)
    if not viewer.sees_all:
        return found
    built = payments.built().get(found.provider)
    url = built.dashboard_url(Ref(Kind.INVOICE, found.provider_invoice_id)) if built else None
    return found.model_copy(update={"url": url})


async def upcoming(payments: Views, viewer: Viewer, subscription_id: str) -> UpcomingInvoice:
    """What a subscription will be billed next as things stand; asks the provider, changes nothing.

    Raises NotFound, Conflict where nothing will be asked for, NotSupported, ProviderError.
    """
    row, account = await payments.ask(viewer, lambda c, scope: _found(c, scope, subscription_id), one=True)
    if row.status in _ENDED:
        raise Conflict("This subscription has ended: nothing more will be billed.", code="nothing_upcoming")
    payments.require_home(account, "subscription")
    provider = payments.registry.get(account.provider)
    if not isinstance(provider, PreviewsInvoices):
        raise NotSupported(f"{payments.registry.spec(account.provider).title} does not preview invoices.")
    return as_upcoming(row.id, await _asked(provider, row.provider_subscription_id))


def _found(connection: Connection, scope: Scope, id: str) -> tuple[SubscriptionRow, Account]:
    row = queries.subscription(connection, scope, id)
    table = tables.subscription.c
    of = connection.execute(select(table.account_id).where(table.id == row.id)).scalar_one()
    return row, accounts.of(connection, of)


async def _asked(provider: PreviewsInvoices, subscription: str) -> InvoicePreview:
    try:
        async with asyncio.timeout(_PATIENCE):
            return await provider.upcoming_invoice(subscription)
    except TimeoutError:
        raise ProviderUnavailable("The payment provider takes too long to preview the invoice.") from None
    except (ObjectAbsent, ProviderRejected) as error:
        raise Conflict(_none(error), code="nothing_upcoming") from None


def _none(error: PaymentError) -> str:
    return f"The payment provider has no next invoice of this subscription: {error.detail}"


def as_upcoming(subscription_id: int, preview: InvoicePreview) -> UpcomingInvoice:
    """A provider's preview as it is shown."""
    return UpcomingInvoice(
        subscription_id=subscription_id,
        currency=preview.currency,
        total=preview.total,
        amount_due=preview.amount_due,
        due_at=preview.due_at,
        period_start=preview.period_start,
        period_end=preview.period_end,
        lines=[
            UpcomingLine(
                description=line.description,
                amount=line.amount,
                quantity=line.quantity,
                proration=line.proration,
                period_start=line.period_start,
                period_end=line.period_end,
            )
            for line in preview.lines
        ],
    )
