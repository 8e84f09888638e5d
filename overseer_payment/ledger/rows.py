"""Insert what is missing, update what differs, tell what changed. The same few statements for every table."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from functools import cache
from typing import Any

from sqlalchemy import Column, Connection, String, Table, bindparam, insert, select, update

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
) -> Upserted:
    """Make rows say what `wanted` (by provider id) says."""
    result = Upserted()
    if not wanted:
        return result
    found = existing(connection, table, key, account_id, wanted)
    fresh, altered = [], []
    for id in sorted(wanted):
        values, before = _fitting(table, wanted[id]), found.get(id)
        if before is None:
            fresh.append({**values, "account_id": account_id, key.name: id, "created_at": now})
            continue
        result.ids[id] = before["id"]
        if any(before[name] != value for name, value in values.items()):
            altered.append((before, values))
    _insert(connection, table, key, fresh, result)
    _update(connection, table, altered, result)
    return result


def name(
    connection: Connection,
    table: Table,
    key: Column[str],
    account_id: int,
    named: Mapping[str, Values],
    *,
    now: datetime,
) -> Upserted:
    """Placeholders for rows that others name. One that exists moves back to the first that named it."""
    if not named:
        return Upserted()
    found = existing(connection, table, key, account_id, named)
    first = {
        id: {"occurred_at": named[id]["occurred_at"]} if id in found else named[id]
        for id in named
        if id not in found
        or (found[id]["placeholder"] and found[id]["occurred_at"] > named[id]["occurred_at"])
    }
    fresh = {id: values for id, values in first.items() if id not in found}
    result = upsert(connection, table, key, account_id, fresh, now=now)
    earlier = [(found[id], values) for id, values in sorted(first.items()) if id in found]
    _update(connection, table, earlier, result)
    result.ids |= {id: row["id"] for id, row in found.items()}
    return result


def _fitting(table: Table, values: Values) -> dict[str, Any]:
    """Texts no longer than their columns: what a provider writes must not stop its event."""
    lengths = _lengths(table)
    return {
        name: value[: lengths[name]] if name in lengths and isinstance(value, str) else value
        for name, value in values.items()
    }


@cache
def _lengths(table: Table) -> dict[str, int]:
    return {
        column.name: column.type.length
        for column in table.c
        if isinstance(column.type, String) and column.type.length is not None
    }


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
    connection: Connection, table: Table, altered: Sequence[tuple[dict[str, Any], Values]], result: Upserted
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
