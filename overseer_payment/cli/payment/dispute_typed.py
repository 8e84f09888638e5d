"""Evidence as it is typed: NAME=TEXT, NAME=PATH, and a JSON file."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import click

_LARGEST = 16 * 1024 * 1024  # no provider wants more; what is less is its own to say


def given(texts: tuple[str, ...], source: str | None) -> dict[str, Any]:
    """The texts by name, those typed before those from the file. Raises click.BadParameter."""
    typed = dict(_pair(text, "--field") for text in texts)
    return {**(_from(source) if source else {}), **typed}


def contents(files: tuple[str, ...]) -> list[tuple[str, str, bytes]]:
    """(name of the field, name of the file, content) of each. Raises click.BadParameter."""
    found = []
    for text in files:
        name, path = _pair(text, "--file")
        try:
            with Path(path).open("rb") as file:
                content = file.read(_LARGEST + 1)
        except OSError as error:
            raise click.BadParameter(
                f"{path} can't be read: {error.strerror}.", param_hint="'--file'"
            ) from None
        if len(content) > _LARGEST:
            raise click.BadParameter(f"{path} is too large for evidence.", param_hint="'--file'")
        found.append((name, Path(path).name, content))
    return found


def _pair(text: str, option: str) -> tuple[str, str]:
    name, equals, value = text.partition("=")
    if not equals or not name.strip():
        raise click.BadParameter(f"{text[:40]!r} is not NAME=VALUE.", param_hint=f"'{option}'")
    return name.strip(), value


def _from(source: str) -> dict[str, Any]:
    found: object = None
    try:
        with click.open_file(source, encoding="utf-8") as file:
            found = json.load(file)
    except OSError as error:
        message = f"{source} can't be read: {error.strerror}."
        raise click.BadParameter(message, param_hint="'--from'") from None
    except (ValueError, RecursionError):
        pass
    if not isinstance(found, dict):
        raise click.BadParameter("It holds no JSON object of names and texts.", param_hint="'--from'")
    return found
