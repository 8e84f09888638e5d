"""`payment sync` and `payment reconcile` over the real service, database and Stripe plugin."""

from __future__ import annotations

import asyncio
import json
import time
from collections.abc import AsyncIterator, Iterable, Mapping
from contextlib import asynccontextmanager
from datetime import UTC, datetime, timedelta
from typing import Any

import httpx
import pytest
from click.testing import CliRunner, Result

from overseer_payment.cli.payment import payment
from overseer_payment.cli.session import Opener, open_engine
from overseer_payment.registry import Registry
from overseer_payment.service import Payments
from overseer_payment.settings import Settings
from overseer_payment.simulator import World, scenario, transport
from overseer_payment.simulator.deliveries import signature
from tests.sync.healing import DAY, prepared

SECRET = "whsec_aGVhbGluZyBieSBoYW5k"


class Shop:
    """A business at the simulator, and a database that some of its events reach."""

    def __init__(self, url: str) -> None:
        self.world = World(start=datetime.now(UTC) - timedelta(days=80))
        self.world.clock.freeze()
        self.config = {"STRIPE_SECRET_KEY": self.world.secret_key, "STRIPE_WEBHOOK_SECRET": SECRET}
        self._url = url

    def run(self, *words: str) -> Result:
        """One command."""
        return CliRunner().invoke(payment, words, prog_name="overseer payment", obj=Opener(self._open))

    def json(self, *words: str, exit_code: int = 0) -> dict[str, Any]:
        """What it answers about the only account."""
        result = self.run(*words, "--json")
        assert (result.exit_code, result.stderr) == (exit_code, ""), result.output
        (account,) = json.loads(result.stdout)["accounts"]
        assert (account["provider"], account["account"], account["livemode"]) == ("stripe", "default", False)
        return dict(account)

    def deliver(self, events: Iterable[Mapping[str, Any]]) -> None:
        """These events arrive."""
        asyncio.run(self._deliver(list(events)))

    async def _deliver(self, events: list[Mapping[str, Any]]) -> None:
        async with self._open(True) as payments:
            for event in events:
                body = json.dumps(event).encode()
                header = signature(body, [SECRET], int(time.time()))
                await payments.receive("stripe", body, {"stripe-signature": header})
            await payments.worker.drain(hurry=True)

    @asynccontextmanager
    async def _open(self, _: bool) -> AsyncIterator[Payments]:
        async with open_engine(self._url) as engine:
            await prepared(engine)
            payments = Payments(engine, Registry(self.config, http_factory=self._http), Settings())
            yield payments
            await payments.aclose()

    def _http(self, _: str) -> httpx.AsyncClient:
        return httpx.AsyncClient(transport=transport(self.world))


@pytest.fixture
def shop(database_url: str, monkeypatch: pytest.MonkeyPatch) -> Shop:
    """An empty business, once on each kind of database; nothing waits."""
    monkeypatch.setattr("overseer_payment.sync.reconciliation.PAUSE", 0.0)
    return Shop(database_url)


def test_missed_events_are_fetched_and_counted(shop: Shop) -> None:
    """What never arrived is recorded; the second time there is nothing left."""
    scenario.charge_directly(shop.world, 700)
    shop.deliver(shop.world.events)
    scenario.charge_directly(shop.world, 900)
    result = shop.run("sync")
    assert (result.exit_code, result.stderr) == (0, NO_HISTORY)
    assert "Missed events" in result.stdout
    assert "1 charge.succeeded" in result.stdout
    assert shop.json("sync")["events"]["missed"] == 0
    assert shop.json("reconcile")["agrees"] is True
    listed = json.loads(shop.run("transactions", "--json").stdout)["transactions"]
    assert sorted(row["amount"] for row in listed) == [700, 900]


NO_HISTORY = "Events are told for a limited time only. For older history: overseer payment sync --all\n"


