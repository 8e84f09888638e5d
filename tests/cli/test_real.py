"""The commands over the real service, database and Stripe plugin; Stripe is the simulator."""

from __future__ import annotations

import asyncio
import json
import time
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any

import httpx
import pytest
from click.testing import CliRunner, Result

from overseer_payment import database
from overseer_payment.cli.payment import payment
from overseer_payment.cli.session import Opener, open_engine, require_schema
from overseer_payment.errors import DatabaseError
from overseer_payment.listening import Listener
from overseer_payment.registry import Registry
from overseer_payment.service import Payments
from overseer_payment.settings import Settings
from overseer_payment.simulator import World, transport
from overseer_payment.simulator.deliveries import signature

SECRET = "whsec_dGhlIGNvbW1hbmQgbGluZQ"


class Shop:
    """A business at the simulator, and a database that its events are delivered to."""

    def __init__(self, url: str) -> None:
        self.world = World()
        self.listeners: tuple[Listener, ...] = ()
        self._url = url
        self._delivered = 0

    def post(self, path: str, **form: str) -> dict[str, Any]:
        """One call of Stripe's API, by the business itself."""

        async def call() -> httpx.Response:
            async with self._http() as http:
                headers = {"authorization": f"Bearer {self.world.secret_key}"}
                return await http.post(f"http://simulator/v1/{path}", data=form, headers=headers)

        answer = asyncio.run(call())
        assert answer.status_code == 200, answer.text
        return dict(answer.json())

    def pay(self, amount: str, currency: str) -> dict[str, Any]:
        """A card payment that succeeds."""
        fixed = {"confirm": "true", "payment_method": "pm_card_visa"}
        return self.post("payment_intents", amount=amount, currency=currency, description="Tea", **fixed)

    def run(self, *words: str) -> Result:
        """One command, after everything that happened so far was delivered."""
        asyncio.run(self._deliver())
        return CliRunner().invoke(payment, words, prog_name="overseer payment", obj=Opener(self._open))

    def _http(self) -> httpx.AsyncClient:
        return httpx.AsyncClient(transport=transport(self.world))

    @asynccontextmanager
    async def _open(self, check_schema: bool) -> AsyncIterator[Payments]:
        config = {"STRIPE_SECRET_KEY": self.world.secret_key, "STRIPE_WEBHOOK_SECRET": SECRET}
        async with open_engine(self._url) as engine:
            registry = Registry(config, http_factory=lambda _: self._http())
            payments = Payments(engine, registry, Settings(), listeners=self.listeners)
            yield payments
            await payments.aclose()

    async def _deliver(self) -> None:
        async with self._open(True) as payments:
            await self._receive(payments)

    async def _receive(self, payments: Payments) -> None:
        """What happened since the last time arrives and is applied."""
        for event in self.world.events[self._delivered :]:
            body = json.dumps(event).encode()
            header = signature(body, [SECRET], int(time.time()))
            await payments.receive("stripe", body, {"stripe-signature": header})
            await payments.worker.step()
        await payments.worker.drain()
        self._delivered = len(self.world.events)


@pytest.fixture
def shop(database_url: str) -> Shop:
    """An empty business, once on each kind of database."""
    return Shop(database_url)


def test_a_payment_is_seen_refunded_and_refused(shop: Shop) -> None:
    """Listed, shown by Stripe's id, refunded in part in major units; more than remains is refused."""
    intent = shop.pay("4900", "usd")
    listed = json.loads(shop.run("transactions", "--json").stdout)["transactions"]
    assert [(row["amount"], row["currency"], row["status"]) for row in listed] == [(4900, "usd", "succeeded")]
    shown = shop.run("transaction", intent["id"])
    assert "49.00 USD" in shown.stdout, shown.output
    refunded = shop.run("refund", intent["id"], "--amount", "5.00", "--reason", "duplicate")
    assert (refunded.exit_code, refunded.stderr) == (0, "")
    assert "5.00 USD" in refunded.stdout
    more = shop.run("refund", intent["id"], "--amount", "44.01")
    assert (more.exit_code, more.stdout) == (1, "")
    assert more.stderr.startswith("error: ")
    rest = json.loads(shop.run("refund", intent["id"], "--json").stdout)
    assert (rest["type"], rest["amount"]) == ("refund", 4400)
    again = shop.run("refund", intent["id"])
    assert again.exit_code == 1
    net = json.loads(shop.run("status", "--json").stdout)["revenue"]
    assert net == [{"currency": "usd", "gross": 4900, "refunded": 4900, "disputed": 0, "net": 0}]


def test_one_key_refunds_once(shop: Shop) -> None:
    """The same `--idempotency-key` twice gives the money back once."""
    intent = shop.pay("4900", "usd")
    words = ("refund", intent["id"], "--amount", "5.00", "--idempotency-key", "once", "--json")
    first, second = json.loads(shop.run(*words).stdout), json.loads(shop.run(*words).stdout)
    assert first["id"] == second["id"]
    detail = json.loads(shop.run("transaction", intent["id"], "--json").stdout)
    assert detail["amount_refunded"] == 500


