"""The single funnel: whatever the provider said, however we heard it, becomes rows here.

`record` is a merge. Applying a set of snapshots in any order, any number of times, in one transaction or
in many, by one worker or by several, leaves the same rows.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from typing import TypeVar

from sqlalchemy import Connection

from overseer_payment import tables
from overseer_payment.ledger import objects, payments, project, rows, totals, wants
from overseer_payment.ledger.derive import Component, Payment, derive
from overseer_payment.ledger.links import mentioned
from overseer_payment.ledger.project import Ids
from overseer_payment.ledger.rows import Change
from overseer_payment.provider import (
    CheckoutSnapshot,
    CustomerSnapshot,
    InvoiceSnapshot,
    Ref,
    Snapshot,
    SubscriptionSnapshot,
)

SnapshotT = TypeVar("SnapshotT")


@dataclass(slots=True)
class Recorded:
    """What recording came to. `changes` are in the order in which they were made."""

    changes: list[Change] = field(default_factory=list)
    wanted: set[Ref] = field(default_factory=set)


def record(
    connection: Connection, account_id: int, snapshots: Iterable[Snapshot], *, now: datetime
) -> Recorded:
    """Merge `snapshots` of one account into the ledger, inside the caller's transaction.

    Makes no network call. What can't be decided from what we know is noted in `payment_wanted`.
    """
    given = list(snapshots)
    objects.lock(connection, account_id, {id for snapshot in given for id in mentioned(snapshot)})
    merged = objects.merge_snapshots(connection, account_id, given)
    news = list(merged.accepted.values())
    joined = objects.component_of(connection, account_id, news)
    recorded = Recorded()
    ids = _documents(connection, account_id, news, joined.values(), recorded, now)
    component = Component.of(joined.values())
    derived = derive(component)
    _payments(connection, account_id, component, derived, ids, recorded, now)
    totals.apply(connection, recorded.changes)
    recorded.wanted = wants.note(
        connection, account_id, component, derived, news, merged.doubtful, recorded.changes, now=now
    )
    return recorded


def _of(kind: type[SnapshotT], snapshots: Iterable[Snapshot]) -> list[SnapshotT]:
    return [snapshot for snapshot in snapshots if isinstance(snapshot, kind)]


def _documents(
    connection: Connection,
    account_id: int,
    news: Sequence[Snapshot],
    joined: Iterable[Snapshot],
    recorded: Recorded,
    now: datetime,
) -> Ids:
    """Customers, subscriptions and invoices: told ones as told, named ones as placeholders."""
    joined = list(joined)
    every = {snapshot.ref: snapshot for snapshot in (*news, *joined)}.values()
    ids = Ids()

    def put(table: str, wanted: dict[str, dict[str, object]], *, keep: bool = False) -> dict[str, int]:
        target = tables.metadata.tables[table]
        done = rows.upsert(connection, target, _KEYS[table], account_id, wanted, now=now, keep=keep)
        recorded.changes += done.changes
        return done.ids

    told = {s.id: project.customer(s) for s in _of(CustomerSnapshot, news)}
    named = {id for s in every if (id := getattr(s, "customer", None)) and id not in told}
    ids.customers = put("payment_customer", told)
    ids.customers |= put("payment_customer", {id: dict(project.EMPTY_CUSTOMER) for id in named}, keep=True)

    subscriptions = {s.id: project.subscription(s, ids) for s in _of(SubscriptionSnapshot, news)}
    naming: list[InvoiceSnapshot | CheckoutSnapshot] = [*_of(InvoiceSnapshot, every)]
    naming += _of(CheckoutSnapshot, every)
    absent = {
        s.subscription: project.empty_subscription(s.occurred_at, s.currency or "")
        for s in naming
        if s.subscription and s.subscription not in subscriptions
    }
    ids.subscriptions = put("payment_subscription", subscriptions)
    ids.subscriptions |= put("payment_subscription", absent, keep=True)

    invoices = {s.id: project.invoice(s, ids) for s in _of(InvoiceSnapshot, every)}
    component = Component.of(joined)
    unseen = {
        link.invoice: project.empty_invoice(link.occurred_at, link.currency)
        for link in component.links
        if link.invoice not in invoices
    }
    ids.invoices = put("payment_invoice", invoices) | put("payment_invoice", unseen, keep=True)
    return ids


_KEYS = {
    "payment_customer": tables.customer.c.provider_customer_id,
    "payment_subscription": tables.subscription.c.provider_subscription_id,
    "payment_invoice": tables.invoice.c.provider_invoice_id,
}


def _payments(
    connection: Connection,
    account_id: int,
    component: Component,
    derived: list[Payment],
    ids: Ids,
    recorded: Recorded,
    now: datetime,
) -> None:
    book = payments.Book(connection, account_id, ids, now)
    book.write(component, derived)
    recorded.changes += book.changes
