"""A distribution of its own for a new payment provider: installable at once, honest about what is missing."""

from __future__ import annotations

import re
from importlib.metadata import entry_points
from importlib.resources import files
from pathlib import Path

from overseer_payment.errors import Conflict, Invalid
from overseer_payment.hookspecs import PROVIDER_GROUP

_KEY = re.compile(r"[a-z][a-z0-9_]{0,39}\Z")
_FILES = {
    "pyproject.toml.txt": "pyproject.toml",
    "README.md.txt": "README.md",
    "init.py.txt": "__PACKAGE__/__init__.py",
    "provider.py.txt": "__PACKAGE__/provider.py",
    "test_conformance.py.txt": "tests/test_conformance.py",
}


def generate(name: str, into: Path) -> list[Path]:
    """Write a project for the provider `name` into a new folder of `into`; answers the files.

    Raises Invalid for a name that can't be a provider's key, Conflict for that of an installed provider and
    where something is already.
    """
    if not _KEY.match(name):
        raise Invalid(
            f"{name!r} can't be a provider's key: lower-case letters, digits and _, a letter first."
        )
    words = _words(name)
    for taken in entry_points(group=PROVIDER_GROUP, name=name):
        raise Conflict(f"A provider {name!r} is installed already ({taken.value}). Choose another name.")
    folder = into / words["DISTRIBUTION"]
    if folder.exists():
        raise Conflict(f"{folder} is there already. Choose another name or folder.")
    return [_write(folder, template, path, words) for template, path in _FILES.items()]


def _words(name: str) -> dict[str, str]:
    parts = [part for part in name.split("_") if part]
    return {
        "KEY": name,
        "TITLE": " ".join(part.capitalize() for part in parts),
        "CLASS": "".join(part.capitalize() for part in parts),
        "PREFIX": name.upper(),
        "PACKAGE": f"overseer_{name}",
        "DISTRIBUTION": f"overseer-{'-'.join(parts)}",
    }


def _write(folder: Path, template: str, path: str, words: dict[str, str]) -> Path:
    text = files(__package__).joinpath("templates", template).read_text(encoding="utf-8")
    target = folder / _filled(path, words)
    target.parent.mkdir(parents=True, exist_ok=True)
    target.write_text(_filled(text, words), encoding="utf-8")
    return target


def _filled(text: str, words: dict[str, str]) -> str:
    for word, value in words.items():
        text = text.replace(f"__{word}__", value)
    return text
