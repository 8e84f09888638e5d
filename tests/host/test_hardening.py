"""Small doors that stay shut: files, redirects, tokens."""

from __future__ import annotations

import os
import stat
from collections.abc import Iterator
from pathlib import Path

import httpx
import pytest

from overseer_payment import database
from overseer_payment.simulator import World, transport

pytestmark = pytest.mark.anyio


@pytest.fixture
def usual_umask() -> Iterator[None]:
    """Files are readable by everybody, as on most systems."""
    before = os.umask(0o022)
    yield
    os.umask(before)


async def _modes_while_written(url: str, folder: Path) -> dict[str, int]:
    engine = database.create_engine(url)
    try:
        async with database.write(engine) as connection:
            await connection.exec_driver_sql("CREATE TABLE IF NOT EXISTS fish (id INTEGER)")
            return _modes(folder)
    finally:
        await engine.dispose()


def _modes(folder: Path) -> dict[str, int]:
    files = (path for path in folder.iterdir() if not path.is_symlink())
    return {path.name: stat.S_IMODE(path.stat().st_mode) for path in files}


def _all_of(mode: int) -> dict[str, int]:
    return dict.fromkeys(("pond.db", "pond.db-wal", "pond.db-shm"), mode)


@pytest.mark.usefixtures("usual_umask")
@pytest.mark.parametrize("form", ["sqlite:///{0}", "sqlite+aiosqlite:///file:{0}?mode=rwc&uri=true"])
async def test_new_database_is_its_owners_alone(tmp_path: Path, form: str) -> None:
    """A file that we create can be read by nobody else, nor can the ones that SQLite puts beside it."""
    assert await _modes_while_written(form.format(tmp_path / "pond.db"), tmp_path) == _all_of(0o600)


@pytest.mark.usefixtures("usual_umask")
async def test_new_database_behind_a_link_too(tmp_path: Path) -> None:
    """A link to a file that is still missing makes no difference."""
    (tmp_path / "link.db").symlink_to(tmp_path / "pond.db")

    assert await _modes_while_written(f"sqlite:///{tmp_path / 'link.db'}", tmp_path) == _all_of(0o600)


@pytest.mark.usefixtures("usual_umask")
async def test_existing_database_keeps_its_mode(tmp_path: Path) -> None:
    """Who may read a file that was there before is its owner's decision."""
    (tmp_path / "pond.db").touch(0o640)

    assert await _modes_while_written(f"sqlite:///{tmp_path / 'pond.db'}", tmp_path) == _all_of(0o640)


@pytest.mark.parametrize("url", ["sqlite://", "sqlite:///:memory:", "sqlite:///file::memory:?uri=true"])
async def test_database_in_memory_is_no_file(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, url: str
) -> None:
    """Nothing is created for a database that lives in memory."""
    monkeypatch.chdir(tmp_path)
    engine = database.create_engine(url)
    async with database.read(engine) as connection:
        await connection.exec_driver_sql("SELECT 1")
    await engine.dispose()

    assert _modes(tmp_path) == {}


@pytest.mark.parametrize("path", ["/_sim", "/_sim/world/", "/v1"])
async def test_simulator_redirects_nowhere(path: str) -> None:
    """The simulator makes no redirect of the Host header that somebody sent."""
    async with httpx.AsyncClient(transport=transport(World()), base_url="http://evil.example") as client:
        response = await client.get(path)

    assert response.status_code == 404
    assert "location" not in response.headers
