"""Invoices, and what will be billed next."""

from __future__ import annotations

from overseer_payment.routes import examples
from overseer_payment.routes.answers import InvoiceList
from overseer_payment.routes.op import Call, Op
from overseer_payment.routes.ops.words import SCOPED
from overseer_payment.schemas import InvoiceDetail, InvoiceQuery, UpcomingInvoice
from overseer_payment.shown import invoices


async def list_invoices(call: Call[InvoiceQuery, None]) -> InvoiceList:
    page = await invoices.invoices(call.payments, call.viewer, call.query)
    return InvoiceList(invoices=page.rows, next_cursor=page.next_cursor)


async def get_invoice(call: Call[None, None]) -> InvoiceDetail:
    return await invoices.invoice(call.payments, call.viewer, call.id)


async def get_upcoming_invoice(call: Call[None, None]) -> UpcomingInvoice:
    return await invoices.upcoming(call.payments, call.viewer, call.id)


OPS = (
    Op(
        method="GET",
        path="/invoices",
        name="list_invoices",
        tag="Invoices",
        summary="List invoices",
        description=f"Newest first, drafts included. {SCOPED}",
        handler=list_invoices,
        answer=InvoiceList,
        example={"invoices": [examples.INVOICE], "next_cursor": None},
        query=InvoiceQuery,
    ),
    Op(
        method="GET",
        path="/invoices/{id}",
        name="get_invoice",
        tag="Invoices",
        summary="See one invoice, its payments and attempts",
        description=(
            "`attempts` has every try to collect it, the failed ones with their reason; `next_attempt_at` "
            f"says when the provider tries again. {SCOPED}"
        ),
        handler=get_invoice,
        answer=InvoiceDetail,
        example=examples.INVOICE_DETAIL,
        path_help="Our id, or the provider's.",
    ),
    Op(
        method="GET",
        path="/subscriptions/{id}/upcoming-invoice",
        name="get_upcoming_invoice",
        limited=True,
        tag="Invoices",
        summary="See what a subscription will be billed next",
        description=(
            "Asks the provider, and changes nothing. 409 `nothing_upcoming` where nothing more will be "
            f"billed. {SCOPED}"
        ),
        handler=get_upcoming_invoice,
        answer=UpcomingInvoice,
        example=examples.UPCOMING_INVOICE,
        path_help="The subscription's id: ours, or the provider's.",
        errors=(409, 502),
    ),
)
