"""What the other tests stand on: databases, servers, browsers, a clean environment."""

from __future__ import annotations

import os
import sys
from pathlib import Path

import psycopg
import pytest
from sqlalchemy import text
from sqlalchemy.ext.asyncio import create_async_engine
from starlette.applications import Starlette
from starlette.responses import PlainTextResponse
from starlette.routing import Route

from tests.support.emptied import Emptied
from tests.support.environment import clean_environment, scrub
from tests.support.postgres import Postgres, PostgresUnavailable, running_postgres
from tests.support.server import answers, free_port, running, serving

_NEW_ACCOUNT = """
    INSERT INTO payment_provider (provider, account, livemode, created_at)
    VALUES ('stripe', 'default', false, now()) RETURNING id
"""


@pytest.mark.anyio
@pytest.mark.parametrize("turn", [1, 2])
async def test_each_test_has_an_empty_database(empty_database_url: str, turn: int) -> None:
    """What one test creates, the next doesn't find; on both databases."""
    engine = create_async_engine(empty_database_url)
    async with engine.begin() as connection:
        await connection.execute(text("CREATE TABLE here (turn integer)"))
        await connection.execute(text("INSERT INTO here VALUES (:turn)"), {"turn": turn})
        found = await connection.scalar(text("SELECT sum(turn) FROM here"))
    await engine.dispose()
    assert found == turn


def test_a_database_is_gone_after_its_test(postgres: Postgres) -> None:
    """Even with a connection left open, the database is dropped."""
    with postgres.database() as url:
        left_open = psycopg.connect(url.replace("postgresql+psycopg://", "postgresql://"))
    with pytest.raises(psycopg.OperationalError):
        left_open.execute("SELECT 1")
    left_open.close()


def test_an_emptied_database_is_as_a_new_one(emptied_postgres: Emptied) -> None:
    """Rows, counters, a test's own tables and open connections are gone; an altered one is not lent again."""
    with emptied_postgres.database() as url:
        address = url.replace("postgresql+psycopg://", "postgresql://")
        with psycopg.connect(address) as made:
            made.execute("CREATE TABLE own (id integer)")
            made.execute(_NEW_ACCOUNT)
        left_open = psycopg.connect(address)
        left_open.execute("LOCK TABLE payment_provider")
    left_open.close()
    with emptied_postgres.database() as again, psycopg.connect(address) as found:
        assert again == url
        assert found.execute("SELECT count(*) FROM pg_tables WHERE tablename = 'own'").fetchone() == (0,)
        assert found.execute(_NEW_ACCOUNT).fetchone() == (1,)
        found.execute("ALTER TABLE payment_provider ALTER COLUMN account DROP NOT NULL")
        found.commit()
    with emptied_postgres.database() as another:
        assert another != url


def test_a_running_server_can_be_used_instead(postgres: Postgres) -> None:
    """OVERSEER_TEST_POSTGRES_URL names one; its databases are made and dropped there."""
    with postgres.database() as url, running_postgres(url) as other, other.database() as inner:
        assert inner != url
        assert inner.partition("?")[2] == url.partition("?")[2]


def test_without_binaries_the_reason_is_clear(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    """No PostgreSQL is an error that names its cures, and never a skip."""
    monkeypatch.setattr("tests.support.postgres.find_spec", lambda name: None)
    monkeypatch.setattr("tests.support.postgres._from_system", list)
    monkeypatch.setenv("PATH", str(tmp_path))
    monkeypatch.delenv("PG_BINDIR", raising=False)
    with pytest.raises(PostgresUnavailable, match="OVERSEER_TEST_POSTGRES_URL"), running_postgres():
        pass  # pragma: no cover  (entering it already fails)


def test_the_developers_settings_are_hidden() -> None:
    """Neither this process nor a subprocess sees keys, our own variables, or a coding agent's."""
    found = {
        "STRIPE_SECRET_KEY": "a key",
        "OVERSEER_TOKEN": "a token",
        "PAYMENT_PROVIDER": "x",
        "SOMEBODYS_AGENT": "1",
        "https_proxy": "x",
        "OVERSEER_TEST_POSTGRES_URL": "kept",
        "HOME": "kept",
    }
    scrub(found)
    assert set(found) == {"OVERSEER_TEST_POSTGRES_URL", "HOME"}
    assert not [name for name in os.environ if name.startswith(("STRIPE_", "PAYMENT_", "SOMEBODYS"))]
    assert clean_environment({"STRIPE_SECRET_KEY": "ours"})["STRIPE_SECRET_KEY"] == "ours"


def test_an_application_is_served_and_stopped() -> None:
    """It answers on a loopback port while the block runs, and no longer."""
    app = Starlette(routes=[Route("/", lambda request: PlainTextResponse("here"))])
    with serving(app) as url:
        assert answers(url)
    assert not answers(url)


def test_a_command_is_run_and_stopped(tmp_path: Path) -> None:
    """It is ready when its address answers, and its process has ended after the block."""
    port = free_port()
    command = [sys.executable, "-m", "http.server", str(port), "--bind", "127.0.0.1"]
    with running(command, url=f"http://127.0.0.1:{port}", log=tmp_path / "log", cwd=tmp_path) as server:
        assert server.process.poll() is None
    assert server.process.poll() is not None


def test_a_command_that_ends_early_shows_its_output(tmp_path: Path) -> None:
    """Waiting stops at once, and the error holds what the command printed."""
    command = [sys.executable, "-c", "print('no such port')"]
    with (
        pytest.raises(RuntimeError, match="no such port"),
        running(command, url=f"http://127.0.0.1:{free_port()}", log=tmp_path / "log"),
    ):
        pass  # pragma: no cover  (entering it already fails)