def test_the_whole_history_is_read(shop: Shop) -> None:
    """`--all` reads every object; it can be said with a day instead, but not with both."""
    scenario.charge_directly(shop.world, 700)
    shop.world.clock.advance(50 * DAY)
    scenario.charge_directly(shop.world, 900)
    today = datetime.fromtimestamp(shop.world.now(), UTC)
    since = shop.json("sync", "--since", f"{today:%Y-%m-%d}")
    assert since["objects"][0]["read"]["payment"] == 1
    whole = shop.json("sync", "--all")
    assert whole["objects"][0]["read"]["payment"] == 2
    assert shop.json("reconcile", "--all")["drift"] == []
    shown = shop.run("sync", "--all")
    assert "the beginning" in shown.stdout
    both = shop.run("sync", "--all", "--since", "2026-01-01")
    assert both.exit_code == 2


def test_a_gap_is_told_and_filled(shop: Shop) -> None:
    """After 40 days of silence: what events don't tell any more is read from objects, and said."""
    scenario.charge_directly(shop.world, 700)
    shop.deliver(shop.world.events)
    assert shop.run("sync").exit_code == 0
    scenario.charge_directly(shop.world, 900)
    shop.world.clock.advance(40 * DAY)
    result = shop.run("sync")
    assert result.exit_code == 0, result.output
    assert "tells them no more" in result.stderr
    assert "read from its objects" in result.stderr
    assert shop.json("reconcile", "--all")["agrees"] is True
    assert shop.json("sync")["gap_since"] is None


def test_drift_is_exit_code_1_until_it_is_healed(shop: Shop) -> None:
    """A finding fails a script; healing it, and the comparison afterwards, succeed."""
    sale = scenario.charge_directly(shop.world, 4900)
    shop.deliver(shop.world.events)
    scenario.refund(shop.world, sale, 500)
    found = shop.run("reconcile", "--all")
    assert found.exit_code == 1
    assert "amount refunded: 0.00 USD here, 5.00 USD at Stripe" in found.stdout
    assert "missing in the ledger" in found.stdout
    assert "reconcile --heal" in found.stderr
    again = shop.json("reconcile", "--all", exit_code=1)
    assert [one["healed"] for one in again["drift"]] == [False, False]
    healed = shop.run("reconcile", "--all", "--heal")
    assert (healed.exit_code, healed.stderr) == (0, "")
    assert "2 differences, 2 healed" in healed.stdout
    agreed = shop.run("reconcile", "--all")
    assert agreed.exit_code == 0
    assert "agree" in agreed.stdout


def test_the_last_thirty_days_are_compared_by_default(shop: Shop) -> None:
    """Older objects are left alone unless asked for."""
    scenario.charge_directly(shop.world, 700)
    shop.world.clock.advance(75 * DAY)
    assert shop.json("reconcile")["drift"] == []
    assert len(shop.json("reconcile", "--all", exit_code=1)["drift"]) == 2


@pytest.mark.parametrize("command", ["sync", "reconcile"])
def test_an_outage_is_one_clear_line(shop: Shop, command: str) -> None:
    """Exit code 1, no traceback, no key."""
    shop.world.faults.answer(401, "GET", "/v1/*", times=None)
    result = shop.run(command)
    assert result.exit_code == 1
    assert result.stdout == ""
    assert "error: " in result.stderr
    assert "STRIPE_SECRET_KEY" in result.stderr
    assert shop.world.secret_key not in result.stderr
    assert "Traceback" not in result.stderr


@pytest.mark.parametrize("command", ["sync", "reconcile"])
def test_without_a_provider_it_says_so(shop: Shop, command: str) -> None:
    """Nothing is configured: exit code 1 and what to set."""
    shop.config.clear()
    result = shop.run(command)
    assert (result.exit_code, result.stdout) == (1, "")
    assert "STRIPE_SECRET_KEY" in result.stderr
    shop.config["STRIPE_SECRET_KEY"] = shop.world.secret_key
    unknown = shop.run(command, "--provider", "nobody")
    assert unknown.exit_code == 1
    assert "nobody" in unknown.stderr
