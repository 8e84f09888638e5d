"""What a host pays for having this package installed: next to nothing until somebody uses it."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import pytest

from tests.support.environment import clean_environment

HEAVY = (
    "alembic",
    "asyncio",
    "httpx",
    "jinja2",
    "pydantic",
    "rich",
    "sqlalchemy",
    "starlette",
    "stripe",
    "uvicorn",
)


def loaded_by(code: str) -> list[str]:
    """Which heavy modules a fresh interpreter has loaded after running `code`."""
    script = f"{code}\nimport sys\nprint('loaded:', *(m for m in {HEAVY!r} if m in sys.modules))"
    done = subprocess.run(
        [sys.executable, "-W", "error", "-c", script],
        capture_output=True,
        text=True,
        env=clean_environment(),
        timeout=60,
        check=True,
    )
    return done.stdout.rpartition("loaded:")[2].split()


@pytest.mark.parametrize(
    "module",
    ["overseer_payment", "overseer_payment.hooks", "overseer_payment.plugins", "overseer_payment.host"],
)
def test_importing_is_light(module: str) -> None:
    """What every host imports loads no database, no SDK, no web framework."""
    assert loaded_by(f"import {module}") == []


def test_markers_are_light() -> None:
    """A plugin's author gets both markers without loading anything else."""
    assert (
        loaded_by("from overseer_payment import hookimpl; from overseer_payment.host import hookimpl as h")
        == []
    )


def test_loading_our_plugin_is_light() -> None:
    """Loading the installed plugin through its entry point, as hosts do for each command, is light."""
    code = (
        "from overseer_payment.plugins import load\n"
        "from overseer_payment.host.specs import HostHooks\n"
        "[record] = [r for r in load(specs=HostHooks).records if r.distribution == 'overseer-payment']\n"
        "assert record.active, record.error"
    )

    assert loaded_by(code) == []


@pytest.mark.parametrize(
    "arguments", ["--help", "--version", "plugins", "payment --help", "serve --help", "nonsense"]
)
def test_answering_about_itself_is_light(arguments: str) -> None:
    """Help, version, the list of plugins and a mistyped command load none of the heavy modules."""
    code = (
        f"import sys\nsys.argv = ['overseer', *{arguments.split()!r}]\n"
        "from overseer_payment.cli import main\n"
        "try:\n    main()\nexcept SystemExit:\n    pass"
    )

    assert loaded_by(code) == []


def test_version_is_the_distributions() -> None:
    """`__version__` is that of the installed distribution."""
    import importlib.metadata

    import overseer_payment

    assert importlib.metadata.version("overseer-payment") == overseer_payment.__version__


def test_packages_are_typed() -> None:
    """The package tells type checkers that its annotations count."""
    import overseer_payment

    assert (Path(str(overseer_payment.__file__)).parent / "py.typed").exists()
