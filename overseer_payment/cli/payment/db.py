"""`payment db`: the database schema."""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from typing import TYPE_CHECKING, TypeVar

import click

from overseer_payment.cli.payment.options import command, json_option

if TYPE_CHECKING:
    from sqlalchemy.ext.asyncio import AsyncEngine

T = TypeVar("T")


@click.group()
def db() -> None:
    """Create or update the database schema (OVERSEER_DATABASE_URL)."""


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


def _with_engine(work: Callable[[AsyncEngine], Awaitable[T]]) -> T:
    import asyncio

    from overseer_payment.cli.session import open_engine
    from overseer_payment.settings import Settings, read_settings

    url = read_settings(Settings).database_url.get_secret_value()

    async def run() -> T:
        async with open_engine(url) as engine:
            return await work(engine)

    return asyncio.run(run())
