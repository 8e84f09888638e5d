"""What lists and rows show. No query here grows with the number of transactions."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from datetime import UTC, datetime
from typing import Any

from sqlalchemy import ColumnElement, Connection, Row, Select, or_, select

from overseer_payment import tables
from overseer_payment.errors import NotFound
from overseer_payment.ledger import references
from overseer_payment.ledger.paging import page
from overseer_payment.ledger.scope import Scope
from overseer_payment.provider import OPEN_DISPUTE
from overseer_payment.schemas import (
    CheckoutRow,
    CustomerDetail,
    CustomerQuery,
    CustomerRow,
    CustomerValue,
    DisputeRow,
    Page,
    SubscriptionQuery,
    SubscriptionRow,
    TransactionQuery,
    TransactionRow,
)

_t, _c, _s, _d = tables.transaction, tables.customer, tables.subscription, tables.dispute
OPEN_STATES = tuple(sorted(status.value for status in OPEN_DISPUTE))
"""Statuses of disputes that need or await an answer."""

_account = (tables.provider.c.provider, tables.provider.c.livemode)


def _from(table: Any, *more: Any) -> Select[Any]:
    return select(table, *_account, *more).join_from(
        table, tables.provider, tables.provider.c.id == table.c.account_id
    )


def _row(row: Row[Any]) -> dict[str, Any]:
    return dict(row._mapping)


# -- transactions ---------------------------------------------------------------------------------


def _transactions(*where: ColumnElement[bool]) -> Select[Any]:
    query = _from(_t, _c.c.email.label("own_email"), _c.c.name.label("own_name"))
    return query.outerjoin(_c, _c.c.id == _t.c.customer_id).where(*where)


def transaction_row(row: Row[Any]) -> TransactionRow:
    values = _row(row)
    values["customer_email"] = values["customer_email"] or values["own_email"]
    values["customer_name"] = values["customer_name"] or values["own_name"]
    return TransactionRow.model_validate(values)


def transactions(connection: Connection, scope: Scope, query: TransactionQuery) -> Page[TransactionRow]:
    """Payments and refunds, newest first."""
    statement = _transactions(
        _t.c.placeholder.is_(False), *_whose(connection, scope, query), *_filters(query)
    )
    rows, cursor = page(connection, statement, _t, limit=query.limit, cursor=query.cursor)
    return Page(rows=[transaction_row(row) for row in rows], next_cursor=cursor)


def _whose(connection: Connection, scope: Scope, query: TransactionQuery) -> list[ColumnElement[bool]]:
    """Where to begin: at the few rows that are named, else at all that the viewer may see."""
    begin: list[ColumnElement[bool]] = []
    customers = _named(connection, _c, _c.c.provider_customer_id, scope, query.customer_id)
    subscriptions = _named(connection, _s, _s.c.provider_subscription_id, scope, query.subscription_id)
    if subscriptions is not None:
        begin.append(_t.c.subscription_id.in_(subscriptions))
    text = (query.q or "").strip()
    known = references.resolve(connection, scope.account_ids, text) if text else []
    exact = bool(known) and not text.isdigit()  # a number may also be part of what somebody looks for
    if exact:
        refunds = connection.execute(select(_t.c.id).where(_t.c.parent_id.in_(known))).scalars()
        begin.append(_t.c.id.in_(sorted({*known, *refunds})))
    if not begin or customers is not None or scope.user_id is not None:
        begin.append(scope.listed(connection, _t, customers))
    if not text or exact:
        return begin
    return [*begin, or_(_t.c.id.in_(known), _resembling(text))]


def _filters(query: TransactionQuery) -> list[ColumnElement[bool]]:
    wanted: list[ColumnElement[bool]] = []
    if query.status is not None:
        wanted.append(_t.c.status == query.status.value)
    if query.type is not None:
        wanted.append(_t.c.type == query.type.value)
    if query.currency is not None:
        wanted.append(_t.c.currency == query.currency)
    if query.occurred_after is not None:
        wanted.append(_t.c.occurred_at >= _aware(query.occurred_after))
    if query.occurred_before is not None:
        wanted.append(_t.c.occurred_at < _aware(query.occurred_before))
    return wanted


def _aware(moment: datetime) -> datetime:
    return moment.replace(tzinfo=UTC) if moment.tzinfo is None else moment


def _named(connection: Connection, table: Any, key: Any, scope: Scope, id: str | None) -> list[int] | None:
    """Our ids of what `id` (ours or the provider's) names in these accounts; None if it isn't asked."""
    if id is None:
        return None
    query = select(table.c.id).where(table.c.account_id.in_(scope.account_ids), _is(table, key, id))
    return list(connection.execute(query).scalars())


def _is(table: Any, key: Any, id: str) -> ColumnElement[bool]:
    """Is it the row with this id, ours or the provider's?"""
    ours = id.isascii() and id.isdigit() and len(id) < 19
    same: ColumnElement[bool] = key == id
    return or_(same, table.c.id == int(id)) if ours else same


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


def refunds(connection: Connection, scope: Scope, parent_id: int) -> list[TransactionRow]:
    """The refunds of one payment, oldest first."""
    query = _transactions(scope.rows(_t), _t.c.parent_id == parent_id)
    rows = connection.execute(query.order_by(_t.c.occurred_at, _t.c.id))
    return [transaction_row(row) for row in rows]


def disputes(connection: Connection, scope: Scope, transaction_id: int) -> list[DisputeRow]:
    """The disputes about one payment, oldest first."""
    query = _from(_d).where(scope.rows(_d), _d.c.transaction_id == transaction_id)
    rows = connection.execute(query.order_by(_d.c.occurred_at, _d.c.id))
    return [DisputeRow.model_validate(_row(row)) for row in rows]


# -- subscriptions --------------------------------------------------------------------------------


def _subscriptions(*where: ColumnElement[bool]) -> Select[Any]:
    query = _from(_s, _c.c.email.label("customer_email")).outerjoin(_c, _c.c.id == _s.c.customer_id)
    return query.where(_s.c.placeholder.is_(False), *where)


def _subscription_row(row: Row[Any]) -> SubscriptionRow:
    values = _row(row)
    values["items"] = json.loads(values["items"])
    return SubscriptionRow.model_validate(values)


def subscriptions(connection: Connection, scope: Scope, query: SubscriptionQuery) -> Page[SubscriptionRow]:
    """Subscriptions, newest first."""
    customers = _named(connection, _c, _c.c.provider_customer_id, scope, query.customer_id)
    statement = _subscriptions(scope.listed(connection, _s, customers))
    if query.status is not None:
        statement = statement.where(_s.c.status == query.status.value)
    rows, cursor = page(connection, statement, _s, limit=query.limit, cursor=query.cursor)
    return Page(rows=[_subscription_row(row) for row in rows], next_cursor=cursor)


def subscription(connection: Connection, scope: Scope, id: str) -> SubscriptionRow:
    """One subscription by our id or the provider's. Raises NotFound."""
    statement = _subscriptions(scope.rows(_s), _is(_s, _s.c.provider_subscription_id, id))
    row = connection.execute(statement.limit(1)).one_or_none()
    if row is None:
        raise NotFound(f"There is no subscription {id}.")
    return _subscription_row(row)


# -- customers ------------------------------------------------------------------------------------


def customers(connection: Connection, scope: Scope, query: CustomerQuery) -> Page[CustomerRow]:
    """Customers, newest first; those that were only named so far, by when they were first named."""
    statement = _from(_c).where(scope.listed(connection, _c))
    if query.q and query.q.strip():
        text = query.q.strip()
        columns = (_c.c.email, _c.c.name, _c.c.provider_customer_id, _c.c.user_id)
        statement = statement.where(or_(*(column.icontains(text, autoescape=True) for column in columns)))
    rows, cursor = page(connection, statement, _c, limit=query.limit, cursor=query.cursor)
    return Page(rows=[CustomerRow.model_validate(_row(row)) for row in rows], next_cursor=cursor)


def customer(connection: Connection, scope: Scope, id: str) -> CustomerDetail:
    """One customer by our id or the provider's, with lifetime value and subscriptions. Raises NotFound."""
    statement = _from(_c).where(scope.customers(), _is(_c, _c.c.provider_customer_id, id))
    row = connection.execute(statement.limit(1)).one_or_none()
    if row is None:
        raise NotFound(f"There is no customer {id}.")
    owned = _subscriptions(_s.c.customer_id == row.id).order_by(_s.c.occurred_at.desc(), _s.c.id.desc())
    return CustomerDetail(
        **CustomerRow.model_validate(_row(row)).model_dump(),
        value=_value(connection, row.id),
        subscriptions=[_subscription_row(one) for one in connection.execute(owned.limit(100))],
    )


def _value(connection: Connection, customer_id: int) -> list[CustomerValue]:
    total = tables.customer_total
    query = select(total).where(total.c.customer_id == customer_id).order_by(total.c.currency)
    return [
        CustomerValue(
            currency=row.currency,
            gross=row.gross,
            refunded=row.refunded,
            disputed=row.disputed,
            net=row.gross - row.refunded - row.disputed,
            payments=row.payments,
        )
        for row in connection.execute(query)
        if row.gross or row.refunded or row.disputed
    ]


# -- checkouts ------------------------------------------------------------------------------------


def checkout(
    connection: Connection, account_ids: Sequence[int], session_id: str, *, scope: Scope | None = None
) -> CheckoutRow:
    """One checkout session. With `scope` also only if the viewer may see it. Raises NotFound."""
    table = tables.checkout
    query = _from(table).where(table.c.account_id.in_(account_ids), table.c.session_id == session_id)
    if scope is not None and scope.user_id is not None:
        query = query.where(or_(table.c.user_id == scope.user_id, scope.own(table.c.customer_id)))
    row = connection.execute(query.limit(1)).one_or_none()
    if row is None:
        raise NotFound(f"There is no checkout session {session_id[:80]}.")
    values: Mapping[str, Any] = _row(row) | {"checkout_url": row.url if row.status == "open" else None}
    return CheckoutRow.model_validate(values)
