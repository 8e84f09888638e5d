"""`payment work`: a process that does the background work and nothing else."""

from __future__ import annotations

from typing import TYPE_CHECKING

import click

from overseer_payment.cli.payment.options import json_option

if TYPE_CHECKING:
    import asyncio
    from collections.abc import Callable

    from overseer_payment.cli.session import Session
    from overseer_payment.schemas import StatusView

_EVERY = 30.0  # seconds between two lines for a person


@click.command()
@click.option("--once", is_flag=True, help="Do what is due now, then end.")
@json_option
def work(once: bool, as_json: bool) -> None:
    """Apply events, read what is missing, settle operations, notify, heal; Ctrl-C or SIGTERM ends it.

    Servers do the same beside answering requests. Any number of such processes, on any number of machines,
    share the work: nothing is done twice.

    It says on stderr when it has begun; on a terminal also, now and then, how things stand. With --json it
    prints the status when it ends.
    """
    from overseer_payment.cli import output
    from overseer_payment.cli.session import session

    with session(logs=True) as desk:
        desk.payments.provider_key()  # without a provider there is nothing that it could do
        if once:
            desk.run(desk.payments.worker.drain(hurry=True))
        else:
            desk.run(_work(desk, _say if output.on_terminal() and not as_json else None))
        view = desk.run(desk.payments.status(desk.viewer))
    if as_json:
        output.write_json(view)
    elif once or output.on_terminal():
        _say(view)


async def _work(desk: Session, say: Callable[[StatusView], None] | None) -> None:
    import asyncio
    from contextlib import suppress

    from overseer_payment.cli import output
    from overseer_payment.settling import settle

    payments = desk.payments
    stopped = _signals()
    await payments.start(healing=payments.settings.healing)
    settle()
    output.note("Working. Ctrl-C or SIGTERM ends it once what is under way is finished.")
    try:
        while not stopped.is_set():
            if say is not None:
                await _tell(desk, say)
            with suppress(TimeoutError):
                await asyncio.wait_for(stopped.wait(), _EVERY)
    finally:
        await payments.worker.stop()


async def _tell(desk: Session, say: Callable[[StatusView], None]) -> None:
    from overseer_payment.cli import output
    from overseer_payment.errors import DatabaseError

    try:
        say(await desk.payments.status(desk.viewer))
    except DatabaseError as error:
        # The work waits for the database to come back; so does whoever watches it.
        output.note(error.detail)


def _signals() -> asyncio.Event:
    """Set once somebody asks for the end; what is under way is finished then."""
    import asyncio
    import signal
    from contextlib import suppress

    stopped = asyncio.Event()
    for name in ("SIGINT", "SIGTERM"):
        with suppress(NotImplementedError):  # Windows: Ctrl-C ends the command as it ends any other
            asyncio.get_running_loop().add_signal_handler(getattr(signal, name), stopped.set)
    return stopped


def _say(view: StatusView) -> None:
    from overseer_payment.cli.output import Cell, line
    from overseer_payment.cli.words import moment

    lag = f", {view.lag_seconds:,} s behind" if view.lag_seconds else ""
    healed = moment(view.last_recovery_at).text
    line(
        Cell(f"{view.provider}", "bold"),
        f"  {view.pending_events:,} pending{lag}, ",
        Cell(f"{view.failed_events:,} failed", "red" if view.failed_events else ""),
        f", last event {moment(view.last_event_at).text or 'never'}",
        f", asked for missed ones {healed}" if healed else "",
        Cell(f", {view.drift:,} differences", "red") if view.drift else "",
    )
