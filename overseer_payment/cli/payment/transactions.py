"""`payment transactions`: payments and refunds, newest first."""

from __future__ import annotations

from typing import TYPE_CHECKING

import click

from overseer_payment.cli.payment.listing import show_list
from overseer_payment.cli.payment.options import (
    TRANSACTION_STATES,
    TRANSACTION_TYPES,
    build,
    command,
    list_options,
    provider_option,
    status_option,
)

if TYPE_CHECKING:
    from collections.abc import Sequence
    from datetime import datetime

    from overseer_payment.cli.output import Cell
    from overseer_payment.cli.words import Amounts
    from overseer_payment.schemas import TransactionRow

_DAY = click.DateTime(["%Y-%m-%d"])


@click.command()
@status_option(TRANSACTION_STATES)
@click.option("--type", type=click.Choice(TRANSACTION_TYPES), help="Only payments of this type, or refunds.")
@click.option("--currency", metavar="CODE", help="Only this currency, like EUR.")
@click.option("--customer", metavar="ID", help="Only this customer's.")
@click.option("--subscription", metavar="ID", help="Only payments of this subscription.")
@click.option(
    "--query",
    "-q",
    metavar="TEXT",
    help="An id, the beginning of an address or name; in recent rows any text.",
)
@click.option("--since", metavar="YYYY-MM-DD", type=_DAY, help="From this day (UTC) on.")
@click.option("--until", metavar="YYYY-MM-DD", type=_DAY, help="Before this day (UTC).")
@provider_option
@list_options
def transactions(
    status: str | None,
    type: str | None,
    currency: str | None,
    customer: str | None,
    subscription: str | None,
    query: str | None,
    since: datetime | None,
    until: datetime | None,
    provider: str | None,
    limit: int,
    cursor: str | None,
    as_json: bool,
) -> None:
    """List payments and refunds, newest first.

    \b
    Failed payments in euros:      payment transactions -s failed --currency EUR
    Everything about one person:   payment transactions -q ada@example.com
    """
    from overseer_payment.schemas import TransactionQuery

    show_list(
        lambda payments, viewer, asked: payments.transactions(viewer, asked),
        build(
            TransactionQuery,
            status=status,
            type=type,
            currency=currency,
            customer_id=customer,
            subscription_id=subscription,
            q=query,
            occurred_after=_utc(since),
            occurred_before=_utc(until),
            provider=provider,
            cursor=cursor,
        ),
        limit=limit,
        as_json=as_json,
        noun="transactions",
        table=show,
        none=f"No transactions yet. Open a checkout: {command('checkout')}\n"
        f"Or add examples: {command('seed')}",
        unfit="No transaction fits. Leave out a filter to see more.",
    )


def _utc(day: datetime | None) -> datetime | None:
    from datetime import UTC

    return None if day is None else day.replace(tzinfo=UTC)


def show(rows: Sequence[TransactionRow], amounts: Amounts, *, indent: int = 0) -> None:
    """Write a table of transactions."""
    from overseer_payment.cli.output import Cell, Column, table
    from overseer_payment.cli.words import moment, state

    columns = (
        Column("ID", right=True),
        Column("When"),
        Column("Amount", right=True),
        Column("Status"),
        Column("Type", rank=3),
        Column("Customer", shrink=True, least=14, rank=1),
        Column("Description", shrink=True, least=12, rank=2),
    )
    table(
        columns,
        (
            (
                str(row.id),
                moment(row.occurred_at),
                _amount(row, amounts),
                state(row.status),
                Cell(row.type, "dim"),
                row.customer_email or row.customer_name or "",
                _about(row),
            )
            for row in rows
        ),
        indent=indent,
    )


def _amount(row: TransactionRow, amounts: Amounts) -> Cell:
    # A refund's row holds a positive amount and says by its type that the money left; a list shows it.
    return amounts.cell(row.provider, -row.amount if row.type == "refund" else row.amount, row.currency)


def _about(row: TransactionRow) -> str:
    if row.type == "refund":
        reason = f" ({row.reason.replace('_', ' ')})" if row.reason else ""
        return f"of {row.parent_id}{reason}" if row.parent_id else row.reason or ""
    return row.failure_message if row.status == "failed" and row.failure_message else row.description or ""
