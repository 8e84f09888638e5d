"""`payment sync`: missed events and history."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from datetime import UTC
from typing import TYPE_CHECKING, Any

import click

from overseer_payment.cli.payment.options import json_option
from overseer_payment.cli.progress import counter, several
from overseer_payment.errors import ProviderError

if TYPE_CHECKING:
    from datetime import datetime

    from overseer_payment.cli.output import Cell
    from overseer_payment.cli.session import Session
    from overseer_payment.ledger.accounts import Account
    from overseer_payment.sync import Backfilled, CaughtUp, Recovered, Source

DAY = click.DateTime(["%Y-%m-%d"])
provider_option = click.option(
    "--provider", metavar="KEY", help="Only this provider. Default: all that are set up."
)


@click.command()
@click.option("--since", metavar="YYYY-MM-DD", type=DAY, help="Also read what was made since this day (UTC).")
@click.option("--all", "whole", is_flag=True, help="Also read everything there is, from the beginning.")
@provider_option
@json_option
def sync(since: datetime | None, whole: bool, provider: str | None, as_json: bool) -> None:
    """Fetch what this installation missed, and record it.

    Without options: the events that never arrived since the last time. After a silence longer than the
    provider keeps events, the objects since then are read as well.

    A run that was interrupted goes on where it stopped. Running it twice changes nothing. Imported
    customers belong to no user until you link them.

    \b
    Bring in the whole history:   payment sync --all
    """
    from overseer_payment.cli import output
    from overseer_payment.cli.session import session

    if whole and since is not None:
        raise click.UsageError("Either --all or --since, not both.")
    with session() as desk:
        done = [
            _catch_up(desk, source, since=since, history=whole or since is not None, remark=not as_json)
            for source in sources_of(desk, provider)
        ]
        with counter("Applying"):
            desk.run(desk.payments.worker.drain(hurry=True))
    if as_json:
        output.write_json({"accounts": [_json(one) for one in done]})
    else:
        for one in done:
            _show(one)
    if not all(one.whole for one in done):
        raise click.exceptions.Exit(1)


def sources_of(desk: Session, provider: str | None) -> list[Source]:
    """The accounts to heal. Raises ConfigurationError when no provider is set up."""
    from overseer_payment.sync import sources

    async def find() -> list[Source]:
        payments = desk.payments
        key = payments.provider_key(provider)
        wanted = [home for home in payments.homes() if provider is None or home.provider == key]
        return sources(payments.registry, wanted or [payments.home(provider)])

    return desk.run(find())


def _catch_up(
    desk: Session, source: Source, *, since: datetime | None, history: bool, remark: bool
) -> CaughtUp:
    from overseer_payment.cli import output
    from overseer_payment.sync import catch_up

    payments = desk.payments
    start = since.replace(tzinfo=UTC) if since is not None else None
    with counter(f"Reading {source.spec.title}") as report:
        work = catch_up(
            payments.engine, source, payments.inbox.store, history=history, since=start, progress=report
        )
        try:
            return desk.run(work)
        except ProviderError:
            if remark:  # a program is told of the failure alone, in one line
                output.note("What was read so far is kept. Run it again to go on.")
            raise


def heading(account: Account) -> None:
    """Which account the lines below are about."""
    from overseer_payment.cli.output import Cell, line
    from overseer_payment.cli.words import mode

    name = "" if account.account == "default" else f" ({account.account})"
    line(Cell(f"{account.provider}{name}", "bold"), "  ", mode(account.livemode))


def _show(done: CaughtUp) -> None:
    from overseer_payment.cli.output import facts, note

    heading(done.account)
    lines: list[tuple[str, Cell | str | None]] = []
    if done.recovered is not None:
        lines += _events(done.recovered)
    for one in done.filled:
        lines += _objects(one)
    facts(lines)
    if done.gap_since is not None:
        note(_gap(done))
    elif done.recovered is not None and done.recovered.since is None and not done.filled:
        from overseer_payment.cli.payment.options import command

        note(f"Events are told for a limited time only. For older history: {command('sync --all')}")


def _gap(done: CaughtUp) -> str:
    from overseer_payment.cli.words import exact

    kept = exact(done.recovered.kept_since) if done.recovered is not None else None
    said = (
        f"Events between {exact(done.gap_since)} and {kept or 'now'} may have been missed, "
        "and the provider tells them no more. "
    )
    if done.whole:
        return f"{said}What became of them was read from its objects instead."
    return f"{said}It does not list its objects either, so the ledger may lack them."


def _events(done: Recovered) -> Iterator[tuple[str, Cell | str | None]]:
    from overseer_payment.cli.output import Cell
    from overseer_payment.cli.words import exact, iso

    missed = sum(done.missed.values())
    style = "bold yellow" if missed else "green"
    yield "Missed events", Cell(f"{missed:,}" if missed else "none", style, plain=str(missed))
    yield "", _counted(done.missed) or None
    since = (
        Cell(exact(done.since) or "", plain=iso(done.since)) if done.since else "as far back as they are told"
    )
    yield "Asked for since", since
    yield "Told", Cell(f"{done.listed:,} events", plain=str(done.listed))


def _objects(done: Backfilled) -> Iterator[tuple[str, Cell | str | None]]:
    from overseer_payment.cli.output import Cell
    from overseer_payment.cli.words import exact, iso

    total = sum(done.objects.values())
    yield "Objects read", Cell(f"{total:,}", plain=str(total))
    yield "", _counted({several(kind, n): n for kind, n in done.objects.items()}) or None
    since = Cell(exact(done.since) or "", plain=iso(done.since)) if done.since else "the beginning"
    yield "Made since", since
    yield "Went on with", "a run that was interrupted" if done.resumed else None
    yield "Rows changed", Cell(f"{done.rows:,}", plain=str(done.rows))
    if done.unreadable:
        yield "Not readable", Cell(f"{done.unreadable:,}", "red", plain=str(done.unreadable))


def _counted(counts: Mapping[str, int]) -> str:
    return ", ".join(f"{count:,} {name}" for name, count in sorted(counts.items()) if count)


def _json(done: CaughtUp) -> dict[str, Any]:
    from overseer_payment.cli.words import iso

    def moment(at: datetime | None) -> str | None:
        return iso(at) if at is not None else None

    events = done.recovered and {
        "since": moment(done.recovered.since),
        "until": moment(done.recovered.until),
        "listed": done.recovered.listed,
        "missed": sum(done.recovered.missed.values()),
        "missed_by_type": done.recovered.missed,
    }
    objects = [
        {
            "since": moment(one.since),
            "resumed": one.resumed,
            "read": one.objects,
            "rows_changed": one.rows,
            "unreadable": one.unreadable,
        }
        for one in done.filled
    ]
    return {
        **account_json(done.account),
        "events": events,
        "objects": objects,
        "gap_since": moment(done.gap_since),
        "whole": done.whole,
    }


def account_json(account: Account) -> dict[str, Any]:
    """Which account an answer is about."""
    return {"provider": account.provider, "account": account.account, "livemode": account.livemode}
