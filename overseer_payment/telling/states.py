"""Which rows say something new, and whether that is news.

Of an object that is older than our knowledge, the first that is heard is history; that it is not any more as
it was is news. Here too one piece of evidence is enough, whenever it is heard: an event, a word in its time,
or two words that differ.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any, NamedTuple, TypeAlias

from sqlalchemy import Connection, select

from overseer_payment import tables
from overseer_payment.ledger import project
from overseer_payment.ledger.objects import chunks
from overseer_payment.ledger.project import Ids
from overseer_payment.ledger.rows import Change
from overseer_payment.provider import DisputeSnapshot, Snapshot, Source, SubscriptionSnapshot
from overseer_payment.telling import terms
from overseer_payment.telling.facts import Fact
from overseer_payment.telling.history import Said, is_recent

_Which: TypeAlias = tuple[str, str]
"""A table, and the provider's id of what its row is about."""
_TABLES = {table.name: table for table in (tables.subscription, tables.dispute)}
_TOPICS = {
    tables.subscription.name: ("subscription.changed", tables.subscription.c.provider_subscription_id),
    tables.dispute.name: ("dispute.changed", tables.dispute.c.provider_dispute_id),
}
_ITS_OWN = {
    tables.subscription.name: (
        "status",
        "currency",
        "items",
        "current_period_start",
        "current_period_end",
        "cancel_at_period_end",
        "cancel_at",
        "canceled_at",
        "ended_at",
        "trial_end",
        "collection_paused",
        "collection_resumes_at",
    ),
    tables.dispute.name: ("kind", "status", "evidence_due_by", "has_evidence", "submission_count"),
}
"""What a row says that follows from the words on its object alone."""


class State(NamedTuple):
    """A row that says something new, and whether that is news."""

    topic: str
    id: str
    at: datetime
    """As of when."""
    news: bool
    before: str | None
    """The terms of a subscription until then."""


@dataclass(frozen=True, slots=True)
class States:
    """`seen`: what says something new. `unseen`: what is news after all, and was noted as history."""

    seen: Sequence[State]
    unseen: Sequence[Said]


def states(
    connection: Connection,
    account_id: int,
    words: Sequence[Snapshot],
    changes: Iterable[Change],
    began: datetime,
    now: datetime,
) -> States:
    """What these words, once they are recorded, make anew. `began`: since when we know the account."""
    altered, own = _altered(changes), _own(words)
    news = {which for which, its in own.items() if any(_is_news(word, began) for word in its)}
    news |= _differing(connection, account_id, own, altered, own.keys() - news)
    seen = [
        _state(which, change, own.get(which) or words, now, which in news)
        for which, change in altered.items()
    ]
    old = [which for which in sorted(news - altered.keys()) if own[which][0].occurred_at < began]
    return States(seen, [_after_all(which, own[which][0].occurred_at) for which in old])


def _altered(changes: Iterable[Change]) -> dict[_Which, Change]:
    return {
        (change.table, change.after[_TOPICS[change.table][1].name]): change
        for change in changes
        if change.table in _TOPICS and change.after is not None and not change.after.get("placeholder")
    }


def _own(words: Sequence[Snapshot]) -> dict[_Which, list[Snapshot]]:
    own: dict[_Which, list[Snapshot]] = {}
    for word in words:
        if (name := _table_of(word)) is not None:
            own.setdefault((name, word.id), []).append(word)
    return own


def _state(which: _Which, change: Change, words: Sequence[Snapshot], now: datetime, news: bool) -> State:
    known = change.table == tables.subscription.name and change.before and not change.before["placeholder"]
    return State(
        _TOPICS[which[0]][0],
        which[1],
        max((word.as_of.moment for word in words), default=now),
        news,
        terms.of_columns(change.before) if change.before and known else None,
    )


def _after_all(which: _Which, at: datetime) -> Said:
    return Said(Fact(_TOPICS[which[0]][0], which[1], "", None), at, news=True)


def _table_of(word: Snapshot) -> str | None:
    match word:
        case SubscriptionSnapshot():
            return tables.subscription.name
        case DisputeSnapshot():
            return tables.dispute.name
        case _:
            return None


def _is_news(word: Snapshot, began: datetime) -> bool:
    return word.as_of.source is Source.EVENT or is_recent(word, word.occurred_at, began)


def _differing(
    connection: Connection,
    account_id: int,
    own: Mapping[_Which, Sequence[Snapshot]],
    altered: Mapping[_Which, Change],
    asked: Iterable[_Which],
) -> set[_Which]:
    """Those of which one word says another thing than the row did or does."""
    found: set[_Which] = set()
    for name in _TOPICS:
        ids = {id for table, id in asked if table == name}
        for id, row in _rows(connection, account_id, name, ids).items():
            change = altered.get((name, id))
            said = [_projected(word) for word in own[name, id]]
            if change is not None and change.before is not None and not change.before.get("placeholder"):
                said.append(change.before)
            if any(values[column] != row[column] for values in said for column in _ITS_OWN[name]):
                found.add((name, id))
    return found


def _projected(word: Snapshot) -> Mapping[str, Any]:
    if isinstance(word, SubscriptionSnapshot):
        return project.subscription(word, Ids())
    assert isinstance(word, DisputeSnapshot)
    return project.dispute(word, None, None, Ids())


def _rows(
    connection: Connection, account_id: int, name: str, ids: Iterable[str]
) -> dict[str, Mapping[str, Any]]:
    table, (_, key) = _TABLES[name], _TOPICS[name]
    found: dict[str, Mapping[str, Any]] = {}
    for some in chunks(ids):
        columns = [key, *(table.c[column] for column in _ITS_OWN[name])]
        query = select(*columns).where(table.c.account_id == account_id, key.in_(some))
        found |= {row[key.name]: row for row in connection.execute(query).mappings()}
    return found
