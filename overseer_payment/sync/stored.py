"""What the ledger knows and a listing did not show: what may have ended, or is gone at the provider."""

from __future__ import annotations

from collections.abc import Collection
from datetime import datetime
from typing import Any

from sqlalchemy import ColumnElement, Connection, Select, false, or_, select

from overseer_payment import tables
from overseer_payment.ledger.objects import chunks
from overseer_payment.provider import OPEN_DISPUTE, InvoiceStatus, Kind, Ref, SubscriptionStatus

_AT_MOST = 1000  # old and unfinished ones asked for one by one: abandoned payments pile up for years

_ENDED = (SubscriptionStatus.CANCELED.value, SubscriptionStatus.INCOMPLETE_EXPIRED.value)
_FINAL = (InvoiceStatus.PAID.value, InvoiceStatus.VOID.value)


def unseen(
    connection: Connection, account_id: int, kind: Kind, since: datetime | None, seen: Collection[str]
) -> list[Ref]:
    """Objects of one kind that `seen` lacks: those made since then, and the newest older unfinished ones."""
    ids: list[str] = []
    for key, occurred, unfinished, here in _tables(kind):
        mine = select(key).where(here.c.account_id == account_id)
        if "placeholder" in here.c:
            mine = mine.where(here.c.placeholder.is_(False))
        if "deleted" in here.c:  # lists leave them out, and they stay deleted
            mine = mine.where(here.c.deleted.is_(False))
        ids += _ids(connection, mine if since is None else mine.where(occurred >= since))
        if since is not None:
            older = mine.where(occurred < since, unfinished).order_by(occurred.desc()).limit(_AT_MOST)
            ids += _ids(connection, older)
    return _of_kind(connection, account_id, kind, {id for id in ids if id not in seen})


def _tables(kind: Kind) -> list[tuple[Any, Any, ColumnElement[bool], Any]]:
    """For one kind: the column with its ids, its moment, what is unfinished, and the table."""
    t, s, i, d = tables.transaction, tables.subscription, tables.invoice, tables.dispute
    c, k, p = tables.customer, tables.checkout, tables.product
    match kind:
        case Kind.CUSTOMER:
            return [(c.c.provider_customer_id, c.c.occurred_at, false(), c)]
        case Kind.PRICE:
            return []  # the catalogue is read anew by whoever asks for it
        case Kind.PRODUCT:
            return [(p.c.provider_product_id, p.c.occurred_at, p.c.active, p)]
        case Kind.SUBSCRIPTION:
            return [(s.c.provider_subscription_id, s.c.occurred_at, s.c.status.not_in(_ENDED), s)]
        case Kind.INVOICE:
            return [(i.c.provider_invoice_id, i.c.occurred_at, i.c.status.not_in(_FINAL), i)]
        case Kind.DISPUTE:
            still = [status.value for status in OPEN_DISPUTE]
            return [(d.c.provider_dispute_id, d.c.occurred_at, d.c.status.in_(still), d)]
        case Kind.CHECKOUT:
            waits = or_(k.c.status == "open", (k.c.status == "complete") & (k.c.payment_state == "unpaid"))
            return [(k.c.session_id, k.c.occurred_at, waits, k)]
        case Kind.PAYMENT | Kind.CHARGE | Kind.REFUND:
            return [(t.c.provider_transaction_id, t.c.occurred_at, t.c.status == "pending", t)]
        case Kind.INVOICE_PAYMENT:
            return []  # part of its invoice


def _ids(connection: Connection, query: Select[Any]) -> list[str]:
    return list(connection.execute(query).scalars())


def _of_kind(connection: Connection, account_id: int, kind: Kind, ids: Collection[str]) -> list[Ref]:
    """Those that the provider ever described. A payment may have its row under a document's id."""
    known = tables.provider_object.c
    found: set[str] = set()
    for some in chunks(ids):
        query = select(known.provider_id).where(
            known.account_id == account_id, known.kind == kind.value, known.provider_id.in_(some)
        )
        found.update(connection.execute(query).scalars())
    return [Ref(kind, id) for id in sorted(found)]
