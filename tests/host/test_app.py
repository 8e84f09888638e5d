"""What plugins bring to the embedded host, and what becomes of it when one is broken."""

from __future__ import annotations

import sys
from pathlib import Path
from typing import Any

import pytest
from starlette.testclient import TestClient

from overseer_payment.errors import ConfigurationError, DatabaseError
from overseer_payment.host import create_app
from tests.host.conftest import GARDEN, HEAD, TOKEN
from tests.support.distributions import Install, installer, write_distribution

PROGRAM = {"authorization": f"Bearer {TOKEN}"}

LIVING = (
    HEAD
    + """
HAPPENED = []

@hookimpl
def lifespan(host):
    @asynccontextmanager
    async def living():
        {up}
        yield
        {down}
    return living()
"""
)


def module(name: str) -> Any:
    return sys.modules[name]


def test_plugin_lives_as_long_as_the_host(client: TestClient) -> None:
    """A plugin's lifespan is entered when the host starts and left when it stops."""
    assert module("garden").HAPPENED == ["garden up"]
    client.__exit__()

    assert module("garden").HAPPENED == ["garden up", "garden down"]


@pytest.mark.parametrize(
    ("up", "down"),
    [("import asyncio; raise asyncio.CancelledError", "pass"), ("pass", "import sys; sys.exit(1)")],
)
def test_lifespan_may_raise_anything(
    install_plugin: Install, config: dict[str, Any], up: str, down: str
) -> None:
    """A lifespan that cancels or exits when it starts or stops costs only its own plugin."""
    install_plugin("a-weed", LIVING.format(up=up, down=down))
    install_plugin("garden", GARDEN)

    with TestClient(create_app(config), headers=PROGRAM) as client:
        assert client.get("/garden").status_code == 200
    assert module("garden").HAPPENED == ["garden up", "garden down"]


def test_plugin_whose_routes_end_badly_is_off(install_plugin: Install, config: dict[str, Any]) -> None:
    """A hook whose answer is a generator that raises any kind of exception costs only its own plugin."""
    install_plugin(
        "a-weed", HEAD + "@hookimpl\ndef register_routes(host):\n    yield\n    raise SystemExit(1)\n"
    )
    install_plugin("garden", GARDEN)

    with TestClient(create_app(config), headers=PROGRAM) as client:
        assert client.get("/garden").status_code == 200


def test_plugin_that_can_not_start_is_off(install_plugin: Install, config: dict[str, Any]) -> None:
    """A plugin whose lifespan fails is off with its error; the host and the others start."""
    install_plugin("a-weed", LIVING.format(up="raise RuntimeError('drought')", down="pass"))
    install_plugin("garden", GARDEN)
    app = create_app(config)

    with TestClient(app, headers=PROGRAM) as client:
        assert client.get("/garden").status_code == 200
        assert module("garden").HAPPENED == ["garden up"]
        [weed] = [r for r in app.state.host.contributions.loaded.records if r.name == "a_weed"]
        assert weed.error == "lifespan: RuntimeError: drought"


def test_plugin_that_can_not_stop_holds_up_nobody(install_plugin: Install, config: dict[str, Any]) -> None:
    """A plugin that fails while it stops does not keep the others from stopping."""
    install_plugin("garden", GARDEN)
    install_plugin("z-weed", LIVING.format(up="pass", down="raise RuntimeError('frost')"))

    with TestClient(create_app(config)):
        pass

    assert module("garden").HAPPENED == ["garden up", "garden down"]


def test_plugin_that_fails_late_leaves_nothing_mounted(
    install_plugin: Install, config: dict[str, Any]
) -> None:
    """A plugin whose cards fail is off as a whole: its routes, given before, are not there either."""
    install_plugin(
        "garden", GARDEN + "\n@hookimpl\ndef register_cards(host):\n    raise RuntimeError('gate')\n"
    )

    with TestClient(create_app(config), headers=PROGRAM) as client:
        assert client.get("/garden").status_code == 404
        assert client.post("/garden/hook").status_code == 404


def test_plugin_can_not_take_the_hosts_own_pages(install_plugin: Install, config: dict[str, Any]) -> None:
    """A plugin's route for the login page is never reached."""
    install_plugin("garden", GARDEN.replace('"/garden/hook"', '"/login"'))

    with TestClient(create_app(config)) as client:
        assert "Admin token" in client.get("/login").text


def test_two_plugins_live_side_by_side(install_plugin: Install, config: dict[str, Any]) -> None:
    """Routes of several plugins are all there."""
    install_plugin("garden", GARDEN)
    install_plugin("orchard", GARDEN.replace("/garden", "/orchard"))

    with TestClient(create_app(config), headers=PROGRAM) as client:
        assert [client.get(path).status_code for path in ("/garden", "/orchard")] == [200, 200]


def test_safe_mode_keeps_strangers_out(install_plugin: Install, config: dict[str, Any]) -> None:
    """In safe mode a third party's plugin adds nothing."""
    install_plugin("garden", GARDEN)

    with TestClient(create_app({**config, "OVERSEER_SAFE_MODE": "1"}), headers=PROGRAM) as client:
        assert client.get("/garden").status_code == 404


