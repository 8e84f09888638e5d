"""What the ledger would like to read from the provider, and why. One row serves all that wait for it."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from datetime import datetime, timedelta

from sqlalchemy import Connection, and_, delete, or_
from sqlalchemy.dialects import postgresql, sqlite

from overseer_payment.ledger.derive import Component, Payment
from overseer_payment.ledger.objects import chunks, is_read
from overseer_payment.ledger.rows import Change
from overseer_payment.provider import InvoiceStatus, Kind, Ref, Snapshot
from overseer_payment.tables import wanted as table

DOUBT = "doubt"  # contradicting news within one second
LINK = "link"  # an invoice moved money; by which payment?
UNTOLD = "untold"  # a charge was refunded; by which refunds?
UNKNOWN = "unknown"  # named by others, never described
UNREADABLE = "unreadable"  # an event told of it in a dialect that we do not read

# Its own event usually follows within seconds, and then nothing needs to be read.
_PATIENCE = {
    DOUBT: timedelta(seconds=1),
    LINK: timedelta(0),
    UNTOLD: timedelta(seconds=5),
    UNKNOWN: timedelta(seconds=20),
    UNREADABLE: timedelta(0),
}

_NAMED = {
    "payment_customer": (Kind.CUSTOMER, "provider_customer_id", "occurred_at"),
    "payment_subscription": (Kind.SUBSCRIPTION, "provider_subscription_id", "placeholder"),
    "payment_invoice": (Kind.INVOICE, "provider_invoice_id", "placeholder"),
}


def note(
    connection: Connection,
    account_id: int,
    component: Component,
    derived: Sequence[Payment],
    news: Sequence[Snapshot],
    doubts: set[Ref],
    changes: Iterable[Change],
    *,
    now: datetime,
) -> set[Ref]:
    """Write down what is wanted now, strike what no longer is; answers what was wanted by this news."""
    needs = _needs(component, derived) | _unknown(changes)
    needs |= dict.fromkeys(doubts, DOUBT)
    _strike(connection, account_id, component, derived, news, needs)
    _write(connection, account_id, needs, now)
    return set(needs)


def ask(connection: Connection, account_id: int, refs: Iterable[Ref], reason: str, *, now: datetime) -> None:
    """Want these objects read: their event could not be used as it was."""
    _write(connection, account_id, dict.fromkeys(refs, reason), now)


def _write(connection: Connection, account_id: int, needs: dict[Ref, str], now: datetime) -> None:
    if not needs:
        return
    values = [
        {
            "account_id": account_id,
            "kind": ref.kind.value,
            "provider_id": ref.id,
            "reason": reason,
            "attempts": 0,
            "due_at": now + _PATIENCE[reason],
            "created_at": now,
        }
        for ref, reason in sorted(needs.items())
    ]
    dialect = postgresql if connection.dialect.name == "postgresql" else sqlite
    connection.execute(dialect.insert(table).on_conflict_do_nothing(), values)


def _needs(component: Component, derived: Sequence[Payment]) -> dict[Ref, str]:
    needs: dict[Ref, str] = {}
    for payment in derived:
        if payment.root in component.invoices:
            needs[Ref(Kind.INVOICE, payment.root)] = LINK
        elif payment.refunded_untold and payment.charge:
            needs[Ref(Kind.CHARGE, payment.charge)] = UNTOLD
        elif payment.placeholder:
            kind = Kind.CHARGE if payment.root == payment.charge else Kind.PAYMENT
            needs[Ref(kind, payment.root)] = UNKNOWN
    for invoice in component.invoices.values():
        paid = invoice.status is InvoiceStatus.PAID and invoice.amount_paid > 0
        if paid and not component.roots_of_invoice(invoice.id) and not component.outside(invoice.id):
            needs[Ref(Kind.INVOICE, invoice.id)] = LINK
    return needs


def _unknown(changes: Iterable[Change]) -> dict[Ref, str]:
    """Placeholders that were just made for what others name."""
    needs: dict[Ref, str] = {}
    for change in changes:
        if change.before is not None or change.after is None or change.table not in _NAMED:
            continue
        kind, key, told = _NAMED[change.table]
        empty = change.after[told] is None if told == "occurred_at" else change.after[told]
        if empty:
            needs[Ref(kind, change.after[key])] = UNKNOWN
    return needs


def _strike(
    connection: Connection,
    account_id: int,
    component: Component,
    derived: Sequence[Payment],
    news: Sequence[Snapshot],
    needs: dict[Ref, str],
) -> None:
    """A read answers every want of that object, its own news a want of something unknown."""
    read = {snapshot.id for snapshot in news if is_read(snapshot)} - {ref.id for ref in needs}
    settled = {snapshot.id for snapshot in news} | set(component.invoices) | set(component.charges)
    settled |= {payment.root for payment in derived}
    settled -= {ref.id for ref in needs}
    for some in chunks(read | settled):
        asked = [id for id in some if id in read]
        connection.execute(
            delete(table).where(
                table.c.account_id == account_id,
                table.c.provider_id.in_(some),
                or_(table.c.reason != DOUBT, and_(table.c.reason == DOUBT, table.c.provider_id.in_(asked))),
            )
        )
