"""The README is true: its code runs, its commands exist, its addresses answer."""

from __future__ import annotations

import re
import shlex
from pathlib import Path
from typing import Any

import pytest
from click.testing import CliRunner
from starlette.testclient import TestClient

from overseer_payment.cli.payment import payment

ROOT = Path(__file__).parents[1]
README = (ROOT / "README.md").read_text()
INSTALLED = re.compile(r"# (?P<module>\w+)\.py\n.*install\(app", re.DOTALL)
BLOCKS = re.findall(r"^```(\w+)\n(.*?)^```", README, re.MULTILINE | re.DOTALL)
PYTHON = [code for language, code in BLOCKS if language == "python"]
COMMANDS = [
    line.removeprefix("$ ")
    for language, text in BLOCKS
    if language == "console"
    for line in text.splitlines()
    if line.startswith("$ ")
]


@pytest.fixture
def namespace(empty_sqlite_url: str, monkeypatch: pytest.MonkeyPatch) -> dict[str, Any]:
    """What the application block defines, run as it stands."""
    monkeypatch.setenv("OVERSEER_DATABASE_URL", empty_sqlite_url)
    (block,) = [code for code in PYTHON if "install(app" in code]
    found: dict[str, Any] = {"__name__": "readme"}
    exec(compile(block, "README.md", "exec"), found)
    return found


def test_the_application_block_works(namespace: dict[str, Any]) -> None:
    """Pasted into a file, it is an application with payments: strangers are kept out, the rest answers."""
    with TestClient(namespace["app"]) as client:
        assert client.get("/api/v1/payment/status").status_code == 401
        assert client.get("/api/v1/payment/openapi.json").status_code == 200
        assert client.post("/api/v1/payment/webhook", content=b"{}").status_code == 503


def test_the_application_block_lets_its_admin_in(namespace: dict[str, Any]) -> None:
    """The address that the README names leads through the sign-in to the dashboard, as in a browser."""
    (opened,) = re.findall(r"^Open `http://127\.0\.0\.1:8000(/\S+)`", README, re.MULTILINE)
    with TestClient(namespace["app"]) as browser:
        page = browser.get(opened, headers={"accept": "text/html"})
        assert (page.status_code, page.url.path) == (200, opened)
        assert [answer.url.path for answer in page.history] == [opened, "/sign-in"]
        status = browser.get("/api/v1/payment/status").json()
    assert status["total_transactions"] == 0


def test_the_application_block_is_the_one_that_is_started() -> None:
    """`uvicorn` is given the file and the variable that the block before it makes, and is installed first."""
    (module,) = [found["module"] for code in PYTHON if (found := INSTALLED.match(code))]
    assert f"uvicorn {module}:app" in COMMANDS
    (installing,) = [command for command in COMMANDS if command.startswith("pip install")]
    assert installing.split()[-2:] == ["fastapi", "uvicorn"]


@pytest.mark.parametrize("code", [code for code in PYTHON if "install(app" not in code])
def test_the_other_blocks_run(code: str) -> None:
    """Every other piece of Python runs as it stands."""
    exec(compile(code, "README.md", "exec"), {"__name__": "readme"})


@pytest.mark.parametrize(
    "command", [command for command in COMMANDS if command.startswith("overseer payment")]
)
def test_each_command_exists(command: str) -> None:
    """Every command of the README is known, with its options: asked for its help it explains them."""
    words = shlex.split(command)[2:]
    names = [word for word in words if re.fullmatch(r"[a-z-]+", word) and not word.startswith("-")]
    options = [word for word in words if word.startswith("--")]
    path = names[: 2 if names[0] == "db" else 1]
    shown = CliRunner().invoke(payment, [*path, "--help"])
    assert shown.exit_code == 0, shown.output
    for option in options:
        assert option in shown.output


@pytest.mark.parametrize("command", [command for command in COMMANDS if command.startswith("make")])
def test_each_target_exists(command: str) -> None:
    """Every `make` target of the README is one of the Makefile's."""
    target = command.split()[1]
    assert re.search(rf"^{target}:", (ROOT / "Makefile").read_text(), re.MULTILINE)


def test_it_names_every_promise_of_the_first_minutes() -> None:
    """A newcomer finds how to see it, how to install it, how to go live, and what to install beforehand."""
    for heading in ("## See it", "## Put it into your application", "## Go live", "## Read on"):
        assert heading in README
    assert "apt-get install make python3 python3-venv chromium" in README
