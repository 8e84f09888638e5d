"""The Transactions tab: the list, and everything known about one payment or refund."""

from __future__ import annotations

from datetime import timedelta
from typing import TYPE_CHECKING

from overseer_payment.cards import refunds, words
from overseer_payment.cards.addresses import Address
from overseer_payment.cards.frame import frame_of, view
from overseer_payment.cards.listing import Listing, asked
from overseer_payment.schemas import TransactionQuery, TransactionType

if TYPE_CHECKING:
    from overseer_payment.cards.frame import Frame
    from overseer_payment.cards.listing import Chips
    from overseer_payment.cards.render import View
    from overseer_payment.cards.visit import Visit

_FILTERS = (
    *("status", "type", "currency", "q", "customer_id", "subscription_id", "provider"),
    *("occurred_after", "occurred_before", "order"),
)
_SCOPES = {
    "customer_id": "Customer",
    "subscription_id": "Subscription",
    "occurred_before": "Before",
    "provider": "Provider",
}
_RECENT = (7, 30, 90)
"""Periods to choose from, in days with today; the same as those of the overview."""


async def transactions(seen: Visit) -> View:
    """Payments and refunds, newest first unless asked otherwise: sorted by amount, those of one currency."""
    listing = asked(seen, "transactions", TransactionQuery, *_FILTERS)
    found = await seen.payments.transactions(seen.viewer, listing.query)
    frame = await frame_of(seen, "transactions")
    return view(
        seen,
        "transactions.html",
        title="Transactions",
        frame=frame,
        rows=found.rows,
        groups=_groups(listing, frame),
        listing=listing,
        scopes=listing.scopes(_SCOPES),
        searched=listing.searched(found),
        currency=listing.query.currency or next(iter(_currencies(frame)), None),
        paging=listing.paging(found, listing.query.order),
        export=seen.links.export("transactions", **listing.filters),
    )


def _groups(listing: Listing[TransactionQuery], frame: Frame) -> list[Chips]:
    groups = [
        listing.chips("status", ((state.value, word.text) for state, word in words.TRANSACTION.items())),
        listing.chips("type", ((kind.value, text) for kind, text in words.TYPE.items())),
    ]
    currencies = _currencies(frame)
    if len(currencies) > 1:
        by_amount = "order" if listing.query.order in {"largest", "smallest"} else None
        codes = ((code, code.upper()) for code in currencies)
        groups.append(listing.chips("currency", codes, holds=by_amount))
    return [*groups, _periods(listing)]


def _currencies(frame: Frame) -> list[str]:
    return [revenue.currency for revenue in frame.status.revenue] if frame.status else []


def _periods(listing: Listing[TransactionQuery]) -> Chips:
    """Since when: usual periods, and the day that a link came with."""
    today, given = listing.seen.now.date(), listing.filters.get("occurred_after", "")
    starts = {(today - timedelta(days=days - 1)).isoformat(): f"{days} days" for days in _RECENT}
    if given and given not in starts:
        starts[given] = f"since {given[:10]}"
    return listing.chips("occurred_after", starts.items(), label="When")


async def transaction(seen: Visit) -> View:
    """Everything known about one payment or refund."""
    row = await seen.payments.transaction(seen.viewer, str(seen.request.path_params["id"]))
    return view(
        seen,
        "transaction.html",
        title="Refund" if row.type is TransactionType.REFUND else "Payment",
        frame=await frame_of(seen, "transactions"),
        row=row,
        offer=refunds.offer_of(seen, row),
        told=refunds.told(seen, row),
        slip=None,
    )


PAGES = (
    Address("/payment/modal/transactions", transactions),
    Address("/payment/transactions/{id}", transaction),
    *refunds.PAGES,
)
