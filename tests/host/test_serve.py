"""`overseer serve` as people and service managers meet it: a process."""

from __future__ import annotations

import re
import signal
import socket
import subprocess
import sys
import threading
import time
from collections.abc import Callable, Iterator
from pathlib import Path

import httpx
import pytest

from overseer_payment.host.listening import is_exposed, listen, url_of
from tests.host.conftest import HEAD
from tests.support.distributions import installer
from tests.support.environment import clean_environment

SECONDS = 30

SLOW = (
    HEAD
    + """
import asyncio
from starlette.responses import PlainTextResponse
from starlette.routing import Route

@hookimpl
def register_public_routes(host):
    async def slow(request):
        open(host.config["STARTED"], "w").close()
        await asyncio.sleep(0.7)
        return PlainTextResponse("done")
    return [Route("/slow", slow)]

@hookimpl
def prepare_demo(config):
    if "FORBID_DEMO" in config:
        from overseer_payment.errors import ConfigurationError
        raise ConfigurationError("Not with a live key.")
    return {"DEMO_WORD": "spring"}

@hookimpl
def demo_routes(host):
    async def word(request):
        return PlainTextResponse(host.config["DEMO_WORD"])
    return [Route("/word", word)]

@hookimpl
async def demo_ready(host):
    import httpx
    async with httpx.AsyncClient(trust_env=False) as client:
        answer = await client.get(host.config["OVERSEER_PUBLIC_URL"] + "/word")
    open(host.config["STARTED"], "w").write(answer.text)
"""
)


class Server:
    """A running `overseer serve`."""

    def __init__(self, arguments: list[str], environ: dict[str, str], folder: Path) -> None:
        self.process = subprocess.Popen(
            [sys.executable, "-c", "from overseer_payment.cli import main; main()", "serve", *arguments],
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            text=True,
            env=environ,
            cwd=folder,
        )

    def banner(self) -> str:
        """What is printed once requests are answered."""
        assert self.process.stdout is not None
        lines: list[str] = []
        for line in self.process.stdout:
            lines.append(line)
            if "Ctrl-C" in line:
                return "".join(lines)
        raise AssertionError(f"ended with {self.process.wait(SECONDS)}: {self.errors()}")

    def errors(self) -> str:
        assert self.process.stderr is not None
        return self.process.stderr.read()

    def stop(self, sig: int = signal.SIGTERM) -> int:
        self.process.send_signal(sig)
        return self.process.wait(SECONDS)


Start = Callable[..., Server]


@pytest.fixture
def start(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Start]:
    """Starts servers that know one plugin, and ends those that a test leaves."""
    folder = tmp_path / "site-packages"
    folder.mkdir()
    installer(folder, monkeypatch, group="overseer.plugins")("slow-coach", SLOW)
    servers: list[Server] = []

    def start(*arguments: str, port: str = "0", **extra: str) -> Server:
        environ = clean_environment(
            {
                "OVERSEER_DISABLE_PLUGINS": "payment",
                "PYTHONPATH": str(folder),
                "STARTED": str(tmp_path / "started"),
                **extra,
            }
        )
        servers.append(Server(["--port", port, *arguments], environ, tmp_path))
        return servers[-1]

    yield start
    for server in servers:
        if server.process.poll() is None:
            server.process.kill()
            server.process.wait(SECONDS)
        for stream in (server.process.stdout, server.process.stderr):
            if stream is not None:
                stream.close()


def address(banner: str) -> str:
    found = re.search(r"http://\S+", banner)
    assert found is not None, banner
    return found[0]


def get(url: str) -> httpx.Response:
    return httpx.get(url, timeout=SECONDS, trust_env=False)


@pytest.mark.parametrize("sig", [signal.SIGTERM, signal.SIGINT])
@pytest.mark.parametrize("arguments", [[], ["--workers", "2"]])
def test_being_told_to_stop_is_no_failure(start: Start, sig: int, arguments: list[str]) -> None:
    """It says where it is, answers, and ends with exit code 0 on SIGTERM and Ctrl-C."""
    server = start(*arguments)
    banner = server.banner()

    assert get(address(banner).split("/login")[0] + "/healthz").status_code == 200
    assert (server.stop(sig), server.errors()) == (0, "")


def test_printed_link_signs_in(start: Start) -> None:
    """Without OVERSEER_TOKEN one is made up, printed, and part of the printed link, which signs in."""
    banner = start().banner()
    token = re.search(r"Token\s+(\S+)", banner)
    assert token is not None

    with httpx.Client(trust_env=False, follow_redirects=True, timeout=SECONDS) as browser:
        response = browser.get(address(banner))

    assert address(banner).endswith(token[1])
    assert len(token[1]) >= 32
    assert "Dashboard" in response.text
    assert token[1] not in str(response.url)


def test_chosen_token_is_not_printed(start: Start) -> None:
    """A token that the operator chose stands in no output; it works."""
    server = start(OVERSEER_TOKEN="chosen-by-the-operator")
    base = address(server.banner()).removesuffix("/login")

    headers = {"authorization": "Bearer chosen-by-the-operator"}
    assert httpx.get(base, headers=headers, trust_env=False, timeout=SECONDS).status_code == 200
    get(f"{base}/login?token=chosen-by-the-operator")
    server.stop()
    assert "chosen" not in server.errors()


