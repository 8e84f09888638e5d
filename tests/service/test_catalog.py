"""What can be sold: whole, fresh, read once for all who ask, and there with the provider away."""

from __future__ import annotations

import asyncio
from datetime import datetime, timedelta
from typing import Any

import pytest
from sqlalchemy import update

from overseer_payment import tables
from overseer_payment.asking import catalog, subscriptions
from overseer_payment.asking.catalog import FRESH
from overseer_payment.database import utcnow, write
from overseer_payment.errors import Forbidden, ProviderUnavailable
from overseer_payment.host_contract import User
from overseer_payment.provider import CheckoutMode, Proration
from overseer_payment.schemas import (
    Catalog,
    CatalogQuery,
    ChangePlanBody,
    CheckoutBody,
    MetricsQuery,
    SubscriptionQuery,
    Viewer,
)
from overseer_payment.shown import metrics
from tests.service.shop import OPERATOR, Shop

pytestmark = pytest.mark.anyio
on_sqlite = pytest.mark.parametrize("database_url", ["sqlite"], indirect=True)
"""For what no database decides: once is enough."""


@pytest.fixture(autouse=True)
def patient(monkeypatch: pytest.MonkeyPatch) -> None:
    """However busy the machine is, a reading that is under way is waited for."""
    monkeypatch.setattr(catalog, "_BRIEFLY", 20.0)


async def _catalog(shop: Shop, **filters: Any) -> Catalog:
    return await shop.payments.catalog(OPERATOR, query=CatalogQuery(**filters))


def _lists(shop: Shop) -> int:
    return shop.requests("GET", "/v1/prices").count("/v1/prices")


async def _let_it_age(shop: Shop, by: timedelta = FRESH + timedelta(minutes=1)) -> datetime:
    at = utcnow() - by
    async with write(shop.engine) as connection:
        await connection.execute(update(tables.provider).values(catalog_read_at=at))
    return at


async def _price(shop: Shop, **params: str) -> str:
    return str(
        (await shop.post("prices", **{"currency": "usd", "product_data[name]": "Tea", **params}))["id"]
    )


@on_sqlite
async def test_every_currency_interval_and_scheme_is_shown(shop: Shop) -> None:
    """Several currencies (yen and dinars unscaled), a cadence, tiers and a sum of the buyer's choice."""
    many = await _price(
        shop,
        unit_amount="1500",
        **{
            "currency_options[jpy][unit_amount]": "2000",
            "currency_options[kwd][unit_amount]": "4560",
            "recurring[interval]": "month",
            "recurring[interval_count]": "3",
        },
    )
    tiers = {"billing_scheme": "tiered", "tiers_mode": "graduated", "recurring[interval]": "month"}
    tiered = await _price(shop, **tiers, **{"tiers[0][up_to]": "inf", "tiers[0][unit_amount]": "10"})
    custom = await _price(shop, **{"custom_unit_amount[enabled]": "true"})
    found = {price.id: price for price in (await _catalog(shop)).prices}
    assert set(found) == {many, tiered, custom}
    price = found[many]
    assert (price.product_name, price.amount, price.currency) == ("Tea", 1500, "usd")
    assert (price.interval, price.interval_count, price.scheme) == ("month", 3, "flat")
    assert [(one.currency, one.amount) for one in price.currencies] == [("jpy", 2000), ("kwd", 4560)]
    assert [(found[id].scheme, found[id].amount) for id in (tiered, custom)] == [
        ("tiered", None),
        ("custom", None),
    ]


@on_sqlite
async def test_while_it_is_fresh_nobody_asks_the_provider(shop: Shop) -> None:
    """Read at the first question; after that events keep it: new, changed, put away, renamed."""
    first = await _price(shop, unit_amount="100")
    await _catalog(shop)
    await shop.settle()
    asked = _lists(shop)
    second = await _price(shop, unit_amount="200", **{"currency_options[eur][unit_amount]": "180"})
    await shop.settle()
    found = await _catalog(shop)
    assert [price.id for price in found.prices] == [second, first]
    assert [one.currency for one in found.prices[0].currencies] == ["eur"]
    shop.world.clock.advance(5)
    await shop.post(f"prices/{first}", active="false")
    product = shop.world.get("price", second)["product"]
    await shop.post(f"products/{product}", name="Green tea")
    await shop.settle()
    found = await _catalog(shop)
    assert [(price.id, price.product_name) for price in found.prices] == [(second, "Green tea")]
    assert [product.name for product in found.products] == ["Green tea"]
    assert (_lists(shop), found.note) == (asked, None)


async def test_a_product_that_is_put_away_takes_its_prices_with_it(shop: Shop) -> None:
    """And brings them back when it is taken up again."""
    id = await _price(shop, unit_amount="100")
    await _catalog(shop)
    for active, left in (("false", []), ("true", [id])):
        shop.world.clock.advance(5)
        await shop.post(f"products/{shop.world.get('price', id)['product']}", active=active)
        await shop.settle()
        assert [price.id for price in (await _catalog(shop)).prices] == left


