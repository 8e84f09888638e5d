"""Erasing one person from the ledger, and keeping them erased.

A customer's row with `erased_at` is a tombstone: sums and ids stay on it, and whatever is told of that
customer later is recorded without whom it is about. So no late event, no read and no repair brings
anything back.
"""

from __future__ import annotations

import json
from collections.abc import Collection, Iterable, Mapping, Sequence, Set
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from sqlalchemy import ColumnElement, Connection, Row, Select, Table, case, or_, select, update

from overseer_payment import tables
from overseer_payment.ledger import codec, merge, objects
from overseer_payment.ledger.links import links
from overseer_payment.ledger.persons import customer_of, impersonal, without_persons
from overseer_payment.provider import Kind, Snapshot

_customer, _transaction = tables.customer, tables.transaction
_object = tables.provider_object


# -- what is told later ---------------------------------------------------------------------------


def withheld(connection: Connection, account_id: int, snapshots: Iterable[Snapshot]) -> list[Snapshot]:
    """`snapshots`, those about erased people without whom they are about.

    Called under the locks of what they mention, so that nobody is erased meanwhile.
    """
    given = list(snapshots)
    gone = _gone(connection, account_id, given)
    return [impersonal(one) if _is_about(one, gone) else one for one in given] if gone else given


@dataclass(frozen=True, slots=True)
class _Gone:
    """Provider ids of erased customers, and of their payments as far as `snapshots` name them."""

    customers: frozenset[str]
    payments: frozenset[str]

    def __bool__(self) -> bool:
        return bool(self.customers or self.payments)


def _is_about(snapshot: Snapshot, gone: _Gone) -> bool:
    joined = links(snapshot)
    named = {joined.payment, joined.charge, joined.invoice, snapshot.id}
    return customer_of(snapshot) in gone.customers or bool(named & gone.payments)


def _gone(connection: Connection, account_id: int, given: Sequence[Snapshot]) -> _Gone:
    named = {id for snapshot in given if (id := customer_of(snapshot))}
    # A refund names its payment, and no customer.
    joined = [links(snapshot) for snapshot in given if customer_of(snapshot) is None]
    payments = {id for one in joined for id in (one.payment, one.charge, one.invoice) if id}
    return _Gone(
        _erased_customers(connection, account_id, named), _owned_by_erased(connection, account_id, payments)
    )


def _erased_customers(connection: Connection, account_id: int, ids: set[str]) -> frozenset[str]:
    found: set[str] = set()
    for some in objects.chunks(ids):
        query = select(_customer.c.provider_customer_id).where(
            _customer.c.account_id == account_id,
            _customer.c.provider_customer_id.in_(some),
            _customer.c.erased_at.is_not(None),
        )
        found.update(connection.execute(query).scalars())
    return frozenset(found)


def _owned_by_erased(connection: Connection, account_id: int, names: set[str]) -> frozenset[str]:
    """Of these ids of payments, those of erased people's."""
    reference, found = tables.reference, set[str]()
    for some in objects.chunks(names):
        query = (
            select(reference.c.provider_id)
            .join(_transaction, _transaction.c.id == reference.c.transaction_id)
            .join(_customer, _customer.c.id == _transaction.c.customer_id)
            .where(reference.c.account_id == account_id, reference.c.provider_id.in_(some))
            .where(_customer.c.erased_at.is_not(None))
        )
        found.update(connection.execute(query).scalars())
    return frozenset(found)


def about_erased(
    connection: Connection, account_id: int, told: Mapping[int, tuple[Sequence[Snapshot], Set[str]]]
) -> set[int]:
    """Which of these events, each with what it says and which ids it only names, are about erased people."""
    every = [snapshot for snapshots, _ in told.values() for snapshot in snapshots]
    gone = _gone(connection, account_id, every)
    named = _named_erased(connection, account_id, {id for _, ids in told.values() for id in ids})
    return {
        id
        for id, (snapshots, ids) in told.items()
        if any(_is_about(one, gone) for one in snapshots) or not named.isdisjoint(ids)
    }


def _named_erased(connection: Connection, account_id: int, ids: set[str]) -> set[str]:
    """Those of these ids, of customers or payments, that erased people own."""
    found = set(_erased_customers(connection, account_id, ids))
    return found | _owned_by_erased(connection, account_id, ids)


# -- what is known now ------------------------------------------------------------------------------


def forget(connection: Connection, customer: Row[Any], *, now: datetime) -> list[list[str]]:
    """Erase whom a customer's rows are about; answers every provider id that was theirs, in parts.

    The first part's objects are erased as well. Those of the others are left to `forget_more`, a transaction
    each: PostgreSQL has room for some thousand locks in all. From the commit on everybody who records finds
    the tombstone; who began before holds the lock on what they write. Twice is no error. Sums stay as they
    are: no amount, state or moment is touched.
    """
    objects.lock(connection, customer.account_id, {customer.provider_customer_id})
    blank = dict.fromkeys(("email", "email_key", "name", "name_key", "user_id"))
    tombstone = {**blank, "erased_at": customer.erased_at or now}
    connection.execute(update(_customer).where(_customer.c.id == customer.id).values(**tombstone))
    ids = _theirs(connection, customer)
    parts = list(objects.chunks(ids))
    objects.lock(connection, customer.account_id, parts[0])
    blank_rows(connection, customer.id)
    _blank_objects(connection, customer.account_id, parts[0])
    _blank_requests(connection, customer, ids)
    return parts


