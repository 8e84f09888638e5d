"""What is generated is what the generator gives now."""

from __future__ import annotations

import re
from pathlib import Path

import click
import pytest

from scripts import reference
from tests.docs.pages import DOCS, PAGES, page


@pytest.mark.parametrize("path", PAGES, ids=lambda path: path.name)
def test_generated_parts_are_up_to_date(path: Path) -> None:
    """A page's generated parts equal what the code says today."""
    text = path.read_text(encoding="utf-8")
    assert reference.renewed(text) == text, f"docs/{path.name} is stale. Run: {reference.COMMAND}"


def test_every_part_is_used() -> None:
    """Each part that can be generated stands on exactly one page, and nothing else is asked for."""
    marks = [name for path in PAGES for name in re.findall(r"<!-- generated: ([\w-]+) -->", page(path.name))]
    ends = [name for path in PAGES for name in re.findall(r"<!-- end: ([\w-]+) -->", page(path.name))]
    assert sorted(marks) == sorted(reference.PARTS)
    assert sorted(ends) == sorted(marks)


def test_stale_page_is_noticed(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """A page that was edited inside a mark is named, renewed by the command, and then accepted."""
    stale = tmp_path / "page.md"
    stale.write_text("Before.\n<!-- generated: permissions -->\nold\n<!-- end: permissions -->\nAfter.\n")
    monkeypatch.setattr(reference, "DOCS", tmp_path)
    assert reference.main(["--check"]) == 1
    assert "old" in stale.read_text()
    assert reference.main([]) == 0
    assert reference.main(["--check"]) == 0
    text = stale.read_text()
    assert "payment.refund" in text
    assert text.startswith("Before.\n")
    assert text.endswith("After.\n")


def test_every_command_has_help() -> None:
    """Each command says what it does, and each of its options too, unless its name and default do."""
    for path, command, _ in reference.commands():
        assert command.help, path
        for parameter in command.params:
            if isinstance(parameter, click.Option):
                assert parameter.help or parameter.show_default, f"{path} {parameter.opts}"


def test_every_command_is_in_the_reference() -> None:
    """Each command has a heading of its own in cli.md; there are no others of that kind."""
    documented = set(re.findall(r"^### (overseer.*)$", page("cli.md"), re.MULTILINE))
    assert documented == {path for path, _, _ in reference.commands()}


def test_every_operation_is_in_the_reference() -> None:
    """Each REST operation has a heading of its own in rest.md; there are no others of that kind."""
    documented = set(re.findall(r"^### ([A-Z]+ /.*)$", page("rest.md"), re.MULTILINE))
    paths = reference.openapi()["paths"]
    assert documented == {f"{method.upper()} {path}" for path, its in paths.items() for method in its}


def test_documents_are_where_the_generator_looks() -> None:
    """The generator and these tests mean the same folder."""
    assert reference.DOCS == DOCS
