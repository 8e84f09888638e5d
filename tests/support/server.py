"""Real servers on free loopback ports: an ASGI application in a thread, a command in a process."""

from __future__ import annotations

import signal
import socket
import subprocess
import threading
import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import closing, contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Literal
from urllib.error import HTTPError, URLError
from urllib.parse import urlsplit
from urllib.request import urlopen

import uvicorn

from tests.support.environment import clean_environment

START_SECONDS = 30
STOP_SECONDS = 15


def free_port() -> int:
    """A loopback port that nothing listens on at this moment."""
    with closing(socket.socket()) as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])


@contextmanager
def serving(app: Any, *, lifespan: Literal["auto", "on", "off"] = "auto") -> Iterator[str]:
    """Serve an ASGI application from a thread of this process. Yields its base URL, without a slash."""
    config = uvicorn.Config(app, log_level="warning", lifespan=lifespan, timeout_graceful_shutdown=5)
    server = uvicorn.Server(config)
    # Bound here, so the port can't be lost to somebody else between choosing and listening.
    with closing(socket.socket()) as listener:
        listener.bind(("127.0.0.1", 0))
        thread = threading.Thread(target=server.run, kwargs={"sockets": [listener]}, daemon=True)
        thread.start()
        try:
            _until(lambda: server.started, thread.is_alive, "The application did not start.")
            yield f"http://127.0.0.1:{listener.getsockname()[1]}"
        finally:
            server.should_exit = True
            thread.join(STOP_SECONDS)
    if thread.is_alive():
        raise TimeoutError("The application did not stop.")


@dataclass(frozen=True, slots=True)
class Running:
    """A command that answers HTTP at `url`. What it has printed so far is in `log`."""

    process: subprocess.Popen[bytes]
    url: str
    log: Path

    @property
    def pid(self) -> int:
        return self.process.pid

    def output(self) -> str:
        """Standard output and standard error, in the order they were written."""
        return self.log.read_text(errors="replace")

    def kill(self) -> None:
        """End it as a power cut would: no handler of its own runs."""
        self.process.kill()
        self.process.wait(STOP_SECONDS)


@contextmanager
def running(
    command: Sequence[str | Path],
    *,
    url: str,
    log: Path,
    env: Mapping[str, str] | None = None,
    cwd: Path | None = None,
    start_seconds: float = START_SECONDS,
) -> Iterator[Running]:
    """Run a command until the block ends; yields once `url` answers anything at all.

    `env` comes on top of a scrubbed environment. The command is ended with SIGTERM by its own pid.
    """
    with log.open("wb") as output:
        process = subprocess.Popen(
            list(command), cwd=cwd, env=clean_environment(env), stdout=output, stderr=subprocess.STDOUT
        )
    started = Running(process, url, log)
    try:
        try:
            _until(
                lambda: answers(url), lambda: process.poll() is None, f"{url} did not answer.", start_seconds
            )
        except (RuntimeError, TimeoutError) as error:
            raise RuntimeError(f"{error} The command printed:\n{started.output()}") from None
        yield started
    finally:
        _end(process)


def answers(url: str) -> bool:
    """Does an HTTP server answer there, with whatever status?"""
    if urlsplit(url).hostname not in {"127.0.0.1", "localhost"}:
        raise ValueError(f"Tests talk to this machine only, not to {url}")
    try:
        with urlopen(url, timeout=2):
            return True
    except HTTPError as error:
        error.close()
        return True
    except (URLError, ConnectionError, TimeoutError):
        return False


def _until(
    done: Callable[[], bool], alive: Callable[[], bool], complaint: str, seconds: float = START_SECONDS
) -> None:
    deadline = time.monotonic() + seconds
    while not done():
        if not alive():
            raise RuntimeError(f"{complaint} It has ended.")
        if time.monotonic() > deadline:
            raise TimeoutError(f"{complaint} Waited {seconds} s.")
        time.sleep(0.02)


def _end(process: subprocess.Popen[bytes]) -> None:
    if process.poll() is None:
        process.send_signal(signal.SIGTERM)
    try:
        process.wait(STOP_SECONDS)
    except subprocess.TimeoutExpired:
        process.kill()
        process.wait()
