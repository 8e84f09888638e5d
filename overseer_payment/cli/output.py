"""Writing to a person or to a program: the one place that knows which of the two it is.

On a terminal: colour (unless `NO_COLOR`), fitted to its width. Elsewhere: plain columns, one line a
row, nothing cut off or wrapped. Results go to stdout, remarks to stderr.
"""

from __future__ import annotations

import json
import os
import re
import sys
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, TextIO

import click

if TYPE_CHECKING:
    from pydantic import BaseModel
    from rich.console import Console
    from rich.text import Text

GAP = 2
_NOTHING = "–"
# Names and descriptions come from strangers: controls could drive the terminal, bidi marks reorder a line.
_CONTROL = re.compile(
    r"(?:\x1b\[[0-?]*[ -/]*[@-~]"
    r"|[\x00-\x1f\x7f-\x9f\u061c\u200e\u200f\u2028\u2029\u202a-\u202e\u2066-\u2069])+"
)


@dataclass(frozen=True, slots=True)
class Cell:
    """A text and how it looks on a terminal. `plain` is what a program reads instead, if that differs."""

    text: str
    style: str = ""
    plain: str | None = None


@dataclass(frozen=True, slots=True)
class Column:
    """A column of a table. `shrink`: may be cut to `least` cells on a narrow terminal.

    `rank`: on a terminal that is narrower still, the column with the highest rank is left out first;
    0 stays always.
    """

    title: str
    right: bool = False
    shrink: bool = False
    least: int = 12
    rank: int = 0


def on_terminal() -> bool:
    """Is stdout read by a person?"""
    return sys.stdout.isatty()


def can_ask() -> bool:
    """Can a person be asked: are both the question and the answer on a terminal?"""
    return sys.stdin.isatty() and sys.stderr.isatty()


def clean(text: str) -> str:
    """`text` in one line and without anything that could drive a terminal."""
    return _CONTROL.sub(" ", text).strip()


def colourless() -> bool:
    """Does the person not want colour? (`NO_COLOR`, any value but an empty one.)"""
    return bool(os.environ.get("NO_COLOR"))


def tinted(text: str, **style: Any) -> str:
    """`text` for stderr, in colour where that is shown and wanted."""
    return click.style(text, **style) if sys.stderr.isatty() and not colourless() else text


def console(stream: TextIO | None = None) -> Console:
    """A rich console for `stream` (default stdout). Markup and highlighting are off: texts are data."""
    from rich.console import Console

    return Console(
        file=_encodable(stream or sys.stdout),
        # rich drops colours alone for NO_COLOR; bold and dim are escape sequences as well.
        color_system=None if colourless() else "auto",
        markup=False,
        highlight=False,
        emoji=False,
        soft_wrap=True,
    )


def _encodable(stream: TextIO) -> TextIO:
    # A terminal or pipe of another encoding shows "?" for what it can't, instead of ending the command.
    if "utf" not in (stream.encoding or "").lower() and hasattr(stream, "reconfigure"):
        stream.reconfigure(errors="replace")
    return stream


def line(*cells: Cell | str) -> None:
    """Write cells one after the other as one line on stdout."""
    from rich.text import Text

    text = Text()
    for cell in cells:
        shown = Cell(cell) if isinstance(cell, str) else cell
        text.append(_CONTROL.sub(" ", shown.text), shown.style)
    console().print(text)


def heading(text: str) -> None:
    """Write the title of a part, set apart from what stands above."""
    click.echo()
    line(Cell(text, "bold"))


def note(text: str) -> None:
    """A remark for a person, on stderr, so that a program reading stdout never meets it."""
    click.echo(tinted(clean(text), dim=True), err=True)


def write_json(value: BaseModel | dict[str, Any] | Sequence[BaseModel]) -> None:
    """`value` as JSON on stdout: the same names and values that the REST interface answers."""
    # On a terminal in ASCII alone: JSON leaves DEL, C1 controls and bidi marks as they are.
    readable = "utf" in (sys.stdout.encoding or "").lower() and not on_terminal()
    click.echo(json.dumps(_jsonable(value), indent=2, ensure_ascii=not readable))


