"""Fixtures for every test: both databases, a shop, a real browser, and none of the developer's settings."""

from __future__ import annotations

import asyncio
import gc
import os
import shutil
from collections.abc import AsyncIterator, Callable, Iterator
from contextlib import closing
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import TYPE_CHECKING, Any, Literal, cast

import pytest
from hypothesis import HealthCheck, settings
from sqlalchemy import make_url

from tests.support.browser import FLAGS, ConsoleGuard, find_chromium
from tests.support.emptied import Emptied
from tests.support.environment import scrub
from tests.support.migrated import migrate
from tests.support.postgres import Postgres, PostgresUnavailable, running_postgres

if TYPE_CHECKING:
    from playwright.sync_api import BrowserContext, BrowserType
    from sqlalchemy.ext.asyncio import AsyncEngine

    from overseer_payment.simulator import World
    from tests.service.shop import Shop

NewContext = Callable[..., "BrowserContext"]

BROWSER_FIXTURE = "browser_type_launch_args"


# A busy machine is no failure, and a failure comes back when it is looked for.
settings.register_profile(
    "suite", deadline=None, derandomize=True, suppress_health_check=[HealthCheck.too_slow]
)
# New examples at each run: HYPOTHESIS_PROFILE=explore make test
settings.register_profile("explore", settings.get_profile("suite"), derandomize=False, max_examples=500)
settings.load_profile(os.environ.get("HYPOTHESIS_PROFILE", "suite"))


def pytest_configure() -> None:
    # Before anything is collected: importing a test module may already import the SDK.
    scrub(os.environ)


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    browsing = {item.path for item in items if _uses_browser(item)}
    for item in items:
        if _uses_browser(item):
            item.add_marker(pytest.mark.browser)
        elif item.path in browsing:
            raise pytest.UsageError(f"{item.path}: browser tests stand in a file of their own; see below.")
    # Playwright's synchronous API leaves an event loop running in the main thread, in which no later
    # test could start its own: browser tests come last, in each of the processes that share the files.
    # Long files come first in either half, for whoever begins one last would work on alone.
    long = {item.path for item in items if item.get_closest_marker("slow")}
    items.sort(key=lambda item: (_uses_browser(item), item.path not in long))


def pytest_collection_finish() -> None:
    # What was imported stays. To look for garbage in it again and again would take a sixth of the time.
    gc.collect()
    gc.freeze()
    gc.set_threshold(20_000, 10, 10)


def _uses_browser(item: pytest.Item) -> bool:
    return BROWSER_FIXTURE in getattr(item, "fixturenames", ())


@pytest.fixture(scope="session")
def anyio_backend() -> str:
    """Async tests (`@pytest.mark.anyio`) run on asyncio, which SQLAlchemy and uvicorn need."""
    return "asyncio"


@pytest.fixture(scope="session")
def postgres() -> Iterator[Postgres]:
    """One PostgreSQL server for the session. A test that needs it fails, never skips, without it."""
    try:
        with running_postgres(os.environ.get("OVERSEER_TEST_POSTGRES_URL")) as server:
            yield server
    except PostgresUnavailable as error:
        pytest.fail(str(error), pytrace=False)


