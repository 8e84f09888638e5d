"""Disputes: lists, one row, those about one payment, and how each stands with time."""

from __future__ import annotations

from datetime import datetime, timedelta
from typing import Any

from sqlalchemy import ColumnElement, Connection, Row, Select, func, true

from overseer_payment import tables
from overseer_payment.errors import NotFound
from overseer_payment.ledger.paging import NEWEST, SOONEST, together
from overseer_payment.ledger.queries.common import is_named, joined, values_of
from overseer_payment.ledger.scope import Scope
from overseer_payment.provider import AWAITS_RESPONSE, OPEN_DISPUTE, DisputeKind, DisputeStatus
from overseer_payment.schemas import Deadline, DisputeFilter, DisputeQuery, DisputeRow, Page

_d, _t, _c = tables.dispute, tables.transaction, tables.customer
OPEN_STATES = tuple(sorted(status.value for status in OPEN_DISPUTE))
"""Statuses of disputes that need or await an answer."""
DUE_SOON = timedelta(days=7)
_AWAITED = tuple(sorted(status.value for status in AWAITS_RESPONSE))


def disputes(connection: Connection, scope: Scope, query: DisputeQuery, *, now: datetime) -> Page[DisputeRow]:
    """Disputes, newest first; those that are open or due soon by their deadlines."""
    base = _disputes(_visible(scope), *_filters(query, now))
    statements = [base.where(run) for run in scope.runs(connection, _d)]
    order = SOONEST if query.due_soon or query.status is DisputeFilter.OPEN else NEWEST
    rows, cursor = together(connection, statements, _d, limit=query.limit, cursor=query.cursor, order=order)
    return Page(rows=[_row(row, now) for row in rows], next_cursor=cursor)


def dispute(connection: Connection, scope: Scope, id: str, *, now: datetime) -> DisputeRow:
    """One dispute by our id or the provider's. Raises NotFound."""
    statement = _disputes(scope.rows(_d), _visible(scope), is_named(_d, _d.c.provider_dispute_id, id))
    row = connection.execute(statement.limit(1)).one_or_none()
    if row is None:
        raise NotFound(f"There is no dispute {id}.")
    return _row(row, now)


def disputes_about(
    connection: Connection, scope: Scope, transaction_id: int, *, now: datetime
) -> list[DisputeRow]:
    """The disputes about one payment, oldest first."""
    # The payment names its account. Named here as well, databases would walk through all of the account's.
    query = _disputes(scope.own(_d.c.customer_id), _visible(scope), _d.c.transaction_id == transaction_id)
    rows = connection.execute(query.order_by(_d.c.occurred_at, _d.c.id))
    return [_row(row, now) for row in rows]


def deadline(row: Row[Any], now: datetime) -> Deadline:
    """How the answer to a dispute (a row of its table) stands with time."""
    lost_at_once = row.status == DisputeStatus.LOST and not row.evidence_due_by
    if row.kind == DisputeKind.FRAUD_WARNING or not (row.status in _AWAITED or lost_at_once):
        return Deadline.NONE
    if row.evidence_due_by is None:
        return Deadline.CANNOT_RESPOND
    if row.evidence_due_by <= now:
        return Deadline.PAST_DUE
    return Deadline.DUE_SOON if row.evidence_due_by <= now + DUE_SOON else Deadline.OPEN


def can_respond(row: Row[Any], now: datetime) -> bool:
    """Does the bank still take an answer?"""
    return row.status in _AWAITED and deadline(row, now) in {Deadline.OPEN, Deadline.DUE_SOON}


def _disputes(*where: ColumnElement[bool]) -> Select[Any]:
    query = joined(
        _d,
        func.coalesce(_t.c.customer_email, _c.c.email).label("customer_email"),
        func.coalesce(_t.c.customer_name, _c.c.name).label("customer_name"),
        _t.c.amount_refundable.label("left"),
    )
    query = query.outerjoin(_t, _t.c.id == _d.c.transaction_id)
    return query.outerjoin(_c, _c.c.id == _d.c.customer_id).where(*where)


def _visible(scope: Scope) -> ColumnElement[bool]:
    """A buyer doesn't learn what banks suspect."""
    return true() if scope.user_id is None else _d.c.kind != DisputeKind.FRAUD_WARNING.value


def _filters(query: DisputeQuery, now: datetime) -> list[ColumnElement[bool]]:
    wanted: list[ColumnElement[bool]] = []
    if query.status is DisputeFilter.OPEN:
        wanted.append(_d.c.answer_by.is_not(None))
    elif query.status is not None:
        wanted.append(_d.c.status == query.status.value)
    if query.due_soon:
        wanted += [_d.c.answer_by > now, _d.c.answer_by <= now + DUE_SOON]
    if query.kind is not None:
        wanted.append(_d.c.kind == query.kind.value)
    if query.currency is not None:
        wanted.append(_d.c.currency == query.currency)
    return wanted


def _row(row: Row[Any], now: datetime) -> DisputeRow:
    awaits_refund = row.kind != DisputeKind.CHARGEBACK and row.status in OPEN_STATES
    return DisputeRow.model_validate(
        {
            **values_of(row),
            "deadline": deadline(row, now),
            "can_respond": can_respond(row, now),
            "can_accept": can_respond(row, now) and row.kind == DisputeKind.CHARGEBACK,
            # What the provider says, unless everything has been given back by now.
            "refundable": awaits_refund and row.refundable and row.left != 0,
        }
    )
