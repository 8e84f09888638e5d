"""Notes what happened, tells those who listen inside, and leaves the others their news in the outbox.

All of it in the transaction that records. What is noted once is never news again, whoever listens when.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import replace
from datetime import datetime
from typing import Any

from sqlalchemy import Connection, Row, false, literal_column, select

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
from overseer_payment.telling.calling import tell_inside, try_inside
from overseer_payment.telling.facts import Said, said_by
from overseer_payment.telling.looking import look
from overseer_payment.telling.outbox import Known

_STATES = {
    tables.subscription.name: ("subscription.changed", "provider_subscription_id"),
    tables.dispute.name: ("dispute.changed", "provider_dispute_id"),
}
_BEGINNING = {"subscription.started": "subscription.changed", "dispute.opened": "dispute.changed"}
"""What is history if its beginning is."""
_KEY = ["account_id", "provider_id", "topic", "mark"]
# Without parameters behind the rows: SQLAlchemy multiplies the rows of such a statement.
_NEXT = table.c.generation + literal_column("1")


def prepare(connection: Connection, account_id: int, snapshots: Iterable[Snapshot]) -> list[Said]:
    """What these snapshots say has happened. Asked before they are recorded: what was known before?"""
    found = said_by(snapshots)
    late = {said.unless_known for said in found if said.history and said.unless_known is not None}
    known: set[Ref] = set(by_id(connection, account_id, late)) if late else set()
    return [replace(said, history=said.history and said.unless_known not in known) for said in found]


def note(
    connection: Connection,
    account_id: int,
    found: Sequence[Said],
    changes: Iterable[Change],
    *,
    now: datetime,
    insist: bool,
) -> None:
    """Write down what is new of `found` and `changes`, and see to it that it is told.

    Made-up accounts' business is nobody's: it is not noted. Raises ListenerFailed if it is to `insist`.
    """
    states = _states(changes, found)
    account = _account(connection, account_id) if found or states else None
    if account is None or account.account in accounts.MADE_UP:
        return
    fresh = list(_happened(connection, account_id, found, now))
    no_history = [news for news in fresh if news.generation > 1 and news.topic in _BEGINNING]
    states |= {(_BEGINNING[news.topic], news.provider_id): (news.occurred_at, False) for news in no_history}
    fresh += _altered(connection, account_id, states, now)
    if fresh:
        due = {said.fact.key: said.fact.due for said in found if said.fact.due is not None}
        _tell(connection, account, fresh, due, now, insist=insist)


def _account(connection: Connection, account_id: int) -> Account | None:
    columns = (tables.provider.c.provider, tables.provider.c.account, tables.provider.c.livemode)
    row = connection.execute(select(*columns).where(tables.provider.c.id == account_id)).one_or_none()
    return None if row is None else Account(*row)


def _states(changes: Iterable[Change], found: Sequence[Said]) -> dict[tuple[str, str], tuple[datetime, bool]]:
    """Rows that say something new: (topic, provider's id) → when it was made; is it history?"""
    old = {(_BEGINNING[s.fact.topic], s.fact.id) for s in found if s.history and s.fact.topic in _BEGINNING}
    states = {}
    for change in changes:
        if change.table in _STATES and change.after is not None and not change.after.get("placeholder"):
            topic, key = _STATES[change.table]
            first = change.before is None or bool(change.before.get("placeholder"))
            which = (topic, change.after[key])
            states[which] = (change.after["occurred_at"], first and which in old)
    return states


def _happened(
    connection: Connection, account_id: int, found: Sequence[Said], now: datetime
) -> Iterator[Row[Any]]:
    """Note these facts; answers those that were not known, and those that were taken for history."""
    values = [
        {
            "account_id": account_id,
            "topic": said.fact.topic,
            "provider_id": said.fact.id,
            "mark": said.fact.mark,
            "generation": 1,
            "history": said.history,
            "occurred_at": said.at,
            "created_at": now,
        }
        for said in found
    ]
    if not values:
        return
    # Whoever said it in its time makes it news, also if somebody who said it late was heard first.
    statement = outbox.insert_into(connection, table)
    statement = statement.on_conflict_do_update(
        index_elements=_KEY,
        set_={"history": false(), "generation": _NEXT},
        where=table.c.history.is_(True) & statement.excluded.history.is_(False),
    )
    yield from sorted(connection.execute(statement.returning(table), values), key=lambda row: row.id)


def _altered(
    connection: Connection,
    account_id: int,
    states: Mapping[tuple[str, str], tuple[datetime, bool]],
    now: datetime,
) -> Iterator[Row[Any]]:
    values = [
        {
            "account_id": account_id,
            "topic": topic,
            "provider_id": id,
            "mark": "",
            "generation": 1,
            "history": history,
            "occurred_at": at,
            "created_at": now,
        }
        for (topic, id), (at, history) in sorted(states.items())
    ]
    if not values:
        return
    statement = outbox.insert_into(connection, table)
    again = statement.on_conflict_do_update(
        index_elements=_KEY,
        set_={"generation": _NEXT, "history": statement.excluded.history},
    )
    found = connection.execute(again.returning(table), values)
    yield from sorted(found, key=lambda row: (row.topic, row.provider_id))


def _tell(
    connection: Connection,
    account: Account,
    fresh: Sequence[Row[Any]],
    due: Mapping[tuple[str, str, str], datetime],
    now: datetime,
    *,
    insist: bool,
) -> None:
    mine = here(connection)
    everybody = outbox.listening(connection, mine, now)
    wanted = [
        (news, known)
        for news in fresh
        for known in everybody
        if news.topic in known.topics and _is_news(news, known)
    ]
    later, at_once = _parted(connection, account_id=fresh[0].account_id, wanted=wanted, mine=mine)
    when = {news.id: due.get((news.provider_id, news.topic, news.mark), now) for news, _ in later}
    outbox.put(connection, [(news, known.name, max(now, when[news.id])) for news, known in later], now)
    for news, listener in at_once:
        told = look(connection, account, news, listener.name, now=now)
        if told is None:
            continue
        if insist:
            tell_inside(listener, connection, told)
        elif not try_inside(listener, connection, told):
            outbox.put(connection, [(news, listener.name, now)], now)


def _is_news(news: Row[Any], known: Known) -> bool:
    if not known.backfilled:
        return not news.history
    # Later a fact was only found to be no history, which it had been told as.
    return TOPICS[news.topic].state or news.generation == 1


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
