"""Tables, facts and JSON: for a person on a terminal, and for a program."""

from __future__ import annotations

import io
import json
import re
import sys
from contextlib import redirect_stderr, redirect_stdout
from pathlib import Path

import pytest
from rich.cells import cell_len

from overseer_payment.cli import output
from overseer_payment.cli.failures import Failure
from overseer_payment.cli.output import Cell, Column
from overseer_payment.cli.payment import export

COLUMNS = (
    Column("ID", right=True),
    Column("Name", shrink=True, least=6, rank=1),
    Column("Note", shrink=True, least=6, rank=2),
)
ROWS = (
    ("7", "Ada Lovelace", Cell("all right", "green", plain="all_right")),
    ("1234", "山田太郎", Cell("", "red")),
)


class Terminal(io.StringIO):
    """A stream that says it is a terminal."""

    encoding = "utf-8"

    def isatty(self) -> bool:
        return True

    def lines(self) -> list[str]:
        return lines(self.getvalue())


@pytest.fixture
def terminal(monkeypatch: pytest.MonkeyPatch) -> Terminal:
    """A colourful terminal of 80 columns, to be put in stdout's place."""
    for name in ("NO_COLOR", "FORCE_COLOR", "TTY_COMPATIBLE", "TTY_INTERACTIVE"):
        monkeypatch.delenv(name, raising=False)
    monkeypatch.setenv("TERM", "xterm-256color")
    monkeypatch.setenv("COLUMNS", "80")
    return Terminal()


def lines(text: str) -> list[str]:
    return text.rstrip("\n").split("\n")


def test_a_pipe_gets_plain_aligned_columns(capsys: pytest.CaptureFixture[str]) -> None:
    """Programs' spelling, no escape sequence, no empty field; wide characters count as two."""
    output.table(COLUMNS, ROWS)
    assert lines(capsys.readouterr().out) == [
        "  ID  Name          Note",
        "   7  Ada Lovelace  all_right",
        "1234  山田太郎      -",
    ]


