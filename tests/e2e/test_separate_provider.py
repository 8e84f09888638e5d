"""Everything as its own process: the provider on one port, the dashboard on another, a command line."""

from __future__ import annotations

import json
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import httpx
import pytest

from tests.support.environment import clean_environment
from tests.support.server import free_port, running

KEY, SECRET, TOKEN = "sk_test_separate", "whsec_5f0c9a7e2b", "an-operators-own-token"
_PATIENCE = 20.0


@dataclass
class Shop:
    """The running pieces and how to talk to each."""

    provider: str
    dashboard: str
    environ: dict[str, str]
    folder: Path

    def cli(self, *args: str, code: int = 0) -> str:
        """Run `overseer payment …` and answer what it printed."""
        command = [str(Path(sys.executable).parent / "overseer"), "payment", *args]
        done = subprocess.run(
            command,
            cwd=self.folder,
            env=clean_environment(self.environ),
            capture_output=True,
            text=True,
            timeout=60,
        )
        assert done.returncode == code, f"{args}: {done.stdout}\n{done.stderr}"
        return done.stdout

    def listed(self, command: str) -> list[dict[str, Any]]:
        """A list as the command line prints it."""
        found: list[dict[str, Any]] = json.loads(self.cli(command, "--json"))[command]
        return found

    def rows(self, plural: str) -> list[dict[str, Any]]:
        """The same list as REST answers it."""
        found: list[dict[str, Any]] = self.rest("GET", f"/{plural}")[plural]
        return found

    def rest(self, method: str, path: str, **kwargs: Any) -> Any:
        headers = {"Authorization": f"Bearer {TOKEN}"}
        url = f"{self.dashboard}/api/v1/payment{path}"
        answer = httpx.request(method, url, headers=headers, timeout=30, trust_env=False, **kwargs)
        assert answer.status_code == 200, answer.text
        return answer.json()

    def at_provider(self, path: str, **fields: str) -> dict[str, Any]:
        """Do something in the provider's own account."""
        answer = httpx.post(
            f"{self.provider}{path}", data=fields, headers={"Authorization": f"Bearer {KEY}"}, trust_env=False
        )
        assert answer.status_code == 200, answer.text
        done: dict[str, Any] = answer.json()
        return done

    def price(self, amount: int, **more: str) -> str:
        product = self.at_provider("/v1/products", name="Poster")["id"]
        fields = {"product": product, "currency": "usd", "unit_amount": str(amount), **more}
        return str(self.at_provider("/v1/prices", **fields)["id"])

    def pay(self, url: str, **fields: str) -> httpx.Response:
        """Send the hosted page's form, as a browser without script would."""
        filled = {"email": "ada@example.com", "name": "Ada Example", "country": "US", "postal_code": "94107"}
        return httpx.post(url, data=filled | fields, trust_env=False)

    def until(self, seen: Callable[[], bool]) -> None:
        """Wait for what travels by webhook."""
        deadline = time.monotonic() + _PATIENCE
        while not seen():
            assert time.monotonic() < deadline, self.rows("transactions")
            time.sleep(0.1)


CARD = {"kind": "card", "number": "4242424242424242", "expiry": "12 / 34", "cvc": "123"}
DECLINED = CARD | {"number": "4000000000000002"}
DEBIT = {"kind": "us_bank_account", "account": "000123456789"}


