"""What browser tests stand on: errors in the console are noticed."""

from __future__ import annotations

from typing import TYPE_CHECKING

from tests.support.browser import ConsoleGuard

if TYPE_CHECKING:
    from playwright.sync_api import Page


def test_errors_in_the_console_are_noticed(page: Page, console: ConsoleGuard) -> None:
    """Logged errors and uncaught exceptions are collected; what a test allows doesn't fail it."""
    console.allow("on purpose")
    page.goto(
        "data:text/html,<script>console.error('logged on purpose'); throw Error('thrown on purpose')</script>"
    )
    page.wait_for_function("document.readyState === 'complete'")
    assert len(console.faults) == 2
    assert not console.unexpected()
    console.allow("nothing like it")
    console.faults.append("a surprise")
    assert console.unexpected() == ["a surprise"]
    console.faults.clear()
