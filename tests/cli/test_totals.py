"""`payment db rebuild-totals`: totals are proved from the rows, and corrected where somebody broke them."""

from __future__ import annotations

import asyncio
import json
from collections.abc import Callable

import pytest
from click.testing import CliRunner, Result
from sqlalchemy import Executable, delete, insert, select, update

from overseer_payment import database, tables
from overseer_payment.cli.payment import payment
from overseer_payment.committing import committed
from overseer_payment.database import read
from overseer_payment.ledger import totals
from overseer_payment.service import Payments
from tests.cli.test_real import Shop

Run = Callable[..., Result]


@pytest.fixture
def shop(database_url: str) -> Shop:
    """A business with a payment, partly refunded."""
    shop = Shop(database_url)
    intent = shop.pay("4900", "usd")
    shop.run("refund", intent["id"], "--amount", "5.00")
    return shop


@pytest.fixture
def run(shop: Shop, database_url: str, monkeypatch: pytest.MonkeyPatch) -> Run:
    monkeypatch.setenv("OVERSEER_DATABASE_URL", database_url)

    def invoke(*words: str) -> Result:
        return CliRunner().invoke(payment, ("db", "rebuild-totals", *words), prog_name="overseer payment")

    return invoke


def _break(url: str, *statements: Executable) -> None:
    async def work() -> None:
        engine = database.create_engine(url)
        async with database.write(engine) as connection:
            for statement in statements:
                await connection.execute(statement)
        await engine.dispose()

    asyncio.run(work())


def test_right_totals_are_said_to_be_right(run: Run) -> None:
    """Checked or rebuilt, nothing was wrong."""
    for words in (("--check",), (), ("--check", "--json")):
        result = run(*words)
        assert result.exit_code == 0, result.output
    assert json.loads(result.stdout) == {"wrong": [], "corrected": False}


def test_wrong_totals_are_reported_and_corrected(run: Run, shop: Shop, database_url: str) -> None:
    """`--check` names each and changes nothing (exit code 1); rebuilding corrects exactly those."""
    total, gauge = tables.total, tables.gauge
    _break(
        database_url,
        update(total).values(gross=total.c.gross + 7),
        delete(tables.customer_total),
        insert(gauge).values(account_id=1, name="open_disputes", value=3),
    )
    for _ in range(2):
        checked = run("--check", "--json")
        assert checked.exit_code == 1
        found = {(one["table"], one["column"]): one for one in json.loads(checked.stdout)["wrong"]}
        assert (found["payment_total", "gross"]["stood"], found["payment_total", "gross"]["rows"]) == (
            4907,
            4900,
        )
        assert found["payment_gauge", "value"]["key"] == {"account_id": 1, "name": "open_disputes"}
    plain = run("--check")
    assert "4907" in plain.stdout
    assert "rebuild-totals" in plain.stderr
    corrected = run("--json")
    assert corrected.exit_code == 0
    assert json.loads(corrected.stdout) == {**json.loads(checked.stdout), "corrected": True}
    assert run("--check").exit_code == 0
    sums = json.loads(shop.run("status", "--json").stdout)["revenue"]
    assert sums == [{"currency": "usd", "gross": 4900, "refunded": 500, "disputed": 0, "net": 4400}]


def test_totals_stay_right_while_others_record(shop: Shop, database_url: str) -> None:
    """Rebuilt again and again beside a worker that applies payments, they end equal to the rows."""
    for amount in range(1000, 1012):
        shop.pay(str(amount), "usd")

    async def work() -> tuple[int, int]:
        async with shop._open(True) as payments:
            await asyncio.gather(shop._receive(payments), _rebuilding(payments))
            await payments.worker.drain()
            async with read(payments.engine) as connection:
                gross = (await connection.execute(select(tables.total.c.gross))).scalar_one()
                return gross, await connection.run_sync(totals.wrong)

    assert asyncio.run(work()) == (4900 + sum(range(1000, 1012)), 0)


async def _rebuilding(payments: Payments) -> None:
    for _ in range(15):
        assert await committed(payments.engine, totals.mend) == []
        await asyncio.sleep(0)


@pytest.mark.parametrize("words", [(), ("--check",)])
def test_a_database_without_tables_is_one_line(
    empty_sqlite_url: str, monkeypatch: pytest.MonkeyPatch, words: tuple[str, ...]
) -> None:
    """Exit code 1 and the cure."""
    monkeypatch.setenv("OVERSEER_DATABASE_URL", empty_sqlite_url)
    result = CliRunner().invoke(payment, ("db", "rebuild-totals", *words))
    assert (result.exit_code, result.stdout) == (1, "")
    assert "payment db upgrade" in result.stderr
