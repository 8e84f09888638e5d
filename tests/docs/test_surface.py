"""The public names, spelled out: whoever scripted against one of them finds it where it was."""

from __future__ import annotations

import importlib
import json
import re
from collections.abc import Iterator
from typing import Any

import click
import pytest
from click.testing import CliRunner
from starlette.testclient import TestClient

from overseer_payment.cli.payment import payment
from overseer_payment.host import create_app
from scripts.reference import commands
from tests.docs.test_configuration import aliases

API, TOKEN = "/api/v1/payment", "a-token-for-tests-0123456789"

# Each operation: fields of its body or query, then fields of its answer.
OPERATIONS = {
    "POST /checkout": (
        "price_id mode quantity success_url cancel_url trial_period_days metadata customer_id provider",
        "session_id checkout_url",
    ),
    "GET /checkouts/{session_id}": ("", "session_id"),
    "GET /transactions": (
        "limit cursor status type currency customer_id subscription_id q occurred_after occurred_before",
        "transactions next_cursor",
    ),
    "GET /transactions/{id}": (
        "",
        "id provider livemode provider_transaction_id type status amount amount_refunded amount_disputed "
        "currency customer_id subscription_id invoice_id parent_id description occurred_at created_at "
        "refunds disputes timeline",
    ),
    "POST /refund/{transaction_id}": ("amount reason", "id type status amount currency parent_id"),
    "GET /subscriptions": ("limit cursor status", "subscriptions next_cursor"),
    "GET /subscriptions/{id}": (
        "",
        "id provider provider_subscription_id customer_id status plan_name amount currency interval quantity "
        "items current_period_start current_period_end cancel_at_period_end trial_end",
    ),
    "POST /subscriptions/{id}/cancel": ("at_period_end", "id status cancel_at_period_end"),
    "POST /subscriptions/{id}/resume": ("", "id status"),
    "POST /subscriptions/{id}/pause": ("", "id status"),
    "POST /subscriptions/{id}/change-plan": ("new_price_id quantity proration_behavior", "id status items"),
    "POST /subscriptions/{id}/change-plan/preview": ("new_price_id quantity proration_behavior", ""),
    "GET /customers": ("limit cursor", "customers next_cursor"),
    "GET /customers/{id}": ("", "id"),
    "POST /customers/{id}/portal": ("", "url"),
    "GET /invoices": ("limit cursor status", "invoices next_cursor"),
    "GET /disputes": ("limit cursor status", "disputes next_cursor"),
    "GET /disputes/{id}": (
        "",
        "id provider_dispute_id kind status reason amount currency evidence_due_by transaction_id",
    ),
    "POST /disputes/{id}/evidence": ("evidence submit", "id status"),
    "POST /disputes/{id}/accept": ("", "id status"),
    "GET /status": (
        "",
        "provider enabled livemode is_test_mode healthy health_message api_version total_transactions "
        "active_subscriptions open_disputes failed_events revenue",
    ),
    "GET /revenue-timeseries": ("days currency", ""),
    "GET /metrics-summary": ("", ""),
    "GET /metrics-timeseries": ("interval periods currency provider", "interval periods since until series"),
    "GET /catalog": ("", ""),
    "GET /events": ("limit cursor status", "events next_cursor"),
    "GET /events/{id}": (
        "",
        "id provider provider_event_id type status attempts last_error occurred_at received_at",
    ),
    "POST /events/{id}/replay": ("", "id status"),
    "POST /events/{id}/ignore": ("", "id status"),
    "GET /operations": ("limit cursor", "operations next_cursor"),
    "POST /webhook": ("", ""),
    "POST /webhook/{provider}": ("", ""),
    "GET /openapi.json": ("", ""),
}

