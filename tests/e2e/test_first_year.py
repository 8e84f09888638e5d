"""A business's first year, over REST on SQLite and by commands on PostgreSQL: true to the unit, and alike."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from functools import cache
from typing import Any

import pytest

from overseer_payment.simulator import World, assert_contract
from tests.e2e.business import Business, opened
from tests.e2e.first_year import FirstYear
from tests.e2e.operating import ByCommands, ByRest, Operator, Row
from tests.support.emptied import Emptied

pytestmark = pytest.mark.slow

WAYS: dict[str, Callable[[Business], Operator]] = {"rest": ByRest, "commands": ByCommands}
LISTS = ("transactions", "subscriptions", "invoices", "disputes", "customers", "operations")
START = datetime.now(UTC) - timedelta(days=364)
"""So that the year ends today: deadlines of disputes are still to come."""

# What differs between two runs of the same year, and says nothing about money.
_OWN = {"number", "created_at", "finished_at", "actor", "target", "result", "url", "hosted_url", "pdf_url"}

each_way = pytest.mark.parametrize("way", WAYS)


@dataclass
class Ledger:
    """What a year left, as the operator sees it, and what the provider says."""

    world: World
    rows: dict[str, list[Row]]
    events: Counter[str]
    status: Row
    metrics: list[Row]
    wrong_totals: list[Any]


YearOf = Callable[[str], Ledger]


@pytest.fixture(scope="module")
def year_of(tmp_path_factory: pytest.TempPathFactory, emptied_postgres: Emptied) -> YearOf:
    """The year of one way, played once for all tests of this file."""

    @cache
    def year_of(way: str) -> Ledger:
        if way == "commands":
            with emptied_postgres.database() as url:
                return _played(way, url)
        return _played(way, f"sqlite+aiosqlite:///{tmp_path_factory.mktemp('year') / 'year.db'}")

    return year_of


def _played(way: str, url: str) -> Ledger:
    world = World(start=START, check="sample")
    world.clock.freeze()
    with opened(world, url) as business:
        operator = WAYS[way](business)
        FirstYear(world, operator, business.deliver).play()
        return Ledger(
            world,
            {plural: operator.all(plural) for plural in LISTS},
            Counter(row["status"] for row in operator.all("events")),
            operator.status(),
            operator.metrics()["metrics"],
            operator.wrong_totals(),
        )


@each_way
def test_a_year_is_true_to_the_unit(way: str, year_of: YearOf) -> None:
    """Net revenue is the provider's balance in four currencies; all was applied, and totals equal rows."""
    year = year_of(way)
    assert_contract(year.world)
    net = {sums["currency"]: sums["net"] for sums in year.status["revenue"]}
    assert net == balance(year.world)
    assert net.keys() == {"usd", "eur", "jpy", "kwd"}
    assert year.events.keys() <= {"applied", "ignored"}, year.events
    assert year.events.total() == len(year.world.events)
    assert len(year.world.deliveries.log) > len(year.world.events)  # many came twice
    assert year.wrong_totals == []


@each_way
def test_a_years_rows_are_the_providers(way: str, year_of: YearOf) -> None:
    """Each refund, dispute, subscription, invoice and customer there is, with the provider's own status."""
    year = year_of(way)
    refunds = [row for row in year.rows["transactions"] if row["type"] == "refund"]
    assert told(refunds, "provider_transaction_id") == held(year.world, "refund")
    assert told(year.rows["subscriptions"], "provider_subscription_id") == held(year.world, "subscription")
    assert told(year.rows["invoices"], "provider_invoice_id") == held(year.world, "invoice")
    disputes = [row for row in year.rows["disputes"] if row["kind"] != "fraud_warning"]
    assert told(disputes, "provider_dispute_id") == {
        id: "closed" if status == "warning_closed" else status
        for id, status in held(year.world, "dispute").items()
    }
    customers = {row["provider_customer_id"] for row in year.rows["customers"]}
    assert customers == {customer["id"] for customer in year.world.find("customer")}
    charges = year.world.find("charge", status="succeeded")
    unpaid = {"failed", "canceled"}
    payments = [row for row in year.rows["transactions"] if row["type"] != "refund"]
    paid = [(row["amount"], row["currency"]) for row in payments if row["status"] not in unpaid]
    assert sorted(paid) == sorted((charge["amount"], charge["currency"]) for charge in charges)


