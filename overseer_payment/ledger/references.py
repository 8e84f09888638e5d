"""Every provider id by which a payment is known, and the way from any of them to its row."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Any

from sqlalchemy import Connection, Select, delete, select
from sqlalchemy.dialects import postgresql, sqlite

from overseer_payment.ledger.objects import chunks
from overseer_payment.tables import reference as table
from overseer_payment.tables import transaction


def put(connection: Connection, account_id: int, wanted: Mapping[int, set[str]]) -> None:
    """Let these payments (by our ids) be known by exactly these provider ids."""
    target = {id: row for row, ids in wanted.items() for id in ids}
    standing = _standing(connection, account_id, target, wanted)
    gone = [id for id, row in standing.items() if row in wanted and id not in target]
    for some in chunks(gone):
        mine = (table.c.account_id == account_id) & table.c.provider_id.in_(some)
        connection.execute(delete(table).where(mine))
    values = [
        {"account_id": account_id, "provider_id": id, "transaction_id": row}
        for id, row in sorted(target.items())
        if standing.get(id) != row
    ]
    if not values:
        return
    dialect = postgresql if connection.dialect.name == "postgresql" else sqlite
    statement = dialect.insert(table)
    connection.execute(
        statement.on_conflict_do_update(
            index_elements=["account_id", "provider_id"],
            set_={"transaction_id": statement.excluded.transaction_id},
        ),
        values,
    )


def _standing(
    connection: Connection, account_id: int, ids: Iterable[str], rows: Iterable[int]
) -> dict[str, int]:
    found: dict[str, int] = {}
    mine = select(table.c.provider_id, table.c.transaction_id).where(table.c.account_id == account_id)
    for some in chunks(ids):
        found |= {row[0]: row[1] for row in connection.execute(mine.where(table.c.provider_id.in_(some)))}
    numbers = sorted(rows)
    for start in range(0, len(numbers), 900):
        query = mine.where(table.c.transaction_id.in_(numbers[start : start + 900]))
        found |= {row[0]: row[1] for row in connection.execute(query)}
    return found


def resolve(connection: Connection, account_ids: Iterable[int], id: str) -> list[int]:
    """Our transaction ids that `id` (ours, or any provider id) may mean, within these accounts.

    A row of exactly that name (a refund has one of its own) comes before the payment that is known by it.
    """
    accounts = list(account_ids)
    ours = transaction.c.account_id.in_(accounts)
    # One look at an index each: together in one condition they would be a walk through all rows.
    looks: list[Select[Any]] = [
        select(transaction.c.id).where(ours, transaction.c.provider_transaction_id == id),
        select(table.c.transaction_id).where(table.c.account_id.in_(accounts), table.c.provider_id == id),
    ]
    if id.isascii() and id.isdigit() and len(id) < 19:
        looks.insert(1, select(transaction.c.id).where(ours, transaction.c.id == int(id)))
    found: list[int] = [row for look in looks for row in sorted(connection.execute(look).scalars())]
    return list(dict.fromkeys(found))
