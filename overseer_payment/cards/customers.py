"""The Customers tab: the list, and one customer with what they are worth and what they pay for."""

from __future__ import annotations

from typing import TYPE_CHECKING

from overseer_payment.cards.addresses import Address
from overseer_payment.cards.frame import frame_of, view
from overseer_payment.cards.listing import asked
from overseer_payment.schemas import CustomerQuery, TransactionQuery

if TYPE_CHECKING:
    from overseer_payment.cards.render import View
    from overseer_payment.cards.visit import Visit

_FEW = 10


async def customers(seen: Visit) -> View:
    """Customers, newest first."""
    listing = asked(seen, "customers", CustomerQuery, "q")
    found = await seen.payments.customers(seen.viewer, listing.query)
    return view(
        seen,
        "customers.html",
        title="Customers",
        frame=await frame_of(seen, "customers"),
        rows=found.rows,
        listing=listing,
        paging=listing.paging(found),
    )


async def customer(seen: Visit) -> View:
    """One customer: lifetime value per currency, subscriptions, latest payments."""
    row = await seen.payments.customer(seen.viewer, str(seen.request.path_params["id"]))
    found = await seen.payments.transactions(
        seen.viewer, TransactionQuery(customer_id=str(row.id), limit=_FEW)
    )
    return view(
        seen,
        "customer.html",
        title="Customer",
        frame=await frame_of(seen, "customers"),
        row=row,
        payments=found.rows,
        more=found.next_cursor is not None,
    )


PAGES = (
    Address("/payment/modal/customers", customers),
    Address("/payment/customers/{id}", customer),
)
