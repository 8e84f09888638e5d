"""Invoices: lists, and one with the payments and attempts that it led to."""

from __future__ import annotations

from typing import Any

from sqlalchemy import ColumnElement, Connection, Row, Select, and_, select

from overseer_payment import tables
from overseer_payment.errors import NotFound
from overseer_payment.ledger import objects
from overseer_payment.ledger.paging import together
from overseer_payment.ledger.queries.common import is_named, joined, named, values_of
from overseer_payment.ledger.queries.transactions import paid_for
from overseer_payment.ledger.scope import Scope
from overseer_payment.provider import ChargeSnapshot, InvoiceSnapshot, Kind, Ref, TransactionStatus
from overseer_payment.schemas import InvoiceAttempt, InvoiceDetail, InvoiceQuery, InvoiceRow, Page

_i, _c, _s = tables.invoice, tables.customer, tables.subscription


def _invoices(*where: ColumnElement[bool]) -> Select[Any]:
    query = joined(_i, _c.c.email.label("customer_email"), _c.c.name.label("customer_name"))
    query = query.outerjoin(_c, _c.c.id == _i.c.customer_id)
    return query.where(_i.c.placeholder.is_(False), *where)


def invoices(connection: Connection, scope: Scope, query: InvoiceQuery) -> Page[InvoiceRow]:
    """Invoices, newest first."""
    status = [] if query.status is None else [_i.c.status == query.status.value]
    statements = [_invoices(run, *status) for run in _whose(connection, scope, query)]
    rows, cursor = together(connection, statements, _i, limit=query.limit, cursor=query.cursor)
    return Page(rows=[InvoiceRow.model_validate(values_of(row)) for row in rows], next_cursor=cursor)


def _whose(connection: Connection, scope: Scope, query: InvoiceQuery) -> list[ColumnElement[bool]]:
    """Where to begin: at the few rows that are named, else at all that the viewer may see, in parts."""
    customers = named(connection, _c, _c.c.provider_customer_id, scope, query.customer_id)
    subscriptions = named(connection, _s, _s.c.provider_subscription_id, scope, query.subscription_id)
    if subscriptions is None:
        return scope.runs(connection, _i, customers)
    billed = _i.c.subscription_id.in_(subscriptions)
    if customers is None and scope.user_id is None:
        return [billed]
    return [and_(billed, scope.listed(connection, _i, customers))]


def invoice(connection: Connection, scope: Scope, id: str) -> InvoiceDetail:
    """One invoice by our id or the provider's, with what was paid and tried for it. Raises NotFound."""
    statement = _invoices(scope.rows(_i), is_named(_i, _i.c.provider_invoice_id, id))
    row = connection.execute(statement.limit(1)).one_or_none()
    if row is None:
        raise NotFound(f"There is no invoice {id}.")
    payments = paid_for(connection, scope, row.id)
    return InvoiceDetail(
        **InvoiceRow.model_validate(values_of(row)).model_dump(),
        **_described(connection, row),
        payments=payments,
        attempts=_attempts(connection, row.account_id, [payment.id for payment in payments]),
    )


def _described(connection: Connection, row: Row[Any]) -> dict[str, Any]:
    """What only the provider's own word on it holds."""
    ref = Ref(Kind.INVOICE, row.provider_invoice_id)
    told = objects.by_id(connection, row.account_id, [ref]).get(ref)
    if not isinstance(told, InvoiceSnapshot):
        return {}
    names = ("description", "billing_reason", "period_start", "period_end")
    return {name: getattr(told, name) for name in names}


def _attempts(connection: Connection, account_id: int, payments: list[int]) -> list[InvoiceAttempt]:
    """Every charge of these payments, oldest first: the one that succeeded is the last of its payment."""
    reference = tables.reference.c
    names = connection.execute(
        select(reference.provider_id).where(
            reference.account_id == account_id, reference.transaction_id.in_(payments)
        )
    ).scalars()
    found = objects.by_id(connection, account_id, {Ref(Kind.CHARGE, name) for name in names})
    charges = [charge for charge in found.values() if isinstance(charge, ChargeSnapshot)]
    return [_attempt(charge) for charge in sorted(charges, key=lambda c: (c.occurred_at, c.id))]


def _attempt(charge: ChargeSnapshot) -> InvoiceAttempt:
    failed = charge.status is not TransactionStatus.SUCCEEDED
    return InvoiceAttempt(
        at=charge.occurred_at,
        status=charge.status,
        amount=charge.amount,
        currency=charge.currency,
        method=charge.method,
        failure_code=charge.failure_code if failed else None,
        failure_message=charge.failure_message if failed else None,
        provider_id=charge.id,
    )
