"""The outbox as it is shown: effects in the order in which they were stored, the last one first."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import Any

from sqlalchemy import ColumnElement, Connection, Row, and_

from overseer_payment import tables
from overseer_payment.errors import NotFound
from overseer_payment.ledger.paging import MOST_RUNS, latest
from overseer_payment.ledger.queries.common import joined, values_of
from overseer_payment.schemas import EffectQuery, EffectRow, EffectState, Page

_e = tables.effect
_FAILED = (EffectState.FAILED, EffectState.DEAD)
_DUE = (EffectState.PENDING, EffectState.FAILED)


def effects(connection: Connection, account_ids: Sequence[int], query: EffectQuery) -> Page[EffectRow]:
    """Effects of these accounts, the last stored first."""
    runs = _runs(account_ids, query)
    ids, cursor = latest(connection, _e, runs, limit=query.limit, cursor=query.cursor)
    statement = joined(_e, tables.provider.c.account).where(_e.c.id.in_(ids)).order_by(_e.c.id.desc())
    return Page(rows=[_row(row) for row in connection.execute(statement)], next_cursor=cursor)


def _runs(account_ids: Sequence[int], query: EffectQuery) -> Iterator[ColumnElement[bool]]:
    """What the index holds together: effects of one account in one state."""
    states = [state.value for state in EffectState if _is_asked(state, query)]
    of = [] if query.listener is None else [_e.c.listener == query.listener]
    if len(account_ids) * len(states) <= MOST_RUNS:
        for id in account_ids:
            yield from (and_(_e.c.account_id == id, _e.c.status == state, *of) for state in states)
    else:
        yield and_(_e.c.account_id.in_(account_ids), _e.c.status.in_(states), *of)


def _is_asked(state: EffectState, query: EffectQuery) -> bool:
    return query.status in {None, state} and (not query.failed or state in _FAILED)


def effect(connection: Connection, account_ids: Sequence[int], id: str) -> EffectRow:
    """One effect by our id. Raises NotFound."""
    number = int(id) if id.isascii() and id.isdigit() and len(id) < 19 else 0
    statement = joined(_e, tables.provider.c.account).where(
        _e.c.account_id.in_(account_ids), _e.c.id == number
    )
    row = connection.execute(statement).one_or_none()
    if row is None:
        raise NotFound(f"There is no effect {id[:80]}.")
    return _row(row)


def _row(row: Row[Any]) -> EffectRow:
    due_at = row.due_at if row.status in _DUE else None
    return EffectRow.model_validate(values_of(row) | {"due_at": due_at})
