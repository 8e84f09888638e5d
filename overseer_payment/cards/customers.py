"""The Customers tab: the list with what each is worth, and one customer with all that they pay for."""

from __future__ import annotations

from typing import TYPE_CHECKING

from overseer_payment.cards import erasing, people
from overseer_payment.cards.addresses import Address
from overseer_payment.cards.frame import frame_of, view
from overseer_payment.cards.listing import asked
from overseer_payment.schemas import CustomerQuery, InvoiceQuery, TransactionQuery
from overseer_payment.shown import customers as shown
from overseer_payment.shown import invoices as billed

if TYPE_CHECKING:
    from overseer_payment.cards.render import View
    from overseer_payment.cards.visit import Visit

_FEW = 10


async def customers(seen: Visit) -> View:
    """Customers, newest first."""
    listing = asked(seen, "customers", CustomerQuery, "q", "occurred_before")
    found = await seen.payments.customers(seen.viewer, listing.query)
    return view(
        seen,
        "customers.html",
        title="Customers",
        frame=await frame_of(seen, "customers"),
        rows=found.rows,
        worth=await shown.worth(seen.payments, seen.viewer, found.rows),
        listing=listing,
        scopes=listing.scopes({"occurred_before": "Before"}),
        searched=listing.searched(found),
        paging=listing.paging(found),
        export=seen.links.export("customers", **listing.filters),
    )


async def customer(seen: Visit) -> View:
    """One customer: lifetime value per currency, subscriptions, latest payments and invoices, and changes."""
    row = await people.found(seen)
    paid = await seen.payments.transactions(
        seen.viewer, TransactionQuery(customer_id=str(row.id), limit=_FEW)
    )
    invoices = await billed.invoices(
        seen.payments, seen.viewer, InvoiceQuery(customer_id=str(row.id), limit=_FEW)
    )
    frame = await frame_of(seen, "customers")
    return view(
        seen,
        "customer.html",
        title="Customer",
        frame=frame,
        row=row,
        offer=people.offer_of(seen, frame, row),
        told=people.told(seen, row),
        slip=None,
        payments=paid.rows,
        more=paid.next_cursor is not None,
        invoices=invoices.rows,
    )


PAGES = (
    Address("/payment/modal/customers", customers),
    Address("/payment/customers/{id}", customer),
    *people.PAGES,
    *erasing.PAGES,
)
