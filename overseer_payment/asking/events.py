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
from overseer_payment.schemas import EventRow, Viewer
from overseer_payment.shown import whose
from overseer_payment.tables import event as table

if TYPE_CHECKING:
    from overseer_payment.service import Payments

REPLAY, IGNORE = "event.replay", "event.ignore"
_BATCH = 500


async def replay(payments: Payments, viewer: Viewer, id: str) -> EventRow:
    """Have an event applied again from the beginning, whatever became of it; answers it as it waits.

    Applying twice is safe: recording is a merge. Raises Forbidden without `payment.admin`, NotFound.
    """
    viewer.require("payment.admin")
    row = await committed(payments.engine, _replay, payments, viewer.actor, id)
    payments.worker.wake()
    return row


async def ignore(payments: Payments, viewer: Viewer, id: str) -> EventRow:
    """Take an event out that was not applied; a replay brings it back. To ignore it again changes nothing.

    Raises Conflict for one that is applied already, Forbidden without `payment.admin`, NotFound.
    """
    viewer.require("payment.admin")
    return await committed(payments.engine, _ignore, payments, viewer.actor, id)


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


def _replay(connection: Connection, payments: Payments, actor: str, id: str) -> EventRow:
    found = _find(connection, payments, id)
    now = utcnow()
    connection.execute(update(table).where(table.c.id == found.id).values(_anew(now)))
    _note(connection, [found.id], REPLAY, actor, now)
    return _again(connection, payments, found)


def _ignore(connection: Connection, payments: Payments, actor: str, id: str) -> EventRow:
    found = _find(connection, payments, id)
    now = utcnow()
    open_ = update(table).where(table.c.id == found.id, table.c.status.in_((PENDING, FAILED, DEAD)))
    # Waits for whoever is applying it at this moment, and then finds it applied.
    if connection.execute(open_.values(status=IGNORED, applied_at=now)).rowcount:
        _note(connection, [found.id], IGNORE, actor, now)
    stands = _again(connection, payments, found)
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
    _note(connection, found, REPLAY, actor, now)
    return found


def _anew(now: datetime) -> dict[str, Any]:
    return {"status": PENDING, "attempts": 0, "last_error": None, "due_at": now, "applied_at": None}


def _note(connection: Connection, ids: Sequence[int], kind: str, actor: str, now: datetime) -> None:
    query = select(table.c.account_id, table.c.provider_event_id).where(table.c.id.in_(ids))
    for account_id, name in connection.execute(query.order_by(table.c.id)).all():
        operations.note(connection, account_id, kind=kind, actor=actor, target=name, now=now)


def _find(connection: Connection, payments: Payments, id: str) -> EventRow:
    return queries.event(connection, _ids(connection, payments), id)


def _again(connection: Connection, payments: Payments, found: EventRow) -> EventRow:
    stands = queries.event(connection, _ids(connection, payments), str(found.id))
    return EventRow(**{name: getattr(stands, name) for name in EventRow.model_fields})


def _ids(connection: Connection, payments: Payments) -> Sequence[int]:
    return list(whose.received(connection, payments.homes(), payments.account).values())
