"""The outbox, for those who look after it."""

from __future__ import annotations

from typing import TYPE_CHECKING

from overseer_payment.ledger.queries import effects as queries
from overseer_payment.schemas import EffectQuery, EffectRow, Page, Viewer
from overseer_payment.shown import whose

if TYPE_CHECKING:
    from overseer_payment.shown.views import Views


async def effects(payments: Views, viewer: Viewer, query: EffectQuery) -> Page[EffectRow]:
    """What applications are told, the last first. Raises Forbidden without `payment.view`."""
    viewer.require("payment.view")
    return await payments.ask(
        viewer, lambda c, scope: queries.effects(c, scope.account_ids, query), which=whose.received
    )


async def effect(payments: Views, viewer: Viewer, id: str) -> EffectRow:
    """One of them by our id. Raises Forbidden without `payment.view`, NotFound."""
    viewer.require("payment.view")
    return await payments.ask(
        viewer, lambda c, scope: queries.effect(c, scope.account_ids, id), which=whose.received
    )
