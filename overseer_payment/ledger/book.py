"""Writes derived payments, their refunds, disputes and sessions, and the ids they are known by.

A payment may first be known by a stand-in (an invoice, a lone charge id) and later by its payment
intent. Its row then keeps our id and takes the new name; if both had rows, the older one stays and the
other is folded into it.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from sqlalchemy import Connection, delete, update

from overseer_payment import tables
from overseer_payment.ledger import project, references, rows
from overseer_payment.ledger.component import Component
from overseer_payment.ledger.payment import Payment
from overseer_payment.ledger.project import Ids
from overseer_payment.ledger.rows import Change

_transaction = tables.transaction
_key = _transaction.c.provider_transaction_id


@dataclass(slots=True)
class Book:
    """Writes one component's payments. `changes` tells what was altered."""

    connection: Connection
    account_id: int
    ids: Ids
    changes: list[Change]
    now: datetime

    def write(self, component: Component, derived: list[Payment]) -> None:
        self._fold(component, derived)
        self._put(_transaction, _key, {p.root: project.payment(p, self.ids) for p in derived})
        self._refer(derived)
        self._refunds(component, derived)
        self._disputes(component, derived)
        self._checkouts(component)

    def _put(self, table: Any, key: Any, wanted: dict[str, dict[str, Any]]) -> dict[str, int]:
        done = rows.upsert(self.connection, table, key, self.account_id, wanted, now=self.now)
        self.changes += done.changes
        if table is _transaction:
            self.ids.payments |= done.ids
        return done.ids

    # -- one row per payment ------------------------------------------------------------------

    def _fold(self, component: Component, derived: list[Payment]) -> None:
        """Find the rows that stand for these payments under older names; rename, merge or drop them."""
        names = {id for payment in derived for id in payment.references} | component.names.keys()
        standing = rows.existing(self.connection, _transaction, _key, self.account_id, names)
        owner = {id: payment.root for payment in derived for id in payment.references}
        owner |= {payment.root: payment.root for payment in derived}
        groups: dict[str, list[dict[str, Any]]] = {}
        for name, row in standing.items():
            if row["type"] != "refund":
                groups.setdefault(owner.get(name, ""), []).append(row)
        for root, found in groups.items():
            if not root:
                self._drop(found, None)
                continue
            keeper, *others = sorted(found, key=lambda row: row["id"])
            self._drop(others, keeper["id"])
            if keeper["provider_transaction_id"] != root:
                where = _transaction.c.id == keeper["id"]
                self.connection.execute(
                    update(_transaction).where(where).values(provider_transaction_id=root)
                )

    def _drop(self, found: Iterable[dict[str, Any]], into: int | None) -> None:
        for row in found:
            old = row["id"]
            self._repoint(old, into)
            self.connection.execute(delete(_transaction).where(_transaction.c.id == old))
            self.changes.append(Change(_transaction.name, old, row, None))

    def _repoint(self, old: int, into: int | None) -> None:
        operation = tables.operation
        self.connection.execute(
            update(operation).where(operation.c.transaction_id == old).values(transaction_id=into)
        )
        reference = tables.reference
        gone = reference.c.transaction_id == old
        if into is None:
            self.connection.execute(delete(reference).where(gone))
        else:
            self.connection.execute(update(reference).where(gone).values(transaction_id=into))

    def _refer(self, derived: list[Payment]) -> None:
        known = {self.ids.payments[payment.root]: payment.references for payment in derived}
        references.put(self.connection, self.account_id, known)

    # -- what hangs on a payment ----------------------------------------------------------------

    def _refunds(self, component: Component, derived: list[Payment]) -> None:
        of = {refund.id: payment for payment in derived for refund in payment.refunds}
        wanted = {}
        for refund in component.refunds:
            parent = of.get(refund.id)
            parent_id = self.ids.payments.get(parent.root) if parent else None
            wanted[refund.id] = project.refund(refund, parent, parent_id, self.ids)
        self._put(_transaction, _key, wanted)

    def _disputes(self, component: Component, derived: list[Payment]) -> None:
        of = {dispute.id: payment for payment in derived for dispute in payment.disputes}
        wanted = {}
        for dispute in component.disputes:
            payment = of.get(dispute.id)
            transaction_id = self.ids.payments.get(payment.root) if payment else None
            wanted[dispute.id] = project.dispute(dispute, payment, transaction_id, self.ids)
        self._put(tables.dispute, tables.dispute.c.provider_dispute_id, wanted)

    def _checkouts(self, component: Component) -> None:
        wanted = {}
        for checkout in component.checkouts:
            root = component.root_of_checkout(checkout)
            transaction_id = self.ids.payments.get(root) if root else None
            wanted[checkout.id] = project.checkout(checkout, transaction_id, self.ids)
        self._put(tables.checkout, tables.checkout.c.session_id, wanted)