@pytest.mark.parametrize(
    ("amount", "currency", "typed", "minor"), [("5000", "jpy", "1000", 1000), ("12340", "kwd", "1.23", 1230)]
)
def test_money_is_typed_by_the_currencys_own_rule(
    shop: Shop, amount: str, currency: str, typed: str, minor: int
) -> None:
    """Yen have no decimals, Kuwaiti dinars three."""
    intent = shop.pay(amount, currency)
    answer = shop.run("refund", intent["id"], "--amount", typed, "--json")
    assert json.loads(answer.stdout)["amount"] == minor


def test_a_checkout_is_opened_from_the_catalogue(shop: Shop) -> None:
    """The catalogue's price id opens a checkout whose address is printed; an unknown one is refused."""
    product = shop.post("products", name="Team")
    price = shop.post("prices", product=product["id"], unit_amount="4900", currency="usd")
    listed = shop.run("catalog")
    assert price["id"] in listed.stdout
    assert "49.00 USD" in listed.stdout
    opened = shop.run("checkout", "--price", price["id"])
    assert opened.exit_code == 0, opened.output
    assert opened.stdout.startswith("http")
    refused = shop.run("checkout", "--price", "price_unknown")
    assert (refused.exit_code, refused.stdout) == (1, "")


def test_customers_are_found(shop: Shop) -> None:
    """Listed, searched by name, shown by the provider's id."""
    made = shop.post("customers", email="ada@example.com", name="Ada Lovelace")
    assert "Ada Lovelace" in shop.run("customers", "-q", "lovelace").stdout
    assert "ada@example.com" in shop.run("customer", made["id"]).stdout
    assert shop.run("customers", "-q", "nobody").stdout == ""


@pytest.mark.parametrize("command", ["status", "transactions", "subscriptions", "doctor"])
def test_an_empty_database_is_no_fault(shop: Shop, command: str) -> None:
    """Every command answers before anything happened."""
    result = shop.run(command)
    assert "error: " not in result.stderr
    assert result.exit_code in ({0, 1} if command == "doctor" else {0})


# -- from the environment ------------------------------------------------------------------------------


@pytest.fixture
def environment(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Callable[[str], None]:
    """Sets the database's URL; nothing else is configured."""
    monkeypatch.chdir(tmp_path)
    return lambda url: monkeypatch.setenv("OVERSEER_DATABASE_URL", url)


def invoke(*words: str) -> Result:
    return CliRunner().invoke(payment, words, prog_name="overseer payment")


def test_a_new_sqlite_file_is_made_ready(environment: Callable[[str], None], empty_sqlite_url: str) -> None:
    """The first command on a fresh machine creates and migrates its own file."""
    environment(empty_sqlite_url)
    assert invoke("transactions").exit_code == 0
    assert json.loads(invoke("db", "current", "--json").stdout)["outdated"] is False


def test_a_server_is_migrated_by_hand_only(
    environment: Callable[[str], None], empty_postgres_url: str
) -> None:
    """An outdated schema is refused in one line that names the cure, and the cure works, twice."""
    environment(empty_postgres_url)
    refused = invoke("transactions")
    assert (refused.exit_code, refused.stdout) == (1, "")
    assert "payment db upgrade" in refused.stderr
    assert refused.stderr.count("\n") == 1
    assert "outdated" in invoke("db", "current").stdout
    assert [invoke("db", "upgrade").exit_code for _ in range(2)] == [0, 0]
    assert invoke("transactions").exit_code == 0
    assert "up to date" in invoke("db", "upgrade").stdout


@pytest.mark.parametrize("command", ["status", "transactions", "refund 1", "db upgrade", "db current"])
@pytest.mark.parametrize(
    "url",
    [
        "postgresql+psycopg://postgres@127.0.0.1:1/nothing?connect_timeout=2",
        "sqlite+aiosqlite:////no/such/folder/x.db",
        "nonsense",
        "oracle://scott:tiger@host/x",
    ],
)
def test_a_database_that_cannot_be_reached_is_one_line(
    environment: Callable[[str], None], url: str, command: str
) -> None:
    """Exit code 1 and one line without the URL, which may hold a password."""
    environment(url)
    result = invoke(*command.split())
    assert (result.exit_code, result.stdout) == (1, "")
    assert result.stderr.startswith("error: ")
    assert "unexpected" not in result.stderr
    assert result.stderr.count("\n") == 1
    assert "tiger" not in result.stderr


def test_providers_need_no_database(environment: Callable[[str], None]) -> None:
    """What is installed can be listed while nothing is reachable."""
    environment("postgresql+psycopg://postgres@127.0.0.1:1/nothing")
    rows = json.loads(invoke("providers", "--json").stdout)["providers"]
    assert "stripe" in {row["key"] for row in rows}


def test_doctor_diagnoses_an_unreachable_database(environment: Callable[[str], None]) -> None:
    """It is a finding with exit code 1, not a crash."""
    environment("sqlite+aiosqlite:////no/such/folder/x.db")
    result = invoke("doctor", "--json")
    assert result.exit_code == 1
    assert any(finding["level"] == "error" for finding in json.loads(result.stdout)["findings"])
    assert "Make the folder that OVERSEER_DATABASE_URL names" in result.stdout


@pytest.mark.anyio
async def test_the_schema_of_a_server_is_never_changed_unasked(empty_postgres_url: str) -> None:
    """`require_schema` refuses and leaves the database as it was."""
    async with open_engine(empty_postgres_url) as engine:
        with pytest.raises(DatabaseError, match="payment db upgrade"):
            await require_schema(engine)
        assert await database.current(engine) is None
