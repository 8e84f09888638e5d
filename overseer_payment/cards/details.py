"""One payment, one subscription, one customer: the drawer beside a list, or a page of its own."""

from __future__ import annotations

from typing import TYPE_CHECKING

from overseer_payment.cards.frame import frame_of, view
from overseer_payment.cards.refunds import offer_of
from overseer_payment.schemas import TransactionQuery, TransactionType

if TYPE_CHECKING:
    from overseer_payment.cards.render import View
    from overseer_payment.cards.visit import Visit
    from overseer_payment.schemas import TransactionDetail, TransactionRow

_FEW = 10


def _id(seen: Visit) -> str:
    return str(seen.request.path_params["id"])


async def transaction(seen: Visit) -> View:
    """Everything known about one payment or refund."""
    row = await seen.payments.transaction(seen.viewer, _id(seen))
    return view(
        seen,
        "transaction.html",
        title="Refund" if row.type is TransactionType.REFUND else "Payment",
        frame=await frame_of(seen, "transactions"),
        row=row,
        offer=offer_of(seen, row),
        done=_done(seen, row),
        error=None,
    )


def _done(seen: Visit, row: TransactionDetail) -> TransactionRow | None:
    """The refund that was just made, read from the ledger again: what the page says of it is true now."""
    wanted = seen.request.query_params.get("refund")
    return next((refund for refund in row.refunds if str(refund.id) == wanted), None)


async def subscription(seen: Visit) -> View:
    """One subscription with its items and its latest payments."""
    row = await seen.payments.subscription(seen.viewer, _id(seen))
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


async def customer(seen: Visit) -> View:
    """One customer: lifetime value per currency, subscriptions, latest payments."""
    row = await seen.payments.customer(seen.viewer, _id(seen))
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
