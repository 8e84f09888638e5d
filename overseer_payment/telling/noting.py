"""Notes what happened, tells those who listen inside, and leaves the others their news in the outbox.

All of it in the transaction that records. What is noted once is never news again, whoever listens when.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from datetime import datetime
from typing import Any

from sqlalchemy import Connection, Row, select

from overseer_payment import tables
from overseer_payment.ledger import accounts
from overseer_payment.ledger.accounts import Account
from overseer_payment.ledger.objects import by_id
from overseer_payment.ledger.rows import Change
from overseer_payment.listening import TOPICS, Listener
from overseer_payment.provider import Ref, Snapshot
from overseer_payment.tables import news as table
from overseer_payment.telling import outbox
from overseer_payment.telling.attached import here
from overseer_payment.telling.calling import tell_inside
from overseer_payment.telling.facts import Fact, facts, facts_of
from overseer_payment.telling.looking import look
from overseer_payment.telling.outbox import Known

_STATES = {
    tables.subscription.name: ("subscription.changed", "provider_subscription_id"),
    tables.dispute.name: ("dispute.changed", "provider_dispute_id"),
}
_AT_ONCE = 50  # rows of one statement


def prepare(connection: Connection, account_id: int, snapshots: Iterable[Snapshot]) -> list[Fact]:
    """What these snapshots say has happened. Asked before they are recorded: what was known before?

    Of an object that the ledger knew already even old facts are news: it is we who hear of them late.
    """
    given = list(snapshots)
    found = facts_of(given)
    if not any(fact.history for fact in found):
        return found
    told_by = {fact.key: snapshot.ref for snapshot in given for fact in facts(snapshot)}
    late = {told_by[fact.key] for fact in found if fact.history}
    known: set[Ref] = set(by_id(connection, account_id, late))
    return [fact._replace(history=False) if told_by[fact.key] in known else fact for fact in found]


def note(
    connection: Connection,
    account_id: int,
    found: Sequence[Fact],
    changes: Iterable[Change],
    *,
    now: datetime,
) -> None:
    """Write down what is new of `found` and `changes`, and see to it that it is told.

    Made-up accounts' business is nobody's: it is not noted. Raises ListenerFailed.
    """
    states = _states(changes)
    account = _account(connection, account_id) if found or states else None
    if account is None or account.account in accounts.MADE_UP:
        return
    fresh = [*_happened(connection, account_id, found, now), *_altered(connection, account_id, states, now)]
    if fresh:
        due = {fact.key: fact.due for fact in found if fact.due is not None}
        _tell(connection, account, fresh, due, now)


def _account(connection: Connection, account_id: int) -> Account | None:
    columns = (tables.provider.c.provider, tables.provider.c.account, tables.provider.c.livemode)
    row = connection.execute(select(*columns).where(tables.provider.c.id == account_id)).one_or_none()
    return None if row is None else Account(*row)


def _states(changes: Iterable[Change]) -> dict[tuple[str, str], datetime]:
    """Rows that say something new: (topic, provider's id) → since when there is such an object."""
    found = {}
    for change in changes:
        if change.table in _STATES and change.after is not None and not change.after.get("placeholder"):
            topic, key = _STATES[change.table]
            found[topic, change.after[key]] = change.after["occurred_at"]
    return found


def _happened(
    connection: Connection, account_id: int, found: Sequence[Fact], now: datetime
) -> Iterator[Row[Any]]:
    values = [
        {
            "account_id": account_id,
            "topic": fact.topic,
            "provider_id": fact.id,
            "mark": fact.mark,
            "generation": 1,
            "history": fact.history,
            "occurred_at": fact.at,
            "created_at": now,
        }
        for fact in found
    ]
    for start in range(0, len(values), _AT_ONCE):
        statement = outbox.insert_into(connection, table).values(values[start : start + _AT_ONCE])
        stored = connection.execute(statement.on_conflict_do_nothing().returning(table)).all()
        yield from sorted(stored, key=lambda row: row.id)


def _altered(
    connection: Connection, account_id: int, states: Mapping[tuple[str, str], datetime], now: datetime
) -> Iterator[Row[Any]]:
    for (topic, id), at in sorted(states.items()):
        values = {"account_id": account_id, "topic": topic, "provider_id": id, "mark": "", "history": False}
        values |= {"generation": 1, "occurred_at": at, "created_at": now}
        statement = outbox.insert_into(connection, table).values(values)
        again = statement.on_conflict_do_update(
            index_elements=["account_id", "provider_id", "topic", "mark"],
            set_={"generation": table.c.generation + 1},
        )
        yield connection.execute(again.returning(table)).one()


def _tell(
    connection: Connection,
    account: Account,
    fresh: Sequence[Row[Any]],
    due: Mapping[tuple[str, str, str], datetime],
    now: datetime,
) -> None:
    mine = here(connection)
    everybody = outbox.listening(connection, mine, now)
    wanted = [
        (news, known)
        for news in fresh
        for known in everybody
        if news.topic in known.topics and (known.backfilled or not news.history)
    ]
    later, at_once = _parted(connection, account_id=fresh[0].account_id, wanted=wanted, mine=mine)
    when = {news.id: due.get((news.provider_id, news.topic, news.mark), now) for news, _ in later}
    outbox.put(connection, [(news, known.name, max(now, when[news.id])) for news, known in later], now)
    for news, listener in at_once:
        told = look(connection, account, news, listener.name, now=now)
        if told is not None:
            tell_inside(listener, connection, told)


def _parted(
    connection: Connection,
    *,
    account_id: int,
    wanted: Sequence[tuple[Row[Any], Known]],
    mine: Mapping[str, Listener],
) -> tuple[list[tuple[Row[Any], Known]], list[tuple[Row[Any], Listener]]]:
    """What goes to the outbox, and what is told now: inside, by us, nothing earlier being still open."""
    insiders = [(news, known) for news, known in wanted if _can_tell(news, known, mine)]
    names, ids = {known.name for _, known in insiders}, {news.provider_id for news, _ in insiders}
    waiting = outbox.waiting(connection, account_id, names, ids) if insiders else set()
    later, at_once = [], []
    for news, known in wanted:
        if _can_tell(news, known, mine) and (known.name, news.provider_id) not in waiting:
            at_once.append((news, mine[known.name]))
        else:
            later.append((news, known))
    return later, at_once


def _can_tell(news: Row[Any], known: Known, mine: Mapping[str, Listener]) -> bool:
    return known.inside and known.name in mine and not TOPICS[news.topic].reminder
