"""Payments and refunds: lists, search, one row."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime
from typing import Any

from sqlalchemy import ColumnElement, Connection, Row, Select, and_, or_, select

from overseer_payment import tables
from overseer_payment.errors import NotFound
from overseer_payment.ledger import references
from overseer_payment.ledger.paging import Order, together
from overseer_payment.ledger.queries import search
from overseer_payment.ledger.queries.amounts import ordered
from overseer_payment.ledger.queries.common import aware, joined, named, values_of
from overseer_payment.ledger.scope import Scope
from overseer_payment.schemas import (
    Page,
    TransactionQuery,
    TransactionRow,
)

_t, _c, _s = tables.transaction, tables.customer, tables.subscription


def _transactions(*where: ColumnElement[bool]) -> Select[Any]:
    query = joined(_t, _c.c.email.label("own_email"), _c.c.name.label("own_name"))
    return query.outerjoin(_c, _c.c.id == _t.c.customer_id).where(*where)


def transaction_row(row: Row[Any]) -> TransactionRow:
    values = values_of(row)
    values["customer_email"] = values["customer_email"] or values["own_email"]
    values["customer_name"] = values["customer_name"] or values["own_name"]
    return TransactionRow.model_validate(values)


def transactions(connection: Connection, scope: Scope, query: TransactionQuery) -> Page[TransactionRow]:
    """Payments and refunds, newest first."""
    text = (query.q or "").strip()
    runs, bounded = _whose(connection, scope, query)
    order = ordered(connection, scope, query, few=bool(text) or bounded)
    base = _transactions(_t.c.placeholder.is_(False), *_filters(query, order))
    if not text:
        return _page(connection, query, order, [base.where(run) for run in runs])
    known = references.resolve(connection, scope.account_ids, text)
    if known and not text.isdigit():  # a number may also be part of what somebody looks for
        children = connection.execute(select(_t.c.id).where(_t.c.parent_id.in_(known))).scalars()
        named = _t.c.id.in_(sorted({*known, *children}))
        return _page(connection, query, order, [base.where(named, *(runs if bounded else ()))])
    if bounded:
        return _page(
            connection, query, order, [base.where(*runs, or_(_t.c.id.in_(known), _resembling(text)))]
        )
    return _searched(connection, scope, query, order, base, text, known)


def _page(
    connection: Connection,
    query: TransactionQuery,
    order: Order,
    statements: Sequence[Select[Any]],
    searched_since: datetime | None = None,
) -> Page[TransactionRow]:
    rows, cursor = together(connection, statements, _t, limit=query.limit, cursor=query.cursor, order=order)
    found = [transaction_row(row) for row in rows]
    return Page(rows=found, next_cursor=cursor, searched_since=searched_since)


def _searched(
    connection: Connection,
    scope: Scope,
    query: TransactionQuery,
    order: Order,
    base: Select[Any],
    text: str,
    known: Sequence[int],
) -> Page[TransactionRow]:
    """What an index finds, and what the newest rows say. Each asked for itself: an OR would ask all rows."""
    ids = scope.account_ids
    before = aware(query.occurred_before) if query.occurred_before else None
    since = search.window(connection, _t, ids, before=before)
    lately = [] if since is None else [_t.c.occurred_at >= since]
    statements = [base.where(run, _resembling(text), *lately) for run in scope.runs(connection, _t)]
    if payers := {*known, *search.payers(connection, ids, text)}:
        statements.append(base.where(_t.c.id.in_(sorted(payers))))
    if people := search.people(connection, ids, text):
        statements.append(base.where(_t.c.customer_id.in_(people)))
    return _page(connection, query, order, statements, since)


def _whose(
    connection: Connection, scope: Scope, query: TransactionQuery
) -> tuple[list[ColumnElement[bool]], bool]:
    """Where to begin: at the few rows of who is named (then it is True), or at all there is, in parts."""
    customers = named(connection, _c, _c.c.provider_customer_id, scope, query.customer_id)
    subscriptions = named(connection, _s, _s.c.provider_subscription_id, scope, query.subscription_id)
    named_so = customers is not None or scope.user_id is not None
    if subscriptions is None:
        return scope.runs(connection, _t, customers), named_so
    billed = _t.c.subscription_id.in_(subscriptions)
    return [and_(billed, scope.listed(connection, _t, customers)) if named_so else billed], True


def _filters(query: TransactionQuery, order: Order) -> list[ColumnElement[bool]]:
    wanted: list[ColumnElement[bool]] = []
    if query.status is not None:
        wanted.append(_t.c.status == query.status.value)
    if query.type is not None:
        wanted.append(_t.c.type == query.type.value)
    if query.currency is not None:
        # Where few rows are found first and then sorted, no index may begin with the currency's many.
        wanted.append((_t.c.currency if order.walked else _t.c.currency + "") == query.currency)
    if query.occurred_after is not None:
        wanted.append(_t.c.occurred_at >= aware(query.occurred_after))
    if query.occurred_before is not None:
        wanted.append(_t.c.occurred_at < aware(query.occurred_before))
    return wanted


def _resembling(text: str) -> ColumnElement[bool]:
    columns = (
        _t.c.provider_transaction_id,
        _t.c.charge_ref,
        _t.c.customer_email,
        _t.c.customer_name,
        _t.c.description,
        _c.c.email,
        _c.c.name,
        _c.c.provider_customer_id,
    )
    return or_(*(column.icontains(text, autoescape=True) for column in columns))


def transaction(connection: Connection, scope: Scope, id: str) -> TransactionRow:
    """One payment or refund by our id or any of the provider's. Raises NotFound."""
    for found in references.resolve(connection, scope.account_ids, id):
        query = _transactions(scope.rows(_t), _t.c.id == found, _t.c.placeholder.is_(False))
        row = connection.execute(query).one_or_none()
        if row is not None:
            return transaction_row(row)
    raise NotFound(f"There is no transaction {id}.")


def paid_for(connection: Connection, scope: Scope, invoice_id: int) -> list[TransactionRow]:
    """The payments that paid one invoice or try to, oldest first; without their refunds."""
    query = _transactions(
        scope.rows(_t), _t.c.invoice_id == invoice_id, _t.c.type != "refund", _t.c.placeholder.is_(False)
    )
    rows = connection.execute(query.order_by(_t.c.occurred_at, _t.c.id))
    return [transaction_row(row) for row in rows]


def refunds(connection: Connection, scope: Scope, parent_id: int) -> list[TransactionRow]:
    """The refunds of one payment, oldest first."""
    query = _transactions(scope.rows(_t), _t.c.parent_id == parent_id)
    rows = connection.execute(query.order_by(_t.c.occurred_at, _t.c.id))
    return [transaction_row(row) for row in rows]
