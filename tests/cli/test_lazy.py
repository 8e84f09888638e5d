"""`LazyGroup`: commands by name, imported only when run."""

from __future__ import annotations

import sys

import click
import pytest
from click.shell_completion import ShellComplete
from click.testing import CliRunner

from overseer_payment.cli.lazy import LazyGroup

TARGET = "overseer_payment.cli.payment.db"


@pytest.fixture
def group(monkeypatch: pytest.MonkeyPatch) -> LazyGroup:
    """A group with one lazy command, one that can't be imported, a plain one and a hidden one."""
    monkeypatch.delitem(sys.modules, TARGET, raising=False)
    lazy = {"database": (f"{TARGET}:db", "Look after it."), "gone": ("no_such_module:x", "Is gone.")}
    made = LazyGroup("tool", lazy=lazy)
    made.add_command(click.Command("plain", help="Is plain. And more.", callback=lambda: click.echo("ran")))
    made.add_command(click.Command("secret", hidden=True))
    return made


def test_help_imports_no_command(group: LazyGroup) -> None:
    """Help lists lazy commands from their short texts, even one whose module does not exist."""
    result = CliRunner().invoke(group, ["--help"])
    assert result.exit_code == 0, result.output
    assert [line.split()[0] for line in result.output.split("Commands:\n")[1].splitlines()] == [
        "database",
        "gone",
        "plain",
    ]
    assert "Look after it." in result.output
    assert TARGET not in sys.modules


def test_a_lazy_command_is_imported_when_named(group: LazyGroup) -> None:
    """Naming a lazy command imports and runs it."""
    result = CliRunner().invoke(group, ["database", "--help"])
    assert result.exit_code == 0, result.output
    assert "upgrade" in result.output
    assert TARGET in sys.modules


def test_a_plain_command_works_beside_lazy_ones(group: LazyGroup) -> None:
    """`add_command` keeps working."""
    assert CliRunner().invoke(group, ["plain"]).output == "ran\n"


def test_an_added_command_wins_over_a_lazy_one(group: LazyGroup) -> None:
    """A host can replace a command of ours by adding its own under the same name, listed once."""
    group.add_command(click.Command("gone", help="Is here.", callback=lambda: click.echo("mine")))
    assert CliRunner().invoke(group, ["gone"]).output == "mine\n"
    listed = CliRunner().invoke(group, ["--help"]).output
    assert listed.count("gone") == 1
    assert "Is here." in listed


def test_an_unknown_command_is_wrong_usage(group: LazyGroup) -> None:
    """Exit code 2, and the name that was not understood."""
    result = CliRunner().invoke(group, ["nonsense"])
    assert result.exit_code == 2
    assert "nonsense" in result.output


def test_a_target_that_is_no_command_is_refused() -> None:
    """A wrong target is named, not called."""
    group = LazyGroup("tool", lazy={"x": ("json:dumps", "Wrong.")})
    with pytest.raises(TypeError, match="json:dumps"):
        group.get_command(click.Context(group), "x")


def test_completion_imports_no_command(group: LazyGroup) -> None:
    """The shell's completion offers names and short texts without importing a command."""
    offered = ShellComplete(group, {}, "tool", "_TOOL_COMPLETE").get_completions([], "")
    assert [(item.value, item.help) for item in offered] == [
        ("database", "Look after it."),
        ("gone", "Is gone."),
        ("plain", "Is plain."),
    ]
    assert TARGET not in sys.modules