@pytest.mark.parametrize(("trusted", "status"), [({}, 429), ({"FORWARDED_ALLOW_IPS": "127.0.0.1"}, 401)])
def test_only_named_proxies_are_believed(start: Start, trusted: dict[str, str], status: int) -> None:
    """X-Forwarded-For makes a new client only where FORWARDED_ALLOW_IPS names who sent it."""
    server = start(OVERSEER_TOKEN="chosen", **trusted)
    base = address(server.banner()).removesuffix("/login")
    answers = []
    with httpx.Client(base_url=base, trust_env=False, timeout=SECONDS) as client:
        for n in range(11):
            headers = {"authorization": "Bearer guess", "x-forwarded-for": f"192.0.2.{n}"}
            answers.append(client.get("/", headers=headers).status_code)

    assert answers == [401] * 10 + [status]


def test_request_under_way_is_finished(start: Start, tmp_path: Path) -> None:
    """A request that is being answered when the stop comes is answered."""
    server = start()
    base = address(server.banner()).split("/login")[0]
    answers: list[str] = []
    asking = threading.Thread(target=lambda: answers.append(get(f"{base}/slow").text))
    asking.start()
    end = time.monotonic() + SECONDS
    while not (tmp_path / "started").exists() and time.monotonic() < end:
        time.sleep(0.01)

    assert server.stop() == 0
    asking.join(SECONDS)
    assert answers == ["done"]


def test_port_in_use_is_one_line(start: Start) -> None:
    """A port that is taken ends with exit code 1 and one line that says what to do."""
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))
        taken.listen()
        port = str(taken.getsockname()[1])
        server = start(port=port)

        assert server.process.wait(SECONDS) == 1
        [line] = server.errors().strip().splitlines()
        assert f"127.0.0.1:{port}" in line
        assert "--port" in line


@pytest.mark.parametrize(
    ("variable", "value", "part"),
    [
        ("OVERSEER_DATABASE_URL", "nonsense://user:secret@x", "OVERSEER_DATABASE_URL"),
        ("OVERSEER_PUBLIC_URL", "pay.example", "OVERSEER_PUBLIC_URL"),
    ],
)
def test_wrong_setting_is_one_line(start: Start, variable: str, value: str, part: str) -> None:
    """A setting that can't be used ends with exit code 1 and one line that names it, without secrets."""
    server = start(**{variable: value})

    assert server.process.wait(SECONDS) == 1
    [line] = server.errors().strip().splitlines()
    assert part in line
    assert "secret" not in line


def test_outdated_server_schema_is_one_line(start: Start, empty_postgres_url: str) -> None:
    """A server without our tables is refused with exit code 1 and the command that makes them."""
    server = start(OVERSEER_DISABLE_PLUGINS="", OVERSEER_DATABASE_URL=empty_postgres_url)

    assert server.process.wait(SECONDS) == 1
    [line] = server.errors().strip().splitlines()
    assert "payment db upgrade" in line


def test_unreachable_database_is_one_line(start: Start) -> None:
    """A database that doesn't answer is told in one line, without its password."""
    url = "postgresql+psycopg://user:secret@127.0.0.1:1/nothing"
    server = start(OVERSEER_DISABLE_PLUGINS="", OVERSEER_DATABASE_URL=url)

    assert server.process.wait(SECONDS) == 1
    [line] = server.errors().strip().splitlines()
    assert "can't be reached" in line
    assert "secret" not in line


def test_demo_is_filled_before_it_is_announced(start: Start, tmp_path: Path) -> None:
    """A demo's plugins change the settings, add routes, and talk to the server before the link is printed."""
    banner = start("--demo").banner()

    assert "login?token=" in banner
    assert (tmp_path / "started").read_text() == "spring"


def test_demo_does_not_print_a_chosen_token(start: Start) -> None:
    """A demo's link holds no token that the operator chose either."""
    banner = start("--demo", OVERSEER_TOKEN="chosen-by-the-operator").banner()

    assert address(banner).endswith("/login")
    assert "chosen" not in banner


def test_demo_that_a_plugin_forbids_does_not_start(start: Start) -> None:
    """A plugin that refuses the settings for a demo stops it, with its own sentence."""
    server = start("--demo", FORBID_DEMO="1")

    assert server.process.wait(SECONDS) == 1
    assert "Not with a live key." in server.errors()


def test_demo_lives_in_one_process(start: Start) -> None:
    """--demo with --workers is wrong usage."""
    assert start("--demo", "--workers", "2").process.wait(SECONDS) == 2


def test_open_door_is_warned_about(start: Start) -> None:
    """Listening for other machines without https is possible, and warned about."""
    server = start("--host", "0.0.0.0")
    server.banner()
    server.stop()

    assert "without https" in server.errors()


@pytest.mark.parametrize(
    ("bind", "url", "exposed"),
    [
        ("127.0.0.1", "http://127.0.0.1:8000", False),
        ("localhost", "", False),
        ("::1", "", False),
        ("0.0.0.0", "", True),
        ("192.168.1.5", "http://192.168.1.5", True),
        ("0.0.0.0", "https://pay.example", False),
        ("db.internal", "", True),
    ],
)
def test_what_counts_as_exposed(bind: str, url: str, exposed: bool) -> None:
    """Loopback is safe, and so is any address whose public side is https."""
    assert exposed is is_exposed(bind, url)


def test_any_address_is_reached_by_loopback() -> None:
    """Who listens on all addresses is told one that works."""
    with listen("0.0.0.0", 0) as sock:
        assert f"http://127.0.0.1:{sock.getsockname()[1]}" == url_of(sock)
