"""Where a listener stopped: kept in the database, so that it goes on there.

An event counts as dealt with once its row is committed. A crash between the answer and the row posts it
once more, which an inbox takes once.
"""

from __future__ import annotations

import hashlib
from collections.abc import Iterable
from dataclasses import dataclass
from datetime import datetime, timedelta

from sqlalchemy import Connection, Table, delete, select
from sqlalchemy.dialects import postgresql, sqlite

from overseer_payment.ledger import accounts
from overseer_payment.ledger.accounts import Account
from overseer_payment.ledger.objects import chunks
from overseer_payment.provider import Event
from overseer_payment.tables import forwarded, forwarding

OVERLAP = timedelta(minutes=10)
"""Asked for again at each look: lists lag behind."""


@dataclass(frozen=True, slots=True)
class Position:
    """`since`: nothing older is forwarded. `heard`: until when the list was read, by the provider's clock."""

    since: datetime
    heard: datetime

    @property
    def ask_since(self) -> datetime:
        """From when to read the list now."""
        return max(self.since, self.heard - OVERLAP)


@dataclass(frozen=True, slots=True)
class Place:
    """Whose events go where."""

    account: Account
    url: str

    @property
    def target(self) -> str:
        """The address as a key."""
        return hashlib.sha256(self.url.encode()).hexdigest()


def stored(connection: Connection, place: Place) -> Position | None:
    """Where the last run stopped; None: there was none."""
    row = connection.execute(
        select(forwarding.c.since, forwarding.c.heard).where(
            forwarding.c.account_id == _id(connection, place), forwarding.c.target == place.target
        )
    ).one_or_none()
    return None if row is None else Position(row.since, row.heard)


def store(connection: Connection, place: Place, position: Position) -> None:
    """Keep a position, and forget events that the list won't be asked for again."""
    id = _id(connection, place)
    values = {"since": position.since, "heard": position.heard}
    statement = _insert(connection, forwarding).values(account_id=id, target=place.target, **values)
    connection.execute(statement.on_conflict_do_update(index_elements=["account_id", "target"], set_=values))
    old = position.ask_since - timedelta(seconds=1)
    mine = (forwarded.c.account_id == id) & (forwarded.c.target == place.target)
    connection.execute(delete(forwarded).where(mine, forwarded.c.occurred_at < old))


def unseen(connection: Connection, place: Place, events: Iterable[Event]) -> list[Event]:
    """Those that were not dealt with yet, in the same order."""
    found, id, seen = list(events), _id(connection, place), set[str]()
    for some in chunks([event.id for event in found]):
        query = select(forwarded.c.provider_event_id).where(
            forwarded.c.account_id == id,
            forwarded.c.target == place.target,
            forwarded.c.provider_event_id.in_(some),
        )
        seen.update(connection.execute(query).scalars())
    return [event for event in found if event.id not in seen]


def mark(connection: Connection, place: Place, event: Event) -> None:
    """This event is dealt with."""
    values = {"provider_event_id": event.id, "occurred_at": event.occurred_at}
    statement = _insert(connection, forwarded)
    statement = statement.values(account_id=_id(connection, place), target=place.target, **values)
    connection.execute(statement.on_conflict_do_nothing())


def _id(connection: Connection, place: Place) -> int:
    return accounts.ensure(connection, [place.account])[place.account]


def _insert(connection: Connection, table: Table) -> postgresql.Insert | sqlite.Insert:
    return postgresql.insert(table) if connection.dialect.name == "postgresql" else sqlite.insert(table)
