"""Notes what happened, tells those who listen inside, and leaves the others their news in the outbox.

All of it in the transaction that records. What is noted once is never news again, whoever listens when.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from datetime import datetime
from typing import Any

from sqlalchemy import Connection, Row, false, literal_column, select

from overseer_payment import tables
from overseer_payment.ledger import accounts
from overseer_payment.ledger.accounts import Account
from overseer_payment.ledger.rows import Change
from overseer_payment.listening import TOPICS, Listener
from overseer_payment.provider import Snapshot
from overseer_payment.tables import news as table
from overseer_payment.telling import outbox
from overseer_payment.telling.attached import here
from overseer_payment.telling.calling import tell_inside, try_inside
from overseer_payment.telling.evidence import SUBJECTS, weighed
from overseer_payment.telling.history import Said
from overseer_payment.telling.looking import look
from overseer_payment.telling.outbox import Delivery, Known
from overseer_payment.telling.states import State, states

_KEY = ["account_id", "provider_id", "topic", "mark"]
# Without parameters behind the rows: SQLAlchemy multiplies the rows of such a statement.
_NEXT = table.c.generation + literal_column("1")


def note(
    connection: Connection,
    account_id: int,
    given: Iterable[Snapshot],
    changes: Sequence[Change],
    *,
    now: datetime,
    insist: bool,
) -> None:
    """Write down what is new of `given`, which made these `changes`, and see to it that it is told.

    Called after they are recorded, under the locks that this took. Made-up accounts' business is nobody's: it
    is not noted. Raises ListenerFailed if it is to `insist`.
    """
    words = [word for word in given if word.kind in SUBJECTS]
    known = _account(connection, account_id) if words or changes else None
    if known is None or known[0].account in accounts.MADE_UP:
        return
    account, began = known
    found = weighed(connection, account_id, words, began)
    altered = states(connection, account_id, words, changes, began, now)
    fresh = list(_happened(connection, account_id, [*found, *altered.unseen], now))
    fresh += _altered(connection, account_id, altered.seen, now)
    if fresh:
        before = {(state.topic, state.id): state.before for state in altered.seen}
        _tell(connection, account, fresh, _due(found), before, now, insist=insist)


def _due(found: Iterable[Said]) -> dict[tuple[str, str, str], datetime]:
    """When to tell reminders."""
    return {
        said.fact.key: said.fact.at for said in found if TOPICS[said.fact.topic].reminder and said.fact.at
    }


def _account(connection: Connection, account_id: int) -> tuple[Account, datetime] | None:
    """Whose business this is, and since when we know it."""
    query = select(tables.provider).where(tables.provider.c.id == account_id)
    row = connection.execute(query).one_or_none()
    return None if row is None else (Account(row.provider, row.account, row.livemode), row.created_at)


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
            "history": not said.news,
            "denied_at": said.testimony.denied_at,
            "affirmed_at": said.testimony.affirmed_at,
            "occurred_at": said.at,
            "created_at": now,
        }
        for said in found
    ]
    if not values:
        return
    # What makes it news may be heard after what told it as history.
    statement = outbox.insert_into(connection, table)
    statement = statement.on_conflict_do_update(
        index_elements=_KEY,
        set_={
            "history": false(),
            "generation": _NEXT,
            "occurred_at": statement.excluded.occurred_at,
        },
        where=table.c.history.is_(True) & statement.excluded.history.is_(False),
    )
    yield from sorted(connection.execute(statement.returning(table), values), key=lambda row: row.id)


def _altered(
    connection: Connection,
    account_id: int,
    states: Sequence[State],
    now: datetime,
) -> Iterator[Row[Any]]:
    values = [
        {
            "account_id": account_id,
            "topic": state.topic,
            "provider_id": state.id,
            "mark": "",
            "generation": 1,
            "history": not state.news,
            "occurred_at": state.at,
            "created_at": now,
        }
        for state in sorted(states)
    ]
    if not values:
        return
    statement = outbox.insert_into(connection, table)
    again = statement.on_conflict_do_update(
        index_elements=_KEY,
        set_={
            "generation": _NEXT,
            "history": table.c.history & statement.excluded.history,
            "occurred_at": statement.excluded.occurred_at,
        },
    )
    found = connection.execute(again.returning(table), values)
    yield from sorted(found, key=lambda row: (row.topic, row.provider_id))


def _tell(
    connection: Connection,
    account: Account,
    fresh: Sequence[Row[Any]],
    due: Mapping[tuple[str, str, str], datetime],
    before: Mapping[tuple[str, str], str | None],
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

    def delivery(news: Row[Any], listener: str) -> Delivery:
        when = max(now, due.get((news.provider_id, news.topic, news.mark), now))
        return Delivery(news, listener, when, before.get((news.topic, news.provider_id)))

    outbox.put(connection, [delivery(news, known.name) for news, known in later], now)
    for news, listener in at_once:
        was = before.get((news.topic, news.provider_id))
        told = look(connection, account, news, listener.name, now=now, before=was)
        if told is not None and insist:
            tell_inside(listener, connection, told)
        elif told is None or not try_inside(listener, connection, told):
            outbox.put(connection, [delivery(news, listener.name)], now)


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
