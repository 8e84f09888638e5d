"""Which browser the tests drive, and what they hold against the pages they see."""

from __future__ import annotations

import os
import shutil
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from playwright.sync_api import BrowserContext, ConsoleMessage, WebError

_NAMES = ("chromium", "chromium-browser", "google-chrome-stable", "google-chrome")

FLAGS = (
    "--disable-background-networking",
    "--disable-component-update",
    "--disable-gpu",
    "--disable-quic",
    "--disable-sync",
    "--no-first-run",
)
"""Keeps Chromium off the network and away from a display."""


def find_chromium(bundled: str) -> str | None:
    """$CHROMIUM, else Playwright's own download at `bundled`, else the system's."""
    if named := os.environ.get("CHROMIUM"):
        return named
    if Path(bundled).exists():
        return bundled
    return next((found for name in _NAMES if (found := shutil.which(name))), None)


@dataclass  # without slots: Playwright keeps its wrappers of bound methods on the object
class ConsoleGuard:
    """Collects console errors and uncaught exceptions of every page; a test that leaves one fails."""

    faults: list[str] = field(default_factory=list)
    _allowed: list[str] = field(default_factory=list)

    def allow(self, text: str) -> None:
        """Accept errors that contain `text`: for tests that provoke one ("status of 422") on purpose."""
        self._allowed.append(text)

    def watch(self, context: BrowserContext) -> None:
        context.on("console", self._console)
        context.on("weberror", self._weberror)

    def unexpected(self) -> list[str]:
        return [fault for fault in self.faults if not any(text in fault for text in self._allowed)]

    def _console(self, message: ConsoleMessage) -> None:
        if message.type == "error":
            self.faults.append(f"{message.text} ({message.location['url']})")

    def _weberror(self, error: WebError) -> None:
        self.faults.append(f"uncaught: {error.error}")
