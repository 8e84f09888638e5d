"""From the environment to a working `Payments` and back: what every command that needs data stands on."""

from __future__ import annotations

import getpass
import logging
from collections.abc import AsyncIterator, Callable, Coroutine, Iterable, Iterator, Mapping
from contextlib import AbstractAsyncContextManager, asynccontextmanager, contextmanager
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, TypeVar

import click

from overseer_payment.errors import DatabaseError

if TYPE_CHECKING:
    from asyncio import Runner
    from threading import Thread

    from sqlalchemy.ext.asyncio import AsyncEngine

    from overseer_payment.schemas import Viewer
    from overseer_payment.service import Payments

T = TypeVar("T")

_UNHEARD = logging.NullHandler()


@dataclass(frozen=True, slots=True)
class Session:
    """One command's `Payments`, its viewer, and the loop that it lives in.

    Between two calls of `run` no event loop is running, so a question to a person blocks nothing and
    Ctrl-C ends it at once.
    """

    payments: Payments
    viewer: Viewer
    _runner: Runner

    def run(self, work: Coroutine[Any, Any, T]) -> T:
        """Run one coroutine to its end and answer its result."""
        return self._runner.run(work)


@dataclass(frozen=True, slots=True)
class Opener:
    """How commands come by their `Payments`. A host may put its own on `click.Context.obj`."""

    open: Callable[[bool], AbstractAsyncContextManager[Payments]]
    """Called with False when the command also has to work on an outdated schema."""


@contextmanager
def session(*, check_schema: bool = True, logs: bool = False) -> Iterator[Session]:
    """Open `Payments` for the running command and close everything afterwards.

    Unless the command runs for long, what the service logs is nothing for stderr: the command says itself
    what came of it. A host that has set up logging keeps it.

    Raises ConfigurationError for settings that can't be read, DatabaseError for a database that can't
    be reached or whose schema is outdated.
    """
    from asyncio import Runner

    from overseer_payment.schemas import Viewer

    if not logs:
        logging.getLogger("overseer_payment").addHandler(_UNHEARD)
    context = click.get_current_context()
    opener = context.find_object(Opener) or Opener(open_payments)
    with Runner() as runner:
        opened = opener.open(check_schema)
        payments = runner.run(_enter(opened))
        try:
            yield Session(payments, Viewer.operator(actor()), runner)
        finally:
            runner.run(_leave(opened))


async def _enter(opened: AbstractAsyncContextManager[T]) -> T:
    return await opened.__aenter__()


async def _leave(opened: AbstractAsyncContextManager[Any]) -> None:
    await opened.__aexit__(None, None, None)


@asynccontextmanager
async def open_payments(
    check_schema: bool = True, environ: Mapping[str, str] | None = None
) -> AsyncIterator[Payments]:
    """`Payments` as the environment describes it, without its background work."""
    import os

    from overseer_payment.registry import Registry
    from overseer_payment.service import Payments
    from overseer_payment.settings import Settings, read_settings
    from overseer_payment.telling.discovery import installed

    environ = os.environ if environ is None else environ
    settings = read_settings(Settings, environ)
    async with open_engine(settings.database_url.get_secret_value()) as engine:
        if check_schema:
            await require_schema(engine)
        payments = Payments(engine, Registry(environ), settings, listeners=installed(environ))
        try:
            if check_schema:
                await payments.require_no_demo()
            yield payments
        finally:
            await payments.aclose()


@asynccontextmanager
async def open_engine(url: str) -> AsyncIterator[AsyncEngine]:
    """An engine for `url`, disposed of at the end. Raises ConfigurationError for a URL that can't be used."""
    from threading import enumerate as running_threads

    from overseer_payment import database

    others = set(running_threads())
    engine = database.create_engine(url)
    try:
        yield engine
    finally:
        await engine.dispose()
        await _ended(thread for thread in running_threads() if thread.daemon and thread not in others)


async def _ended(threads: Iterable[Thread]) -> None:
    # aiosqlite's threads report to the loop that their connection is closed, also one that never opened.
    # If the loop is closed by then, the report ends as a traceback on stderr.
    from asyncio import to_thread

    for thread in list(threads):
        await to_thread(thread.join, 1.0)


async def require_schema(engine: AsyncEngine) -> None:
    """Bring an SQLite file up to date; raise DatabaseError for any other database that is not.

    A file belongs to whoever runs the command. A server's schema is shared, so changing it is a decision.
    """
    from overseer_payment import database

    if not await database.outdated(engine):
        return
    if engine.dialect.name != "sqlite":
        raise DatabaseError("The database schema is missing or outdated. Run: payment db upgrade")
    await database.upgrade(engine)


def actor() -> str:
    """Who runs the command, for the audit trail: `cli:alice`."""
    try:
        return f"cli:{getpass.getuser()}"
    except (OSError, KeyError, ImportError):  # a container's user id without a name
        return "cli:unknown"
