"""The environment that tests and their subprocesses see: none of the developer's own settings.

A real key in a developer's shell must never reach a test, and the stripe SDK changes its User-Agent
and writes to stderr when it finds a coding agent's variables.
"""

from __future__ import annotations

import os
from collections.abc import Mapping, MutableMapping

KEPT = "OVERSEER_TEST_"
"""Variables that steer the tests themselves."""

_OURS = ("STRIPE_", "PADDLE_", "PAYMENT_", "OVERSEER_", "ACMEPAY_")
_AGENTS = (
    "AI_AGENT",
    "CLAUDE",
    "CLINE_",
    "CODEX_",
    "CURSOR_",
    "GEMINI_CLI",
    "HERMES_",
    "OPENCLAW_",
    "OPENCODE",
)
_PROXIES = ("ALL_PROXY", "FTP_PROXY", "HTTP_PROXY", "HTTPS_PROXY")  # loopback must stay loopback


def scrub(environ: MutableMapping[str, str]) -> None:
    """Remove every variable that could steer the product, its SDKs or their HTTP clients."""
    for name in [name for name in environ if _is_foreign(name)]:
        del environ[name]


def clean_environment(extra: Mapping[str, str] | None = None) -> dict[str, str]:
    """A scrubbed copy of this process's environment with `extra` on top, for a subprocess."""
    environ = dict(os.environ)
    scrub(environ)
    return {**environ, "PYTHONUNBUFFERED": "1", **(extra or {})}


def _is_foreign(name: str) -> bool:
    if name.startswith(KEPT):
        return False
    return name.startswith(_OURS + _AGENTS) or name.upper() in _PROXIES
