"""`payment db`: the database schema, and the totals in it."""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Sequence
from typing import TYPE_CHECKING, Any, TypeVar

import click

from overseer_payment.cli.payment.options import command, json_option

if TYPE_CHECKING:
    from sqlalchemy.ext.asyncio import AsyncEngine

    from overseer_payment.ledger.totals import WrongSum

T = TypeVar("T")


@click.group()
def db() -> None:
    """Create or update the database schema, prove the totals (OVERSEER_DATABASE_URL)."""


@db.command()
@json_option
def upgrade(as_json: bool) -> None:
    """Bring the schema up to date. Safe to run again, and by several processes at once."""
    from overseer_payment import database
    from overseer_payment.cli import output

    async def work(engine: AsyncEngine) -> tuple[str | None, str | None]:
        before = await database.current(engine)
        await database.upgrade(engine)
        return before, await database.current(engine)

    before, after = _with_engine(work)
    if as_json:
        output.write_json({"before": before, "revision": after})
    elif before == after:
        output.line(f"The schema is up to date ({after}).")
    else:
        output.line(f"The schema is now at {after} (was {before or 'empty'}).")


@db.command()
@json_option
def current(as_json: bool) -> None:
    """Show the schema's revision, and whether it is up to date."""
    from overseer_payment import database
    from overseer_payment.cli import output

    async def work(engine: AsyncEngine) -> tuple[str | None, bool]:
        return await database.current(engine), await database.outdated(engine)

    revision, outdated = _with_engine(work)
    if as_json:
        output.write_json({"revision": revision, "outdated": outdated})
        return
    state = output.Cell("outdated", "yellow") if outdated else output.Cell("up to date", "green")
    output.line(revision or "empty", "  ", state)
    if outdated:
        output.note(f"Run: {command('db upgrade')}")


@db.command("rebuild-totals")
@click.option("--check", is_flag=True, help="Only report: exit code 1 if a total differs from its rows.")
@json_option
def rebuild_totals(check: bool, as_json: bool) -> None:
    """Compute all totals anew from the rows, and say which were wrong.

    Totals are kept in step with the rows; a difference is a fault of ours or somebody's SQL. Safe beside
    running servers: what they record meanwhile waits for a moment.
    """
    from overseer_payment.cli import output
    from overseer_payment.committing import committed, queried
    from overseer_payment.ledger import totals

    async def work(engine: AsyncEngine) -> list[totals.WrongSum]:
        return await (queried(engine, totals.wrong_sums) if check else committed(engine, totals.mend))

    found = _with_engine(work)
    if as_json:
        output.write_json({"wrong": [_told(one) for one in found], "corrected": not check})
    else:
        _show_wrong(found, check)
    if check and found:
        raise click.exceptions.Exit(1)


def _told(one: WrongSum) -> dict[str, Any]:
    key = {name: value if isinstance(value, int) else str(value) for name, value in one.key.items()}
    return {"table": one.table, "key": key, "column": one.column, "stood": one.stood, "rows": one.rows}


def _show_wrong(found: Sequence[WrongSum], check: bool) -> None:
    from overseer_payment.cli.output import Column, line, note, table

    if not found:
        line("All totals equal their rows.")
        return
    columns = (Column("Total"), Column("Of"), Column("Stood", right=True), Column("Rows say", right=True))
    rows = (
        (
            f"{one.table.removeprefix('payment_')}.{one.column}",
            " ".join(f"{name}={value}" for name, value in one.key.items()),
            str(one.stood),
            str(one.rows),
        )
        for one in found
    )
    table(columns, rows)
    many = f"{len(found):,} totals" if len(found) > 1 else "1 total"
    if check:
        note(f"{many} differ from the rows. Correct: {command('db rebuild-totals')}")
    else:
        note(f"{many} corrected.")


def _with_engine(work: Callable[[AsyncEngine], Awaitable[T]]) -> T:
    import asyncio

    from overseer_payment.cli.session import open_engine
    from overseer_payment.settings import Settings, read_settings

    url = read_settings(Settings).database_url.get_secret_value()

    async def run() -> T:
        async with open_engine(url) as engine:
            return await work(engine)

    return asyncio.run(run())
