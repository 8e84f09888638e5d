"""Numbers and files on the command line, over the real service and database."""

from __future__ import annotations

import csv
import io
import json
from pathlib import Path
from typing import NoReturn, get_args

import click
import pytest
from click.testing import CliRunner

from overseer_payment.cli.payment import export as commands
from overseer_payment.cli.payment import options, payment
from overseer_payment.errors import DatabaseError
from overseer_payment.provider import DisputeKind
from overseer_payment.schemas.disputes import DisputeFilter
from overseer_payment.schemas.exports import ExportQuery
from overseer_payment.schemas.reports import Interval
from overseer_payment.shown import export
from tests.cli.test_real import Shop


@pytest.fixture
def shop(database_url: str) -> Shop:
    """A business with a subscription of 49.00 a month and a payment in yen."""
    shop = Shop(database_url)
    customer = shop.post("customers", email="ada@example.com", name="=1+1")
    shop.post("payment_methods/pm_card_visa/attach", customer=customer["id"])
    product = shop.post("products", name="Team")
    price = {"unit_amount": "4900", "currency": "usd", "recurring[interval]": "month"}
    made = shop.post("prices", product=product["id"], **price)
    method = shop.world.find("payment_method")[0]["id"]
    shop.post(
        "subscriptions",
        customer=customer["id"],
        default_payment_method=method,
        **{"items[0][price]": made["id"], "items[0][quantity]": "2"},
    )
    shop.pay("500", "jpy")
    return shop


def test_metrics_are_shown_beside_the_period_before(shop: Shop) -> None:
    """MRR per currency with its own decimals; JSON as REST answers; one currency if asked."""
    shown = shop.run("metrics", "--days", "7")
    assert shown.exit_code == 0, shown.output
    assert "USD, " in shown.stdout
    lines = {" ".join(line.split()) for line in shown.stdout.splitlines()}
    assert {"MRR 98.00 USD 0.00 USD", "Gross 500 JPY 0 JPY", "Customer churn 0.00% -"} <= lines
    told = json.loads(shop.run("metrics", "--currency", "usd", "--json").stdout)
    ((usd,), days) = told["metrics"], told["days"]
    assert (usd["currency"], usd["mrr"], usd["arpu"], usd["customers"], days) == ("usd", 9800, 9800, 1, 30)
    # Over time: a block for each currency, a line for each period, amounts without the code.
    shown = shop.run("metrics", "--by", "week", "--periods", "2")
    assert [block.split(maxsplit=1)[0] for block in shown.stdout.split("\n\n")] == ["USD", "JPY"]
    usd_week, jpy_week = (block.splitlines()[-1].split() for block in shown.stdout.strip().split("\n\n"))
    assert usd_week[1:6] == ["98.00", "98.00", "0.00", "98.00", "1"]
    assert [jpy_week[at] for at in (1, 11, 14, -1)] == ["0", "500", "500", "0.00%"]
    told = json.loads(shop.run("metrics", "--by", "day", "--currency", "jpy", "--json").stdout)
    ((jpy,), points) = told["series"], told["series"][0]["points"]
    assert (told["interval"], told["periods"], len(points), jpy["exponent"]) == ("day", 12, 12, 0)
    assert sum(point["net"] for point in points) == 500
    assert (points[-1]["date"], points[-1]["complete"]) == (told["until"], False)


@pytest.mark.parametrize(
    "words",
    [
        ("--periods", "3"),
        ("--by", "week", "--days", "3"),
        ("--by", "year"),
        ("--by", "day", "--periods", "367"),
    ],
    ids=" ".join,
)
def test_metrics_are_of_one_period_or_of_many(words: tuple[str, ...]) -> None:
    """What doesn't go together is a wrong usage, told before anything is opened."""
    done = CliRunner().invoke(payment, ["metrics", *words], prog_name="overseer payment")
    assert (done.exit_code, done.stdout) == (2, "")
    assert "--by" in done.stderr or "--periods" in done.stderr


def test_an_export_goes_to_stdout_or_becomes_a_file(shop: Shop, tmp_path: Path) -> None:
    """The same text either way; a customer's formula is a text in it."""
    rows = list(csv.DictReader(io.StringIO(shop.run("export", "customers").stdout)))
    assert [row["name"] for row in rows] == ["'=1+1"]
    path = tmp_path / "transactions.jsonl"
    done = shop.run("export", "transactions", "--currency", "jpy", "--format", "jsonl", "-o", str(path))
    assert (done.exit_code, done.stdout, done.stderr) == (0, "", "")
    (row,) = [json.loads(line) for line in path.read_text(encoding="utf-8").splitlines()]
    assert (row["amount"], row["amount_decimal"], row["currency"]) == (500, "500", "jpy")


def test_a_broken_export_leaves_no_file(shop: Shop, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """What is not whole is not there; the file of yesterday stays; exit code 1 and one line say why."""
    path = tmp_path / "customers.csv"
    path.write_text("yesterday", encoding="utf-8")

    def fails(*_: object) -> NoReturn:
        raise DatabaseError("The database can't be reached.")

    what = export.EXPORTS["customers"]
    broken = export.Export(what.row, what.list_query, fails, query=what.query)
    monkeypatch.setattr(export, "EXPORTS", {"customers": broken})
    failed = shop.run("export", "customers", "-o", str(path))
    assert failed.exit_code == 1
    assert failed.stderr == "error: The database can't be reached. Try again in 5 s.\n"
    assert [file.name for file in tmp_path.glob("*cust*")] == ["customers.csv"]
    assert path.read_text(encoding="utf-8") == "yesterday"
    nowhere = shop.run("export", "customers", "-o", str(tmp_path / "none" / "x.csv"))
    assert nowhere.exit_code == 1
    assert "can't be written" in nowhere.stderr


def test_every_filter_of_a_list_is_an_option() -> None:
    """What REST takes the command takes, too."""
    assert set(commands.export.commands) == set(export.EXPORTS)
    for noun, what in export.EXPORTS.items():
        options = {commands._FIELDS.get(p.name or "", p.name) for p in commands.export.commands[noun].params}
        assert options - {"output"} == set(what.query.model_fields), noun


def test_choices_are_the_words_of_the_schema() -> None:
    """The words of a choice are spelled out for `--help`, and equal the enums."""
    assert tuple(DisputeFilter) == options.DISPUTE_STATES
    assert tuple(DisputeKind) == options.DISPUTE_KINDS
    assert get_args(Interval) == options.INTERVALS
    (format,) = (p for p in commands.export.commands["customers"].params if p.name == "format")
    assert isinstance(format.type, click.Choice)
    assert list(format.type.choices) == list(ExportQuery.model_json_schema()["properties"]["format"]["enum"])
