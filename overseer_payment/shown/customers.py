"""Customers beyond their rows: what those of a list are worth."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING

from overseer_payment.ledger import queries
from overseer_payment.schemas import CustomerRow, CustomerValue, Viewer

if TYPE_CHECKING:
    from overseer_payment.shown.views import Views


async def worth(
    payments: Views, viewer: Viewer, rows: Sequence[CustomerRow]
) -> dict[int, list[CustomerValue]]:
    """Lifetime value per currency of the customers of one page, by our ids. One question for all of them."""
    ids = [row.id for row in rows]
    return await payments.ask(viewer, lambda connection, scope: queries.worth(connection, scope, ids))
