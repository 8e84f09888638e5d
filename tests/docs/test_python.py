"""The Python of the documentation runs."""

from __future__ import annotations

import subprocess
import sys
import tomllib
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from starlette.testclient import TestClient

from overseer_payment.hookspecs import LISTENER_GROUP, PROVIDER_GROUP
from overseer_payment.host import create_app
from overseer_payment.host.specs import GROUP, HostHooks
from overseer_payment.plugins import load
from overseer_payment.registry import Registry
from overseer_payment.telling.discovery import installed as listeners
from tests.docs.pages import DOCS, PAGES, Block, blocks
from tests.support.distributions import write_distribution
from tests.support.environment import clean_environment

PASSAGES = DOCS / "writing-a-provider.md"
"""Its Python is quoted from the example provider, whose own tests run it."""

MOST_FRAGMENTS = 3


def python_of(path: Path) -> list[Block]:
    return [block for block in blocks(path, "python") if "no-run" not in block.flags]


RUNNABLE = [path for path in PAGES if path != PASSAGES and python_of(path)]


@pytest.fixture
def folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Path]:
    """An empty current folder that modules are imported from, and forgotten afterwards."""
    monkeypatch.chdir(tmp_path)
    monkeypatch.syspath_prepend(tmp_path)
    before = set(sys.modules)
    yield tmp_path
    for name in set(sys.modules) - before:
        if str(getattr(sys.modules[name], "__file__", "")).startswith(str(tmp_path)):
            del sys.modules[name]


def lay_out(path: Path, folder: Path) -> None:
    """Write a page's files; blocks of one file are joined in their order."""
    for block in python_of(path):
        if block.file is not None:
            target = folder / block.file
            target.parent.mkdir(parents=True, exist_ok=True)
            with target.open("a", encoding="utf-8") as file:
                file.write("\n" * bool(file.tell()) + block.code)


@pytest.mark.parametrize("path", RUNNABLE, ids=lambda path: path.name)
def test_blocks_run_in_order(path: Path, folder: Path) -> None:
    """A page's files compile, and its other blocks run one after the other, assertions included."""
    lay_out(path, folder)
    for file in folder.rglob("*.py"):
        compile(file.read_text(encoding="utf-8"), str(file), "exec")
    names: dict[str, Any] = {"__name__": path.stem}
    for block in python_of(path):
        if block.file is None:
            # Padded, so that a traceback names the page's own line.
            exec(compile("\n" * (block.line - 1) + block.code, block.place, "exec"), names)


@pytest.mark.parametrize("path", RUNNABLE, ids=lambda path: path.name)
def test_shown_tests_pass(path: Path, folder: Path) -> None:
    """A page's test modules pass as a reader would run them, warnings being errors."""
    lay_out(path, folder)
    if not (shown := sorted(folder.glob("test_*.py"))):
        return
    command = [
        sys.executable,
        "-m",
        "pytest",
        "-q",
        "-W",
        "error",
        "-p",
        "no:cacheprovider",
        *map(str, shown),
    ]
    environ = clean_environment({"PYTHONPATH": str(DOCS.parent)})
    done = subprocess.run(command, cwd=folder, env=environ, capture_output=True, text=True, timeout=60)
    assert done.returncode == 0, done.stdout + done.stderr
    assert " passed" in done.stdout


def test_fragments_are_few() -> None:
    """Hardly any Python is exempt from running."""
    exempt = [block.place for path in PAGES for block in blocks(path, "python") if "no-run" in block.flags]
    assert len(exempt) <= MOST_FRAGMENTS, exempt


def test_passages_are_quoted_from_the_example() -> None:
    """Each line of Python in writing-a-provider.md stands in the example provider."""
    example = "\n".join(
        file.read_text(encoding="utf-8") for file in (DOCS.parent / "examples" / "acmepay").rglob("*.py")
    )
    known = {line.strip() for line in example.splitlines()}
    for block in blocks(PASSAGES, "python"):
        if block.file is None and "no-run" not in block.flags:
            strange = [line for line in block.code.splitlines() if line.strip() and line.strip() not in known]
            assert not strange, f"{block.place}: {strange}"


