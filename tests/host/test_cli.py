"""The command `overseer` itself: its plugins' commands, and the list of plugins."""

from __future__ import annotations

import json
from typing import Any

import pytest
from click.testing import CliRunner, Result

from overseer_payment.cli import overseer
from tests.host.conftest import HEAD
from tests.support.distributions import Install


@pytest.fixture
def run(monkeypatch: pytest.MonkeyPatch) -> Any:
    """Runs `overseer` with the plugins that are installed at that moment."""

    def run(*arguments: str) -> Result:
        monkeypatch.setattr(overseer.cli, "commands", {})
        monkeypatch.delitem(vars(overseer.cli), "loaded", raising=False)
        return CliRunner().invoke(overseer.cli, arguments)

    return run


def adding(name: str, tail: str = "") -> str:
    return HEAD + (
        "import click\n@hookimpl\ndef register_commands(cli):\n"
        f"    @cli.command('{name}')\n    def command():\n"
        f"        'Dig the soil.'\n        click.echo('dug')\n{tail}"
    )


def test_command_of_a_plugin_is_like_our_own(install_plugin: Install, run: Any) -> None:
    """A plugin's command stands in the help and runs."""
    install_plugin("spade", adding("dig"))

    assert "Dig the soil." in run("--help").output
    assert run("dig").output == "dug\n"


def test_plugin_that_fails_half_way_adds_nothing(install_plugin: Install, run: Any) -> None:
    """A plugin that fails after its first command has no command; the others have theirs."""
    install_plugin("a-weed", adding("choke", "    raise RuntimeError('roots')\n"))
    install_plugin("spade", adding("dig"))

    assert "choke" not in run("--help").output
    assert run("dig").exit_code == 0


@pytest.mark.parametrize("name", ["serve", "plugins", "payment"])
def test_command_of_another_is_not_replaced(install_plugin: Install, run: Any, name: str) -> None:
    """A plugin can't replace a command of ours or of another plugin; it is off, and the list says why."""
    install_plugin("z-weed", adding(name))

    assert "Dig the soil." not in run("--help").output
    [weed] = [row for row in json.loads(run("plugins", "--json").output) if row["name"] == "z_weed"]
    assert f"the command '{name}' is taken" in weed["error"]


def test_unknown_command_hints_at_what_is_off(install_plugin: Install, run: Any) -> None:
    """Who asks for a command that a broken plugin should bring learns that it is off."""
    install_plugin("spade", "raise ImportError('no soil')")
    result = run("dig")

    assert result.exit_code == 2
    assert "Plugins that are off: spade" in result.output


def test_list_of_plugins_tells_the_truth(install_plugin: Install, run: Any) -> None:
    """The list names each plugin with its distribution, version, state and error."""
    install_plugin("spade", "raise ImportError('no soil')", version="3.1")

    rows = {row["name"]: row for row in json.loads(run("plugins", "--json").output)}

    assert rows["spade"] == {
        "name": "spade",
        "distribution": "spade",
        "version": "3.1",
        "entry_point": "spade",
        "state": "failed",
        "error": "ImportError: no soil",
    }
    assert rows["payment"]["state"] == "active"


def test_table_of_plugins_shows_the_error(install_plugin: Install, run: Any) -> None:
    """People see the same, one plugin a line and its error below."""
    install_plugin("spade", "raise ImportError('no soil')")
    output = run("plugins").output

    assert "ImportError: no soil" in output
    assert "overseer_payment.hooks" in output


def test_plugins_can_not_drive_the_terminal(install_plugin: Install, run: Any) -> None:
    """Escape sequences in a plugin's error are not written, neither in the list nor as a hint."""
    install_plugin("spade", "raise ImportError('\\x1b[2Jno\\u202e soil')")

    assert "ImportError: no soil" in " ".join(run("plugins").output.split())
    assert run("plugins").output.replace("\n", "").isprintable()


@pytest.mark.parametrize(
    ("variable", "value"), [("OVERSEER_DISABLE_PLUGINS", "x, spade"), ("OVERSEER_SAFE_MODE", "1")]
)
def test_switches_work_for_commands_too(
    install_plugin: Install, run: Any, monkeypatch: pytest.MonkeyPatch, variable: str, value: str
) -> None:
    """What is switched off has no command, and is listed as blocked."""
    install_plugin("spade", adding("dig"))
    monkeypatch.setenv(variable, value)

    assert run("dig").exit_code == 2
    [spade] = [row for row in json.loads(run("plugins", "--json").output) if row["name"] == "spade"]
    assert spade["state"] == "blocked"
