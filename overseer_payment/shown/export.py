"""Exports: every row that a list would show, page by page, in constant memory.

Each page is a transaction of its own and begins where the last one ended, so an export of any length holds
nobody up. What goes wrong on the way is raised, never swallowed: a file that ends early must not look whole.
"""

from __future__ import annotations

import logging
from collections.abc import AsyncIterator, Callable, Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from overseer_payment.database import utcnow
from overseer_payment.errors import Conflict
from overseer_payment.ledger import queries
from overseer_payment.schemas import (
    CustomerQuery,
    CustomerRow,
    DisputeQuery,
    DisputeRow,
    InvoiceQuery,
    InvoiceRow,
    LedgerQuery,
    Page,
    Row,
    SubscriptionQuery,
    SubscriptionRow,
    TransactionQuery,
    TransactionRow,
    Viewer,
)
from overseer_payment.schemas.exports import ExportQuery, export_of
from overseer_payment.shown import sheets
from overseer_payment.shown.disputes import completed

if TYPE_CHECKING:
    from sqlalchemy import Connection

    from overseer_payment.ledger.scope import Scope
    from overseer_payment.service import Payments

log = logging.getLogger("overseer_payment.shown.export")

_PAGE = 500


@dataclass(frozen=True, slots=True)
class Export:
    """One noun that can be exported."""

    row: type[Row]
    list_query: type[LedgerQuery]
    question: Callable[[Connection, Scope, Any], Page[Any]]
    money: tuple[str, ...] = ()
    finish: Callable[[Payments, Viewer, Any], Row] = lambda _, __, row: row
    query: type[ExportQuery] = ExportQuery
    """Its filters and format."""


def _export(row: type[Row], query: type[LedgerQuery], question: Any, *money: str, **more: Any) -> Export:
    return Export(row, query, question, money, query=export_of(query), **more)


EXPORTS: Mapping[str, Export] = {
    "transactions": _export(
        TransactionRow,
        TransactionQuery,
        queries.transactions,
        *("amount", "amount_refunded", "amount_disputed", "amount_refundable"),
    ),
    "customers": _export(CustomerRow, CustomerQuery, queries.customers),
    "subscriptions": _export(SubscriptionRow, SubscriptionQuery, queries.subscriptions, "amount"),
    "invoices": _export(
        InvoiceRow,
        InvoiceQuery,
        queries.invoices,
        *("total", "amount_due", "amount_paid", "amount_remaining"),
    ),
    "disputes": _export(
        DisputeRow,
        DisputeQuery,
        lambda connection, scope, query: queries.disputes(connection, scope, query, now=utcnow()),
        *("amount", "funds_withdrawn"),
        finish=completed,
    ),
}


async def export(
    payments: Payments,
    viewer: Viewer,
    noun: str,
    query: ExportQuery,
    *,
    count: Callable[[int], None] = lambda _: None,
) -> AsyncIterator[str]:
    """The text of an export, piece by piece, whole lines each; the first one comes after a page was read.

    `count` is told how many rows there are by now. Raises DatabaseError also half-way, and Conflict if
    meanwhile other accounts came to be shown.
    """
    what = EXPORTS[noun]
    filters = {name: getattr(query, name) for name in query.model_fields_set - {"format"}}
    asked = what.list_query(**filters)
    which = payments.of_provider(asked.provider)
    # That data was taken away is worth a line. By whom, logs don't tell: only whether by a user, a program
    # with the token, or on the command line.
    who = viewer.actor.partition(":")[0]
    log.info("exporting %s as %s for a %s (filters: %s)", noun, query.format, who, sorted(filters) or "none")
    text = sheets.header(what.row, what.money, query.format)
    first: tuple[int, ...] | None = None
    total = 0
    while True:
        page, accounts = await payments.ask(viewer, _asking(what, asked), which=which)
        first = first or accounts
        if accounts != first:
            raise Conflict("Other accounts came to be shown while the export ran. Start it again.")
        rows = [what.finish(payments, viewer, row) for row in page.rows]
        yield text + sheets.lines(rows, what.money, payments.currencies, query.format)
        text, total = "", total + len(rows)
        count(total)
        if page.next_cursor is None:
            return
        asked = asked.model_copy(update={"cursor": page.next_cursor})


def _asking(
    what: Export, asked: LedgerQuery
) -> Callable[[Connection, Scope], tuple[Page[Any], tuple[int, ...]]]:
    # More than a list may ask for: few large pages cost less than many small ones.
    query = asked.model_copy(update={"limit": _PAGE})
    return lambda connection, scope: (what.question(connection, scope, query), scope.account_ids)