async def test_all_who_ask_a_stale_one_share_one_reading(shop: Shop) -> None:
    """Ten at once: one list; each gets what it brought."""
    id = await _price(shop, unit_amount="100")
    answers = await asyncio.gather(*(_catalog(shop) for _ in range(10)))
    assert _lists(shop) == 1
    assert all([price.id for price in answer.prices] == [id] for answer in answers)


async def test_two_processes_do_not_read_it_both(shop: Shop) -> None:
    """While one reads a stale one, the other answers what there is, and says so."""
    await _price(shop, unit_amount="100")
    await _catalog(shop)
    await _let_it_age(shop)
    reached, go = asyncio.Event(), asyncio.Event()

    async def hold(request: Any) -> None:
        if request.url.path == "/v1/prices":
            reached.set()
            await asyncio.wait_for(go.wait(), 10)

    shop.wire.before = hold
    async with shop.beside() as other:
        reading = asyncio.create_task(_catalog(shop))
        await asyncio.wait_for(reached.wait(), 10)
        found = await other.catalog(OPERATOR)
        assert len(found.prices) == 1
        assert "Another process" in (found.note or "")
        go.set()
        assert (await reading).note is None


@on_sqlite
async def test_it_answers_with_the_provider_away(shop: Shop) -> None:
    """A stale one with a note since when; one that was never read can't be made up."""
    shop.wire.down = True
    with pytest.raises(ProviderUnavailable):
        await _catalog(shop)
    shop.wire.down = False
    id = await _price(shop, unit_amount="100")
    await _catalog(shop)
    read_at = await _let_it_age(shop)
    shop.wire.down = True
    for found in (await _catalog(shop), await shop.payments.catalog(OPERATOR, patience=0)):
        assert [price.id for price in found.prices] == [id]
        assert found.read_at == read_at
        assert f"{read_at:%Y-%m-%d %H:%M}" in (found.note or "")


@on_sqlite
async def test_what_no_event_told_is_found_when_it_is_read_anew(shop: Shop) -> None:
    """Webhooks that never came: a stale catalogue is read, with what is new and without what is gone."""
    gone = await _price(shop, unit_amount="100")
    await _catalog(shop)
    shop.world.faults.drop("*", times=None)
    shop.world.clock.advance(5)
    await shop.post(f"prices/{gone}", active="false")
    new = await _price(shop, unit_amount="200")
    await _let_it_age(shop)
    assert [price.id for price in (await _catalog(shop)).prices] == [new]


async def test_pages_and_one_product_s_prices(shop: Shop) -> None:
    """Three prices in pages of two, newest first; by product those of it alone."""
    ids = []
    for amount in (100, 200, 300):
        shop.world.clock.advance(1)
        ids.append(await _price(shop, unit_amount=str(amount)))
    first = await _catalog(shop, limit=2)
    rest = await _catalog(shop, limit=2, cursor=first.next_cursor)
    assert [price.id for price in (*first.prices, *rest.prices)] == ids[::-1]
    assert rest.next_cursor is None
    product = shop.world.get("price", ids[0])["product"]
    assert [price.id for price in (await _catalog(shop, product_id=product)).prices] == ids[:1]


@on_sqlite
async def test_it_is_for_staff(shop: Shop) -> None:
    """Without payment.view it is refused before anybody is asked."""
    with pytest.raises(Forbidden):
        await shop.payments.catalog(Viewer("user:7", User("7", "Ada")))
    assert _lists(shop) == 0


async def test_a_fraction_of_a_cent_is_multiplied_before_it_is_rounded(shop: Shop) -> None:
    """From the catalogue through the checkout to the row and MRR: three at 33.5 cents are 101 cents."""
    price = await _price(shop, unit_amount_decimal="33.5", **{"recurring[interval]": "month"})
    (sold,) = (await _catalog(shop)).prices
    assert (sold.amount, sold.amount_decimal, sold.scheme) == (None, "33.5", "flat")
    body = CheckoutBody(price_id=price, mode=CheckoutMode.SUBSCRIPTION, quantity=3)
    session = (await shop.payments.create_checkout(OPERATOR, body)).session_id
    shop.world.clock.advance(30)
    shop.fill_in(session)
    await shop.settle()
    (row,) = await shop.payments.subscriptions(OPERATOR, SubscriptionQuery())
    (item,) = row.items
    assert (row.amount, item.amount, item.amount_decimal, item.total) == (101, None, "33.5", 101)
    (usd,) = (await metrics.metrics(shop.payments, OPERATOR, MetricsQuery(days=365))).metrics
    assert (usd.mrr, usd.gross) == (101, 101)
    change = ChangePlanBody(quantity=5, proration_behavior=Proration.NONE)
    preview = await subscriptions.preview_change(shop.payments, OPERATOR, str(row.id), change)
    assert preview.next_invoice is not None
    assert preview.next_invoice.total == 168
    assert (await subscriptions.change_plan(shop.payments, OPERATOR, str(row.id), change)).amount == 168
