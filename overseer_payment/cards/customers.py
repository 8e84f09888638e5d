"""The Customers tab: the list with what each is worth, and one customer with all that they pay for."""

from __future__ import annotations

from typing import TYPE_CHECKING

from overseer_payment.cards import erasing, people
from overseer_payment.cards.addresses import Address
from overseer_payment.cards.frame import frame_of, view
from overseer_payment.cards.listing import asked
from overseer_payment.cards.paid import paid_by
from overseer_payment.schemas import CustomerQuery
from overseer_payment.shown import customers as shown

if TYPE_CHECKING:
    from overseer_payment.cards.render import View
    from overseer_payment.cards.visit import Visit


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
        paid=await paid_by(seen, "customer_id", row.id),
    )


PAGES = (
    Address("/payment/modal/customers", customers),
    Address("/payment/customers/{id}", customer),
    *people.PAGES,
    *erasing.PAGES,
)
