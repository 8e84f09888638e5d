"""Whether anything that is shown may have changed: a few bytes that open dashboards ask for again and again.

Every replica computes it from the database alone, so whichever answers says the same.
"""

from __future__ import annotations

from hashlib import sha256
from time import monotonic
from typing import TYPE_CHECKING, Any
from weakref import WeakKeyDictionary

from sqlalchemy import Select, func, select

from overseer_payment import tables
from overseer_payment.inbox import DEAD, FAILED, PENDING
from overseer_payment.ledger.reports import EVENT_STATES
from overseer_payment.ledger.writable import read_only

if TYPE_CHECKING:
    from sqlalchemy import Connection

    from overseer_payment.ledger.scope import Scope
    from overseer_payment.schemas import Viewer
    from overseer_payment.shown.views import Views

_SECOND = 1.0
"""However many dashboards are open, the database is asked once in this time, by each process."""
_COUNT_AT_MOST = 1000

_known: WeakKeyDictionary[Views, tuple[float, str]] = WeakKeyDictionary()
_event, _operation, _wanted = tables.event, tables.operation, tables.wanted


async def pulse(payments: Views, viewer: Viewer) -> str:
    """A short text that differs after every change of what a dashboard shows. At most a second old.

    It may also differ without one. Raises Forbidden, DatabaseError.
    """
    viewer.require("payment.view")
    at, text = _known.get(payments, (0.0, ""))
    if not text or monotonic() - at > _SECOND:
        marks = await payments.ask(viewer, _marks)
        text = sha256(repr(marks).encode()).hexdigest()[:20]
        _known[payments] = (monotonic(), text)
    return text


def _marks(connection: Connection, scope: Scope) -> list[Any]:
    """What differs after every change: ends of queues and indexes, and the sums that are kept anyway."""
    ids = scope.account_ids
    questions = [*_inbox(ids), *_operations(ids), *_sums(ids), _reads(ids), _healing(ids)]
    return [ids, read_only(connection), *(connection.execute(question).all() for question in questions)]


def _inbox(ids: tuple[int, ...]) -> list[Select[Any]]:
    """The newest event of each state, and how many wait or have failed: applying moves both."""
    newest = [
        select(func.max(_event.c.id)).where(_event.c.account_id == id, _event.c.status == status)
        for id in ids
        for status in EVENT_STATES
    ]
    waiting = [
        _counted(select(_event.c.id).where(_event.c.account_id.in_(ids), _event.c.status == status))
        for status in (PENDING, FAILED, DEAD)
    ]
    return [*newest, *waiting]


def _operations(ids: tuple[int, ...]) -> list[Select[Any]]:
    """The newest that was sent, and how many are under way."""
    newest = [select(func.max(_operation.c.id)).where(_operation.c.account_id == id) for id in ids]
    under_way = select(_operation.c.id).where(_operation.c.due_at.is_not(None))
    return [*newest, _counted(under_way)]


def _sums(ids: tuple[int, ...]) -> list[Select[Any]]:
    total, gauge = tables.total, tables.gauge
    names = ("gross", "refunded", "disputed", "transactions", "failed_payments")
    return [
        select(*(func.sum(total.c[name]) for name in names)).where(total.c.account_id.in_(ids)),
        select(gauge.c.account_id, gauge.c.name, gauge.c.value)
        .where(gauge.c.account_id.in_(ids))
        .order_by(gauge.c.account_id, gauge.c.name),
    ]


def _reads(ids: tuple[int, ...]) -> Select[Any]:
    """How many objects wait to be read: what was read is no longer wanted."""
    return _counted(select(_wanted.c.provider_id).where(_wanted.c.account_id.in_(ids)))


def _healing(ids: tuple[int, ...]) -> Select[Any]:
    sync = tables.sync
    query = select(sync.c.account_id, sync.c.kind, sync.c.state, sync.c.finished_at)
    return query.where(sync.c.account_id.in_(ids)).order_by(sync.c.account_id, sync.c.kind)


def _counted(some: Select[Any]) -> Select[Any]:
    return select(func.count()).select_from(some.limit(_COUNT_AT_MOST).subquery())
