"""`payment effects`: what applications are told, and what to do about what they could not be told."""

from __future__ import annotations

from typing import TYPE_CHECKING

import click

from overseer_payment.cli.payment.listing import show_list
from overseer_payment.cli.payment.options import (
    EFFECT_STATES,
    build,
    json_option,
    list_options,
    status_option,
)

if TYPE_CHECKING:
    from collections.abc import Sequence

    from overseer_payment.schemas import EffectRow


@click.group(invoke_without_command=True)
@click.option("--failed", is_flag=True, help="Only failed and dead ones.")
@status_option(EFFECT_STATES)
@click.option("--listener", metavar="NAME", help="Only what this listener is told.")
@list_options
@click.pass_context
def effects(
    context: click.Context,
    failed: bool,
    status: str | None,
    listener: str | None,
    limit: int,
    cursor: str | None,
    as_json: bool,
) -> None:
    """List what applications are told, the last first; tell a listener again.

    \b
    What could not be told, and why:   payment effects --failed
    """
    if context.invoked_subcommand is not None:
        return
    from overseer_payment.schemas import EffectQuery
    from overseer_payment.shown import effects as shown

    show_list(
        shown.effects,
        build(EffectQuery, status=status, failed=failed, listener=listener, cursor=cursor),
        limit=limit,
        as_json=as_json,
        noun="effects",
        table=lambda rows, _: _table(rows),
        none="Nobody was told anything.",
        unfit="Nothing fits.",
    )


@effects.command()
@click.argument("id")
@json_option
def replay(id: str, as_json: bool) -> None:
    """Tell a listener again what it could not be told. ID is from `payment effects`.

    It is told at once if the listener's code is here (PAYMENT_LISTENERS), else by a process that has it.
    Exit code 1 if it fails this time, too.
    """
    from overseer_payment.asking import effects as asking
    from overseer_payment.cli import output
    from overseer_payment.cli.session import session
    from overseer_payment.cli.words import state
    from overseer_payment.shown import effects as shown

    with session() as desk:
        row: EffectRow = desk.run(asking.replay(desk.payments, desk.viewer, id))
        desk.run(desk.payments.worker.teller.step())
        row = desk.run(shown.effect(desk.payments, desk.viewer, id))
    if as_json:
        output.write_json(row)
    else:
        error = f": {row.last_error}" if row.last_error else ""
        output.line(f"{row.listener}  {row.topic}  ", state(row.status), error)
    if row.status in {"failed", "dead"}:
        raise click.exceptions.Exit(1)


def _table(rows: Sequence[EffectRow]) -> None:
    from overseer_payment.cli.output import Cell, Column, table
    from overseer_payment.cli.words import moment, state

    columns = (
        Column("ID", right=True),
        Column("Since"),
        Column("Status"),
        Column("Topic", shrink=True, least=16),
        Column("Listener", shrink=True, least=12),
        Column("About", shrink=True, least=10, rank=2),
        Column("Tries", right=True, rank=4),
        Column("Error", shrink=True, least=12, rank=1),
    )
    table(
        columns,
        (
            (
                str(row.id),
                moment(row.created_at),
                state(row.status),
                row.topic,
                row.listener,
                Cell(row.provider_id, "dim"),
                str(row.attempts),
                row.last_error or "",
            )
            for row in rows
        ),
    )
