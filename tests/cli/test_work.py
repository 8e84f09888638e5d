"""`payment work` as a process: it drains, it says how things stand, and it ends when it is told to."""

from __future__ import annotations

import json
import os
import pty
import select
import signal
import time
from collections.abc import Iterator
from pathlib import Path

import pytest

from overseer_payment.simulator import scenario
from tests.e2e.site import Site, opened

_SECONDS = 30.0


@pytest.fixture
def site(sqlite_url: str, tmp_path: Path) -> Iterator[Site]:
    """A business with one payment that waits in the inbox."""
    with opened(sqlite_url, tmp_path) as site:
        scenario.charge_directly(site.world, 1000)
        site.settle(applying=False)
        yield site


def test_once_does_what_is_due_and_ends(site: Site) -> None:
    """Everything is applied when it ends; --json is the status."""
    view = json.loads(site.run("work", "--once", "--json"))
    assert (view["pending_events"], view["lag_seconds"], view["total_transactions"]) == (0, 0, 1)
    assert "0 pending" in site.run("work", "--once")


def test_without_a_provider_there_is_nothing_to_do(site: Site) -> None:
    """Exit code 1 and one line that names the setting."""
    site.world.secret_key = ""
    [(code, out, err)] = site.at_once(("work", "--once"))
    assert (code, out) == (1, "")
    assert "STRIPE_SECRET_KEY" in err
    assert err.count("\n") == 1


@pytest.mark.slow
@pytest.mark.parametrize("name", [signal.SIGINT, signal.SIGTERM])
def test_on_a_terminal_it_tells_how_things_stand(site: Site, name: signal.Signals) -> None:
    """A line at once and one at the end; a signal ends it with 0 and without a traceback."""
    main, other = pty.openpty()
    try:
        process = site.begin("work", stdout=other)
        os.close(other)
        _until(main, "pending")
        site.until_applied(len(site.world.events))
        process.send_signal(name)
        said = _until(main, None)
        _, errors = process.communicate(timeout=_SECONDS)
    finally:
        os.close(main)
        process.kill()
        process.wait()
    assert process.returncode == 0, errors
    assert "0 pending" in said
    assert "Traceback" not in errors


def _until(terminal: int, text: str | None) -> str:
    """What is shown until `text` is (None: until the other side is closed)."""
    shown, end = "", time.monotonic() + _SECONDS
    while time.monotonic() < end and (text is None or text not in shown):
        if select.select([terminal], [], [], 0.1)[0]:
            try:
                shown += os.read(terminal, 4096).decode()
            except OSError:  # Linux: the other side is closed
                break
    assert text is None or text in shown
    return shown


def test_nobody_watching_is_told_once(site: Site) -> None:
    """A log learns that it has begun; there is no line every half minute, and the end is quiet."""
    process = site.begin("work")
    try:
        site.until_applied(len(site.world.events))
        process.send_signal(signal.SIGTERM)
        out, errors = process.communicate(timeout=_SECONDS)
    finally:
        process.kill()
        process.wait()
    assert (process.returncode, out) == (0, "")
    assert errors.startswith("Working.")
    assert errors.count("\n") == 1
