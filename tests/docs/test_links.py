"""Links lead somewhere, files that are named exist, and nothing is told of anybody's machine."""

from __future__ import annotations

import re
from collections import Counter
from pathlib import Path
from urllib.parse import urlsplit

import pytest

from tests.docs.pages import DOCS, PAGES, ROOT, anchors, inline_code, links, page

each_page = pytest.mark.parametrize("path", PAGES, ids=lambda path: path.name)

_PATH = re.compile(r"[\w.-]+(?:/[\w.-]+)+\.\w{1,5}\Z")
_URL = re.compile(r"https?://[^\s`\"'<>)|]+")
# Somebody's own folders: documentation speaks of none.
_MACHINE = re.compile(r"(?<![\w.:/-])(?:~|/(?:home|root|users|tmp|mnt|opt|srv|work\w*))/", re.IGNORECASE)


@each_page
def test_links_lead_somewhere(path: Path) -> None:
    """Each link within the documentation names a page that exists, and a heading on it."""
    for link in links(path):
        parts = urlsplit(link)
        if parts.scheme:
            continue
        target = (path.parent / parts.path).resolve() if parts.path else path
        assert target.is_relative_to(ROOT), link
        assert target.exists(), f"{path.name}: {link}"
        if parts.fragment:
            assert parts.fragment in anchors(target), f"{path.name}: {link}"


@each_page
def test_headings_are_unambiguous(path: Path) -> None:
    """No two headings of a page share a name, so that a link means one of them."""
    twice = [name for name, count in Counter(anchors(path)).items() if count > 1]
    assert not twice


def test_every_page_is_on_the_first_one() -> None:
    """Each page is linked from docs/README.md."""
    linked = {urlsplit(link).path for link in links(DOCS / "README.md")}
    assert linked == {path.name for path in PAGES} - {"README.md"}


@each_page
def test_page_begins_with_what_it_is_for(path: Path) -> None:
    """A page has one title, and then a sentence rather than a list or a heading."""
    first, _, rest = page(path.name).partition("\n")
    assert first.startswith("# ")
    assert re.match(r"\n[A-Z]", rest), path.name


@each_page
def test_files_that_are_named_exist(path: Path) -> None:
    """Each path of a file between backticks is one of this project's."""
    for text in inline_code(path):
        if _PATH.match(text) and not text.startswith(("http", "/")):
            assert (ROOT / text).exists(), f"{path.name}: {text}"


@each_page
def test_addresses_are_examples(path: Path) -> None:
    """Each web address is the reader's own machine, an example, or the payment provider's."""
    for url in _URL.findall(page(path.name)):
        host = (urlsplit(url).hostname or "").rstrip(".")
        assert (
            host in {"127.0.0.1", "api.stripe.com"}
            or host.split(".")[-2] == "example"
            or host.endswith(".example")
        ), url


@each_page
def test_nothing_is_told_of_a_machine(path: Path) -> None:
    """No page names a folder of whoever wrote it, or leaves the project by a relative path."""
    text = page(path.name)
    assert not _MACHINE.search(text)
    assert "../" not in text.replace("](../", "](")
