"""What the ledger would like to read from the provider, and why. One row serves all that wait for it.

Two sorts of wants. Some follow from the rows (a payment that nobody described): they come and go with
them. Others follow from an event that could not be used as it was: only a read answers those.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Mapping, Sequence
from datetime import datetime, timedelta
from typing import Any

from sqlalchemy import ColumnElement, Connection, and_, case, delete, or_, select, update
from sqlalchemy.dialects import postgresql, sqlite

from overseer_payment.ledger.component import Component
from overseer_payment.ledger.objects import Merged, chunks
from overseer_payment.ledger.payment import Payment
from overseer_payment.ledger.rows import Change
from overseer_payment.provider import Kind, Ref, Snapshot, Source, SubscriptionSnapshot
from overseer_payment.tables import product
from overseer_payment.tables import wanted as table

DOUBT = "doubt"  # contradicting news within one second
LINK = "link"  # a document says money moved; by which payment?
UNTOLD = "untold"  # a charge was refunded; by which refunds?
UNKNOWN = "unknown"  # named by others, never described
UNREADABLE = "unreadable"  # an event told of it in a dialect that we do not read

_SECOND = timedelta(seconds=1)
_ANSWERED_BY_READING = frozenset({DOUBT, UNREADABLE})

# Its own event usually follows within seconds, and then nothing needs to be read.
_PATIENCE = {
    DOUBT: timedelta(seconds=1),
    LINK: timedelta(0),
    UNTOLD: timedelta(seconds=5),
    UNKNOWN: timedelta(seconds=20),
    UNREADABLE: timedelta(0),
}

_NAMED = {
    "payment_customer": (Kind.CUSTOMER, "provider_customer_id"),
    "payment_subscription": (Kind.SUBSCRIPTION, "provider_subscription_id"),
}


def note(
    connection: Connection,
    account_id: int,
    component: Component,
    derived: Sequence[Payment],
    merged: Merged,
    changes: Iterable[Change],
    *,
    now: datetime,
) -> set[Ref]:
    """Write down what is wanted now, strike what no longer is; answers what was wanted by this news."""
    needs = _needs(component, derived) | _unknown(changes)
    needs |= _nameless(connection, account_id, merged.accepted.values())
    _strike(connection, account_id, component, merged, needs)
    _write(connection, account_id, needs, now)
    _insist(connection, account_id, merged.doubtful, DOUBT, now)
    return needs.keys() | merged.doubtful.keys()


def ask(
    connection: Connection,
    account_id: int,
    refs: Mapping[Ref, datetime | None],
    reason: str,
    *,
    now: datetime,
) -> None:
    """Want these objects read: their event could not be used as it was.

    With each the moment of that event, by the provider's clock: an older read does not answer it.
    """
    _insist(connection, account_id, refs, reason, now)


# -- what follows from the rows ---------------------------------------------------------------------


def _needs(component: Component, derived: Sequence[Payment]) -> dict[Ref, str]:
    needs = {Ref(Kind.INVOICE, id): UNKNOWN for id in component.unseen_invoices()}
    for payment in derived:
        if payment.kind in {Kind.INVOICE, Kind.CHECKOUT}:
            needs[Ref(payment.kind, payment.root)] = LINK
        elif payment.hearsay:
            needs[Ref(payment.kind, payment.root)] = UNKNOWN
        if payment.refunded_untold and payment.charge:
            needs[Ref(Kind.CHARGE, payment.charge)] = UNTOLD
    return needs


def _unknown(changes: Iterable[Change]) -> dict[Ref, str]:
    """Customers and subscriptions that others name: wanted once, when the first one names them."""
    needs: dict[Ref, str] = {}
    for change in changes:
        named = _NAMED.get(change.table)
        if named and change.before is None and change.after is not None and change.after["placeholder"]:
            needs[Ref(named[0], change.after[named[1]])] = UNKNOWN
    return needs


def _nameless(connection: Connection, account_id: int, news: Iterable[Snapshot]) -> dict[Ref, str]:
    """Products that subscriptions name by their id and nobody described yet."""
    told = (snapshot for snapshot in news if isinstance(snapshot, SubscriptionSnapshot))
    named = {item.product for snapshot in told for item in snapshot.items if item.product}
    for some in chunks(named):
        known = select(product.c.provider_product_id).where(
            product.c.account_id == account_id, product.c.provider_product_id.in_(some)
        )
        named -= set(connection.execute(known).scalars())
    return {Ref(Kind.PRODUCT, id): UNKNOWN for id in named}


# -- the table ------------------------------------------------------------------------------------------


def _strike(
    connection: Connection,
    account_id: int,
    component: Component,
    merged: Merged,
    needs: Mapping[Ref, str],
) -> None:
    seen = {*merged.accepted, *(Ref(kind, id) for id, kind in component.names.items())}
    gone: dict[str, list[str]] = defaultdict(list)
    for row in _standing(connection, account_id, seen):
        ref = Ref(Kind(row.kind), row.provider_id)
        insists = row.reason in _ANSWERED_BY_READING and not _answers(merged.accepted.get(ref), row)
        if insists or (ref in needs and row.reason == needs[ref]):
            continue
        if ref in needs:
            same = _of(account_id, row.kind, [row.provider_id])
            connection.execute(update(table).where(same).values(reason=needs[ref], since=None))
        else:
            gone[row.kind].append(row.provider_id)
    for kind, ids in sorted(gone.items()):
        for some in chunks(ids):
            connection.execute(delete(table).where(_of(account_id, kind, some)))


def _of(account_id: int, kind: str, ids: list[str]) -> ColumnElement[bool]:
    return and_(table.c.account_id == account_id, table.c.provider_id.in_(ids), table.c.kind == kind)


def _standing(connection: Connection, account_id: int, refs: set[Ref]) -> list[Any]:
    columns = (table.c.kind, table.c.provider_id, table.c.reason, table.c.since)
    found: list[Any] = []
    for some in chunks({ref.id for ref in refs}):
        query = select(*columns).where(table.c.account_id == account_id, table.c.provider_id.in_(some))
        found += [row for row in connection.execute(query) if Ref(Kind(row.kind), row.provider_id) in refs]
    return found


def _answers(snapshot: Snapshot | None, row: Any) -> bool:
    """Does this news settle it? A read does, and so does any word that is surely later than the doubt."""
    if snapshot is None:
        return False
    if snapshot.as_of.source is Source.READ:
        return row.since is None or bool(snapshot.as_of.moment >= row.since)
    # Within the second of an event that can't be read, one that can may be the older word.
    later = _SECOND if row.reason == UNREADABLE else timedelta(0)
    return row.since is not None and bool(snapshot.as_of.moment >= row.since + later)


def _write(connection: Connection, account_id: int, needs: Mapping[Ref, str], now: datetime) -> None:
    if needs:
        dialect = postgresql if connection.dialect.name == "postgresql" else sqlite
        values = [_values(account_id, ref, reason, now) for ref, reason in sorted(needs.items())]
        connection.execute(dialect.insert(table).on_conflict_do_nothing(), values)


def _insist(
    connection: Connection,
    account_id: int,
    refs: Mapping[Ref, datetime | None],
    reason: str,
    now: datetime,
) -> None:
    """Want what only a read answers, or news from the given moment on; also where it is wanted already."""
    if not refs:
        return
    dialect = postgresql if connection.dialect.name == "postgresql" else sqlite
    insert = dialect.insert(table)
    new = insert.excluded
    later = or_(table.c.since.is_(None), new.since > table.c.since)
    statement = insert.on_conflict_do_update(
        index_elements=["account_id", "provider_id", "kind"],
        set_={
            "reason": new.reason,
            "since": case((later, new.since), else_=table.c.since),
            "asked": table.c.asked + 1,
        },
    )
    values = [_values(account_id, ref, reason, now) | {"since": since} for ref, since in sorted(refs.items())]
    connection.execute(statement, values)


def _values(account_id: int, ref: Ref, reason: str, now: datetime) -> dict[str, Any]:
    return {
        "account_id": account_id,
        "kind": ref.kind.value,
        "provider_id": ref.id,
        "reason": reason,
        "attempts": 0,
        "due_at": now + _PATIENCE[reason],
        "created_at": now,
    }
