"""The inbox, for those who look after it."""

from __future__ import annotations

from typing import TYPE_CHECKING

from overseer_payment.ledger.queries import events as queries
from overseer_payment.schemas import EventDetail, EventQuery, EventRow, Page, Viewer
from overseer_payment.shown import whose

if TYPE_CHECKING:
    from overseer_payment.shown.views import Views


async def events(payments: Views, viewer: Viewer, query: EventQuery) -> Page[EventRow]:
    """Events, the last received first, without what they hold. Raises Forbidden without `payment.view`."""
    viewer.require("payment.view")
    return await payments.ask(
        viewer, lambda c, scope: queries.events(c, scope.account_ids, query), which=whose.received
    )


async def event(payments: Views, viewer: Viewer, id: str) -> EventDetail:
    """One event with its payload, by our id or the provider's.

    A payload holds more of people than any view shows, so it takes `payment.admin`. Raises Forbidden,
    NotFound.
    """
    viewer.require("payment.admin")
    return await payments.ask(
        viewer, lambda c, scope: queries.event(c, scope.account_ids, id), which=whose.received
    )
