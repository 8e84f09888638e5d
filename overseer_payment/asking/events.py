"""What people decide about events: apply one again, or take it out. Both are written down with a name."""

from __future__ import annotations

import json
from collections.abc import Sequence
from dataclasses import asdict, dataclass
from datetime import datetime
from typing import TYPE_CHECKING, Any

from sqlalchemy import Connection, Row, select, update

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

REPLAY, IGNORE, REPLAY_FAILED = "event.replay", "event.ignore", "event.replay_failed"
_BATCH = 500


@dataclass(frozen=True, slots=True)
class _Done:
    """How far a replay of all that failed has come."""

    replayed: int = 0
    last: int = 0
    """Onwards by id: one that fails again meanwhile must not be met again."""
    all: bool = False


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


async def replay_failed(payments: Payments, viewer: Viewer, *, idempotency_key: str | None = None) -> int:
    """Have all failed and dead events applied again; answers how many there were.

    Under a key that was used before it goes on where that one broke off, and answers how many they were
    together. Raises Forbidden without `payment.admin`.
    """
    viewer.require("payment.admin")
    intent = Intent(kind=REPLAY_FAILED, actor=viewer.actor, request={}, client_key=idempotency_key)
    done = _Done()
    while not done.all:
        # A part at a time: a long transaction would keep deliveries waiting on SQLite.
        done = await committed(payments.engine, _replay_some, payments, intent, done)
        payments.worker.wake()
    return done.replayed


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
    changed = connection.execute(open_.values(status=IGNORED, applied_at=now)).rowcount
    stands = _find(connection, payments, str(found.id))
    if stands.status == APPLIED:
        raise Conflict("This event is applied already. What it said is in the ledger.", code="event_applied")
    # A key is kept also where nothing had to be done: it must not do it later, nor anything else.
    if changed or key is not None:
        operations.note(connection, account_id, intent, now=now)
    return stands


def _replay_some(connection: Connection, payments: Payments, intent: Intent, done: _Done) -> _Done:
    account_ids, now = _ids(connection, payments), utcnow()
    kept = _kept(connection, account_ids, intent, now) if intent.client_key is not None else None
    done = done if kept is None or kept.answer is None else _Done(**json.loads(kept.answer))
    if done.all:
        return done
    mine = select(table.c.id).where(
        table.c.account_id.in_(account_ids), table.c.status.in_((FAILED, DEAD)), table.c.id > done.last
    )
    # Those that somebody is applying at this moment are being tried anyway.
    locked = mine.order_by(table.c.id).limit(_BATCH).with_for_update(skip_locked=True)
    found = connection.execute(locked).scalars().all()
    connection.execute(update(table).where(table.c.id.in_(found)).values(_anew(now)))
    for id in found:
        operations.note(connection, *_intent(connection, id, REPLAY, intent.actor), now=now)
    done = _Done(done.replayed + len(found), max([done.last, *found]), not found)
    if kept is not None:
        operations.answer(connection, kept.id, json.dumps(asdict(done)))
    return done


def _kept(
    connection: Connection, account_ids: Sequence[int], intent: Intent, now: datetime
) -> Row[Any] | None:
    """What is known of this key's replay, held until the transaction ends: who has the same key waits."""
    if not account_ids:
        return None
    first = min(account_ids)  # it is about all of them; the first stays the first when another is added
    operations.note(connection, first, intent, now=now)
    return operations.held(connection, first, intent)


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
