"""Sums kept in step with the rows. Each row contributes by a pure function of itself.

A changed row takes back what it contributed and contributes anew, in the transaction that changes it;
`rebuild` computes the same sums from all rows.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Iterator
from datetime import date
from typing import Any

from sqlalchemy import Connection, Table, delete, select, text
from sqlalchemy.dialects import postgresql, sqlite

from overseer_payment import tables
from overseer_payment.ledger.rows import Change, Values
from overseer_payment.provider import OPEN_DISPUTE, DisputeKind, SubscriptionStatus

_PAID = frozenset({"succeeded", "partially_refunded", "refunded"})
_ACTIVE = frozenset({SubscriptionStatus.ACTIVE.value, SubscriptionStatus.TRIALING.value})
_OPEN = frozenset(status.value for status in OPEN_DISPUTE)

# In the order in which everybody locks them.
_SUMS = (tables.customer_total, tables.gauge, tables.total)

# (table, its key, column) → amount
Key = tuple[str, tuple[Any, ...], str]


def contributions(table: str, row: Values) -> Iterator[tuple[Key, int]]:
    """What one row adds to which sums."""
    match table:
        case "payment_transaction":
            yield from _transaction(row)
        case "payment_dispute":
            yield from _dispute(row)
        case "payment_subscription":
            if not row["placeholder"] and row["status"] in _ACTIVE:
                yield ("payment_gauge", (row["account_id"], "active_subscriptions"), "value"), 1


def _transaction(row: Values) -> Iterator[tuple[Key, int]]:
    if row["placeholder"]:
        return
    yield from _money(row, row["customer_id"], transactions=1)
    if row["type"] == "refund":
        if row["status"] == "succeeded":
            yield from _money(row, row["customer_id"], refunded=row["amount"])
    elif row["status"] in _PAID:
        refunded = row["amount_refunded_untold"]
        yield from _money(row, row["customer_id"], gross=row["amount"], payments=1, refunded=refunded)
    elif row["status"] == "failed":
        yield from _money(row, row["customer_id"], failed_payments=1)


def _dispute(row: Values) -> Iterator[tuple[Key, int]]:
    if row["currency"]:
        yield from _money(row, row.get("customer_id"), disputed=row["funds_withdrawn"])
    if row["status"] in _OPEN:
        yield ("payment_gauge", (row["account_id"], "open_disputes"), "value"), 1
        if row["kind"] == DisputeKind.CHARGEBACK:
            yield ("payment_gauge", (row["account_id"], "open_chargebacks"), "value"), 1


def _money(row: Values, customer_id: int | None, **columns: int) -> Iterator[tuple[Key, int]]:
    day: date = row["occurred_at"].date()
    for column, amount in columns.items():
        if amount:
            yield ("payment_total", (row["account_id"], day, row["currency"]), column), amount
            if customer_id is not None and column in tables.customer_total.c:
                yield ("payment_customer_total", (customer_id, row["currency"]), column), amount


def apply(connection: Connection, changes: Iterable[Change]) -> None:
    """Bring the sums in step with `changes`. Last in a transaction: today's row is everybody's."""
    delta: Counter[Key] = Counter()
    for change in changes:
        for row, sign in ((change.before, -1), (change.after, 1)):
            if row is not None:
                for key, amount in contributions(change.table, row):
                    delta[key] += sign * amount
    _add(connection, delta)


def _add(connection: Connection, delta: Counter[Key]) -> None:
    for table in _SUMS:
        names = [column.name for column in table.primary_key]
        sums = [column.name for column in table.c if column.name not in names]
        grouped: dict[tuple[Any, ...], dict[str, int]] = {}
        for (name, key, column), amount in delta.items():
            if name == table.name and amount:
                grouped.setdefault(key, dict.fromkeys(sums, 0))[column] = amount
        if grouped:
            values = [{**dict(zip(names, key, strict=True)), **grouped[key]} for key in sorted(grouped)]
            connection.execute(_adding(connection, table, names, sums), values)


def _adding(connection: Connection, table: Table, names: list[str], sums: list[str]) -> Any:
    dialect = postgresql if connection.dialect.name == "postgresql" else sqlite
    statement = dialect.insert(table)
    return statement.on_conflict_do_update(
        index_elements=names, set_={name: table.c[name] + statement.excluded[name] for name in sums}
    )


def rebuild(connection: Connection) -> int:
    """Compute all sums from the rows alone; answers how many sums differed from what stood there."""
    if connection.dialect.name == "postgresql":
        # Who changes rows changes sums last: with these held, what can be read of rows and sums agrees.
        names = ", ".join(table.name for table in _SUMS)
        connection.execute(text(f"LOCK TABLE {names} IN EXCLUSIVE MODE"))
    stood = _standing(connection)
    for table in _SUMS:
        connection.execute(delete(table))
    truth: Counter[Key] = Counter()
    for table in (tables.transaction, tables.dispute, tables.subscription):
        for row in connection.execute(select(table), execution_options={"yield_per": 1000}).mappings():
            for key, amount in contributions(table.name, dict(row)):
                truth[key] += amount
    truth = Counter({key: amount for key, amount in truth.items() if amount})
    _add(connection, truth)
    return len({key for key in stood.keys() | truth.keys() if stood.get(key, 0) != truth.get(key, 0)})


def _standing(connection: Connection) -> Counter[Key]:
    found: Counter[Key] = Counter()
    for table in _SUMS:
        names = [column.name for column in table.primary_key]
        for row in connection.execute(select(table)).mappings():
            for column in table.c:
                if column.name not in names and row[column.name]:
                    found[table.name, tuple(row[name] for name in names), column.name] = row[column.name]
    return found
