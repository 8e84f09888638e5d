"""`payment events`: the inbox, and what to do about what is stuck in it."""

from __future__ import annotations

from typing import TYPE_CHECKING

import click

from overseer_payment.cli.payment.listing import show_list
from overseer_payment.cli.payment.options import (
    EVENT_STATES,
    build,
    command,
    json_option,
    list_options,
    status_option,
)

if TYPE_CHECKING:
    from collections.abc import Sequence

    from overseer_payment.cli.session import Session
    from overseer_payment.schemas import EventDetail, EventRow


@click.group(invoke_without_command=True)
@click.option("--failed", is_flag=True, help="Only failed and dead ones.")
@status_option(EVENT_STATES)
@click.option("--type", metavar="TYPE", help="Only this type, like invoice.paid.")
@list_options
@click.pass_context
def events(
    context: click.Context,
    failed: bool,
    status: str | None,
    type: str | None,
    limit: int,
    cursor: str | None,
    as_json: bool,
) -> None:
    """List received events, the last one first; see, replay or ignore one.

    \b
    What could not be applied, and why:   payment events --failed
    Try all of those again:               payment events replay --failed
    """
    if context.invoked_subcommand is not None:
        return
    from overseer_payment.schemas import EventQuery
    from overseer_payment.shown import events as shown

    show_list(
        shown.events,
        build(EventQuery, status=status, failed=failed, type=type, cursor=cursor),
        limit=limit,
        as_json=as_json,
        noun="events",
        table=lambda rows, _: _table(rows),
        none="No event has arrived yet.",
        unfit="No event fits.",
    )


@events.command()
@click.argument("id")
@json_option
def show(id: str, as_json: bool) -> None:
    """Show one event with its payload. ID is ours, or the provider's (evt_…)."""
    from overseer_payment.cli import output
    from overseer_payment.cli.session import session
    from overseer_payment.shown import events as shown

    with session() as desk:
        event = desk.run(shown.event(desk.payments, desk.viewer, id))
    if as_json:
        output.write_json(event)
    else:
        _show(event)


@events.command()
@click.argument("id", required=False)
@click.option("--failed", is_flag=True, help="All failed and dead ones.")
@json_option
def replay(id: str | None, failed: bool, as_json: bool) -> None:
    """Apply an event again now, or with --failed all that could not be applied.

    Safe for an applied one too: recording what it says a second time changes nothing. Exit code 1 if it
    can't be applied this time either.
    """
    from overseer_payment.cli.session import session

    if (id is None) is not failed:
        raise click.UsageError("Either an ID or --failed.")
    with session() as desk:
        if id is None:
            _replay_failed(desk, as_json)
        else:
            _replay(desk, id, as_json)


@events.command()
@click.argument("id")
@json_option
def ignore(id: str, as_json: bool) -> None:
    """Take an event out that never can be applied. `replay` brings it back."""
    from overseer_payment.asking import events as asking
    from overseer_payment.cli.session import session

    with session() as desk:
        row = desk.run(asking.ignore(desk.payments, desk.viewer, id))
    _say(row, as_json)


def _replay(desk: Session, id: str, as_json: bool) -> None:
    from overseer_payment.asking import events as asking
    from overseer_payment.shown import events as shown

    row: EventRow = desk.run(asking.replay(desk.payments, desk.viewer, id))
    desk.run(desk.payments.worker.applier.these([row.id]))
    desk.run(desk.payments.worker.drain(at_most=10))
    row = desk.run(shown.event(desk.payments, desk.viewer, str(row.id)))
    _say(row, as_json)
    if row.status in {"failed", "dead"}:
        raise click.exceptions.Exit(1)


def _replay_failed(desk: Session, as_json: bool) -> None:
    from overseer_payment.asking import events as asking
    from overseer_payment.cli import output
    from overseer_payment.cli.progress import several

    count = desk.run(asking.replay_failed(desk.payments, desk.viewer))
    desk.run(desk.payments.worker.drain())
    left = desk.run(desk.payments.status(desk.viewer)).failed_events
    if as_json:
        output.write_json({"replayed": count, "failed_events": left})
    elif not count:
        output.note("No event is failed or dead.")
    else:
        result = f"{left:,} can't be applied this time either" if left else "none is failed any more"
        output.line(f"{count:,} {several('event', count)} tried again; {result}.")
    if left:
        output.note(f"Why: {command('events --failed')}")
        raise click.exceptions.Exit(1)


def _say(row: EventRow, as_json: bool) -> None:
    from overseer_payment.cli import output
    from overseer_payment.cli.words import state
    from overseer_payment.schemas import EventRow

    if as_json:
        output.write_json(EventRow(**{name: getattr(row, name) for name in EventRow.model_fields}))
        return
    error = f": {row.last_error}" if row.last_error else ""
    output.line(f"{row.provider_event_id}  {row.type}  ", state(row.status), error)


def _table(rows: Sequence[EventRow]) -> None:
    from overseer_payment.cli.output import Cell, Column, table
    from overseer_payment.cli.words import moment, state

    columns = (
        Column("ID", right=True),
        Column("Received"),
        Column("Status"),
        Column("Type", shrink=True, least=16),
        Column("Event", shrink=True, least=10, rank=2),
        Column("Account", rank=3),
        Column("Tries", right=True, rank=4),
        Column("Error", shrink=True, least=12, rank=1),
    )
    table(
        columns,
        (
            (
                str(row.id),
                moment(row.received_at),
                state(row.status),
                row.type,
                Cell(row.provider_event_id, "dim"),
                "" if row.account == "default" else row.account,
                str(row.attempts),
                row.last_error or "",
            )
            for row in rows
        ),
    )


def _show(event: EventDetail) -> None:
    from overseer_payment.cli.output import Cell, facts, heading, line, write_json
    from overseer_payment.cli.words import exact, iso, mode, state

    line(Cell(event.type, "bold"), "  ", state(event.status), "  ", mode(event.livemode))
    facts(
        (
            ("Event", event.provider_event_id),
            ("Account", f"{event.provider} ({event.account})"),
            ("Occurred", Cell(exact(event.occurred_at) or "", plain=iso(event.occurred_at))),
            ("Received", Cell(exact(event.received_at) or "", plain=iso(event.received_at))),
            ("Tried", f"{event.attempts}"),
            ("Error", Cell(event.last_error, "red") if event.last_error else None),
            ("Next try", exact(event.due_at)),
            ("API version", event.api_version),
        )
    )
    heading("Payload")
    write_json(event.payload)
