"""Snapshots in one line each, and a ledger to tell them to. Moments are seconds after one start."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from itertools import count, permutations
from typing import Any, TypeVar

from sqlalchemy import Connection

from overseer_payment.ledger import accounts, queries, reports
from overseer_payment.ledger.record import Recorded, record
from overseer_payment.ledger.scope import Scope
from overseer_payment.provider import (
    AsOf,
    ChargeSnapshot,
    CheckoutMode,
    CheckoutPaymentState,
    CheckoutSnapshot,
    CheckoutStatus,
    CustomerSnapshot,
    DisputeKind,
    DisputeSnapshot,
    DisputeStatus,
    InvoicePaymentSnapshot,
    InvoiceSnapshot,
    InvoiceStatus,
    PaymentSnapshot,
    ProductSnapshot,
    RefundSnapshot,
    Snapshot,
    Source,
    SubscriptionItem,
    SubscriptionSnapshot,
    SubscriptionStatus,
    TransactionStatus,
)
from overseer_payment.schemas import TransactionQuery
from tests.ledger import books
from tests.ledger.provider import CANCELED, FAILED, PENDING, START, SUCCEEDED

__all__ = ["CANCELED", "FAILED", "PENDING", "SUCCEEDED"]

SnapshotT = TypeVar("SnapshotT")
ACCOUNT = accounts.Account("stripe", "default", False)
"""Whose rows lists show: they need an account that exists."""

_accounts = count(1000)


def moment(seconds: float) -> datetime:
    return START + timedelta(seconds=seconds)


def _make(cls: Callable[..., SnapshotT], id: str, t: float, told: dict[str, Any]) -> SnapshotT:
    source = Source.READ if told.pop("read", False) else Source.EVENT
    made = moment(told.pop("made", 0))
    return cls(id=id, as_of=AsOf(moment(t), source), livemode=False, occurred_at=made, **told)


def payment(t: float, status: TransactionStatus, id: str = "pi_1", **told: Any) -> PaymentSnapshot:
    amount = told.setdefault("amount", 1000)
    base = {"currency": "usd", "amount_received": amount if status is SUCCEEDED else 0, "status": status}
    return _make(PaymentSnapshot, id, t, base | told)


def charge(t: float, status: TransactionStatus = SUCCEEDED, id: str = "ch_1", **told: Any) -> ChargeSnapshot:
    base = {"status": status, "amount": 1000, "amount_refunded": 0, "currency": "usd", "payment": "pi_1"}
    return _make(ChargeSnapshot, id, t, base | told)


def refund(t: float, status: TransactionStatus, amount: int, id: str = "re_1", **told: Any) -> RefundSnapshot:
    base = {"status": status, "amount": amount, "currency": "usd", "charge": "ch_1", "payment": "pi_1"}
    return _make(RefundSnapshot, id, t, base | told)


def invoice(t: float, status: InvoiceStatus, id: str = "in_1", **told: Any) -> InvoiceSnapshot:
    due = told.setdefault("amount_due", 1000)
    paid = due if status is InvoiceStatus.PAID else 0
    base = {"status": status, "currency": "usd", "total": due, "amount_paid": paid}
    return _make(InvoiceSnapshot, id, t, base | {"amount_remaining": due - paid} | told)


def link(t: float, status: str = "paid", id: str = "inpay_1", **told: Any) -> InvoicePaymentSnapshot:
    paid = 1000 if status == "paid" else 0
    base = {"status": status, "invoice": "in_1", "payment": "pi_1", "amount_paid": paid, "currency": "usd"}
    return _make(InvoicePaymentSnapshot, id, t, base | told)


def checkout(t: float, state: CheckoutPaymentState, id: str = "cs_1", **told: Any) -> CheckoutSnapshot:
    base = {"mode": CheckoutMode.PAYMENT, "status": CheckoutStatus.COMPLETE, "payment_state": state}
    return _make(CheckoutSnapshot, id, t, base | {"amount_total": 1000, "currency": "usd"} | told)


def subscription(
    t: float, status: SubscriptionStatus, id: str = "sub_1", *, plan: str = "Growth", **told: Any
) -> SubscriptionSnapshot:
    item = SubscriptionItem(id="si_1", price=f"price_{plan}", name=plan, amount=2000, interval="month")
    base = {"status": status, "customer": "cus_1", "currency": "usd", "items": (item,)}
    return _make(SubscriptionSnapshot, id, t, base | told)


def customer(t: float, id: str = "cus_1", **told: Any) -> CustomerSnapshot:
    return _make(CustomerSnapshot, id, t, {"email": f"{id}@example.com", "name": "Ann"} | told)


def product(t: float, id: str = "prod_1", **told: Any) -> ProductSnapshot:
    return _make(ProductSnapshot, id, t, {"name": "Team"} | told)


def dispute(t: float, status: DisputeStatus, id: str = "du_1", **told: Any) -> DisputeSnapshot:
    base = {"dispute_kind": DisputeKind.CHARGEBACK, "status": status, "amount": 1000, "currency": "usd"}
    return _make(DisputeSnapshot, id, t, base | {"charge": "ch_1", "payment": "pi_1"} | told)


@dataclass(slots=True)
class Ledger:
    """One account's ledger."""

    connection: Connection
    account_id: int

    def tell(self, *snapshots: Snapshot) -> Recorded:
        """All of them in one transaction."""
        return record(self.connection, self.account_id, snapshots, now=START)

    @property
    def books(self) -> books.Books:
        return books.books(self.connection, self.account_id)

    @property
    def payments(self) -> dict[str, dict[str, Any]]:
        """Listed payments by root."""
        return dict(books.shown(self.books))

    def payment(self) -> dict[str, Any]:
        """The one payment that there is."""
        (row,) = self.payments.values()
        return row

    def row(self, table: str, id: str) -> dict[str, Any]:
        found: dict[str, Any] = self.books[f"payment_{table}/{id}"]
        return found

    def has(self, table: str, id: str) -> bool:
        return f"payment_{table}/{id}" in self.books

    @property
    def wanted(self) -> dict[str, str]:
        """Provider ids that are wanted, and why."""
        return {ref.id: reason for ref, reason in books.wants(self.connection, self.account_id).items()}

    def sums(self, currency: str = "usd") -> tuple[int, int, int, int]:
        """Gross, refunded, disputed, net."""
        for one in reports.revenue(self.connection, [self.account_id]):
            if one.currency == currency:
                return one.gross, one.refunded, one.disputed, one.net
        return 0, 0, 0, 0


def seen(ledger: Ledger, query: TransactionQuery, user: str | None = None, *others: Ledger) -> list[str]:
    """The provider ids on all pages of a list, also of other ledgers' accounts."""
    scope, found = Scope((ledger.account_id, *(one.account_id for one in others)), user), list[str]()
    for _ in range(1000):
        page = queries.transactions(ledger.connection, scope, query)
        found += [row.provider_transaction_id for row in page.rows]
        if page.next_cursor is None:
            return found
        query = query.model_copy(update={"cursor": page.next_cursor})
    raise AssertionError("the pages don't end")


def every_order(connection: Connection, snapshots: Sequence[Any]) -> Iterator[Ledger]:
    """A ledger for each order of up to five snapshots, one transaction each, the first told again at last."""
    assert len(snapshots) <= 5, "every order of more would take too long: use a property"
    for order in permutations(snapshots):
        ledger = Ledger(connection, next(_accounts))
        for snapshot in (*order, order[0]):
            ledger.tell(snapshot)
        yield ledger
