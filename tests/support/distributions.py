"""Installed distributions for tests: real `.dist-info` folders that `importlib.metadata` reads."""

from __future__ import annotations

import sys
from collections.abc import Callable, Mapping
from pathlib import Path

import pytest

Install = Callable[..., None]


def write_distribution(
    folder: Path,
    name: str,
    *,
    group: str,
    entries: Mapping[str, str],
    modules: Mapping[str, str],
    version: str = "1.0",
) -> None:
    """Put a distribution into `folder`: `entries` name → entry-point value, `modules` name → source."""
    info = folder / f"{name.replace('-', '_')}-{version}.dist-info"
    info.mkdir()
    (info / "METADATA").write_text(f"Metadata-Version: 2.1\nName: {name}\nVersion: {version}\n")
    lines = [f"{entry} = {value}" for entry, value in entries.items()]
    (info / "entry_points.txt").write_text("\n".join([f"[{group}]", *lines, ""]))
    for module, source in modules.items():
        (folder / f"{module}.py").write_text(source)


def installer(folder: Path, monkeypatch: pytest.MonkeyPatch, *, group: str) -> Install:
    """A function that installs one-module plugins into `folder`, which is put on the import path."""
    monkeypatch.syspath_prepend(folder)

    def install(name: str, source: str, *, entry: str | None = None, version: str = "1.0") -> None:
        module = name.replace("-", "_")
        write_distribution(
            folder,
            name,
            group=group,
            entries={entry or module: module},
            modules={module: source},
            version=version,
        )
        # Modules of an earlier test must not answer for those of this one.
        monkeypatch.delitem(sys.modules, module, raising=False)

    return install
