"""`payment invoices`, `payment invoice` and `payment upcoming`: what was asked for, and what will be."""

from __future__ import annotations

from typing import TYPE_CHECKING

import click

from overseer_payment.cli.payment.listing import show_list
from overseer_payment.cli.payment.options import (
    INVOICE_STATES,
    build,
    json_option,
    list_options,
    provider_option,
    status_option,
)

if TYPE_CHECKING:
    from collections.abc import Sequence

    from overseer_payment.cli.words import Amounts
    from overseer_payment.schemas import InvoiceDetail, InvoiceRow, UpcomingInvoice


@click.command()
@status_option(INVOICE_STATES)
@click.option("--customer", metavar="ID", help="Only this customer's.")
@click.option("--subscription", metavar="ID", help="Only this subscription's.")
@provider_option
@list_options
def invoices(
    status: str | None,
    customer: str | None,
    subscription: str | None,
    provider: str | None,
    limit: int,
    cursor: str | None,
    as_json: bool,
) -> None:
    """List invoices, newest first; those that wait show when it is tried again."""
    from overseer_payment.schemas import InvoiceQuery
    from overseer_payment.shown import invoices as shown

    values = {"status": status, "customer_id": customer, "subscription_id": subscription}
    show_list(
        shown.invoices,
        build(InvoiceQuery, provider=provider, cursor=cursor, **values),
        limit=limit,
        as_json=as_json,
        noun="invoices",
        table=_show_all,
        none="No invoices yet.",
        unfit="No invoice fits. Leave out a filter to see more.",
    )


def _show_all(rows: Sequence[InvoiceRow], amounts: Amounts) -> None:
    from overseer_payment.cli.output import Column, table
    from overseer_payment.cli.words import moment, state

    columns = (
        Column("ID", right=True),
        Column("When"),
        Column("Number", rank=1),
        Column("Amount", right=True),
        Column("Status"),
        Column("Customer", shrink=True, least=14, rank=2),
        Column("Tries", right=True, rank=4),
        Column("Next try", rank=3),
    )
    table(
        columns,
        (
            (
                str(row.id),
                moment(row.occurred_at),
                row.number or "",
                amounts.cell(row.provider, row.total, row.currency),
                state(row.status),
                row.customer_email or row.customer_name or "",
                str(row.attempt_count) if row.attempt_count else "",
                moment(row.next_attempt_at),
            )
            for row in rows
        ),
    )


@click.command()
@click.argument("id")
@json_option
def invoice(id: str, as_json: bool) -> None:
    """Show one invoice with its payments, its failed attempts and the next try.

    ID is the number from the list, or the provider's (in_…).
    """
    from overseer_payment.cli import output
    from overseer_payment.cli.session import session
    from overseer_payment.cli.words import Amounts
    from overseer_payment.shown import invoices as shown

    with session() as desk:
        detail = desk.run(shown.invoice(desk.payments, desk.viewer, id))
        amounts = Amounts(desk.payments, [detail.provider])
    if as_json:
        output.write_json(detail)
    else:
        _show(detail, amounts)


def _show(detail: InvoiceDetail, amounts: Amounts) -> None:
    from overseer_payment.cli.output import Cell, heading, line
    from overseer_payment.cli.payment.transactions import show
    from overseer_payment.cli.words import state

    total = Cell(amounts.text(detail.provider, detail.total, detail.currency), "bold")
    line(Cell(f"Invoice {detail.number or detail.id}", "bold"), "  ", total, "  ", state(detail.status))
    _facts(detail, amounts)
    _attempts(detail, amounts)
    if detail.payments:
        heading("Payments")
        show(detail.payments, amounts, indent=2)


def _facts(detail: InvoiceDetail, amounts: Amounts) -> None:
    from overseer_payment.cli.output import facts
    from overseer_payment.cli.words import exact, mode, person

    def money(amount: int) -> str | None:
        return amounts.text(detail.provider, amount, detail.currency) if amount else None

    number = f" (customer {detail.customer_id})" if detail.customer_id else ""
    facts(
        (
            ("When", exact(detail.occurred_at)),
            ("Provider", detail.provider),
            ("Mode", mode(detail.livemode)),
            ("Customer", f"{person(detail.customer_name, detail.customer_email)}{number}".strip()),
            ("Subscription", str(detail.subscription_id) if detail.subscription_id else None),
            ("About", detail.description),
            ("Why", (detail.billing_reason or "").replace("_", " ")),
            ("Paid", money(detail.amount_paid)),
            ("Remaining", money(detail.amount_remaining)),
            ("Due", exact(detail.due_at)),
            ("Paid at", exact(detail.paid_at)),
            ("Next try", exact(detail.next_attempt_at)),
            ("Page", detail.hosted_url),
            ("PDF", detail.pdf_url),
            ("At provider", detail.url or detail.provider_invoice_id),
        )
    )


def _attempts(detail: InvoiceDetail, amounts: Amounts) -> None:
    from overseer_payment.cli.output import Cell, Column, heading, table
    from overseer_payment.cli.words import exact, state

    if not detail.attempts:
        return
    heading("Attempts")
    columns = (
        Column("When"),
        Column("Amount", right=True),
        Column("Status"),
        Column("Method", shrink=True, rank=2),
        Column("Reason", shrink=True, rank=1),
    )
    rows = (
        (
            Cell(exact(attempt.at) or "", "dim"),
            amounts.cell(detail.provider, attempt.amount, attempt.currency),
            state(attempt.status),
            attempt.method or "",
            attempt.failure_message or attempt.failure_code or "",
        )
        for attempt in detail.attempts
    )
    table(columns, rows, indent=2)


@click.command()
@click.argument("subscription_id")
@json_option
def upcoming(subscription_id: str, as_json: bool) -> None:
    """Show what a subscription will be billed next, as things stand. Asks the provider, changes nothing."""
    from overseer_payment.cli import output
    from overseer_payment.cli.session import session
    from overseer_payment.cli.words import Amounts
    from overseer_payment.shown import invoices as shown

    with session() as desk:
        row = desk.run(desk.payments.subscription(desk.viewer, subscription_id))
        found = desk.run(shown.upcoming(desk.payments, desk.viewer, str(row.id)))
        amounts = Amounts(desk.payments, [row.provider])
    if as_json:
        output.write_json(found)
    else:
        _show_upcoming(found, row.provider, amounts)


def _show_upcoming(found: UpcomingInvoice, provider: str, amounts: Amounts) -> None:
    from overseer_payment.cli.output import Cell, Column, line, table
    from overseer_payment.cli.words import exact

    total = Cell(amounts.text(provider, found.amount_due, found.currency), "bold")
    line(Cell("Next invoice", "bold"), "  ", total, "  ", exact(found.due_at) or "")
    columns = (Column("What", shrink=True, least=20), Column("Amount", right=True))
    rows = ((one.description, amounts.cell(provider, one.amount, found.currency)) for one in found.lines)
    table(columns, rows, indent=2)
