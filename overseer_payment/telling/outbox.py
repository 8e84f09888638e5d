"""The outbox: who is to be told what, taken under a lease, finished once.

What one listener hears of one object it hears in its order: an effect waits while an earlier one about the
same object is still open. Dead ones block nothing.
"""

from __future__ import annotations

import json
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any

from sqlalchemy import ColumnElement, Connection, Row, Select, and_, case, exists, select, update
from sqlalchemy.dialects import postgresql, sqlite

from overseer_payment import tables
from overseer_payment.ledger import accounts
from overseer_payment.ledger.accounts import Account
from overseer_payment.listening import TOPICS, Listener
from overseer_payment.tables import effect as table

PENDING, FAILED, DONE, DEAD, LAPSED = "pending", "failed", "done", "dead", "lapsed"
OPEN = (PENDING, FAILED)

# 2 s, 4 s, … capped at 6 h: about three days, as long as an event is tried.
MAX_ATTEMPTS = 26
_MAX_DELAY = timedelta(hours=6)
_SEEN_LATELY = timedelta(days=7)
_GONE = timedelta(days=30)
_REMINDERS = tuple(name for name, topic in TOPICS.items() if topic.reminder)


@dataclass(frozen=True, slots=True)
class Known:
    """A listener as the database knows it: maybe of another process."""

    name: str
    topics: frozenset[str]
    inside: bool
    backfilled: bool


def insert_into(connection: Connection, into: Any) -> Any:
    """This database's own INSERT, which knows ON CONFLICT."""
    return (postgresql if connection.dialect.name == "postgresql" else sqlite).insert(into)


# -- who listens ------------------------------------------------------------------------------------


def register(connection: Connection, listeners: Iterable[Listener], now: datetime) -> None:
    """Let every process know who listens here."""
    values = [
        {
            "name": one.name,
            "topics": json.dumps(sorted(one.topics)),
            "inside": one.inside,
            "backfilled": one.backfilled,
            "seen_at": now,
        }
        for one in sorted(listeners, key=lambda one: one.name)
    ]
    statement = insert_into(connection, tables.listener)
    new = {name: statement.excluded[name] for name in ("topics", "inside", "backfilled", "seen_at")}
    connection.execute(statement.on_conflict_do_update(index_elements=["name"], set_=new), values)


def listening(connection: Connection, here: Mapping[str, Listener], now: datetime) -> list[Known]:
    """Everybody who listens: here, and in any process that was up lately."""
    query = select(tables.listener).where(tables.listener.c.seen_at > now - _SEEN_LATELY)
    known = {
        row.name: Known(row.name, frozenset(json.loads(row.topics)), row.inside, row.backfilled)
        for row in connection.execute(query)
    }
    known |= {one.name: Known(one.name, one.topics, one.inside, one.backfilled) for one in here.values()}
    return [known[name] for name in sorted(known)]


def give_up(connection: Connection, now: datetime) -> int:
    """End what is left for those who were not seen for long; answers how much. A person can replay it."""
    seen = select(tables.listener.c.name).where(tables.listener.c.seen_at > now - _GONE)
    left = update(table).where(table.c.status.in_(OPEN), table.c.listener.not_in(seen))
    gone = "Nobody listens by this name any more."
    return connection.execute(left.values(status=DEAD, last_error=gone, finished_at=now)).rowcount


# -- what is to be told -----------------------------------------------------------------------------


@dataclass(frozen=True, slots=True)
class Delivery:
    """A piece of news (a row of `payment_news`) for one listener."""

    news: Row[Any]
    listener: str
    due: datetime
    before: str | None = None
    """What there was before this, for whoever was told nothing yet."""


def put(connection: Connection, told: Sequence[Delivery], now: datetime) -> None:
    """Have each listener told its news, at its time. A state that is told anyway is told anew."""
    values = [
        {
            "account_id": one.news.account_id,
            "news_id": one.news.id,
            "listener": one.listener,
            "topic": one.news.topic,
            "provider_id": one.news.provider_id,
            "generation": one.news.generation,
            "status": PENDING,
            "attempts": 0,
            "told": one.before,
            "due_at": one.due,
            "created_at": now,
        }
        for one in told
    ]
    if not values:
        return
    statement = insert_into(connection, table)
    new = statement.excluded
    still = (table.c.status == PENDING) | (table.c.status == FAILED)
    # One that is being told, or waits after a failure, keeps its time: nobody is told two states at once.
    again = {
        "generation": new.generation,
        "status": new.status,
        "attempts": case((still, table.c.attempts), else_=0),
        "due_at": case((still, table.c.due_at), else_=new.due_at),
        "finished_at": None,
    }
    connection.execute(
        statement.on_conflict_do_update(
            index_elements=["news_id", "listener"], set_=again, where=table.c.generation < new.generation
        ),
        values,
    )


