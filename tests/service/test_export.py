"""Exports: every row once, exact sums, harmless in a spreadsheet, and never cut short in silence."""

from __future__ import annotations

import csv
import io
import json
from typing import Any

import httpx
import pytest
from sqlalchemy import update
from starlette.applications import Starlette

from overseer_payment import database, tables
from overseer_payment.errors import Conflict, DatabaseError
from overseer_payment.host_contract import User
from overseer_payment.ledger import queries
from overseer_payment.routes import limits
from overseer_payment.routes.api import api_routes
from overseer_payment.routes.op import PREFIX
from overseer_payment.schemas import Viewer
from overseer_payment.shown import export, sheets
from tests.routes.fake_payments import TOKEN, FakeHost
from tests.service.shop import OPERATOR, Shop
from tests.support.server import serving

pytestmark = pytest.mark.anyio


async def _text(shop: Shop, noun: str, viewer: Viewer = OPERATOR, **asked: Any) -> str:
    query = export.EXPORTS[noun].query(**asked)
    return "".join([piece async for piece in export.export(shop.payments, viewer, noun, query)])


async def _rows(shop: Shop, noun: str, viewer: Viewer = OPERATOR, **asked: Any) -> list[dict[str, str]]:
    return list(csv.DictReader(io.StringIO(await _text(shop, noun, viewer, **asked), newline="")))


