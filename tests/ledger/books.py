"""Reading a ledger back whole, with the provider's ids in place of ours, so that two can be compared."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from datetime import datetime
from typing import Any

from sqlalchemy import Connection, Table, create_engine, or_, select, text
from sqlalchemy.pool import StaticPool

from overseer_payment import tables
from overseer_payment.ledger import codec, merge
from overseer_payment.ledger.component import Component
from overseer_payment.ledger.derive import derive
from overseer_payment.ledger.queries.subscriptions import named_items, plan_name
from overseer_payment.ledger.record import record
from overseer_payment.ledger.wants import _nameless, _needs
from overseer_payment.provider import Kind, Ref, Snapshot
from tests.ledger.provider import START
from tests.ledger.world import World, batches

NOW = START
_KEYS = {
    "payment_customer": "provider_customer_id",
    "payment_transaction": "provider_transaction_id",
    "payment_product": "provider_product_id",
    "payment_subscription": "provider_subscription_id",
    "payment_invoice": "provider_invoice_id",
    "payment_checkout": "session_id",
    "payment_dispute": "provider_dispute_id",
}
_POINTERS = {
    "customer_id": "payment_customer",
    "subscription_id": "payment_subscription",
    "invoice_id": "payment_invoice",
    "transaction_id": "payment_transaction",
    "parent_id": "payment_transaction",
}
_OURS = {"id", "account_id", "created_at", "user_id"}

_SUMS = (tables.total, tables.gauge, tables.customer_total, tables.recurring, tables.subscriber)
# Names that this database gave; how often something was said, and by what said first.
_WHEN = {"news_id", "due_at", "generation", "raw", "asked", "since", "attempts", "finished_at", "seen_at"}

Books = dict[str, Any]


def _named(table: Table) -> str:
    return str(select(table.c.id, table.c[_KEYS[table.name]]))


def _whole(table: Table) -> tuple[list[str], str]:
    without = _OURS | _WHEN | ({"occurred_at"} if table is tables.news else set())
    columns = [column for column in table.c if column.name not in without]
    query = select(*columns)
    if table in _SUMS:  # one that came to nothing is as good as none
        query = query.where(or_(*(column != text("0") for column in columns if not column.primary_key)))
    return [column.name for column in columns], str(query)


_WHOLE = {
    table.name: _whole(table) for table in tables.metadata.sorted_tables if table is not tables.provider
}

_NAMES = {name: _named(tables.metadata.tables[name]) for name in _KEYS}


def memory() -> Connection:
    """A connection to an empty ledger in memory."""
    engine = create_engine("sqlite://", poolclass=StaticPool)
    tables.metadata.create_all(engine)
    return engine.connect()


def books(connection: Connection, account_id: int) -> Books:
    """All rows of one account, by provider ids, without what only this database knows."""
    names: dict[str, dict[int, str]] = {}
    for name, key in _KEYS.items():
        table = tables.metadata.tables[name]
        query = select(table.c.id, table.c[key]).where(table.c.account_id == account_id)
        names[name] = {row[0]: row[1] for row in connection.execute(query)}
    found: Books = {}
    for name, key in _KEYS.items():
        table = tables.metadata.tables[name]
        for row in connection.execute(select(table).where(table.c.account_id == account_id)).mappings():
            found[f"{name}/{row[key]}"] = _told(row, names)
    reference = tables.reference
    for row in connection.execute(select(reference).where(reference.c.account_id == account_id)).mappings():
        found[f"reference/{row['provider_id']}"] = names["payment_transaction"][row["transaction_id"]]
    for id, plan in _plans(connection, account_id).items():
        found[f"payment_subscription/{id}"]["plan_name"] = plan
    for sum_table in _SUMS:
        found |= _sums(connection, sum_table, account_id, names["payment_customer"])
    return found


def everything(connection: Connection) -> dict[str, set[tuple[Any, ...]]]:
    """All rows of all tables as they are stored, by provider ids; fast, for a database with one account."""
    names = {
        name: {row[0]: row[1] for row in connection.exec_driver_sql(query)} for name, query in _NAMES.items()
    }
    found: dict[str, set[tuple[Any, ...]]] = {}
    for table, (columns, query) in _WHOLE.items():
        rows = connection.exec_driver_sql(query).all()
        if rows:
            ours = [names.get(_POINTERS.get(column, ""), {}) for column in columns]
            found[table] = {
                tuple(ids.get(value, value) for ids, value in zip(ours, row, strict=True)) for row in rows
            }
    return found


def _plans(connection: Connection, account_id: int) -> dict[str, str | None]:
    """What each subscription is shown to be of."""
    query = select(tables.subscription).where(tables.subscription.c.account_id == account_id)
    rows = connection.execute(query).all()
    items = named_items(connection, rows)
    return {row.provider_subscription_id: plan_name(items[row.id]) for row in rows}


def _told(row: Any, names: dict[str, dict[int, str]]) -> dict[str, Any]:
    told = {name: value for name, value in row.items() if name not in _OURS}
    for column, table in _POINTERS.items():
        if told.get(column) is not None:
            told[column] = names[table][told[column]]
    return told


def _sums(connection: Connection, table: Any, account_id: int, customers: dict[int, str]) -> Books:
    keys = [column.name for column in table.primary_key]
    mine = (
        table.c.account_id == account_id if "account_id" in keys else table.c.customer_id.in_(list(customers))
    )
    found: Books = {}
    for row in connection.execute(select(table).where(mine)).mappings():
        key = [str(customers[row[k]] if k == "customer_id" else row[k]) for k in keys if k != "account_id"]
        sums = {name: value for name, value in row.items() if name not in keys and value}
        if sums:
            found["/".join([table.name, *key])] = sums
    return found


def wants(connection: Connection, account_id: int) -> dict[Ref, str]:
    """What is wanted, and why."""
    wanted = tables.wanted
    query = select(wanted.c.kind, wanted.c.provider_id, wanted.c.reason)
    rows = connection.execute(query.where(wanted.c.account_id == account_id))
    return {Ref(Kind(row.kind), row.provider_id): row.reason for row in rows}


def known(connection: Connection, account_id: int) -> list[Snapshot]:
    """The newest word on every object of one account."""
    table = tables.provider_object
    query = select(table.c.kind, table.c.version, table.c.data).where(table.c.account_id == account_id)
    return [codec.decode(Kind(k), data, merge.as_of(v)) for k, v, data in connection.execute(query)]


def needed(connection: Connection, account_id: int) -> set[Ref]:
    """What must be wanted, computed from everything at once."""
    component = Component.of(known(connection, account_id))
    refs = set(_needs(component, derive(component)))
    for table, kind in ((tables.customer, Kind.CUSTOMER), (tables.subscription, Kind.SUBSCRIPTION)):
        key = table.c[_KEYS[table.name]]
        query = select(key).where(table.c.account_id == account_id, table.c.placeholder.is_(True))
        refs |= {Ref(kind, id) for id in connection.execute(query).scalars()}
    return refs | _nameless(connection, account_id, known(connection, account_id)).keys()


def tell(
    connection: Connection,
    account_id: int,
    snapshots: Sequence[Snapshot],
    *,
    size: int = 1,
    now: datetime = NOW,
) -> None:
    """Record `snapshots` in batches of `size`."""
    for some in batches(snapshots, size):
        record(connection, account_id, some, now=now)


def answer(connection: Connection, account_id: int, world: World, *, rounds: int = 5) -> int:
    """Read what is wanted until nothing is; answers in how many rounds. Reads begin in a later second."""
    for count in range(rounds):
        wanted = wants(connection, account_id)
        if not wanted:
            return count
        world.wait(1)
        for ref in sorted(wanted):
            tell(connection, account_id, world.read(ref), size=100)
    return rounds


def shown(found: Books, prefix: str = "payment_transaction/") -> Iterable[tuple[str, dict[str, Any]]]:
    """The payments among `found` that are listed: no placeholders, no refunds."""
    for key, row in found.items():
        if key.startswith(prefix) and not row["placeholder"] and row["type"] != "refund":
            yield key.removeprefix(prefix), row
