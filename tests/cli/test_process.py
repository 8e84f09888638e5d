"""Commands as processes: what is imported, real exit codes, real terminals, real signals."""

from __future__ import annotations

import json
import os
import pty
import select
import signal
import subprocess
import sys
import time
from collections.abc import Callable, Iterator, Mapping
from contextlib import suppress
from pathlib import Path

import pytest
from click.testing import CliRunner

from overseer_payment.cli.payment import payment

ROOT = Path(__file__).resolve().parents[2]
PROGRAM = [sys.executable, "-m", "tests.cli.fake_payments"]
DEADLINE = 20.0  # seconds; a hanging command fails its test instead of the run


def run(*words: str, **environ: str) -> subprocess.CompletedProcess[str]:
    """The fake command line in a process of its own."""
    return subprocess.run(
        [*PROGRAM, *words],
        cwd=ROOT,
        env={**os.environ, **environ},
        capture_output=True,
        text=True,
        timeout=DEADLINE,
    )


class Screen:
    """A command on a terminal of its own, for questions and signals."""

    def __init__(self, *words: str, environ: Mapping[str, str] | None = None) -> None:
        self._main, other = pty.openpty()
        env = {**os.environ, "TERM": "xterm", "COLUMNS": "100", **(environ or {})}
        self._process = subprocess.Popen(
            [*PROGRAM, *words],
            cwd=ROOT,
            env=env,
            stdin=other,
            stdout=other,
            stderr=other,
            start_new_session=True,
        )
        os.close(other)
        self.text = ""

    def read_until(self, text: str | None) -> str:
        """Everything shown so far, once `text` is (None: once the command ended)."""
        end = time.monotonic() + DEADLINE
        while (text is None or text not in self.text) and time.monotonic() < end:
            if select.select([self._main], [], [], 0.1)[0]:
                try:
                    self.text += os.read(self._main, 4096).decode()
                except OSError:  # Linux: the other side is closed
                    break
        assert text is None or text in self.text
        return self.text

    def type(self, keys: str) -> None:
        os.write(self._main, keys.encode())

    def interrupt(self) -> None:
        """Ctrl-C. Once more if need be: a blocking read notices only a signal that arrives while it reads."""
        for _ in range(5):
            self._process.send_signal(signal.SIGINT)
            with suppress(subprocess.TimeoutExpired):
                self._process.wait(2)
                return

    def end(self) -> int:
        """The exit code, once the command has ended."""
        self.read_until(None)
        return self._process.wait(DEADLINE)

    def close(self) -> None:
        """Leave nothing running, whatever the test came to."""
        os.close(self._main)
        if self._process.poll() is None:
            self._process.kill()
            self._process.wait(DEADLINE)


OpenScreen = Callable[..., Screen]


@pytest.fixture
def screen() -> Iterator[OpenScreen]:
    """Opens commands on terminals, and closes them after the test."""
    opened: list[Screen] = []

    def open_screen(*words: str, **environ: str) -> Screen:
        opened.append(Screen(*words, environ=environ))
        return opened[-1]

    yield open_screen
    for one in opened:
        one.close()


@pytest.mark.parametrize("command", [name for name in payment.lazy if name != "db"])
def test_short_help_fits_the_command(command: str) -> None:
    """The text in the group's list and the command's own help both are there."""
    text = CliRunner().invoke(payment, [command, "--help"]).output
    assert "\n\n  " in text
    assert "--help" in text


def test_an_error_is_one_line_and_1() -> None:
    """What a script sees when the provider is away."""
    result = run("status", FAKE_FAILURE="unavailable")
    assert (result.returncode, result.stdout) == (1, "")
    assert result.stderr == "error: Stripe can't be reached. Try again in 5 s.\n"


def test_wrong_usage_is_2() -> None:
    """What a script sees when it was mistyped."""
    result = run("transactions", "--limit", "nonsense")
    assert (result.returncode, result.stdout) == (2, "")