LIST = "--limit -n --json"
COMMANDS = {
    "serve": "--host --port --demo --workers",
    "plugins": "--json",
    "payment status": "--json",
    "payment transactions": f"{LIST} --status -s",
    "payment customers": f"{LIST} --status -s",
    "payment subscriptions": f"{LIST} --status -s",
    "payment invoices": f"{LIST} --status -s",
    "payment disputes": f"{LIST} --status -s",
    "payment events": f"{LIST} --status -s --failed",
    "payment operations": f"{LIST} --status -s",
    "payment checkout": "--price --mode --quantity --json",
    "payment refund": "transaction_id --amount --reason --json",
    "payment subscription cancel": "id --now --json",
    "payment subscription resume": "id --json",
    "payment subscription pause": "id --json",
    "payment subscription change-plan": "id --preview --json",
    "payment portal": "customer_id --json",
    "payment dispute evidence": "id --json",
    "payment dispute accept": "id --json",
    "payment events show": "id --json",
    "payment events replay": "id --failed --json",
    "payment events ignore": "id --json",
    "payment sync": "--since --all --json",
    "payment reconcile": "--heal --json",
    "payment work": "--json",
    "payment webhook listen": "--json",
    "payment webhook create": "--json",
    "payment webhook list": "--json",
    "payment webhook rotate": "--json",
    "payment trigger": "type --json",
    "payment seed": "--clear --json",
    "payment providers": "--json",
    "payment providers new": "name --json",
    "payment doctor": "--json",
    "payment db upgrade": "--json",
    "payment db current": "--json",
    "payment db rebuild-totals": "--json",
    "payment export transactions": "--format",
}

VARIABLES = {
    "STRIPE_SECRET_KEY", "STRIPE_WEBHOOK_SECRET", "STRIPE_API_BASE", "PAYMENT_SUCCESS_URL",
    "PAYMENT_CANCEL_URL", "PAYMENT_PROVIDER", "PAYMENT_ALLOWED_REDIRECT_HOSTS", "OVERSEER_DATABASE_URL",
    "OVERSEER_TOKEN", "OVERSEER_PUBLIC_URL", "OVERSEER_DISABLE_PLUGINS", "OVERSEER_SAFE_MODE",
}  # fmt: skip
DEFAULTS = {
    "OVERSEER_DATABASE_URL": "sqlite+aiosqlite:///overseer.db",
    "OVERSEER_PUBLIC_URL": "http://127.0.0.1:8000",
}
NAMES = (
    "overseer_payment:hookimpl",
    "overseer_payment.host:install",
    "overseer_payment.testing:ProviderConformance",
    "overseer_payment.testing:stripe_simulator",
)
PAGES = ("/", "/payment/card", "/payment/card.json", "/payment/modal")
LISTS = ("transactions", "subscriptions", "customers", "invoices", "disputes", "events", "operations")


@pytest.fixture(scope="module")
def config(tmp_path_factory: pytest.TempPathFactory) -> dict[str, str]:
    """A machine without any key: one token, one empty database."""
    return {
        "OVERSEER_TOKEN": TOKEN,
        "OVERSEER_DATABASE_URL": f"sqlite+aiosqlite:///{tmp_path_factory.mktemp('surface') / 'overseer.db'}",
        "OVERSEER_SAFE_MODE": "1",
        "PAYMENT_HEALING": "0",
    }


@pytest.fixture(scope="module")
def client(config: dict[str, str]) -> Iterator[TestClient]:
    """The embedded host, as its admin."""
    headers = {"authorization": f"Bearer {TOKEN}"}
    with TestClient(create_app(config), headers=headers, follow_redirects=False) as client:
        yield client


@pytest.fixture(scope="module")
def document(client: TestClient) -> dict[str, Any]:
    found: dict[str, Any] = client.get(f"{API}/openapi.json").json()
    return found


# -- REST ----------------------------------------------------------------------------------------------


