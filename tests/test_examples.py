"""A stranger's provider, in a distribution of its own, works wherever this package's wheel is installed."""

from __future__ import annotations

import hashlib
import hmac
import importlib.util
import json
import sys
import time
import zipfile
from collections.abc import Iterator
from pathlib import Path
from types import ModuleType
from typing import Any

import httpx
import pytest

from tests.support.installed import Installed, build_wheel, run
from tests.support.server import free_port, running, serving

ROOT = Path(__file__).parents[1]
EXAMPLES = ROOT / "examples"
SECRET = "acme_whs_5d21f0"

pytestmark = pytest.mark.slow


@pytest.fixture(scope="module")
def wheels(tmp_path_factory: pytest.TempPathFactory) -> dict[str, Path]:
    """The wheels of this package and of both examples, by project folder."""
    into = tmp_path_factory.mktemp("wheels")
    return {
        path.name: build_wheel(path, into) for path in (ROOT, EXAMPLES / "acmepay", EXAMPLES / "brokenpay")
    }


@pytest.fixture(scope="module")
def installed(wheels: dict[str, Path], tmp_path_factory: pytest.TempPathFactory) -> Installed:
    """A new environment with all three wheels."""
    return Installed.create(tmp_path_factory.mktemp("environment"), list(wheels.values()))


@pytest.fixture(scope="module")
def acme_api() -> ModuleType:
    """The example's own model of Acme's API."""
    path = EXAMPLES / "acmepay" / "tests" / "acme_api.py"
    spec = importlib.util.spec_from_file_location("example_acme_api", path)
    assert spec
    assert spec.loader
    module = importlib.util.module_from_spec(spec)
    sys.modules[spec.name] = module  # its dataclass looks itself up there while it is made
    spec.loader.exec_module(module)
    return module


@pytest.fixture
def acme(acme_api: ModuleType) -> Any:
    return acme_api.Acme()


@pytest.fixture
def environ(acme: Any, acme_api: ModuleType, tmp_path: Path) -> Iterator[dict[str, str]]:
    """A complete configuration for Acme Pay, whose API is served on this machine meanwhile."""
    with serving(acme.app) as url:
        yield {
            "ACMEPAY_API_KEY": acme_api.KEY,
            "ACMEPAY_WEBHOOK_SECRET": SECRET,
            "ACMEPAY_API_BASE": url,
            "OVERSEER_DATABASE_URL": f"sqlite+aiosqlite:///{tmp_path / 'shop.db'}",
        }


def _states(installed: Installed, cwd: Path, env: dict[str, str]) -> dict[str, dict[str, Any]]:
    done = run([installed.overseer, "payment", "providers", "--json"], cwd=cwd, env=env)
    return {row["key"]: row for row in json.loads(done.stdout)["providers"]}


def test_the_wheel_holds_what_it_needs(wheels: dict[str, Path]) -> None:
    """Templates, styles, migrations and the typing marker are in the wheel; tests and examples are not."""
    names = zipfile.ZipFile(wheels[ROOT.name]).namelist()
    for wanted in (".html", ".css", "versions/", "py.typed"):
        assert any(wanted in name for name in names), wanted
    assert all(name.startswith("overseer_payment") for name in names)


def test_the_installed_package_is_the_wheel(installed: Installed, tmp_path: Path) -> None:
    """What the new environment imports is the wheel's copy, not this checkout."""
    shown = run([installed.python, "-c", "import overseer_payment as p; print(p.__file__)"], cwd=tmp_path)
    assert Path(shown.stdout.strip()).is_relative_to(installed.path)


def test_a_strangers_provider_is_listed(
    installed: Installed, environ: dict[str, str], tmp_path: Path
) -> None:
    """Installed and configured it is ready, with its distribution, version and capabilities."""
    row = _states(installed, tmp_path, environ)["acmepay"]
    assert (row["state"], row["error"]) == ("ready", None)
    assert (row["distribution"], row["version"], row["api_version"]) == ("overseer-acmepay", "1.0.0", "3")
    assert row["capabilities"] == ["checkout_payment", "partial_refund", "refund"]


def test_an_unconfigured_provider_says_so(installed: Installed, tmp_path: Path) -> None:
    """Without its settings it is listed as not configured, which is no error."""
    row = _states(installed, tmp_path, {})["acmepay"]
    assert (row["state"], row["error"]) == ("not_configured", None)


