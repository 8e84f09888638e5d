"""The documentation as data: its pages, their code blocks, headings and links."""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

ROOT = Path(__file__).resolve().parents[2]
DOCS = ROOT / "docs"
PAGES = sorted(DOCS.glob("*.md"))

_FENCE = re.compile(
    r"^(?P<indent> *)```(?P<info>[^\n`]*)\n(?P<code>.*?)^(?P=indent)```", re.MULTILINE | re.DOTALL
)
_HEADING = re.compile(r"^#+ +(.+?)\s*$", re.MULTILINE)
_LINK = re.compile(r"(?<!!)\[[^\]]+\]\(([^)\s]+)\)")
_INLINE = re.compile(r"(?<!`)`([^`\n]+)`(?!`)")
_FILE = re.compile(r"# (?P<path>[\w/]+\.py)\n")


@dataclass(frozen=True, slots=True)
class Block:
    """One code block. `flags` are what stands behind the language, `line` where its code begins."""

    page: Path
    line: int
    language: str
    flags: tuple[str, ...]
    code: str

    @property
    def place(self) -> str:
        return f"docs/{self.page.name}:{self.line}"

    @property
    def file(self) -> str | None:
        """The file that this block is (a part of), named by its first line."""
        found = _FILE.match(self.code)
        return found["path"] if found else None


def page(name: str) -> str:
    """The text of `docs/NAME`."""
    return (DOCS / name).read_text(encoding="utf-8")


def blocks(path: Path, *languages: str) -> Iterator[Block]:
    """The code blocks of a page, in order; only of the given languages, if any."""
    text = path.read_text(encoding="utf-8")
    for found in _FENCE.finditer(text):
        language, *flags = found["info"].split() or [""]
        if not languages or language in languages:
            code = re.sub(rf"^{found['indent']}", "", found["code"], flags=re.MULTILINE)
            yield Block(path, text[: found.start("code")].count("\n") + 1, language, tuple(flags), code)


def prose(path: Path) -> str:
    """A page without its code blocks."""
    return _FENCE.sub("", path.read_text(encoding="utf-8"))


def inline_code(path: Path) -> list[str]:
    """What stands between single backticks, line breaks read as blanks."""
    return [
        " ".join(found.split()) for found in _INLINE.findall(re.sub(r"(?<=\S)\n(?=\S)", " ", prose(path)))
    ]


def headings(path: Path) -> list[str]:
    return _HEADING.findall(prose(path))


def anchors(path: Path) -> list[str]:
    """The names by which a link reaches a heading, as GitHub makes them."""
    plain = (re.sub(r"[^\w\- ]", "", heading.lower()) for heading in headings(path))
    return [text.replace(" ", "-") for text in plain]


def links(path: Path) -> list[str]:
    return _LINK.findall(prose(path))