@each_way
def test_a_years_figures_follow_from_the_provider(way: str, year_of: YearOf) -> None:
    """What recurs each month is the sum of the provider's living subscriptions, per currency."""
    year, recurring, living = year_of(way), Counter[str](), 0
    for subscription in year.world.find("subscription", status="active"):
        living += 1
        for item in subscription["items"]["data"]:
            recurring[subscription["currency"]] += item["price"]["unit_amount"] * item["quantity"]
    assert {one["currency"]: one["mrr"] for one in year.metrics if one["mrr"]} == recurring
    assert year.status["active_subscriptions"] == living > 2


def test_the_year_had_everything_in_it(year_of: YearOf) -> None:
    """Every way in which a payment, refund, subscription, invoice or dispute can end was there."""
    rows = year_of("rest").rows
    assert states(rows["transactions"], "type") >= {
        *(("charge", status) for status in ("succeeded", "canceled", "refunded", "partially_refunded")),
        *(("subscription", status) for status in ("succeeded", "failed", "canceled")),
        *(("refund", status) for status in ("succeeded", "failed")),
    }
    assert states(rows["disputes"], "kind") == {
        ("chargeback", "won"), ("chargeback", "lost"), ("inquiry", "closed"), ("fraud_warning", "closed"),
    }  # fmt: skip
    assert {row["status"] for row in rows["subscriptions"]} == {"active", "canceled"}
    assert {row["status"] for row in rows["invoices"]} >= {"paid", "void", "open"}
    ends = Counter((row["kind"], row["status"]) for row in rows["operations"])
    assert {kind: count for (kind, status), count in ends.items() if status != "succeeded"} == {"refund": 2}


def test_both_ways_end_alike(year_of: YearOf) -> None:
    """The same script leaves the same rows, sums and figures, whoever's ids they carry."""
    rest, commands = year_of("rest"), year_of("commands")
    for plural in LISTS:
        assert alike(rest, plural) == alike(commands, plural)
    for name in ("revenue", "total_transactions", "active_subscriptions", "open_disputes"):
        assert rest.status[name] == commands.status[name]


def balance(world: World) -> dict[str, int]:
    """What the provider holds for the business, per currency; it takes no fees here."""
    sums: Counter[str] = Counter()
    for moved in world.find("balance_transaction"):
        sums[moved["currency"]] += moved["net"]
    return dict(sums)


def states(rows: list[Row], kind: str) -> set[tuple[str, str]]:
    return {(row[kind], row["status"]) for row in rows}


def told(rows: list[Row], id: str) -> dict[str, str]:
    return {row[id]: row["status"] for row in rows}


def held(world: World, kind: str) -> dict[str, str]:
    return {obj["id"]: obj["status"] for obj in world.find(kind)}


def alike(year: Ledger, plural: str) -> list[str]:
    """The rows in an order of their own, with names instead of ids."""
    return sorted(repr(sorted(_named(year, row).items())) for row in year.rows[plural])


def _named(year: Ledger, row: Row) -> Row:
    plain = {name: value for name, value in row.items() if not _is_own(name)}
    for noun in ("parent", "transaction", "subscription", "invoice", "customer"):
        if row.get(f"{noun}_id") is not None:
            plain[noun] = _name_of(year, "transaction" if noun == "parent" else noun, row[f"{noun}_id"])
    if "items" in row:
        plain["items"] = [{name: item[name] for name in item if not _is_own(name)} for item in row["items"]]
    return plain


def _is_own(name: str) -> bool:
    return name == "id" or name.endswith("_id") or name in _OWN


def _name_of(year: Ledger, noun: str, id: int) -> tuple[Any, ...]:
    [row] = [row for row in year.rows[f"{noun}s"] if row["id"] == id]
    parts = ("type", "status", "total", "amount", "currency", "email", "customer_email", "occurred_at")
    return tuple(row.get(part) for part in parts)