@pytest.fixture
def shop(tmp_path: Path, empty_database_url: str) -> Iterator[Shop]:
    """A provider, a migrated database and a dashboard, each started by its own command."""
    ports = free_port(), free_port()
    provider, dashboard = (f"http://127.0.0.1:{port}" for port in ports)
    environ = {
        "STRIPE_SECRET_KEY": KEY,
        "STRIPE_WEBHOOK_SECRET": SECRET,
        "STRIPE_API_BASE": provider,
        "OVERSEER_TOKEN": TOKEN,
        "OVERSEER_DATABASE_URL": empty_database_url,
        "OVERSEER_PUBLIC_URL": dashboard,
    }
    made = Shop(provider, dashboard, environ, tmp_path)
    made.cli("db", "upgrade")
    webhook = f"{dashboard}/api/v1/payment/webhook"
    simulator = [sys.executable, "-m", "overseer_payment.simulator", "--port", str(ports[0])]
    simulator += ["--key", KEY, "--webhook", webhook, "--secret", SECRET]
    serve = [str(Path(sys.executable).parent / "overseer"), "serve", "--port", str(ports[1])]
    with (
        running(simulator, url=f"{provider}/_sim/", log=tmp_path / "provider.log"),
        running(serve, url=f"{dashboard}/healthz", log=tmp_path / "serve.log", env=environ, cwd=tmp_path),
    ):
        yield made


def test_a_business_day_by_command_line_and_rest(shop: Shop) -> None:
    """A card, a decline, a bank debit and refunds: the same true figures by both ways of asking."""
    url = shop.cli("checkout", "--price", shop.price(2400)).strip()
    assert shop.pay(url, **CARD).status_code == 303
    shop.until(lambda: [row["status"] for row in shop.rows("transactions")] == ["succeeded"])
    (paid,) = shop.listed("transactions")

    opened = shop.rest("POST", "/checkout", json={"price_id": shop.price(900), "mode": "payment"})
    assert "declined" in shop.pay(opened["checkout_url"], **DECLINED).text
    shop.until(lambda: "failed" in [row["status"] for row in shop.rows("transactions")])
    assert shop.rest("GET", f"/checkouts/{opened['session_id']}")["payment_state"] == "unpaid"

    opened = shop.rest("POST", "/checkout", json={"price_id": shop.price(7700), "mode": "payment"})
    assert shop.pay(opened["checkout_url"], **DEBIT).status_code == 303
    shop.until(lambda: "pending" in [row["status"] for row in shop.rows("transactions")])
    assert shop.rest("GET", "/status")["revenue"][0]["gross"] == 2400
    httpx.post(f"{shop.provider}/_sim/clock", json={"advance": 4 * 86_400}, trust_env=False)
    shop.until(lambda: "pending" not in [row["status"] for row in shop.rows("transactions")])

    shop.cli("refund", str(paid["id"]), "--amount", "4.00")
    refund = shop.rest("POST", f"/refund/{paid['id']}", json={"amount": 600})
    assert (refund["type"], refund["amount"], refund["parent_id"]) == ("refund", 600, paid["id"])
    shop.cli("refund", str(paid["id"]), "--amount", "15.00", code=1)

    shown = shop.rest("GET", f"/transactions/{paid['id']}")
    assert (shown["status"], shown["amount_refunded"]) == ("partially_refunded", 1000)
    assert sorted(row["amount"] for row in shown["refunds"]) == [400, 600]
    (revenue,) = shop.rest("GET", "/status")["revenue"]
    assert revenue == {"currency": "usd", "gross": 10_100, "refunded": 1000, "disputed": 0, "net": 9100}
    assert json.loads(shop.cli("status", "--json"))["revenue"] == [revenue]


def test_a_subscription_by_command_line(shop: Shop) -> None:
    """One sign-up is one subscription and one payment of type `subscription`."""
    price = shop.price(1900, **{"recurring[interval]": "month"})
    url = shop.cli("checkout", "--price", price, "--mode", "subscription").strip()
    assert shop.pay(url, **CARD).status_code == 303
    shop.until(lambda: [row["status"] for row in shop.rows("subscriptions")] == ["active"])
    shop.until(lambda: [row["type"] for row in shop.rows("transactions")] == ["subscription"])
    (payment,) = shop.listed("transactions")
    (subscription,) = shop.listed("subscriptions")
    assert payment["subscription_id"] == subscription["id"]
    assert shop.rest("GET", "/status")["active_subscriptions"] == 1