def test_a_pipe_is_never_cut_off_or_wrapped(
    capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    """A row is one line of any length, whatever COLUMNS says."""
    monkeypatch.setenv("COLUMNS", "20")
    output.table(COLUMNS, [("1", "n" * 300, "x" * 300)])
    assert lines(capsys.readouterr().out)[1] == f" 1  {'n' * 300}  {'x' * 300}"


def test_a_terminal_gets_colour_and_peoples_spelling(terminal: Terminal) -> None:
    """Status words are coloured and spelled for people."""
    with redirect_stdout(terminal):
        output.table(COLUMNS, ROWS)
    assert "\x1b[32mall right\x1b[0m" in terminal.getvalue()
    assert "all_right" not in terminal.getvalue()


def test_no_color_means_no_escape_sequence(terminal: Terminal, monkeypatch: pytest.MonkeyPatch) -> None:
    """NO_COLOR turns off bold and dim as well."""
    monkeypatch.setenv("NO_COLOR", "1")
    with redirect_stdout(terminal):
        output.table(COLUMNS, ROWS)
        output.facts([("Label", Cell("value", "red"))])
        output.heading("Part")
    assert "\x1b" not in terminal.getvalue()
    assert "all right" in terminal.getvalue()


@pytest.mark.parametrize("width", [20, 24, 30, 40, 80])
def test_a_table_fits_its_terminal(terminal: Terminal, monkeypatch: pytest.MonkeyPatch, width: int) -> None:
    """No line is wider than the terminal, in cells."""
    monkeypatch.setenv("NO_COLOR", "1")
    monkeypatch.setenv("COLUMNS", str(width))
    with redirect_stdout(terminal):
        output.table(COLUMNS, [("1234", "山田太郎" * 9, "note " * 20)], indent=2)
    assert max(cell_len(line) for line in terminal.lines()) <= width


def test_a_person_is_not_shown_an_empty_column(terminal: Terminal, monkeypatch: pytest.MonkeyPatch) -> None:
    """A column in which nothing stands is left out; one with a single value is not."""
    monkeypatch.setenv("NO_COLOR", "1")
    with redirect_stdout(terminal):
        output.table(COLUMNS, [("1", "", ""), ("2", "", "note")])
    assert terminal.lines() == ["ID  Note", " 1  –", " 2  note"]


def test_columns_are_left_out_by_rank() -> None:
    """Highest rank first; rank 0 stays even where it can't fit."""
    natural = [4, 30, 30]
    assert output.fit(COLUMNS, natural, 80) == [4, 30, 30]
    assert output.fit(COLUMNS, natural, 20)[0] == 4
    assert output.fit(COLUMNS, natural, 19)[2] == 0
    assert output.fit(COLUMNS, natural, 10)[1:] == [0, 0]
    assert output.fit(COLUMNS, natural, 1) == [4, 0, 0]


def test_strangers_text_cannot_drive_the_terminal(
    terminal: Terminal, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Escape sequences, line breaks and bidi marks in data become a blank; markup is not read."""
    monkeypatch.setenv("NO_COLOR", "1")
    with redirect_stdout(terminal):
        output.table([Column("Name")], [("\x1b[2Ja\r\nb\u202ec [bold]d[/bold]",)])
        output.facts([("Name", "\x1b]0;title\x07x")])
    assert terminal.lines() == ["Name", "a b c [bold]d[/bold]", "  Name  ]0;title x"]


def test_long_facts_are_wrapped_beside_their_label(
    terminal: Terminal, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Sentences wrap with a hanging indent, an address stays in one piece."""
    monkeypatch.setenv("NO_COLOR", "1")
    monkeypatch.setenv("COLUMNS", "40")
    address = "https://example.com/" + "a" * 40
    with redirect_stdout(terminal):
        output.facts(
            [("About", "many words " * 6), ("Page", address), ("Nothing", None), ("Empty", Cell(""))]
        )
    written = terminal.lines()
    assert written[0].startswith("  About  many words")
    assert re.match(r" {9}(many|words)", written[1])
    assert written[-1] == f"  Page   {address}"
    assert not {"Nothing", "Empty"} & set(terminal.getvalue().split())


def test_an_encoding_that_lacks_a_character_shows_a_question_mark(monkeypatch: pytest.MonkeyPatch) -> None:
    """A stream of another encoding neither ends the command nor breaks JSON."""
    raw = io.BytesIO()
    monkeypatch.setattr(sys, "stdout", io.TextIOWrapper(raw, encoding="ascii"))
    output.table([Column("Name")], [("Zoë",)])
    output.write_json({"name": "Zoë"})
    sys.stdout.flush()
    table, data = raw.getvalue().split(b"{")
    assert table == b"Name\nZo?\n"
    assert json.loads(b"{" + data) == {"name": "Zoë"}


def test_remarks_go_to_stderr(capsys: pytest.CaptureFixture[str]) -> None:
    """A program that reads stdout never meets a remark."""
    output.note("More: …")
    assert capsys.readouterr() == ("", "More: …\n")


WILD = "a\x1b[2J\x7f\x9b31m\u061c\u202eb"


def test_json_on_a_terminal_is_ascii(terminal: Terminal, capsys: pytest.CaptureFixture[str]) -> None:
    """On a terminal no control or bidi mark is written as itself; a program reads the same value as ever."""
    with redirect_stdout(terminal):
        output.write_json({"name": WILD})
    output.write_json({"name": "Zoë"})

    assert terminal.getvalue().replace("\n", "").isprintable()
    assert json.loads(terminal.getvalue()) == {"name": WILD}
    assert "Zoë" in capsys.readouterr().out


def test_arabic_letter_mark_is_a_bidi_mark() -> None:
    """U+061C turns text around like its siblings and is taken out like them."""
    assert output.clean("a\u061cb") == "a b"


def test_error_line_cannot_drive_the_terminal(capsys: pytest.CaptureFixture[str]) -> None:
    """What a failure names is written without escape sequences, in one line."""
    Failure(f"No such row: {WILD}").show()

    assert capsys.readouterr().err == "error: No such row: a 31m b\n"


def test_who_watches_an_export_sees_how_far_it_is(
    terminal: Terminal, capsys: pytest.CaptureFixture[str], tmp_path: Path
) -> None:
    """A counter on the terminal that stderr is; not among the rows themselves, and nothing in a pipe."""
    with redirect_stderr(terminal):
        with export._counting("customers", tmp_path / "customers.csv") as count:
            count(1234)
        assert "Exporting: 1,234 customers" in terminal.getvalue()
        terminal.truncate(0)
        with redirect_stdout(Terminal()), export._counting("customers", None) as count:
            count(1)
    with export._counting("customers", None) as count:
        count(1)
    assert (terminal.getvalue(), *capsys.readouterr()) == ("", "", "")