def test_trailing_slash_leads_nowhere(program: TestClient) -> None:
    """An address with one slash too many is unknown: no redirect is made of the Host header."""
    response = program.get("/garden/", headers={"host": "evil.example"})

    assert response.status_code == 404
    assert "location" not in response.headers


def test_head_is_answered_like_get(program: TestClient) -> None:
    """Monitoring may ask with HEAD."""
    assert (program.head("/garden").status_code, program.head("/garden").text) == (200, "")


@pytest.mark.parametrize(
    ("name", "value"),
    [("OVERSEER_PUBLIC_URL", "pay.example"), ("OVERSEER_DATABASE_URL", "nonsense://secret@x")],
)
def test_wrong_setting_is_named(config: dict[str, Any], name: str, value: str) -> None:
    """A setting that can't be used is an error that names it and doesn't repeat it."""
    with pytest.raises(ConfigurationError, match=name) as caught:
        create_app({**config, name: value})

    assert value not in str(caught.value)


# -- tables -----------------------------------------------------------------------------------------

TABLES = (
    HEAD
    + """
from sqlalchemy import Column, Integer, MetaData, Table
from overseer_payment.host_contract import Schema

metadata = MetaData()
Table("pond_fish", metadata, Column("id", Integer, primary_key=True))

@hookimpl
def register_tables():
    return Schema(metadata, "pond_alembic_version", "pond_migrations:")
"""
)

ENV = """
from alembic import context
context.configure(connection=context.config.attributes["connection"], version_table="pond_alembic_version")
context.run_migrations()
"""

REVISION = """
import sqlalchemy as sa
from alembic import op
revision, down_revision = "one", None

def upgrade():
    op.create_table("pond_fish", sa.Column("id", sa.Integer, primary_key=True))
"""


@pytest.fixture
def pond(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """An installed plugin that brings a table of its own."""
    folder = tmp_path / "pond"
    (folder / "pond_migrations" / "versions").mkdir(parents=True)
    installer(folder, monkeypatch, group="overseer.plugins")
    write_distribution(
        folder, "pond", group="overseer.plugins", entries={"pond": "pond"}, modules={"pond": TABLES}
    )
    (folder / "pond_migrations" / "__init__.py").touch()
    (folder / "pond_migrations" / "env.py").write_text(ENV)
    (folder / "pond_migrations" / "versions" / "one.py").write_text(REVISION)
    monkeypatch.delitem(sys.modules, "pond", raising=False)
    monkeypatch.delitem(sys.modules, "pond_migrations", raising=False)


async def tables(app: Any) -> set[str]:
    from sqlalchemy import inspect

    async with app.state.host.engine.connect() as connection:
        names = await connection.run_sync(lambda sync: inspect(sync).get_table_names())
    await app.state.host.engine.dispose()
    return set(names)


@pytest.mark.anyio
@pytest.mark.usefixtures("pond")
async def test_tables_of_any_plugin_are_made(config: dict[str, Any]) -> None:
    """An SQLite file gets the tables of every plugin, each with its own version table; again is harmless."""
    for _ in range(2):
        app = create_app(config)
        async with app.router.lifespan_context(app):
            pass

        assert {"pond_fish", "pond_alembic_version"} <= await tables(app)


@pytest.mark.anyio
@pytest.mark.usefixtures("pond")
async def test_tables_of_a_server_are_left_alone(config: dict[str, Any], empty_postgres_url: str) -> None:
    """A server's outdated schema is refused with the command that updates it, and nothing is created."""
    app = create_app({**config, "OVERSEER_DATABASE_URL": empty_postgres_url})

    with pytest.raises(DatabaseError, match="payment db upgrade"):
        async with app.router.lifespan_context(app):
            pass

    assert set() == await tables(app)


BARE = (
    HEAD
    + """
from sqlalchemy import MetaData
from overseer_payment.host_contract import Schema

@hookimpl
def register_tables():
    return Schema(MetaData(), "bare_alembic_version", {location!r})
"""
)


@pytest.mark.parametrize("location", ["no_such_package:migrations", "garden:nowhere", "/no/such/folder"])
def test_plugin_without_its_migrations_costs_only_itself(
    install_plugin: Install, config: dict[str, Any], location: str
) -> None:
    """A plugin whose migration scripts are missing is off and listed; the host and the others start."""
    install_plugin("a-bare", BARE.format(location=location))
    install_plugin("garden", GARDEN)
    app = create_app(config)

    with TestClient(app, headers=PROGRAM) as client:
        assert client.get("/garden").status_code == 200
        [bare] = [r for r in app.state.host.contributions.loaded.records if r.name == "a_bare"]
        assert str(bare.error).startswith("register_tables: ")


@pytest.mark.anyio
async def test_plugin_whose_migration_fails_costs_only_itself(
    tmp_path: Path, pond: None, config: dict[str, Any]
) -> None:
    """A migration that raises is rolled back, its plugin is off and listed, the host starts."""
    script = tmp_path / "pond" / "pond_migrations" / "versions" / "one.py"
    script.write_text(REVISION + "    raise RuntimeError('dry')\n")
    app = create_app(config)

    async with app.router.lifespan_context(app):
        [record] = [r for r in app.state.host.contributions.loaded.records if r.name == "pond"]
        assert record.error == "register_tables: RuntimeError: dry"
    assert "pond_fish" not in await tables(app)
