"""What was sent to providers, by whom, with what outcome."""

from __future__ import annotations

from typing import TYPE_CHECKING

from overseer_payment.ledger.queries import operations as queries
from overseer_payment.schemas import OperationQuery, OperationRow, Page, Viewer
from overseer_payment.shown import whose

if TYPE_CHECKING:
    from overseer_payment.shown.views import Views


async def operations(payments: Views, viewer: Viewer, query: OperationQuery) -> Page[OperationRow]:
    """Operations, newest first. Raises Forbidden without `payment.view`."""
    viewer.require("payment.view")
    return await payments.ask(
        viewer, lambda c, scope: queries.operations(c, scope.account_ids, query), which=whose.received
    )
