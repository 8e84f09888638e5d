"""Operations as they are shown: never what was sent, nor under which key."""

from __future__ import annotations

from collections.abc import Sequence

from sqlalchemy import Connection, and_, select

from overseer_payment import tables
from overseer_payment.ledger.paging import MOST_RUNS, latest
from overseer_payment.ledger.queries.common import values_of
from overseer_payment.schemas import OperationQuery, OperationRow, Page

_o, _p = tables.operation, tables.provider
_SHOWN = (
    *(_o.c[name] for name in OperationRow.model_fields if name in _o.c),
    _p.c.provider,
    _p.c.account,
    _p.c.livemode,
)


def operations(
    connection: Connection, account_ids: Sequence[int], query: OperationQuery
) -> Page[OperationRow]:
    """Operations of these accounts, newest first."""
    state = [] if query.status is None else [_o.c.status == query.status.value]
    runs = [and_(_o.c.account_id == id, *state) for id in account_ids]
    if len(runs) > MOST_RUNS:
        runs = [and_(_o.c.account_id.in_(account_ids), *state)]
    ids, cursor = latest(connection, _o, runs, limit=query.limit, cursor=query.cursor)
    statement = select(*_SHOWN).join_from(_o, _p, _p.c.id == _o.c.account_id).where(_o.c.id.in_(ids))
    rows = connection.execute(statement.order_by(_o.c.id.desc()))
    return Page(rows=[OperationRow.model_validate(values_of(row)) for row in rows], next_cursor=cursor)