@pytest.mark.parametrize("operation", OPERATIONS)
def test_operation_takes_and_answers_what_it_did(document: dict[str, Any], operation: str) -> None:
    """Each operation is there, with every field that is relied on."""
    method, path = operation.split()
    described = document["paths"][API + path][method.lower()]
    asked, answered = OPERATIONS[operation]
    taken = {parameter["name"] for parameter in map(_resolver(document), described["parameters"])}
    if "requestBody" in described:
        taken |= _fields(document, described["requestBody"])
    assert set(asked.split()) <= taken
    if answered:
        assert set(answered.split()) <= _fields(document, described["responses"]["200"])


def _resolver(document: dict[str, Any]) -> Any:
    def resolve(node: dict[str, Any]) -> dict[str, Any]:
        for part in node.get("$ref", "").removeprefix("#/").split("/") if "$ref" in node else ():
            node = document if part == "components" and "$ref" in node else node
            node = node[part]
        return node

    return resolve


def _fields(document: dict[str, Any], node: dict[str, Any]) -> set[str]:
    """The properties of a JSON body or answer."""
    schema = _resolver(document)(node["content"]["application/json"]["schema"])
    schemas = [schema, *map(_resolver(document), schema.get("anyOf", schema.get("allOf", ())))]
    return {name for each in schemas for name in each.get("properties", ())}


@pytest.mark.parametrize("plural", LISTS)
def test_lists_answer_alike(client: TestClient, plural: str) -> None:
    """Rows under the plural, then `next_cursor`; a wrong limit, cursor, filter or name is 422."""
    assert client.get(f"{API}/{plural}").json() == {plural: [], "next_cursor": None}
    for query in ("limit=0", "limit=101", "limit=x", "cursor=nonsense", "nonsense=1", "status=nonsense"):
        refused = client.get(f"{API}/{plural}?{query}")
        assert (refused.status_code, refused.headers["content-type"]) == (422, "application/problem+json")
        assert {"type", "title", "status", "detail"} <= refused.json().keys()


def test_every_documented_list_has_a_cursor(document: dict[str, Any]) -> None:
    """Whatever answers rows under its own name can be paged in the same way."""
    for path, methods in document["paths"].items():
        name = path.rpartition("/")[2].replace("-", "_")
        if "get" in methods and "content" in (answer := methods["get"]["responses"]["200"]):
            fields = _fields(document, answer) if "application/json" in answer["content"] else set()
            assert name not in fields or "next_cursor" in fields, path


@pytest.mark.parametrize("path", PAGES)
def test_pages_are_where_they_were(client: TestClient, path: str) -> None:
    """Dashboard, card and modal are shown to the operator, or lead to where they are."""
    answer = client.get(path, headers={"accept": "text/html"})
    assert answer.status_code in {200, 302, 303, 307}, answer.text
    assert not answer.headers.get("location", "/payment").startswith("/login")


def test_pages_of_buyers_need_no_login(client: TestClient) -> None:
    """Where a buyer lands is shown to everybody; of a checkout that isn't known it says so."""
    for path, status in (("/payment/cancel", 200), ("/payment/success?session_id=cs_test_unknown", 404)):
        answer = client.get(path, headers={"authorization": "", "accept": "text/html"})
        assert (answer.status_code, answer.headers["content-type"]) == (status, "text/html; charset=utf-8")


# -- commands ------------------------------------------------------------------------------------------

TREE = {path.removeprefix("overseer "): command for path, command, _ in commands()}


@pytest.mark.parametrize("path", COMMANDS)
def test_command_takes_what_it_did(path: str) -> None:
    """Each command is there, with its arguments and options."""
    taken = {word for parameter in TREE[path].params for word in parameter.opts}
    assert set(COMMANDS[path].split()) <= taken


def test_choices_are_what_they_were() -> None:
    """Words that are typed after an option."""
    for path, option, words in (
        ("payment checkout", "mode", {"payment", "subscription"}),
        ("payment disputes", "status", {"open"}),
        ("payment export transactions", "format", {"csv", "jsonl"}),
    ):
        [parameter] = [found for found in TREE[path].params if found.name in {option, f"as_{option}"}]
        assert isinstance(parameter.type, click.Choice)
        assert words <= set(parameter.type.choices)