async def test_every_row_once_across_pages_with_exact_sums(
    shop: Shop, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Pages join without a gap or a double; sums stand in minor and in major units of their currency."""
    monkeypatch.setattr(export, "_PAGE", 2)
    for amount, currency in ((4900, "usd"), (500000, "jpy"), (12340, "kwd"), (100, "usd"), (7, "jpy")):
        await shop.pay(max(amount, 100), currency)
    await shop.subscribe(1500)
    await shop.settle()
    rows = await _rows(shop, "transactions")
    assert len({row["id"] for row in rows}) == len(rows) == 6
    sums = {(row["currency"], row["amount"], row["amount_decimal"]) for row in rows}
    assert {("usd", "4900", "49.00"), ("jpy", "500000", "500000"), ("kwd", "12340", "12.340")} <= sums
    moments = [row["occurred_at"] for row in rows]
    assert moments == sorted(moments, reverse=True)
    assert all(moment.endswith("Z") for moment in moments)
    told = [json.loads(line) for line in (await _text(shop, "transactions", format="jsonl")).splitlines()]
    assert [str(row["id"]) for row in told] == [row["id"] for row in rows]
    assert list(told[0]) == list(rows[0])


async def test_filters_are_those_of_the_list(shop: Shop) -> None:
    """What a list leaves out an export leaves out, too; with nothing to tell the header stands alone."""
    await shop.pay(4900, "usd")
    await shop.pay(900, "eur")
    await shop.settle()
    assert [row["amount"] for row in await _rows(shop, "transactions", currency="eur")] == ["900"]
    header = await _text(shop, "transactions", status="failed")
    assert header.startswith("id,provider,")
    assert header.count("\n") == 1
    assert await _text(shop, "disputes", format="jsonl") == ""


async def test_each_list_can_be_exported(shop: Shop) -> None:
    """Each list has its export; every row has every column."""
    await shop.subscribe(1500)
    card = "pm_card_createDispute"
    await shop.post("payment_intents", amount=2000, currency="usd", confirm="true", payment_method=card)
    await shop.settle()
    for noun, what in export.EXPORTS.items():
        rows = await _rows(shop, noun)
        assert rows, noun
        assert all(list(row) == sheets.columns(what.row, what.money) for row in rows)


async def test_a_user_takes_away_own_rows_only(shop: Shop) -> None:
    """Whoever may not see everything gets the rows of their own customers."""
    await shop.subscribe(1500)
    await shop.pay(4900)
    await shop.settle()
    viewer = Viewer("user:ada", User("ada"))
    assert await _rows(shop, "transactions", viewer) == []
    async with database.write(shop.payments.engine) as connection:
        await connection.execute(update(tables.customer).values(user_id="ada"))
    assert [row["amount"] for row in await _rows(shop, "transactions", viewer)] == ["1500"]
    assert len(await _rows(shop, "transactions")) == 2


async def test_formulas_of_strangers_are_texts(shop: Shop) -> None:
    """A spreadsheet computes nothing that a customer called themselves; numbers stay numbers."""
    await shop.subscribe(1500)
    await shop.settle()
    for name in ("=1+1", "+1", "-1+1", "@SUM(A1)", "\t=1", "\r=1", '="a,b"\n'):
        async with database.write(shop.payments.engine) as connection:
            await connection.execute(update(tables.customer).values(name=name))
        (row,) = await _rows(shop, "customers")
        assert row["name"] == f"'{name}"
        told = json.loads(await _text(shop, "customers", format="jsonl"))
        assert told["name"] == name
    async with database.write(shop.payments.engine) as connection:
        await connection.execute(update(tables.invoice).values(total=-500))
    (invoice,) = await _rows(shop, "invoices")
    assert (invoice["total"], invoice["total_decimal"]) == ("-500", "-5.00")


async def test_other_accounts_never_join_a_running_export(
    shop: Shop, monkeypatch: pytest.MonkeyPatch
) -> None:
    """If other rows come to be shown meanwhile, the export ends with an error instead of mixing them."""
    monkeypatch.setattr(export, "_PAGE", 1)
    await shop.pay(100)
    await shop.pay(200)
    await shop.settle()
    pieces = export.export(shop.payments, OPERATOR, "transactions", export.EXPORTS["transactions"].query())
    await anext(pieces)
    monkeypatch.setattr(shop.payments, "account", "acct_other")
    with pytest.raises(Conflict):
        await anext(pieces)


@pytest.fixture
def breaking_on_page_two(monkeypatch: pytest.MonkeyPatch) -> None:
    """The database goes away after the first page."""
    asked = []

    def question(connection: Any, scope: Any, query: Any) -> Any:
        asked.append(query.cursor)
        if len(asked) % 2 == 0:
            raise DatabaseError("The database can't be reached.")
        return queries.transactions(connection, scope, query)

    what = export.EXPORTS["transactions"]
    broken = export.Export(what.row, what.list_query, question, what.money, query=what.query)
    monkeypatch.setattr(export, "EXPORTS", {**export.EXPORTS, "transactions": broken})
    monkeypatch.setattr(export, "_PAGE", 1)


@pytest.mark.usefixtures("breaking_on_page_two")
async def test_a_download_that_breaks_is_seen_to_be_broken(shop: Shop) -> None:
    """Over a real connection: the client's download fails, it does not end early and look whole."""
    await shop.pay(100)
    await shop.pay(200)
    await shop.settle()
    with serving(_application(shop)) as base:
        async with httpx.AsyncClient(base_url=base, headers=_ADMIN) as client:
            with pytest.raises(httpx.RemoteProtocolError):
                await client.get(f"{PREFIX}/export/transactions")


_ADMIN = {"authorization": f"Bearer {TOKEN}"}


def _application(shop: Shop) -> Starlette:
    return Starlette(routes=[*api_routes(FakeHost(), lambda _: shop.payments)])


async def test_a_download_is_a_file_and_refusals_are_problems(
    shop: Shop, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    """Media type, name and text of the file; HEAD without it; what is wrong is told before it begins."""
    caplog.set_level("INFO", logger="overseer_payment")
    monkeypatch.setattr(limits, "_limit", lambda _: 1)
    buyer = {"authorization": "Bearer user-8341"}
    await shop.pay(4900)
    await shop.settle()
    transport = httpx.ASGITransport(_application(shop))
    async with httpx.AsyncClient(transport=transport, base_url="http://test", headers=_ADMIN) as client:
        found = await client.get(f"{PREFIX}/export/transactions", params={"format": "csv"})
        assert found.headers["content-type"] == "text/csv; charset=utf-8"
        assert found.headers["cache-control"] == "no-store"
        assert found.headers["content-disposition"].startswith('attachment; filename="transactions-')
        assert "49.00" in found.text
        head = await client.head(f"{PREFIX}/export/transactions")
        assert (head.status_code, head.content) == (200, b"")
        lines = await client.get(f"{PREFIX}/export/transactions", params={"format": "jsonl"})
        assert lines.headers["content-type"] == "application/jsonl; charset=utf-8"
        assert lines.json()["amount"] == 4900
        assert (await client.get(f"{PREFIX}/export/transactions", headers=buyer)).text.count("\n") == 1
        # Many pages each: a buyer may have them now and then.
        limited = await client.get(f"{PREFIX}/export/transactions", headers=buyer)
        assert (limited.status_code, limited.json()["code"]) == (429, "rate_limited")
        for wrong in ({"format": "xlsx"}, {"limit": "5"}, {"status": "gone"}):
            refused = await client.get(f"{PREFIX}/export/transactions", params=wrong)
            assert refused.status_code == 422, wrong
    assert "exporting transactions as csv for a user (filters: none)" in caplog.text
    assert "8341" not in caplog.text
