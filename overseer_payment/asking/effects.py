"""What people decide about what an application is told: tell it again. It is written down with a name."""

from __future__ import annotations

from typing import TYPE_CHECKING

from sqlalchemy import Connection, select, update

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


async def replay(
    payments: Payments, viewer: Viewer, id: str, *, idempotency_key: str | None = None
) -> EffectRow:
    """Have a listener told again what it could not be told, from the first attempt on.

    Raises Conflict for what was told: it is not told twice. Forbidden without `payment.admin`, NotFound.
    """
    viewer.require("payment.admin")
    return await committed(payments.engine, _replay, payments, viewer.actor, id, idempotency_key)


def _replay(connection: Connection, payments: Payments, actor: str, id: str, key: str | None) -> EffectRow:
    accounts = list(whose.received(connection, payments.homes(), payments.account).values())
    found, now = queries.effect(connection, accounts, id), utcnow()
    account_id, intent = _intent(connection, found, actor, key)
    if operations.earlier(connection, account_id, intent) is not None:
        return found
    # One that is pending may be being told at this moment.
    anew = update(table).where(table.c.id == found.id, table.c.status.in_(_UNTOLD))
    values = {"status": EffectState.PENDING.value, "attempts": 0, "due_at": now, "finished_at": None}
    changed = connection.execute(anew.values(values)).rowcount
    stands = queries.effect(connection, accounts, id)
    if stands.status in _TOLD:
        raise Conflict(f"{found.listener} was told this already.", code="effect_done")
    # A key is kept also where nothing had to be done: it must not do it later, nor anything else.
    if changed or key is not None:
        operations.note(connection, account_id, intent, now=now)
    return stands


def _intent(connection: Connection, found: EffectRow, actor: str, key: str | None) -> tuple[int, Intent]:
    account_id = connection.execute(select(table.c.account_id).where(table.c.id == found.id)).scalar_one()
    target = f"{found.topic} {found.provider_id}"[:255]
    # Several listeners may be told the same: which one is part of what was asked.
    return account_id, Intent(
        kind=REPLAY, actor=actor, target=target, request={"effect": found.id}, client_key=key
    )