def waiting(
    connection: Connection, account_id: int, listeners: Iterable[str], ids: Iterable[str]
) -> set[tuple[str, str]]:
    """(listener, object) of which something is still to be told."""
    query = select(table.c.listener, table.c.provider_id).where(
        table.c.account_id == account_id,
        table.c.provider_id.in_(sorted(set(ids))),
        table.c.listener.in_(sorted(set(listeners))),
        table.c.status.in_(OPEN),
        table.c.topic.not_in(_REMINDERS),
    )
    return {(row[0], row[1]) for row in connection.execute(query)}


# -- telling it -------------------------------------------------------------------------------------


def any_due(connection: Connection, listener: str, now: datetime) -> bool:
    """Is there something to tell? Looked for without a lock."""
    return bool(connection.execute(select(exists(_due(listener, now)))).scalar_one())


def claim(
    connection: Connection, listener: str, lease: timedelta, *, limit: int, now: datetime
) -> list[Row[Any]]:
    """Take what is due for the length of a lease: rows of the outbox."""
    due = _due(listener, now).order_by(table.c.due_at, table.c.id).limit(limit)
    ids = list(connection.execute(due.with_for_update(skip_locked=True)).scalars())
    worn = update(table).where(table.c.id.in_(ids), table.c.attempts >= MAX_ATTEMPTS)
    died = "It never came to an end: perhaps it ends the process."
    connection.execute(worn.values(status=DEAD, last_error=died, finished_at=now))
    taken = update(table).where(table.c.id.in_(ids), table.c.status.in_(OPEN))
    taken = taken.values(status=PENDING, due_at=now + lease, attempts=table.c.attempts + 1)
    return sorted(connection.execute(taken.returning(table)), key=lambda row: row.id)


def _due(listener: str, now: datetime) -> Select[tuple[int]]:
    earlier = table.alias("earlier")
    blocked = exists().where(
        earlier.c.account_id == table.c.account_id,
        earlier.c.provider_id == table.c.provider_id,
        earlier.c.listener == table.c.listener,
        earlier.c.status.in_(OPEN),
        earlier.c.id < table.c.id,
        earlier.c.topic.not_in(_REMINDERS),
    )
    return select(table.c.id).where(
        table.c.listener == listener, table.c.status.in_(OPEN), table.c.due_at <= now, ~blocked
    )


def news_of(connection: Connection, effect: Row[Any]) -> tuple[Account, Row[Any]]:
    """What an effect tells, and of whose account."""
    of = next(a for a, id in accounts.known(connection).items() if id == effect.account_id)
    return of, connection.execute(select(tables.news).where(tables.news.c.id == effect.news_id)).one()


def mine(connection: Connection, effect: Row[Any]) -> bool:
    """Hold this effect until the transaction ends; False if meanwhile somebody else ended it."""
    query = select(table.c.id).where(_same(effect)).with_for_update()
    return connection.execute(query).one_or_none() is not None


def finish(
    connection: Connection,
    effect: Row[Any],
    generation: int,
    now: datetime,
    *,
    status: str = DONE,
    terms: str | None = None,
) -> None:
    """It was told. A state that has changed while it was told is told again."""
    told = table.c.generation == generation
    connection.execute(
        update(table)
        .where(_same(effect))
        .values(
            status=case((told, status), else_=PENDING),
            attempts=case((told, table.c.attempts), else_=0),
            due_at=case((told, table.c.due_at), else_=now),
            finished_at=case((told, now), else_=None),
            last_error=None,
            told=terms or table.c.told,
        )
    )


def fail(connection: Connection, effect: Row[Any], error: str, now: datetime) -> bool:
    """It could not be told, and will be tried again later; answers whether it is given up."""
    dead = bool(effect.attempts >= MAX_ATTEMPTS)
    delay = min(timedelta(seconds=2 ** min(effect.attempts, 20)), _MAX_DELAY)
    values = {
        "status": DEAD if dead else FAILED,
        "last_error": error,
        "due_at": now + delay,
        "finished_at": now if dead else None,
    }
    connection.execute(update(table).where(_same(effect)).values(values))
    return dead


def _same(effect: Row[Any]) -> ColumnElement[bool]:
    return and_(table.c.id == effect.id, table.c.status.in_(OPEN))