@pytest.fixture(scope="session")
def migrated_sqlite(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A file with our tables, to be copied: migrating takes many times as long."""
    path = tmp_path_factory.mktemp("migrated") / "overseer.db"
    asyncio.run(migrate(f"sqlite+aiosqlite:///{path}"))
    return path


@pytest.fixture(scope="session")
def emptied_postgres(postgres: Postgres) -> Iterator[Emptied]:
    """Databases with our tables, for one test after another."""
    with postgres.database() as url:
        asyncio.run(migrate(url))
        with closing(Emptied(postgres, like=make_url(url).database or "")) as databases:
            yield databases


@pytest.fixture
def empty_sqlite_url(tmp_path: Path) -> str:
    """A database that does not exist yet, in a folder of its own."""
    return f"sqlite+aiosqlite:///{tmp_path / 'overseer.db'}"


@pytest.fixture
def sqlite_url(empty_sqlite_url: str, migrated_sqlite: Path, tmp_path: Path) -> str:
    """A database with our tables, without a row."""
    shutil.copy(migrated_sqlite, tmp_path / "overseer.db")
    return empty_sqlite_url


@pytest.fixture
def empty_postgres_url(postgres: Postgres) -> Iterator[str]:
    """An empty database of its own on the session's server."""
    with postgres.database() as url:
        yield url


@pytest.fixture
def postgres_url(emptied_postgres: Emptied) -> Iterator[str]:
    """A database with our tables, without a row."""
    with emptied_postgres.database() as url:
        yield url


@pytest.fixture(params=["sqlite", "postgresql"])
def database_url(request: pytest.FixtureRequest) -> str:
    """A database with our tables, without a row; and the same test once more on the other kind."""
    kind = cast(Literal["sqlite", "postgresql"], request.param)
    return cast(str, request.getfixturevalue("sqlite_url" if kind == "sqlite" else "postgres_url"))


@pytest.fixture(params=["empty_sqlite_url", "empty_postgres_url"], ids=["sqlite", "postgresql"])
def empty_database_url(request: pytest.FixtureRequest) -> str:
    """The same for what makes the tables itself."""
    return cast(str, request.getfixturevalue(request.param))


@pytest.fixture
def begins() -> datetime:
    """When the clock of the simulated account stands still; a module may say otherwise."""
    return datetime.now(UTC) - timedelta(days=90)


@pytest.fixture
def world(begins: datetime) -> Iterator[World]:
    """A simulated account whose clock stands still until it is moved; it must keep Stripe's contract."""
    from overseer_payment.simulator import World, assert_contract

    world = World(start=begins)
    world.clock.freeze()
    yield world
    assert_contract(world)


@pytest.fixture
async def engine(database_url: str) -> AsyncIterator[AsyncEngine]:
    """An engine of ours on a database of each kind that has our tables."""
    from overseer_payment import database

    engine = database.create_engine(database_url)
    yield engine
    await engine.dispose()


@pytest.fixture
async def shop(world: World, engine: AsyncEngine) -> AsyncIterator[Shop]:
    """A business at the simulator, and this package installed for it."""
    from tests.service.shop import Shop

    async with Shop.opened(world, engine) as shop:
        yield shop


@pytest.fixture(scope="session")
def browser_type_launch_args(
    browser_type_launch_args: dict[str, Any], browser_type: BrowserType
) -> dict[str, Any]:
    """Chromium from $CHROMIUM, Playwright or the system; without one the test fails."""
    executable = find_chromium(browser_type.executable_path)
    if executable is None:
        pytest.fail("No browser: apt-get install chromium, or set CHROMIUM=/path/to/it", pytrace=False)
    return {
        **browser_type_launch_args,
        "executable_path": executable,
        "args": [*browser_type_launch_args.get("args", []), *FLAGS],
        "chromium_sandbox": os.geteuid() != 0,  # Chromium refuses its sandbox to root
    }


@pytest.fixture
def console() -> Iterator[ConsoleGuard]:
    """Every browser test fails on errors in the console; `console.allow(text)` names provoked ones."""
    guard = ConsoleGuard()
    yield guard
    assert not guard.unexpected(), f"errors in the browser's console: {guard.unexpected()}"


@pytest.fixture
def new_context(new_context: NewContext, console: ConsoleGuard) -> NewContext:
    """Playwright's own, with each context's console guarded (`page` and `context` build on it)."""
    from playwright.sync_api import expect  # only tests in a browser pay for loading it

    expect.set_options(timeout=15_000)  # milliseconds: a machine may be busy with other things

    def watched(**options: Any) -> BrowserContext:
        context = new_context(**options)
        console.watch(context)
        return context

    return watched
