"""Payments by their amount: within one currency, at a bounded price whatever else is asked.

An index in the order of amounts answers what most rows fit. What few rows fit would be sought there row by
row; so those few are found first, by the index of what makes them few, and sorted.
"""

from __future__ import annotations

from collections.abc import Iterator

from sqlalchemy import ColumnElement, Connection, func, select

from overseer_payment import tables
from overseer_payment.errors import Invalid
from overseer_payment.ledger.paging import Order
from overseer_payment.ledger.queries.common import aware
from overseer_payment.ledger.scope import Scope
from overseer_payment.schemas import TransactionQuery

_t = tables.transaction
_FEW = 2_000
"""So many are sorted in a few milliseconds; of more, the next page is near in the index."""


def ordered(connection: Connection, scope: Scope, query: TransactionQuery, *, few: bool) -> Order:
    """The order that is asked for; `few` says that not many rows are looked at anyway.

    Raises Invalid for amounts of no named currency: minor units of several can't be compared.
    """
    if query.order in {"newest", "oldest"}:
        return Order(rising=query.order == "oldest")
    if query.currency is None:
        raise Invalid("Amounts of several currencies can't be compared. Name a currency to sort by amount.")
    walked = not few and not any(_is_few(connection, scope, one) for one in _narrowing(query))
    return Order("amount", rising=query.order == "smallest", walked=walked)


def _narrowing(query: TransactionQuery) -> Iterator[ColumnElement[bool]]:
    """Each filter that an index of its own answers."""
    if query.status is not None:
        yield _t.c.status == query.status.value
    if query.type is not None:
        yield _t.c.type == query.type.value
    if query.occurred_after is not None:
        yield _t.c.occurred_at >= aware(query.occurred_after)
    if query.occurred_before is not None:
        yield _t.c.occurred_at < aware(query.occurred_before)


def _is_few(connection: Connection, scope: Scope, where: ColumnElement[bool]) -> bool:
    some = select(_t.c.id).where(_t.c.account_id.in_(scope.account_ids), where).limit(_FEW + 1).subquery()
    return connection.execute(select(func.count()).select_from(some)).scalar_one() <= _FEW
