"""The Subscriptions tab: the list, and one subscription with its items and its latest payments."""

from __future__ import annotations

from typing import TYPE_CHECKING

from overseer_payment.cards import words
from overseer_payment.cards.addresses import Address
from overseer_payment.cards.frame import frame_of, view
from overseer_payment.cards.listing import asked
from overseer_payment.schemas import SubscriptionQuery, TransactionQuery

if TYPE_CHECKING:
    from overseer_payment.cards.render import View
    from overseer_payment.cards.visit import Visit

_FEW = 10


async def subscriptions(seen: Visit) -> View:
    """Subscriptions, newest first."""
    listing = asked(seen, "subscriptions", SubscriptionQuery, "status", "customer_id")
    found = await seen.payments.subscriptions(seen.viewer, listing.query)
    states = ((state.value, word.text) for state, word in words.SUBSCRIPTION.items())
    return view(
        seen,
        "subscriptions.html",
        title="Subscriptions",
        frame=await frame_of(seen, "subscriptions"),
        rows=found.rows,
        groups=[listing.chips("status", states)],
        listing=listing,
        paging=listing.paging(found),
    )


async def subscription(seen: Visit) -> View:
    """One subscription with its items and its latest payments."""
    row = await seen.payments.subscription(seen.viewer, str(seen.request.path_params["id"]))
    found = await seen.payments.transactions(
        seen.viewer, TransactionQuery(subscription_id=str(row.id), limit=_FEW)
    )
    return view(
        seen,
        "subscription.html",
        title="Subscription",
        frame=await frame_of(seen, "subscriptions"),
        row=row,
        payments=found.rows,
        more=found.next_cursor is not None,
    )


PAGES = (
    Address("/payment/modal/subscriptions", subscriptions),
    Address("/payment/subscriptions/{id}", subscription),
)
