"""Customers: lists, one with what they are worth."""

from __future__ import annotations

from sqlalchemy import Connection, or_

from overseer_payment import tables
from overseer_payment.errors import NotFound
from overseer_payment.ledger.paging import together
from overseer_payment.ledger.queries import search
from overseer_payment.ledger.queries.common import aware, is_named, joined, values_of
from overseer_payment.ledger.queries.subscriptions import subscription_rows, subscriptions_where
from overseer_payment.ledger.queries.worth import worth
from overseer_payment.ledger.scope import Scope
from overseer_payment.schemas import (
    CustomerDetail,
    CustomerQuery,
    CustomerRow,
    CustomerState,
    Page,
)

_c, _s = tables.customer, tables.subscription


def customers(connection: Connection, scope: Scope, query: CustomerQuery) -> Page[CustomerRow]:
    """Customers, newest first; those that were only named so far, by when they were first named."""
    base, text = joined(_c), (query.q or "").strip()
    if query.status is not None:
        base = base.where(_c.c.deleted == (query.status is CustomerState.DELETED))
    before = aware(query.occurred_before) if query.occurred_before else None
    if before is not None:
        base = base.where(_c.c.occurred_at < before)
    statements, since = [base.where(run) for run in scope.runs(connection, _c)], None
    if text:
        columns = (_c.c.email, _c.c.name, _c.c.provider_customer_id, _c.c.user_id)
        resembling = or_(*(column.icontains(text, autoescape=True) for column in columns))
        if scope.user_id is None:
            since = search.window(connection, _c, scope.account_ids, before=before)
        lately = [] if since is None else [_c.c.occurred_at >= since]
        statements = [one.where(resembling, *lately) for one in statements]
        if since is not None and (people := search.people(connection, scope.account_ids, text)):
            statements.append(base.where(_c.c.id.in_(people)))
    rows, cursor = together(connection, statements, _c, limit=query.limit, cursor=query.cursor)
    found = [CustomerRow.model_validate(values_of(row)) for row in rows]
    return Page(rows=found, next_cursor=cursor, searched_since=since)


def customer(connection: Connection, scope: Scope, id: str) -> CustomerDetail:
    """One customer by our id or the provider's, with lifetime value and subscriptions. Raises NotFound."""
    statement = joined(_c).where(scope.customers(), is_named(_c, _c.c.provider_customer_id, id))
    row = connection.execute(statement.limit(1)).one_or_none()
    if row is None:
        raise NotFound(f"There is no customer {id}.")
    owned = subscriptions_where(_s.c.customer_id == row.id).order_by(_s.c.occurred_at.desc(), _s.c.id.desc())
    return CustomerDetail(
        **CustomerRow.model_validate(values_of(row)).model_dump(),
        value=worth(connection, scope, [row.id]).get(row.id, []),
        subscriptions=subscription_rows(connection, connection.execute(owned.limit(100)).all()),
    )
