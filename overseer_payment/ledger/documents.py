"""Rows of customers, products, subscriptions and invoices; placeholders for what is only named.

Nothing is dropped for lack of a parent: a placeholder is what others hang on until it is described.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any, TypeVar

from sqlalchemy import Connection

from overseer_payment import tables
from overseer_payment.ledger import project, rows
from overseer_payment.ledger.component import Component
from overseer_payment.ledger.project import Ids
from overseer_payment.ledger.rows import Change, Upserted
from overseer_payment.provider import (
    CheckoutSnapshot,
    CustomerSnapshot,
    InvoiceSnapshot,
    PriceSnapshot,
    ProductSnapshot,
    Snapshot,
    SubscriptionSnapshot,
)

SnapshotT = TypeVar("SnapshotT")

_CUSTOMER = (tables.customer, tables.customer.c.provider_customer_id)
_PRICE = (tables.price, tables.price.c.provider_price_id)
_PRODUCT = (tables.product, tables.product.c.provider_product_id)
_SUBSCRIPTION = (tables.subscription, tables.subscription.c.provider_subscription_id)
_INVOICE = (tables.invoice, tables.invoice.c.provider_invoice_id)


@dataclass(slots=True)
class Documents:
    """Writes what is not money itself. `ids` and `changes` grow with it."""

    connection: Connection
    account_id: int
    ids: Ids
    changes: list[Change]
    now: datetime

    def write(self, news: Sequence[Snapshot], joined: Sequence[Snapshot], component: Component) -> None:
        """`news` is what was just told, `joined` all that belongs to the same payments."""
        every = list({snapshot.ref: snapshot for snapshot in (*news, *joined)}.values())
        self.ids.customers |= self._customers(news, every)
        self._products(news)
        self._prices(news)
        self.ids.subscriptions |= self._subscriptions(news, every)
        self.ids.invoices |= self._invoices(component, every)

    def _customers(self, news: Sequence[Snapshot], every: Sequence[Snapshot]) -> Mapping[str, int]:
        told = {s.id: project.customer(s) for s in _of(CustomerSnapshot, news)}
        named = _first((getattr(s, "customer", None), s.occurred_at) for s in every)
        unseen = {id: project.empty_customer(at) for id, at in named.items() if id not in told}
        return self._put(*_CUSTOMER, told, unseen)

    def _products(self, news: Sequence[Snapshot]) -> None:
        # Those only named get no row: every subscription of a product would meet at it.
        told = {s.id: project.product(s) for s in _of(ProductSnapshot, news)}
        self._done(rows.upsert(self.connection, *_PRODUCT, self.account_id, told, now=self.now))

    def _prices(self, news: Sequence[Snapshot]) -> None:
        told = {s.id: project.price(s) for s in _of(PriceSnapshot, news)}
        self._done(rows.upsert(self.connection, *_PRICE, self.account_id, told, now=self.now))

    def _subscriptions(self, news: Sequence[Snapshot], every: Sequence[Snapshot]) -> Mapping[str, int]:
        told = {s.id: project.subscription(s, self.ids) for s in _of(SubscriptionSnapshot, news)}
        naming: list[InvoiceSnapshot | CheckoutSnapshot] = [*_of(InvoiceSnapshot, every)]
        naming += _of(CheckoutSnapshot, every)
        named = _first((s.subscription, s.occurred_at) for s in naming)
        unseen = {id: project.empty_subscription(at) for id, at in named.items() if id not in told}
        return self._put(*_SUBSCRIPTION, told, unseen)

    def _invoices(self, component: Component, every: Sequence[Snapshot]) -> Mapping[str, int]:
        told = {s.id: project.invoice(s, self.ids) for s in _of(InvoiceSnapshot, every)}
        naming = [(link.invoice, link.occurred_at) for link in component.links]
        naming += [(c.invoice, c.occurred_at) for c in component.checkouts if c.invoice]
        named = _first(naming)
        unseen = {id: project.empty_invoice(named[id]) for id in component.unseen_invoices()}
        # Everything that names an invoice is in its component, so this is exact and needs no comparison.
        done = self._done(rows.upsert(self.connection, *_INVOICE, self.account_id, told, now=self.now))
        return done | self._done(
            rows.upsert(self.connection, *_INVOICE, self.account_id, unseen, now=self.now)
        )

    def _put(
        self, table: Any, key: Any, told: Mapping[str, rows.Values], unseen: Mapping[str, rows.Values]
    ) -> Mapping[str, int]:
        done = self._done(rows.upsert(self.connection, table, key, self.account_id, told, now=self.now))
        return done | self._done(
            rows.name(self.connection, table, key, self.account_id, unseen, now=self.now)
        )

    def _done(self, done: Upserted) -> dict[str, int]:
        self.changes += done.changes
        return done.ids


def _of(kind: type[SnapshotT], snapshots: Iterable[Snapshot]) -> list[SnapshotT]:
    return [snapshot for snapshot in snapshots if isinstance(snapshot, kind)]


def _first(naming: Iterable[tuple[str | None, datetime]]) -> dict[str, datetime]:
    """When each id was first named."""
    found: dict[str, datetime] = {}
    for id, at in naming:
        if id:
            found[id] = min(at, found.get(id, at))
    return found
