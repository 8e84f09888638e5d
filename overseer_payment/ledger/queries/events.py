"""The inbox as it is shown: events in the order in which they were stored, the last one first."""

from __future__ import annotations

import json
from collections.abc import Iterator, Sequence

from sqlalchemy import ColumnElement, Connection, and_, literal_column

from overseer_payment import tables
from overseer_payment.errors import NotFound
from overseer_payment.ledger.paging import MOST_RUNS, latest
from overseer_payment.ledger.queries.common import is_named, joined, values_of
from overseer_payment.schemas import EventDetail, EventQuery, EventRow, EventState, Page

_e = tables.event
_FAILED = (EventState.FAILED, EventState.DEAD)
_DUE = (EventState.PENDING, EventState.FAILED)
_SETTLED = _e.c.status != literal_column("'pending'")  # a parameter would hide it from the planner


def events(connection: Connection, account_ids: Sequence[int], query: EventQuery) -> Page[EventRow]:
    """Events of these accounts, the last received first."""
    runs = _runs(account_ids, query)
    ids, cursor = latest(connection, _e, runs, limit=query.limit, cursor=query.cursor)
    statement = joined(_e, tables.provider.c.account).where(_e.c.id.in_(ids)).order_by(_e.c.id.desc())
    rows = [EventRow.model_validate(values_of(row)) for row in connection.execute(statement)]
    return Page(rows=rows, next_cursor=cursor)


def _runs(account_ids: Sequence[int], query: EventQuery) -> Iterator[ColumnElement[bool]]:
    """What each index holds together: events of one account in one state, or of one type."""
    states = [state.value for state in EventState if _is_asked(state, query)]
    typed = [] if query.type is None else [_e.c.type == query.type]
    if typed and len(states) == len(EventState) and 2 * len(account_ids) <= MOST_RUNS:
        for id in account_ids:
            # A type's index leaves out what waits; that is few.
            yield and_(_e.c.account_id == id, _SETTLED, *typed)
            yield and_(_e.c.account_id == id, _e.c.status == EventState.PENDING.value, *typed)
    elif len(account_ids) * len(states) <= MOST_RUNS:
        for id in account_ids:
            yield from (and_(_e.c.account_id == id, _e.c.status == state, *typed) for state in states)
    else:
        yield and_(_e.c.account_id.in_(account_ids), _e.c.status.in_(states), *typed)


def _is_asked(state: EventState, query: EventQuery) -> bool:
    return query.status in {None, state} and (not query.failed or state in _FAILED)


def event(connection: Connection, account_ids: Sequence[int], id: str) -> EventDetail:
    """One event by our id or the provider's, with its payload. Raises NotFound."""
    statement = joined(_e, tables.provider.c.account).where(
        _e.c.account_id.in_(account_ids), is_named(_e, _e.c.provider_event_id, id)
    )
    row = connection.execute(statement.order_by(_e.c.id).limit(1)).one_or_none()
    if row is None:
        raise NotFound(f"There is no event {id[:80]}.")
    values = values_of(row)
    due_at = values["due_at"] if row.status in _DUE else None
    return EventDetail.model_validate(values | {"payload": json.loads(row.payload), "due_at": due_at})
