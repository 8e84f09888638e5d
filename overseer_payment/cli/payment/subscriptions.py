"""`payment subscriptions`: who pays again and again."""

from __future__ import annotations

from typing import TYPE_CHECKING

import click

from overseer_payment.cli.payment.listing import show_list
from overseer_payment.cli.payment.options import (
    SUBSCRIPTION_STATES,
    build,
    command,
    list_options,
    provider_option,
    status_option,
)

if TYPE_CHECKING:
    from collections.abc import Sequence

    from overseer_payment.cli.output import Cell
    from overseer_payment.cli.words import Amounts
    from overseer_payment.schemas import SubscriptionRow


@click.command()
@status_option(SUBSCRIPTION_STATES)
@click.option("--customer", metavar="ID", help="Only this customer's.")
@provider_option
@list_options
def subscriptions(
    status: str | None,
    customer: str | None,
    provider: str | None,
    limit: int,
    cursor: str | None,
    as_json: bool,
) -> None:
    """List subscriptions, newest first."""
    from overseer_payment.schemas import SubscriptionQuery

    show_list(
        lambda payments, viewer, asked: payments.subscriptions(viewer, asked),
        build(SubscriptionQuery, status=status, customer_id=customer, provider=provider, cursor=cursor),
        limit=limit,
        as_json=as_json,
        noun="subscriptions",
        table=show,
        none=f"No subscriptions yet. Open one: {command('checkout --mode subscription --price ID')}",
        unfit="No subscription fits. Leave out a filter to see more.",
    )


def show(rows: Sequence[SubscriptionRow], amounts: Amounts, *, indent: int = 0) -> None:
    """Write a table of subscriptions."""
    from overseer_payment.cli.output import Column, table
    from overseer_payment.cli.words import cadence, state, sum_cell

    columns = (
        Column("ID", right=True),
        Column("Status"),
        Column("Amount", right=True),
        Column("Every", rank=2),
        Column("Plan", shrink=True, least=10),
        Column("Customer", shrink=True, least=14, rank=1),
        Column("Next"),
    )
    table(
        columns,
        (
            (
                str(row.id),
                state(row.status),
                sum_cell(amounts.recurring(row)),
                cadence(row.interval, row.interval_count),
                _plan(row),
                row.customer_email or "",
                _next(row),
            )
            for row in rows
        ),
        indent=indent,
    )


def _plan(row: SubscriptionRow) -> str:
    times = f" × {row.quantity}" if row.quantity > 1 else ""
    return f"{row.plan_name or 'subscription'}{times}"


def _next(row: SubscriptionRow) -> Cell:
    """What happens next, and when."""
    from overseer_payment.cli.output import Cell
    from overseer_payment.cli.words import iso, moment

    if row.ended_at or row.status == "canceled":
        word, at = "ended", row.ended_at or row.canceled_at
    elif row.cancel_at or row.cancel_at_period_end:
        word, at = "ends", row.cancel_at or row.current_period_end
    elif row.status == "trialing":
        word, at = "trial ends", row.trial_end
    elif row.collection_paused or row.status == "paused":
        word, at = "paused", None
    else:
        word, at = "renews", row.current_period_end
    shown = f"{word} {moment(at).text}".strip()
    return Cell(shown, "dim" if word in {"ended", "paused"} else "", plain=iso(at) if at else word)
