"""Writes derived payments, their refunds, disputes and sessions, and the ids they are known by.

A payment may first be known by a stand-in (an invoice, a lone charge id) and later by its payment
intent. Its row then keeps our id and takes the new name; if both had rows, the older one stays and the
other is folded into it.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from typing import Any

from sqlalchemy import Connection, bindparam, delete, update

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
        folded: list[tuple[dict[str, Any], int | None]] = []
        renamed: list[dict[str, Any]] = []
        for root, found in self._standing(component, derived).items():
            if root is None:
                folded += [(row, None) for row in found]
                continue
            keeper, *others = sorted(found, key=lambda row: row["id"])
            folded += [(row, keeper["id"]) for row in others]
            if keeper["provider_transaction_id"] != root:
                renamed.append({"old": keeper["id"], "root": root})
        self._drop(folded)
        if renamed:
            old = _transaction.c.id == bindparam("old")
            statement = update(_transaction).where(old).values(provider_transaction_id=bindparam("root"))
            self.connection.execute(statement, renamed)

    def _standing(
        self, component: Component, derived: list[Payment]
    ) -> dict[str | None, list[dict[str, Any]]]:
        """The rows under any name of this component, by the payment they belong to now; None: to none."""
        owner = {id: payment.root for payment in derived for id in payment.references}
        owner |= {payment.root: payment.root for payment in derived}
        names = owner.keys() | component.names.keys()
        standing = rows.existing(self.connection, _transaction, _key, self.account_id, names)
        groups: dict[str | None, list[dict[str, Any]]] = {}
        for name, row in standing.items():
            if row["type"] != "refund":
                groups.setdefault(owner.get(name), []).append(row)
        return groups

    def _drop(self, folded: list[tuple[dict[str, Any], int | None]]) -> None:
        """Remove rows, each in favour of another or of none. Their references are written anew anyway."""
        if not folded:
            return
        operation, ids = tables.operation, [row["id"] for row, _ in folded]
        mine = operation.c.transaction_id == bindparam("old")
        self.connection.execute(
            update(operation).where(mine).values(transaction_id=bindparam("into")),
            [{"old": row["id"], "into": into} for row, into in folded],
        )
        for start in range(0, len(ids), 900):
            some = ids[start : start + 900]
            self.connection.execute(
                delete(tables.reference).where(tables.reference.c.transaction_id.in_(some))
            )
            self.connection.execute(delete(_transaction).where(_transaction.c.id.in_(some)))
        self.changes += [Change(_transaction.name, row["id"], row, None) for row, _ in folded]

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
