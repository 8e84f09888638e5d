"""Erasing a person from the inbox: payloads keep what can be translated, and lose whom they are about."""

from __future__ import annotations

import json
from collections.abc import Collection, Iterator, Set
from typing import Any

from sqlalchemy import Connection, select, update

from overseer_payment.ledger.persons import without_persons
from overseer_payment.tables import event as table

_BATCH = 500


def blank_some(
    connection: Connection, account_id: int, ids: Set[str], *, after: int
) -> tuple[int, int | None]:
    """Erase from the next events after id `after` that name any of `ids`; how many, and where to go on.

    None: there are no more. A batch is a transaction of its own, so that deliveries aren't held up.
    """
    query = select(table.c.id, table.c.payload).where(table.c.account_id == account_id, table.c.id > after)
    rows = connection.execute(query.order_by(table.c.id).limit(_BATCH)).all()
    named = [row.id for row in rows if not ids.isdisjoint(_texts(json.loads(row.payload)))]
    blank(connection, named)
    return len(named), rows[-1].id if len(rows) == _BATCH else None


def blank(connection: Connection, events: Collection[int]) -> None:
    """Erase from these events whom they are about. Twice is no error."""
    for id in sorted(events):
        payload = connection.execute(select(table.c.payload).where(table.c.id == id)).scalar_one()
        text = json.dumps(without_persons(json.loads(payload)), separators=(",", ":"))
        connection.execute(update(table).where(table.c.id == id).values(payload=text))


def ids_in(payload: Any) -> set[str]:
    """Every text in a payload that may be the id of something."""
    return {text for text in _texts(payload) if text.isascii() and text.isprintable() and " " not in text}


def _texts(value: Any) -> Iterator[str]:
    if isinstance(value, str):
        yield value
    elif isinstance(value, dict | list):
        for inner in value.values() if isinstance(value, dict) else value:
            yield from _texts(inner)