def forget_more(connection: Connection, account_id: int, ids: Collection[str]) -> None:
    """Erase whom these objects are about, which `forget` has left; afterwards `blank_rows` once more."""
    objects.lock(connection, account_id, ids)
    _blank_objects(connection, account_id, ids)


def _theirs(connection: Connection, customer: Row[Any]) -> set[str]:
    """Every provider id by which anything of this customer is known."""
    t, s, i, k, d = _transaction, tables.subscription, tables.invoice, tables.checkout, tables.dispute
    keys: tuple[tuple[Table, Any], ...] = (
        (t, t.c.provider_transaction_id),
        (s, s.c.provider_subscription_id),
        (i, i.c.provider_invoice_id),
        (k, k.c.session_id),
        (d, d.c.provider_dispute_id),
    )
    found = {str(customer.provider_customer_id)}
    for table, key in keys:
        found.update(connection.execute(select(key).where(table.c.customer_id == customer.id)).scalars())
    reference = tables.reference
    known = (
        select(reference.c.provider_id)
        .join(t, t.c.id == reference.c.transaction_id)
        .where(t.c.customer_id == customer.id)
    )
    found.update(connection.execute(known).scalars())
    return found


_BLANKS: tuple[tuple[Table, Mapping[str, Any]], ...] = (
    (
        tables.transaction,
        dict.fromkeys(("customer_email", "email_key", "customer_name", "description", "failure_message")),
    ),
    (tables.invoice, dict.fromkeys(("hosted_url", "pdf_url"))),
    (tables.checkout, dict.fromkeys(("url", "user_id"))),
)


def blank_rows(connection: Connection, customer_id: int) -> None:
    """Take the person out of the rows of a customer; what they add up to stays."""
    for table, blank in _BLANKS:
        connection.execute(update(table).where(table.c.customer_id == customer_id).values(**blank))
    with_numbers = select(_transaction.c.id, _transaction.c.method).where(
        _transaction.c.customer_id == customer_id, _transaction.c.method.is_not(None)
    )
    brands: dict[str, list[int]] = {}
    for id, method in connection.execute(with_numbers):
        brands.setdefault(method.partition(" ")[0], []).append(id)
    for brand, ids in sorted(brands.items()):
        for start in range(0, len(ids), 900):
            some = _transaction.c.id.in_(ids[start : start + 900])
            connection.execute(update(_transaction).where(some).values(method=brand))


def _blank_objects(connection: Connection, account_id: int, ids: Collection[str]) -> None:
    """The newest words on these objects, and on those that belong to the same payments."""
    o = _object.c
    for some in objects.chunks(ids):
        theirs = or_(
            o.provider_id.in_(some),
            o.payment_ref.in_(some),
            o.charge_ref.in_(some),
            o.invoice_ref.in_(some),
        )
        query = select(o.kind, o.provider_id, o.version, o.data).where(o.account_id == account_id, theirs)
        for row in connection.execute(query).all():
            _blank_object(connection, account_id, row)


def _blank_object(connection: Connection, account_id: int, row: Any) -> None:
    told = impersonal(codec.decode(Kind(row.kind), row.data, merge.as_of(row.version)))
    data = codec.encode(told)
    # With the order that the same news will have when it comes again, withheld.
    values = {"data": data, "tie": merge.tie(told, data), "raw": "{}"}
    same = (_object.c.account_id == account_id) & (_object.c.provider_id == row.provider_id)
    connection.execute(update(_object).where(same, _object.c.kind == row.kind).values(**values))


_MADE_FOR_A_USER = ("customer", "checkout")  # their target is the host's user


def _blank_requests(connection: Connection, customer: Row[Any], ids: set[str]) -> None:
    """What was sent for this customer, and for which user; who sent it, and what came of it, stays.

    Not of what is still being sent: the same key with another request would be refused.
    """
    table, id = tables.operation, customer.provider_customer_id
    done = (table.c.account_id == customer.account_id) & table.c.finished_at.is_not(None)
    written = table.c.request.contains(json.dumps(id), autoescape=True)  # or `_` would stand for any sign
    found = {row.id: row.request for row in connection.execute(_sent(done, written))}
    for some in objects.chunks(ids):
        named = table.c.result.in_(some) | table.c.target.in_(some)
        found |= {row.id: row.request for row in connection.execute(_sent(done, named))}
    paid = table.c.transaction_id.in_(
        select(_transaction.c.id).where(_transaction.c.customer_id == customer.id)
    )
    found |= {row.id: row.request for row in connection.execute(_sent(done, paid))}
    made = table.c.kind.in_(_MADE_FOR_A_USER)
    for operation, request in found.items():
        text = json.dumps(without_persons(json.loads(request)), separators=(",", ":"))
        values = {"request": text, "answer": None, "target": case((made, None), else_=table.c.target)}
        connection.execute(update(table).where(table.c.id == operation).values(values))


def _sent(*where: ColumnElement[bool]) -> Select[Any]:
    return select(tables.operation.c.id, tables.operation.c.request).where(*where)
