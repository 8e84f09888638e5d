"""What people decide about events: apply one again, or take it out. Both are written down with a name."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime
from typing import TYPE_CHECKING, Any

from sqlalchemy import Connection, select, update

from overseer_payment import operations
from overseer_payment.committing import committed
from overseer_payment.database import utcnow
from overseer_payment.errors import Conflict
from overseer_payment.inbox import APPLIED, DEAD, FAILED, IGNORED, PENDING
from overseer_payment.ledger.queries import events as queries
from overseer_payment.operations import Intent
from overseer_payment.schemas import EventRow, Viewer
from overseer_payment.shown import whose
from overseer_payment.tables import event as table

if TYPE_CHECKING:
    from overseer_payment.service import Payments

REPLAY, IGNORE = "event.replay", "event.ignore"
_BATCH = 500


async def replay(
    payments: Payments, viewer: Viewer, id: str, *, idempotency_key: str | None = None
) -> EventRow:
    """Have an event applied again from the beginning, whatever became of it; answers it as it waits.

    Applying twice is safe: recording is a merge. Raises Forbidden without `payment.admin`, NotFound.
    """
    viewer.require("payment.admin")
    row = await committed(payments.engine, _replay, payments, viewer.actor, id, idempotency_key)
    payments.worker.wake()
    return row


async def ignore(
    payments: Payments, viewer: Viewer, id: str, *, idempotency_key: str | None = None
) -> EventRow:
    """Take an event out that was not applied; a replay brings it back. To ignore it again changes nothing.

    Raises Conflict for one that is applied already, Forbidden without `payment.admin`, NotFound.
    """
    viewer.require("payment.admin")
    return await committed(payments.engine, _ignore, payments, viewer.actor, id, idempotency_key)


async def replay_failed(payments: Payments, viewer: Viewer) -> int:
    """Have all failed and dead events applied again; answers how many there were.

    Raises Forbidden without `payment.admin`.
    """
    viewer.require("payment.admin")
    total, last = 0, 0
    while True:
        # A part at a time: a long transaction would keep deliveries waiting on SQLite. Onwards by id: one
        # that fails again meanwhile must not be met again.
        found = await committed(payments.engine, _replay_some, payments, viewer.actor, last)
        if not found:
            break
        total, last = total + len(found), found[-1]
        payments.worker.wake()
    return total


def _replay(connection: Connection, payments: Payments, actor: str, id: str, key: str | None) -> EventRow:
    found = _find(connection, payments, id)
    now = utcnow()
    account_id, intent = _intent(connection, found.id, REPLAY, actor, key)
    if operations.note(connection, account_id, intent, now=now):
        connection.execute(update(table).where(table.c.id == found.id).values(_anew(now)))
    return _find(connection, payments, str(found.id))


def _ignore(connection: Connection, payments: Payments, actor: str, id: str, key: str | None) -> EventRow:
    found = _find(connection, payments, id)
    account_id, intent = _intent(connection, found.id, IGNORE, actor, key)
    if operations.earlier(connection, account_id, intent) is not None:
        return found
    now = utcnow()
    open_ = update(table).where(table.c.id == found.id, table.c.status.in_((PENDING, FAILED, DEAD)))
    # Waits for whoever is applying it at this moment, and then finds it applied.
    if connection.execute(open_.values(status=IGNORED, applied_at=now)).rowcount:
        operations.note(connection, account_id, intent, now=now)
    stands = _find(connection, payments, str(found.id))
    if stands.status == APPLIED:
        raise Conflict("This event is applied already. What it said is in the ledger.", code="event_applied")
    return stands


def _replay_some(connection: Connection, payments: Payments, actor: str, after: int) -> Sequence[int]:
    mine = select(table.c.id).where(
        table.c.account_id.in_(_ids(connection, payments)),
        table.c.status.in_((FAILED, DEAD)),
        table.c.id > after,
    )
    # Those that somebody is applying at this moment are being tried anyway.
    locked = mine.order_by(table.c.id).limit(_BATCH).with_for_update(skip_locked=True)
    found = connection.execute(locked).scalars().all()
    now = utcnow()
    connection.execute(update(table).where(table.c.id.in_(found)).values(_anew(now)))
    for id in found:
        operations.note(connection, *_intent(connection, id, REPLAY, actor), now=now)
    return found


def _anew(now: datetime) -> dict[str, Any]:
    return {"status": PENDING, "attempts": 0, "last_error": None, "due_at": now, "applied_at": None}


def _intent(
    connection: Connection, id: int, kind: str, actor: str, key: str | None = None
) -> tuple[int, Intent]:
    """In which account somebody decides that about the event, as it is written down."""
    query = select(table.c.account_id, table.c.provider_event_id).where(table.c.id == id)
    account_id, name = connection.execute(query).one()
    return account_id, Intent(kind=kind, actor=actor, target=name, request={}, client_key=key)


def _find(connection: Connection, payments: Payments, id: str) -> EventRow:
    found = queries.event(connection, _ids(connection, payments), id)
    return EventRow(**{name: getattr(found, name) for name in EventRow.model_fields})


def _ids(connection: Connection, payments: Payments) -> Sequence[int]:
    return list(whose.received(connection, payments.homes(), payments.account).values())