def test_a_fault_shows_its_traceback_on_request_only() -> None:
    """Without OVERSEER_DEBUG one line, with it the traceback."""
    assert "Traceback" not in run("status", FAKE_FAILURE="bug").stderr
    shown = run("status", FAKE_FAILURE="bug", OVERSEER_DEBUG="1")
    assert shown.returncode == 1
    assert "Traceback" in shown.stderr


def test_a_closed_pipe_is_quiet() -> None:
    """`payment transactions | head -1` leaves no complaint behind."""
    process = subprocess.Popen(
        [*PROGRAM, "transactions"], cwd=ROOT, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True
    )
    assert process.stdout is not None
    process.stdout.close()
    assert process.stderr is not None
    with process.stderr:
        assert process.stderr.read() == ""
    assert process.wait(DEADLINE) == 1


def test_json_survives_a_pipe_of_another_encoding() -> None:
    """`LC_ALL=C` and a pipe: valid JSON, every character kept."""
    result = run("transactions", "--json", PYTHONIOENCODING="ascii")
    assert result.returncode == 0
    assert "山田太郎" in json.loads(result.stdout)["transactions"][1]["customer_email"]


def test_a_terminal_shows_colour_and_a_pipe_none(screen: OpenScreen) -> None:
    """Colour belongs to people."""
    shown = screen("transactions", COLUMNS="80")
    assert shown.end() == 0
    assert "\x1b[32m" in shown.text
    assert "\x1b" not in run("transactions").stdout


def test_no_color_is_honoured_on_a_terminal(screen: OpenScreen) -> None:
    """NO_COLOR leaves no escape sequence, on stdout and in errors."""
    shown = screen("transactions", NO_COLOR="1")
    assert shown.end() == 0
    failed = screen("status", NO_COLOR="1", FAKE_FAILURE="database")
    assert failed.end() == 1
    assert "\x1b" not in shown.text + failed.text
    assert "error: The database can't be reached." in failed.text


def test_a_refund_is_asked_for_with_its_exact_sum(screen: OpenScreen) -> None:
    """Everything that remains is named before it is given back, and yes gives it back."""
    shown = screen("refund", "410")
    question = shown.read_until("[y/N]")
    assert (
        "Refund 10.00 USD of 15.00 USD (payment 410, Ada Lovelace <ada@example.com>, test mode)?" in question
    )
    shown.type("y\n")
    assert shown.end() == 0
    assert "Refund 500 of payment 410" in shown.text
    assert "10.00 USD" in shown.text.split("Refund 500")[1], (
        "the sum that was agreed to is the sum that is sent"
    )


def test_no_gives_nothing_back(screen: OpenScreen) -> None:
    """The answer "no" ends with 1."""
    shown = screen("refund", "410", "--amount", "5")
    assert "Refund 5.00 USD of 15.00 USD" in shown.read_until("[y/N]")
    shown.type("\n")
    assert shown.end() == 1
    assert "Nothing was refunded." in shown.text


def test_yes_asks_nothing(screen: OpenScreen) -> None:
    """`--yes` is the answer."""
    shown = screen("refund", "410", "--yes")
    assert shown.end() == 0
    assert "[y/N]" not in shown.text


def test_live_mode_is_named_in_the_question(screen: OpenScreen) -> None:
    """Real money is said to be real."""
    shown = screen("refund", "412", FAKE_LIVE="1")
    assert "LIVE mode" in shown.read_until("[y/N]")
    shown.type("n\n")
    assert shown.end() == 1


def test_ctrl_c_at_a_question_is_quiet_and_130(screen: OpenScreen) -> None:
    """Nothing is refunded, nothing is said."""
    shown = screen("refund", "412")
    shown.read_until("[y/N]: ")
    shown.interrupt()
    assert shown.end() == 130
    assert shown.text.rstrip().endswith("[y/N]:")


def test_ctrl_c_during_work_is_quiet_and_130(screen: OpenScreen) -> None:
    """A command that waits for its answer ends at once."""
    shown = screen("status", FAKE_FAILURE="hang")
    shown.read_until("waiting")
    shown.interrupt()
    assert shown.end() == 130
    assert shown.text.strip() == "waiting"
