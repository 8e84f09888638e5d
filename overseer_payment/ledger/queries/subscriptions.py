"""Subscriptions: lists, one row."""

from __future__ import annotations

import json
from typing import Any

from sqlalchemy import ColumnElement, Connection, Row, Select

from overseer_payment import tables
from overseer_payment.errors import NotFound
from overseer_payment.ledger.paging import page
from overseer_payment.ledger.queries.common import is_named, joined, named, values_of
from overseer_payment.ledger.scope import Scope
from overseer_payment.schemas import (
    Page,
    SubscriptionQuery,
    SubscriptionRow,
)

_s, _c = tables.subscription, tables.customer


def subscriptions_where(*where: ColumnElement[bool]) -> Select[Any]:
    query = joined(_s, _c.c.email.label("customer_email")).outerjoin(_c, _c.c.id == _s.c.customer_id)
    return query.where(_s.c.placeholder.is_(False), *where)


def subscription_row(row: Row[Any]) -> SubscriptionRow:
    values = values_of(row)
    values["items"] = json.loads(values["items"])
    return SubscriptionRow.model_validate(values)


def subscriptions(connection: Connection, scope: Scope, query: SubscriptionQuery) -> Page[SubscriptionRow]:
    """Subscriptions, newest first."""
    customers = named(connection, _c, _c.c.provider_customer_id, scope, query.customer_id)
    statement = subscriptions_where(scope.listed(connection, _s, customers))
    if query.status is not None:
        statement = statement.where(_s.c.status == query.status.value)
    rows, cursor = page(connection, statement, _s, limit=query.limit, cursor=query.cursor)
    return Page(rows=[subscription_row(row) for row in rows], next_cursor=cursor)


def subscription(connection: Connection, scope: Scope, id: str) -> SubscriptionRow:
    """One subscription by our id or the provider's. Raises NotFound."""
    statement = subscriptions_where(scope.rows(_s), is_named(_s, _s.c.provider_subscription_id, id))
    row = connection.execute(statement.limit(1)).one_or_none()
    if row is None:
        raise NotFound(f"There is no subscription {id}.")
    return subscription_row(row)
