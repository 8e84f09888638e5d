"""The environment that tests and their subprocesses see: none of the developer's own settings.

A real key in a developer's shell must never reach a test, and the stripe SDK changes what it sends and
prints by variables of its surroundings.
"""

from __future__ import annotations

import os
from collections.abc import Mapping, MutableMapping

KEPT = "OVERSEER_TEST_"
"""Variables that steer the tests themselves."""

# By what may pass, not by what may not: SDKs look at more variables than anybody remembers.
_NEEDED = frozenset(
    {
        "CHROMIUM",
        "CI",
        "HOME",
        "LANG",
        "LANGUAGE",
        "LOGNAME",
        "PATH",
        "PG_BINDIR",
        "PWD",
        "SHELL",
        "TEMP",
        "TERM",
        "TMP",
        "TMPDIR",
        "TZ",
        "USER",
        "VIRTUAL_ENV",
    }
)
_NEEDED_BEGINNINGS = (
    KEPT,
    "COVERAGE_",
    "HYPOTHESIS_",
    "LC_",
    "LD_",
    "MUTANT_",
    "PIP_",
    "PLAYWRIGHT_",
    "PYENV_",
    "PYTEST_",
    "SSL_CERT_",
    "SYSTEMROOT",
    "XDG_",
)


def scrub(environ: MutableMapping[str, str]) -> None:
    """Remove every variable that could steer the product, its SDKs or their HTTP clients."""
    for name in [name for name in environ if _is_foreign(name)]:
        del environ[name]


def clean_environment(extra: Mapping[str, str] | None = None) -> dict[str, str]:
    """A scrubbed copy of this process's environment with `extra` on top, for a subprocess.

    Servers of tests ask no provider by themselves, unless the test is about that.
    """
    environ = dict(os.environ)
    scrub(environ)
    return {**environ, "PYTHONUNBUFFERED": "1", "PAYMENT_HEALING": "0", **(extra or {})}


def _is_foreign(name: str) -> bool:
    return name not in _NEEDED and not name.startswith(_NEEDED_BEGINNINGS)
