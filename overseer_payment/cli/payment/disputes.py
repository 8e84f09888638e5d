"""`payment disputes`: what banks ask for, and by when."""

from __future__ import annotations

from typing import TYPE_CHECKING

import click

from overseer_payment.cli.payment.listing import show_list
from overseer_payment.cli.payment.options import (
    DISPUTE_KINDS,
    DISPUTE_STATES,
    build,
    list_options,
    provider_option,
    status_option,
)

if TYPE_CHECKING:
    from collections.abc import Sequence

    from overseer_payment.cli.output import Cell
    from overseer_payment.cli.words import Amounts
    from overseer_payment.schemas import DisputeRow


@click.command()
@status_option(DISPUTE_STATES)
@click.option("--due-soon", is_flag=True, help="Only those whose answer is due within seven days.")
@click.option("--kind", type=click.Choice(DISPUTE_KINDS), help="Only this kind.")
@click.option("--currency", metavar="CODE", help="Only this currency.")
@provider_option
@list_options
def disputes(
    status: str | None,
    due_soon: bool,
    kind: str | None,
    currency: str | None,
    provider: str | None,
    limit: int,
    cursor: str | None,
    as_json: bool,
) -> None:
    """List chargebacks, inquiries and early fraud warnings, newest first.

    Open ones (--status open) and those that are due soon come with the nearest deadline first.
    """
    from overseer_payment.schemas import DisputeQuery
    from overseer_payment.shown import disputes as shown

    show_list(
        shown.disputes,
        build(
            DisputeQuery,
            status=status,
            due_soon=due_soon,
            kind=kind,
            currency=currency,
            provider=provider,
            cursor=cursor,
        ),
        limit=limit,
        as_json=as_json,
        noun="disputes",
        table=show,
        none="No disputes.",
        unfit="No dispute fits. Leave out a filter to see more.",
    )


def show(rows: Sequence[DisputeRow], amounts: Amounts) -> None:
    """Write a table of disputes."""
    from overseer_payment.cli.output import Column, table
    from overseer_payment.cli.words import moment, person, state

    columns = (
        Column("ID", right=True),
        Column("Kind"),
        Column("Status"),
        Column("Amount", right=True),
        Column("Answer"),
        Column("Reason", shrink=True, rank=2),
        Column("Payment", right=True, rank=3),
        Column("Customer", shrink=True, least=14, rank=1),
        Column("Opened", rank=4),
    )
    table(
        columns,
        (
            (
                str(row.id),
                state(row.kind),
                state(row.status),
                amounts.cell(row.provider, row.amount, row.currency),
                answer(row),
                (row.reason or "").replace("_", " "),
                str(row.transaction_id or ""),
                person(row.customer_name, row.customer_email),
                moment(row.occurred_at),
            )
            for row in rows
        ),
    )


def answer(row: DisputeRow) -> Cell:
    """By when an answer is due, or why none is."""
    from overseer_payment.cli.output import Cell
    from overseer_payment.cli.words import iso, moment

    match row.deadline:
        case "cannot_respond":
            return Cell("not possible", "dim", plain="cannot_respond")
        case "none":
            return Cell("refund instead", "yellow", plain="refund") if row.refundable else Cell("")
    due = moment(row.evidence_due_by).text
    plain = iso(row.evidence_due_by) if row.evidence_due_by else ""
    if row.deadline == "past_due":
        return Cell(f"was due {due}", "red", plain=plain)
    return Cell(f"due {due}", "red" if row.deadline == "due_soon" else "yellow", plain=plain)
