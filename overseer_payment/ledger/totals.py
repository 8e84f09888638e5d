"""Sums kept in step with the rows. Each row contributes by a pure function of itself.

A changed row takes back what it contributed and contributes anew, in the transaction that changes it;
`rebuild` computes the same sums from all rows. What customers contribute follows from all subscriptions
of each: a change of one takes back and gives anew what they contribute together.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import date
from typing import Any

from sqlalchemy import Connection, Table, delete, select, text
from sqlalchemy.dialects import postgresql, sqlite

from overseer_payment import tables
from overseer_payment.ledger import recurring
from overseer_payment.ledger.objects import numbers
from overseer_payment.ledger.recurring import Key
from overseer_payment.ledger.rows import Change, Values
from overseer_payment.provider import OPEN_DISPUTE, DisputeKind, SubscriptionStatus

_PAID = frozenset({"succeeded", "partially_refunded", "refunded"})
_ACTIVE = frozenset({SubscriptionStatus.ACTIVE.value, SubscriptionStatus.TRIALING.value})
_OPEN = frozenset(status.value for status in OPEN_DISPUTE)

# In the order in which everybody locks them.
_SUMS = (tables.customer_total, tables.gauge, tables.recurring, tables.subscriber, tables.total)
_ROWS = (tables.transaction, tables.dispute)
_SLOWLY = {"yield_per": 1000}  # millions of rows, never all at once in memory


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
            yield from recurring.of_row(row)


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


def apply(connection: Connection, changes: Sequence[Change]) -> None:
    """Bring the sums in step with `changes`. Last in a transaction: today's row is everybody's."""
    delta: Counter[Key] = Counter()
    for change in changes:
        for row, sign in ((change.before, -1), (change.after, 1)):
            if row is not None:
                for key, amount in contributions(change.table, row):
                    delta[key] += sign * amount
    _count_customers(connection, changes, delta)
    _add(connection, delta)


def _count_customers(connection: Connection, changes: Sequence[Change], delta: Counter[Key]) -> None:
    changed = [change for change in changes if change.table == tables.subscription.name]
    if not changed:
        return
    before: dict[int, Values | None] = {}
    for change in changed:
        before.setdefault(change.id, change.before)
    # Whoever records a subscription holds the lock on its customer's id: no other one changes meanwhile.
    now = _of_customers(connection, [row for c in changed for row in (c.before, c.after) if row])
    then = [row for row in (before.get(row["id"], row) for row in now) if row is not None]
    for rows, sign in ((then, -1), (now, 1)):
        for theirs in recurring.by_customer(sorted(rows, key=lambda row: row["customer_id"] or 0)):
            for key, amount in recurring.of_customer(theirs):
                delta[key] += sign * amount


def _of_customers(connection: Connection, rows: list[Values]) -> list[Values]:
    """All subscriptions of the customers of these, as they stand, and those of these that have none."""
    table, found = tables.subscription, dict[int, Values]()
    customers = {id for row in rows if (id := row.get("customer_id")) is not None}
    for key, ids in ((table.c.customer_id, customers), (table.c.id, {row["id"] for row in rows})):
        for some in numbers(ids):
            query = select(table).where(key.in_(some))
            found |= {row["id"]: dict(row) for row in connection.execute(query).mappings()}
    return list(found.values())


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


@dataclass(frozen=True, slots=True, kw_only=True)
class WrongSum:
    """A sum that did not equal the rows: what stood there, and what the rows add up to."""

    table: str
    key: Mapping[str, Any]
    column: str
    stood: int
    rows: int


def rebuild(connection: Connection) -> int:
    """Compute all sums from the rows alone; answers how many sums differed from what stood there."""
    return len(mend(connection))


def mend(connection: Connection) -> list[WrongSum]:
    """Compute all sums from the rows alone and write them; answers those that were wrong.

    Right also beside others that record: they wait. Call it in a transaction of its own.
    """
    if connection.dialect.name == "postgresql":
        # Who changes rows changes sums last: with these held, what can be read of rows and sums agrees.
        names = ", ".join(table.name for table in _SUMS)
        connection.execute(text(f"LOCK TABLE {names} IN EXCLUSIVE MODE"))
    stood, truth = _standing(connection), _truth(connection)
    for table in _SUMS:
        connection.execute(delete(table))
    _add(connection, truth)
    return _differing(stood, truth)


def wrong(connection: Connection) -> int:
    """How many sums differ from what the rows add up to; changes nothing."""
    return len(wrong_sums(connection))


def wrong_sums(connection: Connection) -> list[WrongSum]:
    """Those that differ from what the rows of the same view of the database add up to; changes nothing."""
    return _differing(_standing(connection), _truth(connection))


def _differing(stood: Counter[Key], truth: Counter[Key]) -> list[WrongSum]:
    names = {table.name: [column.name for column in table.primary_key] for table in _SUMS}
    different = [key for key in stood.keys() | truth.keys() if stood[key] != truth[key]]
    return [
        WrongSum(
            table=key[0],
            key=dict(zip(names[key[0]], key[1], strict=True)),
            column=key[2],
            stood=stood[key],
            rows=truth[key],
        )
        for key in sorted(different)
    ]


def _truth(connection: Connection) -> Counter[Key]:
    """All sums, computed from all rows."""
    found: Counter[Key] = Counter()
    for table in _ROWS:
        for row in connection.execute(select(table), execution_options=_SLOWLY).mappings():
            for key, amount in contributions(table.name, dict(row)):
                found[key] += amount
    subscription = tables.subscription
    query = select(subscription).order_by(subscription.c.customer_id)
    rows = (dict(row) for row in connection.execute(query, execution_options=_SLOWLY).mappings())
    for theirs in recurring.by_customer(rows):
        for one in theirs:
            for key, amount in contributions(subscription.name, one):
                found[key] += amount
        for key, amount in recurring.of_customer(theirs):
            found[key] += amount
    return Counter({key: amount for key, amount in found.items() if amount})


def _standing(connection: Connection) -> Counter[Key]:
    found: Counter[Key] = Counter()
    for table in _SUMS:
        names = [column.name for column in table.primary_key]
        for row in connection.execute(select(table)).mappings():
            for column in table.c:
                if column.name not in names and row[column.name]:
                    found[table.name, tuple(row[name] for name in names), column.name] = row[column.name]
    return found