# -- hooks.md as what it is: two plugins ------------------------------------------------------------


@pytest.fixture
def installed(folder: Path) -> Path:
    """The plugins of hooks.md, installed by the entry points that it shows."""
    lay_out(DOCS / "hooks.md", folder)
    for block in blocks(DOCS / "hooks.md", "toml"):
        groups: dict[str, dict[str, str]] = tomllib.loads(block.code)["project"]["entry-points"]
        for group, entries in groups.items():
            write_distribution(
                folder, f"overseer-{next(iter(entries))}", group=group, entries=entries, modules={}
            )
    return folder


def test_every_host_hook_has_an_example_that_loads(installed: Path) -> None:
    """The example plugin is accepted, and implements every hook of the host."""
    loaded = load("overseer", GROUP, specs=HostHooks)
    [notes] = [record for record in loaded.records if record.name == "notes"]
    assert (notes.state, notes.error) == ("active", None)
    callers = loaded.manager.get_hookcallers(notes.plugin) or []
    assert {caller.name for caller in callers} == {
        name for name in vars(HostHooks) if not name.startswith("_")
    }


def test_example_plugin_works(installed: Path, capsys: pytest.CaptureFixture[str]) -> None:
    """In a demo host its page, card, public routes, tables, permission and lifespan do what is said."""
    config = {
        "OVERSEER_TOKEN": "a-token-for-this-test",
        "OVERSEER_DISABLE_PLUGINS": "payment",
        "NOTES_GREETING": "from the demo",
    }
    app = create_app(config, demo=True)
    with TestClient(app) as client:
        assert client.get("/notes").status_code == 401
        assert client.get("/notes/ping").text == "notes are here"
        assert client.get("/notes/about").text == "Notes from the demo."
        client.headers["authorization"] = "Bearer a-token-for-this-test"
        assert client.get("/notes").status_code == 200
        assert "0 notes" in client.get("/").text
    assert "notes: begun\nnotes: ended" in capsys.readouterr().out


def test_example_commands_are_added(installed: Path) -> None:
    """`overseer notes` is a command once the plugin is installed."""
    import click
    from click.testing import CliRunner

    from overseer_payment.cli.plugins import load_with_commands

    group = click.Group("overseer")
    load_with_commands(group)
    assert CliRunner().invoke(group, ["notes"]).output == "In the table notes.\n"


@pytest.mark.anyio
async def test_example_demo_is_filled(installed: Path) -> None:
    """`demo_ready` of the example puts a note into the table that its migration made."""
    app = create_app({"OVERSEER_DISABLE_PLUGINS": "payment", "NOTES_GREETING": "x"}, demo=True)
    async with app.router.lifespan_context(app):
        import overseer_notes  # type: ignore[import-not-found]  # the fixture installs it

        await overseer_notes.demo_ready(app.state.host)
        assert await overseer_notes.all_notes(app.state.host) == ["Buy tea"]


def test_example_provider_is_listed(installed: Path) -> None:
    """The example provider is `not_configured` without its key and `ready` with it."""
    states = []
    for environ in ({}, {"FAKEPAY_API_KEY": "k"}):
        [row] = [row for row in Registry(environ).rows() if row.key == "fakepay"]
        states.append((row.state, row.error))
    assert states == [("not_configured", None), ("ready", None)]


def test_example_listener_is_found(installed: Path) -> None:
    """The example application's listener is told of what it names."""
    [greet] = listeners({})
    assert (greet.name, greet.topics) == ("overseer_greetings.greet", frozenset({"subscription.started"}))


def test_entry_point_groups_are_the_real_ones() -> None:
    """The groups that hooks.md shows are those that are loaded."""
    shown = [tomllib.loads(block.code) for block in blocks(DOCS / "hooks.md", "toml")]
    groups = {group for table in shown for group in table["project"]["entry-points"]}
    assert groups == {GROUP, LISTENER_GROUP, PROVIDER_GROUP}