def _jsonable(value: Any) -> Any:
    if isinstance(value, dict):
        return {key: _jsonable(item) for key, item in value.items()}
    if isinstance(value, list | tuple):
        return [_jsonable(item) for item in value]
    return value.model_dump(mode="json") if hasattr(value, "model_dump") else value


def table(columns: Sequence[Column], rows: Iterable[Sequence[Cell | str]], *, indent: int = 0) -> None:
    """Write aligned columns with a title line. A person isn't shown columns in which nothing stands."""
    from rich.cells import cell_len

    person = on_terminal()
    grid = [[_as_cell(cell, person) for cell in row] for row in rows]
    natural = [
        max(cell_len(column.title), *(cell_len(row[at].text) for row in grid), 0)
        if not person or any(row[at].text != _NOTHING for row in grid)
        else 0
        for at, column in enumerate(columns)
    ]
    out = console()
    widths = fit(columns, natural, out.width - indent) if person else natural
    titles = [Cell(column.title, "dim bold") for column in columns]
    for row in (titles, *grid):
        out.print(_row(columns, row, widths, indent))


def _as_cell(cell: Cell | str, person: bool) -> Cell:
    cell = Cell(cell) if isinstance(cell, str) else cell
    if person:
        return Cell(clean(cell.text) or _NOTHING, cell.style if cell.text else "dim")
    # Never an empty field: a program that splits on blanks counts on every column being there.
    return Cell(clean(cell.text if cell.plain is None else cell.plain) or "-")


def fit(columns: Sequence[Column], natural: Sequence[int], room: int) -> list[int]:
    """Widths that fit into `room` cells; 0 for a column that is left out."""
    widths = list(natural)
    order = sorted((at for at in range(len(columns)) if columns[at].rank), key=lambda at: -columns[at].rank)
    floor = [min(width, c.least) if c.shrink else width for c, width in zip(columns, natural, strict=True)]
    for at in order:
        if _total(floor) <= room:
            break
        widths[at] = floor[at] = 0
    while (over := _total(widths) - room) > 0:
        wide = max(range(len(widths)), key=lambda at: widths[at] - floor[at])
        if widths[wide] == floor[wide]:
            break
        widths[wide] -= max(1, min(over // 2, widths[wide] - floor[wide]))
    return widths


def _total(widths: Sequence[int]) -> int:
    return sum(width + GAP for width in widths if width) - GAP


def _row(columns: Sequence[Column], row: Sequence[Cell], widths: Sequence[int], indent: int) -> Text:
    from rich.text import Text

    text = Text(" " * indent)
    shown = [at for at, width in enumerate(widths) if width]
    for at in shown:
        part = Text(row[at].text, row[at].style)
        part.truncate(widths[at], overflow="ellipsis")
        blank = " " * (widths[at] - part.cell_len)
        text.append(blank if columns[at].right else "").append_text(part)
        if at != shown[-1]:
            text.append(("" if columns[at].right else blank) + " " * GAP)
    return text


def facts(pairs: Iterable[tuple[str, Cell | str | None]], *, indent: int = 2) -> None:
    """Write `label  value` lines; those without a value are left out."""
    from rich.text import Text

    told = ((label, Cell(value) if isinstance(value, str) else value) for label, value in pairs if value)
    present = [(label, cell) for label, cell in told if cell.text or cell.plain]
    width = max((len(label) for label, _ in present), default=0) + GAP
    out, person = console(), on_terminal()
    for label, cell in present:
        text = Text(clean(cell.text if person or cell.plain is None else cell.plain), cell.style)
        # Sentences are wrapped beside their label; an address stays in one piece, to be clicked or copied.
        wrap = person and " " in text.plain
        parts = text.wrap(out, max(out.width - indent - width, 20)) if wrap else [text]
        for number, part in enumerate(parts):
            part.rstrip()
            head = " " * indent + ("" if number else label).ljust(width)
            out.print(Text(head, "dim", end=""), part, sep="")
