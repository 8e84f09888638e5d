"""Subscriptions: lists, one row."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from typing import Any

from sqlalchemy import ColumnElement, Connection, Row, Select, func, select

from overseer_payment import tables
from overseer_payment.errors import NotFound
from overseer_payment.ledger.objects import chunks
from overseer_payment.ledger.paging import together
from overseer_payment.ledger.queries.common import is_named, joined, named, values_of
from overseer_payment.ledger.scope import Scope
from overseer_payment.ledger.spelling import spelled
from overseer_payment.provider import SubscriptionStatus
from overseer_payment.schemas import (
    Page,
    SubscriptionQuery,
    SubscriptionRow,
)

_s, _c, _p = tables.subscription, tables.customer, tables.product


def subscriptions_where(*where: ColumnElement[bool]) -> Select[Any]:
    query = joined(_s, _c.c.email.label("customer_email")).outerjoin(_c, _c.c.id == _s.c.customer_id)
    return query.where(_s.c.placeholder.is_(False), *where)


def subscription_rows(connection: Connection, rows: Sequence[Row[Any]]) -> list[SubscriptionRow]:
    """Rows as they are shown. Items find their product's name now, so it may have come before or after."""
    items = named_items(connection, rows)
    return [_shown(row, items[row.id]) for row in rows]


def named_items(connection: Connection, rows: Sequence[Row[Any]]) -> dict[int, list[dict[str, Any]]]:
    """The items of each row by our id, named by their products as far as those are known."""
    items = {row.id: json.loads(row.items) for row in rows}
    names = _product_names(connection, rows, items)
    return {
        row.id: [
            {**item, "name": names.get((row.account_id, item["product_id"]), item["name"])}
            for item in items[row.id]
        ]
        for row in rows
    }


def plan_name(items: Sequence[Mapping[str, Any]]) -> str | None:
    """What a subscription is of, in words; None as long as nobody said."""
    return " + ".join(dict.fromkeys(item["name"] for item in items if item["name"])) or None


def _product_names(
    connection: Connection, rows: Sequence[Row[Any]], items: Mapping[int, Sequence[Mapping[str, Any]]]
) -> dict[tuple[int, str], str]:
    named = {item["product_id"] for one in items.values() for item in one if item["product_id"]}
    accounts = {row.account_id for row in rows}
    found: dict[tuple[int, str], str] = {}
    for some in chunks(named):
        query = select(_p.c.account_id, _p.c.provider_product_id, _p.c.name).where(
            _p.c.account_id.in_(accounts), _p.c.provider_product_id.in_(some), _p.c.name.is_not(None)
        )
        found |= {(account, id): name for account, id, name in connection.execute(query)}
    return found


def _shown(row: Row[Any], items: Sequence[Mapping[str, Any]]) -> SubscriptionRow:
    values = {**values_of(row), "items": items, "plan_name": plan_name(items)}
    return SubscriptionRow.model_validate(values)


def subscriptions(connection: Connection, scope: Scope, query: SubscriptionQuery) -> Page[SubscriptionRow]:
    """Subscriptions, newest first."""
    customers = named(connection, _c, _c.c.provider_customer_id, scope, query.customer_id)
    status = [] if query.status is None else [_s.c.status == query.status.value]
    statements = [subscriptions_where(run, *status) for run in scope.runs(connection, _s, customers)]
    rows, cursor = together(connection, statements, _s, limit=query.limit, cursor=query.cursor)
    return Page(rows=subscription_rows(connection, rows), next_cursor=cursor)


def how_many(
    connection: Connection, scope: Scope, states: Sequence[SubscriptionStatus], *, at_most: int
) -> dict[SubscriptionStatus, int]:
    """How many subscriptions are in each of these states; counts each no further than `at_most`."""
    shown = (scope.listed(connection, _s), _s.c.placeholder.is_(False))
    found = [
        select(_s.c.id).where(*shown, _s.c.status == spelled(state.value)).limit(at_most) for state in states
    ]
    counts = [select(func.count()).select_from(ids.subquery()).scalar_subquery() for ids in found]
    return dict(zip(states, connection.execute(select(*counts)).one(), strict=True))


def subscription(connection: Connection, scope: Scope, id: str) -> SubscriptionRow:
    """One subscription by our id or the provider's. Raises NotFound."""
    statement = subscriptions_where(scope.rows(_s), is_named(_s, _s.c.provider_subscription_id, id))
    row = connection.execute(statement.limit(1)).one_or_none()
    if row is None:
        raise NotFound(f"There is no subscription {id}.")
    return subscription_rows(connection, [row])[0]
