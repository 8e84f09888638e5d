"""What holds for every command there is: walked, not listed, so that a new one is held to it as well."""

from __future__ import annotations

import json
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import click
import pytest
from click.testing import CliRunner

from overseer_payment.cli.payment import payment
from scripts.reference import commands
from tests.support.environment import clean_environment

TREE = {path: command for path, command, _ in commands()}
LEAVES = sorted(path for path, command in TREE.items() if not isinstance(command, click.Group))
PRINTS_NO_DATA = {"overseer serve"}  # it runs until it is ended
FORMATS = "overseer payment export "
"""Commands that write CSV or JSON lines, as their `--format` says."""
HEAVY = ("alembic", "asyncio", "httpx", "jinja2", "pydantic", "rich", "sqlalchemy", "starlette", "stripe")

_WALK = """
import contextlib, io, json, sys, time
import click
from overseer_payment.cli.payment import payment
heavy, told = set({heavy!r}), {{}}

def walk(command, words):
    started = time.process_time()
    with contextlib.redirect_stdout(io.StringIO()):
        payment([*words, "--help"], prog_name="payment", standalone_mode=False)
    spent = time.process_time() - started
    told[" ".join(words)] = [spent, sorted(heavy & set(sys.modules))]
    if isinstance(command, click.Group):
        context = click.Context(command)
        for name in command.list_commands(context):
            walk(command.get_command(context, name), [*words, name])

walk(payment, [])
print(json.dumps(told))
"""


@pytest.fixture(scope="module")
def helped() -> dict[str, tuple[float, list[str]]]:
    """For each command: seconds of work that its help took, and heavy modules that were loaded by then."""
    done = subprocess.run(
        [sys.executable, "-c", _WALK.format(heavy=HEAVY)],
        capture_output=True,
        text=True,
        env=clean_environment(),
        timeout=60,
        check=True,
    )
    found: dict[str, tuple[float, list[str]]] = json.loads(done.stdout)
    return found


def test_help_is_quick_and_light(helped: dict[str, tuple[float, list[str]]]) -> None:
    """No command's help loads anything heavy, and each takes less than 100 ms of work."""
    assert len(helped) >= len(LEAVES) - 3
    assert not {name: modules for name, (_, modules) in helped.items() if modules}
    assert not {name: spent for name, (spent, _) in helped.items() if spent > 0.1}


@pytest.mark.parametrize("path", LEAVES)
def test_data_is_had_as_json(path: str) -> None:
    """Every command that prints data takes --json, or a --format that has JSON in it."""
    options = {option for parameter in TREE[path].params for option in parameter.opts}
    wanted = "--format" if path.startswith(FORMATS) else "--json"
    assert (wanted in options) is (path not in PRINTS_NO_DATA)


def _below_payment() -> Iterator[list[str]]:
    for path in LEAVES:
        words = path.split()[1:]
        if words[0] == "payment":
            yield words[1:]


@pytest.mark.parametrize("words", list(_below_payment()), ids=" ".join)
def test_wrong_usage_is_two(words: list[str]) -> None:
    """An option that isn't there ends every command with exit code 2, one line, and no output."""
    done = CliRunner().invoke(payment, [*words, "--nonsense"], prog_name="overseer payment")
    assert (done.exit_code, done.stdout) == (2, "")
    [line] = done.stderr.splitlines()
    assert line.startswith("error: No such option '--nonsense'.")
    assert line.endswith(f"See: overseer payment {' '.join(words)} --help")


@pytest.mark.parametrize("shell", ["bash", "zsh", "fish"])
def test_shells_complete_commands(shell: str) -> None:
    """The script that the documentation names is printed for each shell."""
    program = Path(sys.executable).parent / "overseer"
    env = clean_environment({"_OVERSEER_COMPLETE": f"{shell}_source"})
    done = subprocess.run([program], capture_output=True, text=True, env=env, timeout=30)
    if shell == "bash" and "4.4" in done.stderr:
        pytest.fail("click completes for bash 4.4 and later")
    assert done.returncode == 0, done.stderr
    assert "_OVERSEER_COMPLETE" in done.stdout


def test_completion_knows_every_level() -> None:
    """What is typed so far leads to the commands and options that fit it."""
    program = Path(sys.executable).parent / "overseer"

    def completed(*typed: str) -> set[str]:
        line = " ".join(["overseer", *typed])
        env = {"_OVERSEER_COMPLETE": "zsh_complete", "COMP_WORDS": line, "COMP_CWORD": str(len(typed))}
        done = subprocess.run(
            [program], capture_output=True, text=True, env=clean_environment(env), timeout=30, check=True
        )
        return set(done.stdout.splitlines())

    assert "payment" in completed("pay")
    assert {"webhook", "work"} <= completed("payment", "w")
    assert "listen" in completed("payment", "webhook", "li")
    assert "--forward-to" in completed("payment", "webhook", "listen", "--fo")


def test_every_exemption_is_needed() -> None:
    """No exemption outlives its command."""
    assert set(LEAVES) >= PRINTS_NO_DATA
    assert any(path.startswith(FORMATS) for path in LEAVES)
