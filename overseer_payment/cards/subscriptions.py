"""The Subscriptions tab: the list, and one subscription with its items, payments and invoices."""

from __future__ import annotations

from typing import TYPE_CHECKING

from overseer_payment.cards import plans, subscribing, subscription_offers, words
from overseer_payment.cards.addresses import Address
from overseer_payment.cards.frame import frame_of, view
from overseer_payment.cards.listing import asked
from overseer_payment.cards.paid import paid_by
from overseer_payment.errors import Conflict
from overseer_payment.schemas import SubscriptionQuery
from overseer_payment.shown import invoices as shown

if TYPE_CHECKING:
    from overseer_payment.cards.render import View
    from overseer_payment.cards.visit import Visit


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
        scopes=listing.scopes({"customer_id": "Customer"}),
        listing=listing,
        paging=listing.paging(found),
        export=seen.links.export("subscriptions", **listing.filters),
    )


async def subscription(seen: Visit) -> View:
    """One subscription with its items, its latest payments and invoices, and what can be done with it."""
    row = await subscribing.found(seen)
    frame = await frame_of(seen, "subscriptions")
    return view(
        seen,
        "subscription.html",
        title="Subscription",
        frame=frame,
        row=row,
        offer=subscription_offers.offer_of(seen, frame, row),
        told=subscription_offers.told(seen, row),
        slip=None,
        paid=await paid_by(seen, "subscription_id", row.id),
    )


async def upcoming(seen: Visit) -> View:
    """What it will be billed next: the provider is asked, so only when somebody wants to know."""
    row = await subscribing.found(seen)
    nothing, preview = "", None
    try:
        preview = await shown.upcoming(seen.payments, seen.viewer, str(row.id))
    except Conflict as error:
        nothing = error.detail
    return view(
        seen,
        "upcoming.html",
        title="Next invoice",
        frame=await frame_of(seen, "subscriptions"),
        change=subscribing.change_of(seen, row, "upcoming"),
        row=row,
        preview=preview,
        nothing=nothing,
    )


PAGES = (
    Address("/payment/modal/subscriptions", subscriptions),
    Address("/payment/subscriptions/{id}", subscription),
    Address("/payment/subscriptions/{id}/upcoming", upcoming),
    *subscribing.PAGES,
    *plans.PAGES,
)