def test_a_broken_provider_costs_only_itself(
    installed: Installed, environ: dict[str, str], tmp_path: Path
) -> None:
    """It is listed as broken with what went wrong; the others are untouched."""
    states = _states(installed, tmp_path, environ)
    assert states["brokenpay"]["state"] == "broken"
    assert "no_such_payment_sdk" in states["brokenpay"]["error"]
    assert states["acmepay"]["state"] == "ready"
    assert states["stripe"]["state"] == "not_configured"


def test_a_broken_provider_can_be_switched_off(installed: Installed, tmp_path: Path) -> None:
    """Named in OVERSEER_DISABLE_PLUGINS it is blocked, and not even imported."""
    states = _states(installed, tmp_path, {"OVERSEER_DISABLE_PLUGINS": "overseer-brokenpay"})
    assert states["brokenpay"]["state"] == "blocked"


def test_the_strangers_own_tests_pass(installed: Installed, tmp_path: Path) -> None:
    """The example's conformance run, as its author would start it, is green."""
    options = ["-m", "pytest", "-q", "-p", "no:cacheprovider", "-W", "error"]
    command: list[str | Path] = [installed.python, *options, f"--basetemp={tmp_path / 'run'}"]
    done = run(command, cwd=EXAMPLES / "acmepay")
    assert " passed" in done.stdout
    assert "failed" not in done.stdout


def test_a_checkout_goes_through_the_strangers_provider(
    installed: Installed, environ: dict[str, str], tmp_path: Path
) -> None:
    """`payment checkout` opens a session at Acme and prints the page to send the buyer to."""
    order = ["payment", "checkout", "--price", "tea", "--provider", "acmepay", "--json"]
    made = json.loads(run([installed.overseer, *order], cwd=tmp_path, env=environ).stdout)
    assert made["checkout_url"] == f"https://pay.acmepay.example/{made['session_id']}"


def test_a_payment_of_the_strangers_provider_is_recorded(
    installed: Installed, environ: dict[str, str], acme: Any, tmp_path: Path
) -> None:
    """A signed webhook of Acme's ends as a transaction with the right sum, and it can be refunded."""
    port, token = free_port(), "a-token-for-this-test-only"
    url = f"http://127.0.0.1:{port}"
    serve = ["serve", "--port", str(port)]
    env = {**environ, "OVERSEER_TOKEN": token}
    with (
        running([installed.overseer, *serve], url=url, log=tmp_path / "log", env=env, cwd=tmp_path),
        httpx.Client(base_url=f"{url}/api/v1/payment", headers={"authorization": f"Bearer {token}"}) as api,
    ):
        payment = acme.pay(1250, "usd")
        assert _deliver(api, "payment.succeeded", payment).status_code == 200
        row = _eventually(lambda: _found(api, payment))
        assert (row["amount"], row["currency"], row["status"]) == (1250, "usd", "succeeded")
        refund = api.post(f"/refund/{row['id']}", json={"amount": 250})
        assert refund.status_code == 200, refund.text
        assert _found(api, payment)["amount_refunded"] == 250
        assert [refund["amount"] for refund in acme.objects[payment]["refunds"]] == [250]


def _deliver(api: httpx.Client, type: str, object: str) -> httpx.Response:
    now = int(time.time())
    event = {"id": f"evt_{object}", "type": type, "created": now, "live": False, "object": object}
    body, stamp = json.dumps(event).encode(), str(now)
    digest = hmac.new(SECRET.encode(), stamp.encode() + b"." + body, hashlib.sha256).hexdigest()
    return api.post("/webhook/acmepay", content=body, headers={"acme-signature": f"{stamp}.{digest}"})


def _found(api: httpx.Client, payment: str) -> dict[str, Any]:
    rows = api.get("/transactions").raise_for_status().json()["transactions"]
    return next((row for row in rows if row["provider_transaction_id"] == payment), {})


def _eventually(ask: Any, seconds: float = 20) -> Any:
    """The first answer that isn't empty. The inbox is applied in the background, after the 200."""
    deadline = time.monotonic() + seconds
    while not (answer := ask()):
        assert time.monotonic() < deadline, "it never came"
        time.sleep(0.05)
    return answer
