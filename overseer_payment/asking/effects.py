"""What people decide about what an application is told: tell it again. It is written down with a name."""

from __future__ import annotations

from typing import TYPE_CHECKING

from sqlalchemy import Connection, update

from overseer_payment import operations
from overseer_payment.committing import committed
from overseer_payment.database import utcnow
from overseer_payment.errors import Conflict
from overseer_payment.ledger.queries import effects as queries
from overseer_payment.operations import Intent
from overseer_payment.schemas import EffectRow, EffectState, Viewer
from overseer_payment.shown import whose
from overseer_payment.tables import effect as table

if TYPE_CHECKING:
    from overseer_payment.service import Payments

REPLAY = "effect.replay"
_TOLD = (EffectState.DONE, EffectState.LAPSED)
_UNTOLD = (EffectState.FAILED, EffectState.DEAD)


async def replay(payments: Payments, viewer: Viewer, id: str) -> EffectRow:
    """Have a listener told again what it could not be told, from the first attempt on.

    Raises Conflict for what was told: it is not told twice. Forbidden without `payment.admin`, NotFound.
    """
    viewer.require("payment.admin")
    return await committed(payments.engine, _replay, payments, viewer.actor, id)


def _replay(connection: Connection, payments: Payments, actor: str, id: str) -> EffectRow:
    accounts = whose.received(connection, payments.homes(), payments.account)
    found, now = queries.effect(connection, list(accounts.values()), id), utcnow()
    # One that is pending may be being told at this moment.
    anew = update(table).where(table.c.id == found.id, table.c.status.in_(_UNTOLD))
    values = {"status": EffectState.PENDING.value, "attempts": 0, "due_at": now, "finished_at": None}
    account_id = connection.execute(anew.values(values).returning(table.c.account_id)).scalar_one_or_none()
    if account_id is not None:
        target = f"{found.topic} {found.provider_id}"[:255]
        intent = Intent(kind=REPLAY, actor=actor, target=target, request={})
        operations.note(connection, account_id, intent, now=now)
    stands = queries.effect(connection, list(accounts.values()), id)
    if stands.status in _TOLD:
        raise Conflict(f"{found.listener} was told this already.", code="effect_done")
    return stands
