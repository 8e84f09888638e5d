"""Insert what is missing, update what differs, tell what changed. The same few statements for every table."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any

from sqlalchemy import Column, Connection, Table, bindparam, insert, select, update

from overseer_payment.ledger.objects import chunks

Values = Mapping[str, Any]


@dataclass(frozen=True, slots=True)
class Change:
    """What `record` did to one row. `before` is None for a new row, `after` None for a folded one."""

    table: str
    id: int
    before: Values | None = field(repr=False)
    after: Values | None = field(repr=False)


@dataclass(slots=True)
class Upserted:
    """Our ids by provider id, and what changed."""

    ids: dict[str, int] = field(default_factory=dict)
    changes: list[Change] = field(default_factory=list)


def existing(
    connection: Connection, table: Table, key: Column[str], account_id: int, ids: Iterable[str]
) -> dict[str, dict[str, Any]]:
    """Rows of `table` by provider id."""
    found: dict[str, dict[str, Any]] = {}
    for some in chunks(ids):
        query = select(table).where(table.c.account_id == account_id, key.in_(some))
        for row in connection.execute(query).mappings():
            found[row[key.name]] = dict(row)
    return found


def upsert(
    connection: Connection,
    table: Table,
    key: Column[str],
    account_id: int,
    wanted: Mapping[str, Values],
    *,
    now: datetime,
    keep: bool = False,
) -> Upserted:
    """Make rows say what `wanted` (by provider id) says. With `keep`, rows that exist stay as they are."""
    result = Upserted()
    if not wanted:
        return result
    found = existing(connection, table, key, account_id, wanted)
    fresh, altered = [], []
    for id in sorted(wanted):
        before = found.get(id)
        if before is None:
            fresh.append({**wanted[id], "account_id": account_id, key.name: id, "created_at": now})
            continue
        result.ids[id] = before["id"]
        if not keep and any(before[name] != value for name, value in wanted[id].items()):
            altered.append((before, wanted[id]))
    _insert(connection, table, key, fresh, result)
    _update(connection, table, altered, result)
    return result


def _insert(
    connection: Connection, table: Table, key: Column[str], fresh: list[dict[str, Any]], result: Upserted
) -> None:
    if not fresh:
        return
    made = connection.execute(insert(table).returning(key, table.c.id), fresh)
    ids: dict[str, int] = {row[0]: row[1] for row in made}
    for values in fresh:
        id = ids[values[key.name]]
        result.ids[values[key.name]] = id
        result.changes.append(Change(table.name, id, None, {**values, "id": id}))


def _update(
    connection: Connection, table: Table, altered: list[tuple[dict[str, Any], Values]], result: Upserted
) -> None:
    if not altered:
        return
    names = sorted(altered[0][1])
    statement = update(table).where(table.c.id == bindparam("row_id"))
    statement = statement.values({name: bindparam(f"new_{name}") for name in names})
    parameters = [
        {"row_id": before["id"], **{f"new_{name}": values[name] for name in names}}
        for before, values in altered
    ]
    connection.execute(statement, parameters)
    for before, values in altered:
        result.changes.append(Change(table.name, before["id"], before, {**before, **values}))