DONE = (
    "status", "transactions", "customers", "subscriptions", "invoices", "disputes --status open",
    "events --failed", "operations", "metrics", "effects", "events replay --failed", "export transactions",
    "providers", "db current", "db upgrade", "db rebuild-totals", "db rebuild-totals --check", "seed --clear",
)  # fmt: skip
NOT_DONE = (
    "transaction 1", "refund 1", "checkout --price p", "subscription show 1", "subscription cancel 1 --now",
    "subscription resume 1", "subscription pause 1", "subscription change-plan 1 --quantity 2 --preview",
    "portal 1", "customer show 1", "invoice 1", "upcoming 1", "dispute show 1", "dispute accept 1",
    "dispute evidence 1 --submit", "events show 1", "events replay 1", "events ignore 1", "effects replay 1",
    "expire cs_1", "catalog", "sync", "reconcile", "work --once", "webhook listen --once", "webhook create",
    "webhook list", "webhook rotate we_1", "trigger charge.succeeded",
)  # fmt: skip


def run(config: dict[str, str], words: str) -> Any:
    return CliRunner().invoke(payment, words.split(), prog_name="overseer payment", env=config)


@pytest.mark.parametrize("words", DONE)
def test_done_is_zero(client: TestClient, config: dict[str, str], words: str) -> None:
    """What needs no provider works before anything is configured, for people and for programs."""
    assert run(config, words).exit_code == 0
    if not words.startswith("export"):
        done = run(config, f"{words} --json")
        assert (done.exit_code, done.stderr) == (0, "")
        told = json.loads(done.stdout)
        assert words.split()[0] not in LISTS or " " in words or told == {words: [], "next_cursor": None}


@pytest.mark.parametrize("words", NOT_DONE)
def test_no_is_one(client: TestClient, config: dict[str, str], words: str) -> None:
    """What isn't there, or can't be asked without a key: exit code 1 and one line on stderr."""
    done = run(config, f"{words} --json")
    assert (done.exit_code, done.stdout) == (1, ""), done.output
    assert re.fullmatch(r"error: [^\n]+\n", done.stderr), done.stderr
    assert "unexpected" not in done.stderr


def test_doctor_says_no(client: TestClient, config: dict[str, str]) -> None:
    """Without keys something is wrong: its findings are the answer, and the exit code says so."""
    done = run(config, "doctor --json")
    assert done.exit_code == 1
    assert json.loads(done.stdout)["findings"]


@pytest.mark.parametrize(
    "words",
    [
        "transactions --limit 0", "disputes --status lost-and-found", "refund",
        "checkout --mode gift", "subscription", "subscription cancel", "dispute evidence", "events replay",
        "events show", "sync --since yesterday", "reconcile --since yesterday", "webhook", "webhook rotate",
        "db nonsense", "export transactions --format xml", "providers new", "seed --days 0", "portal",
        "work now", "doctor please", "trigger a b",
    ],
)  # fmt: skip
def test_wrong_usage_is_two(config: dict[str, str], words: str) -> None:
    """A missing or impossible argument of any command: exit code 2, and nothing on stdout."""
    done = run(config, words)
    assert (done.exit_code, done.stdout) == (2, ""), done.output


# -- the environment and Python ----------------------------------------------------------------------------


def test_variables_are_read() -> None:
    """Each variable belongs to a settings model, with the default that it had."""
    known = aliases()
    assert known.keys() >= VARIABLES
    for name, default in DEFAULTS.items():
        shown: Any = known[name]
        assert (shown if isinstance(shown, str) else shown.get_secret_value()) == default


@pytest.mark.parametrize("name", NAMES)
def test_names_are_importable(name: str) -> None:
    """What applications and providers import."""
    module, _, attribute = name.partition(":")
    assert callable(getattr(importlib.import_module(module), attribute))
