"""`payment transaction`: everything about one payment."""

from __future__ import annotations

from typing import TYPE_CHECKING

import click

from overseer_payment.cli.payment.options import json_option

if TYPE_CHECKING:
    from overseer_payment.cli.words import Amounts
    from overseer_payment.schemas import TransactionDetail


@click.command()
@click.argument("id")
@json_option
def transaction(id: str, as_json: bool) -> None:
    """Show one payment with its refunds, disputes and timeline.

    ID is the number from the list, or any id of the payment at the provider (pi_…, ch_…, cs_…, in_…).
    """
    from overseer_payment.cli import output
    from overseer_payment.cli.session import session
    from overseer_payment.cli.words import Amounts

    with session() as desk:
        detail = desk.run(desk.payments.transaction(desk.viewer, id))
        amounts = Amounts(desk.payments, [detail.provider])
    if as_json:
        output.write_json(detail)
    else:
        _show(detail, amounts)


def _show(detail: TransactionDetail, amounts: Amounts) -> None:
    from overseer_payment.cli.output import Cell, heading, line
    from overseer_payment.cli.payment.transactions import show
    from overseer_payment.cli.words import state

    name = "Refund" if detail.type == "refund" else "Payment"
    total = Cell(amounts.text(detail.provider, detail.amount, detail.currency), "bold")
    line(Cell(f"{name} {detail.id}", "bold"), "  ", total, "  ", state(detail.status))
    _facts(detail, amounts)
    if detail.refunds:
        heading("Refunds")
        show(detail.refunds, amounts, indent=2)
    _disputes(detail, amounts)
    _timeline(detail, amounts)


def _facts(detail: TransactionDetail, amounts: Amounts) -> None:
    from overseer_payment.cli.output import facts
    from overseer_payment.cli.words import exact, mode, person

    def money(amount: int) -> str | None:
        return amounts.text(detail.provider, amount, detail.currency) if amount else None

    number = f" (customer {detail.customer_id})" if detail.customer_id else ""
    facts(
        (
            ("When", exact(detail.occurred_at)),
            ("Type", detail.type),
            ("Provider", detail.provider),
            ("Mode", mode(detail.livemode)),
            ("Customer", f"{person(detail.customer_name, detail.customer_email)}{number}".strip()),
            ("Method", detail.method),
            ("About", detail.description),
            ("Reason", detail.reason),
            ("Failure", detail.failure_message or detail.failure_code),
            ("Refunded", money(detail.amount_refunded)),
            ("Disputed", money(detail.amount_disputed)),
            ("Refundable", money(detail.amount_refundable)),
            ("Subscription", str(detail.subscription_id) if detail.subscription_id else None),
            ("Refund of", f"payment {detail.parent_id}" if detail.parent_id else None),
            *_references(detail),
        )
    )


def _references(detail: TransactionDetail) -> list[tuple[str, str]]:
    links = [(ref.kind.replace("_", " ").capitalize(), ref.url or ref.id) for ref in detail.references]
    return links or [("At provider", detail.provider_transaction_id)]


def _disputes(detail: TransactionDetail, amounts: Amounts) -> None:
    from overseer_payment.cli.output import Column, heading, table
    from overseer_payment.cli.words import moment, state

    if not detail.disputes:
        return
    heading("Disputes")
    columns = (Column("ID", right=True), Column("When"), Column("Amount", right=True), Column("Status"))
    more = (Column("Kind", rank=2), Column("Answer due", rank=1), Column("Reason", shrink=True, rank=3))
    rows = (
        (
            str(row.id),
            moment(row.occurred_at),
            amounts.cell(detail.provider, row.amount, row.currency),
            state(row.status),
            state(row.kind),
            moment(row.evidence_due_by),
            row.reason or "",
        )
        for row in detail.disputes
    )
    table((*columns, *more), rows, indent=2)


def _timeline(detail: TransactionDetail, amounts: Amounts) -> None:
    from overseer_payment.cli.output import Cell, Column, heading, table
    from overseer_payment.cli.words import exact, state

    if not detail.timeline:
        return
    heading("Timeline")
    columns = (
        Column("When"),
        Column("What", shrink=True, least=20),
        Column("Amount", right=True, rank=2),
        Column("Status", rank=1),
        Column("Detail", shrink=True, rank=3),
    )
    rows = (
        (
            Cell(exact(entry.at) or "", "dim"),
            f"{entry.title} by {entry.actor}" if entry.actor else entry.title,
            amounts.cell(detail.provider, entry.amount, entry.currency or detail.currency)
            if entry.amount is not None
            else "",
            state(entry.status or ""),
            Cell(entry.detail or "", "dim"),
        )
        for entry in detail.timeline
    )
    table(columns, rows, indent=2)
