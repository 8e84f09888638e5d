"""Command lines in the documentation can be typed as they stand."""

from __future__ import annotations

import re
import shlex
import tomllib
from collections.abc import Iterator
from pathlib import Path

import click
import pytest

from overseer_payment.simulator.__main__ import main as simulator
from scripts.reference import commands
from tests.docs.pages import PAGES, ROOT, blocks, inline_code

GROUPS = {path: command for path, command, _ in commands()}
_ENDS = {"|", "||", "&&", ";", ">", ">>"}
_INLINE = re.compile(r"overseer (?:serve|plugins|payment)\b")


def command_lines(path: Path) -> Iterator[tuple[str, str]]:
    """Place and text of each line after a prompt, continued lines joined."""
    for block in blocks(path, "console", "shell", "bash", "sh"):
        text = block.code.replace("\\\n", " ")
        lines = [line for line in text.splitlines() if block.language != "console" or line.startswith("$ ")]
        assert lines, f"{block.place} has no command after a prompt"
        yield from ((block.place, line.removeprefix("$ ")) for line in lines if line.strip())


def words_of(line: str) -> Iterator[list[str]]:
    """The commands of a line, each as words without leading assignments."""
    lexer = shlex.shlex(line, posix=True, punctuation_chars=True)
    lexer.whitespace_split = True
    words: list[str] = []
    for word in [*lexer, ";"]:
        if word not in _ENDS:
            words.append(word)
            continue
        while words and re.match(r"[A-Z_]+=", words[0]):
            words.pop(0)
        if words:
            yield words
        words = []


def check_overseer(words: list[str]) -> None:
    """Raises click.UsageError unless these words are a command of ours with options that it has."""
    command, name, rest = GROUPS["overseer"], "overseer", words[1:]
    while isinstance(command, click.Group) and rest and not rest[0].startswith("-"):
        name = f"{name} {rest.pop(0)}"
        assert name in GROUPS, f"there is no command {name!r}"
        command = GROUPS[name]
    if not isinstance(command, click.Group):
        command.make_context(name, rest)
    elif rest:
        assert {option for parameter in command.params for option in parameter.opts} >= set(rest), words


def check(words: list[str]) -> None:
    """One command: ours are parsed, make's and pip's compared with this project's files."""
    match words:
        case ["overseer", *_]:
            check_overseer(words)
        case ["python", "-m", "overseer_payment.simulator", *rest]:
            simulator.make_context("simulator", rest)
        case ["python", script, *_] if script.endswith(".py"):
            assert (ROOT / script).exists(), script
        case ["make", *targets]:
            made = re.findall(r"^([a-z]+):", (ROOT / "Makefile").read_text(encoding="utf-8"), re.MULTILINE)
            assert {target for target in targets if "=" not in target} <= set(made)
        case ["pip", "install", *packages]:
            check_installing(packages)
        case _:
            assert words[0] in {"curl", "echo", "eval", "export", "sqlite3", "stripe", "uvicorn", "pytest"}, (
                words
            )


def check_installing(packages: list[str]) -> None:
    """This project comes from its checkout, for no index has it; with extras that it has."""
    project = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))["project"]
    for package in packages:
        name, _, extras = package.rstrip("]").partition("[")
        assert name != project["name"], f"pip finds no {name}: name its checkout"
        if extras:
            assert set(extras.split(",")) <= set(project["optional-dependencies"]), package


OTHERS = [ROOT / "README.md", ROOT / "examples" / "acmepay" / "README.md"]


@pytest.mark.parametrize("path", [*PAGES, *OTHERS], ids=lambda path: f"{path.parent.name}/{path.name}")
def test_command_lines_are_valid(path: Path) -> None:
    """Each command line in a block names commands and options that exist, with values that they take."""
    for place, line in command_lines(path):
        for words in words_of(line):
            try:
                check(words)
            except (click.ClickException, AssertionError) as error:
                pytest.fail(f"{place}: {line}\n{error}")


@pytest.mark.parametrize("path", [*PAGES, *OTHERS], ids=lambda path: f"{path.parent.name}/{path.name}")
def test_commands_in_sentences_exist(path: Path) -> None:
    """A command that is named within a sentence exists, with the options named beside it."""
    for text in inline_code(path):
        if not _INLINE.match(text):
            continue
        words = shlex.split(text)
        named = [word for word in words if not word.startswith("-")]
        depth = next(n for n in range(len(named), 0, -1) if " ".join(named[:n]) in GROUPS)
        assert depth > 1, f"{path.name}: {text}"
        command = GROUPS[" ".join(named[:depth])]
        assert not isinstance(command, click.Group) or depth == len(named), f"{path.name}: {text}"
        known = {option for parameter in command.params for option in parameter.opts} | {"--help"}
        assert {word for word in words if word.startswith("-")} <= known, f"{path.name}: {text}"


@pytest.mark.parametrize(
    "line",
    [
        "overseer payment statuss",
        "overseer payment status --jsno",
        "overseer payment refund 1 --amount",
        "make tea",
        "pip install overseer-payment",
        "pip install /path/to/checkout[postgress]",
    ],
)
def test_wrong_command_lines_are_noticed(line: str) -> None:
    """The check above can fail: on a misspelt command, option, value or target."""
    with pytest.raises((click.ClickException, AssertionError)):
        check(line.split())
