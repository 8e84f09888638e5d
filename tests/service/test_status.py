"""What people see: quick, from the ledger, of the right account, whatever the provider does."""

from __future__ import annotations

import asyncio
import json
import logging
from typing import Any

import pytest

from overseer_payment import database, demo, doctor, health, tables
from overseer_payment.doctor import hearing
from overseer_payment.errors import ConfigurationError, DatabaseError, ProviderUnavailable
from overseer_payment.ledger import accounts
from overseer_payment.ledger.accounts import Account
from overseer_payment.provider import CheckoutMode, Health
from overseer_payment.schemas import CheckoutBody, CustomerQuery, TransactionQuery
from overseer_payment.service import Payments
from overseer_payment.shown import whose
from tests.service.breaking import breaker, failing_on
from tests.service.shop import LIVE, LIVE_SETTINGS, OPERATOR, Shop, findings_of, service, settings_of

pytestmark = pytest.mark.anyio


# -- status and health ------------------------------------------------------------------------------


async def test_status_tells_what_there_is(shop: Shop) -> None:
    """Provider, mode, counts, and revenue per currency, each for itself."""
    await shop.pay(1000, "usd")
    await shop.pay(1000, "eur")
    await shop.pay(500000, "jpy")
    await shop.subscribe(1500)
    await shop.settle()
    status = await shop.payments.status(OPERATOR)
    assert (status.provider, status.enabled, status.healthy, status.is_test_mode) == (
        "stripe",
        True,
        True,
        True,
    )
    assert (status.total_transactions, status.active_subscriptions) == (4, 1)
    assert (status.failed_events, status.pending_events, status.account) == (0, 0, "default")
    sums = {revenue.currency: revenue.net for revenue in status.revenue}
    assert sums == {"usd": 2500, "eur": 1000, "jpy": 500000}


async def test_an_unreachable_provider_is_one_sentence_and_the_ledger_is_shown(shop: Shop) -> None:
    """Status, lists and rows answer as before; only health says what is wrong."""
    intent = await shop.pay(1000)
    await shop.settle()
    shop.wire.down = True
    status = await shop.payments.status(OPERATOR)
    assert (status.healthy, status.total_transactions) == (False, 1)
    assert "could not be reached" in status.health_message
    page = await shop.payments.transactions(OPERATOR, TransactionQuery())
    assert [row.provider_transaction_id for row in page] == [intent]
    with pytest.raises(ProviderUnavailable):
        await shop.payments.catalog(OPERATOR)


async def test_a_silent_provider_holds_a_page_up_for_seconds_only(
    shop: Shop, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Health is waited for briefly; the sentence says that it does not answer."""

    async def hang(_: Any) -> None:
        await asyncio.Event().wait()

    monkeypatch.setattr(health, "_PATIENCE", 0.05)
    shop.wire.before = hang
    async with asyncio.timeout(5):
        status = await shop.payments.status(OPERATOR)
    assert (status.healthy, "does not answer" in status.health_message) == (False, True)


async def test_findings_for_a_page_do_not_wait_for_the_provider(
    shop: Shop, monkeypatch: pytest.MonkeyPatch
) -> None:
    """What is known here is told at once; what the provider says by a later look, with when it was asked."""
    go = asyncio.Event()

    async def hold(_: Any) -> None:
        await asyncio.wait_for(go.wait(), 10)

    monkeypatch.setattr(hearing, "_BRIEFLY", 0.01)
    shop.wire.before = hold
    found, heard = await doctor.at_once(shop.payments)
    assert heard == doctor.Heard()
    assert {one.id for one in found} & {"database", "provider", "health"} == {"database", "provider"}
    monkeypatch.setattr(hearing, "_BRIEFLY", 10.0)
    go.set()
    asked_at = (await doctor.at_once(shop.payments))[1].at
    shop.wire.down = True
    found, heard = await doctor.at_once(shop.payments)
    assert ([one.level for one in found if one.id == "health"], heard.at) == (["ok"], asked_at)
    health_now = (await findings_of(shop.payments))["health"]
    assert (health_now.level, asked_at is not None) == ("error", True)


async def test_many_pages_ask_the_provider_once(shop: Shop) -> None:
    """Twenty at once and one a moment later: one request. Asked afresh: another."""
    await asyncio.gather(*(shop.payments.status(OPERATOR) for _ in range(20)))
    await shop.payments.status(OPERATOR)
    asked = len(shop.requests("GET", "/v1/account"))
    assert asked == 1
    assert (await shop.payments.health(fresh=True)).healthy
    assert len(shop.requests("GET", "/v1/account")) == 2


async def test_that_the_provider_is_back_is_seen_soon(shop: Shop, monkeypatch: pytest.MonkeyPatch) -> None:
    """A bad answer is kept for a shorter time than a good one."""
    assert health._DOUBT_LASTS < health._LASTS
    monkeypatch.setattr(health, "_DOUBT_LASTS", 0.0)
    monkeypatch.setattr(health, "_BRIEFLY", 10.0)
    shop.wire.down = True
    assert not (await shop.payments.health()).healthy
    shop.wire.down = False
    assert (await shop.payments.health()).healthy


async def test_a_plugin_s_broken_health_check_breaks_no_page(
    shop: Shop, caplog: pytest.LogCaptureFixture
) -> None:
    """Whatever it raises, status answers; neither page nor log has the exception's text."""

    class Broken:
        livemode = False

        async def health_check(self) -> Health:
            raise RuntimeError(LIVE)

    shop.payments.health_check.provider = Broken  # type: ignore[assignment]  # stands in for the provider, as far as it is asked
    with caplog.at_level(logging.DEBUG):
        status = await shop.payments.status(OPERATOR)
    assert status.healthy is False
    assert "RuntimeError" in status.health_message
    assert LIVE not in status.health_message + caplog.text


async def test_an_unusable_database_is_one_sentence(shop: Shop) -> None:
    """Status raises DatabaseError, which every surface shows as 503."""
    with breaker(shop.engine) as broken:
        broken.at = failing_on("")
        with pytest.raises(DatabaseError):
            await shop.payments.status(OPERATOR)


async def test_the_catalogue_lists_what_can_be_sold(shop: Shop) -> None:
    """Prices with their product's name, as the provider tells them now."""
    price = await shop.price(1500, "eur", "month")
    (row,) = (await shop.payments.catalog(OPERATOR)).prices
    assert (row.id, row.amount, row.currency, row.interval, row.product_name) == (
        price,
        1500,
        "eur",
        "month",
        "Growth",
    )


# -- whose rows ---------------------------------------------------------------------------------------


async def _example(shop: Shop) -> Payments:
    other = service(shop.wire, shop.engine, settings_of(shop.world), account=accounts.EXAMPLE)
    for event in shop.world.events:
        await shop.receive({**event, "id": f"evt_example_{event['id']}"}, payments=other)
    shop.world.deliveries.take_due(float("inf"))
    await other.worker.drain(hurry=True)
    return other


async def test_example_data_is_shown_until_there_is_real(shop: Shop) -> None:
    """Then only the real account is; the two never meet in a sum."""
    await shop.pay(700)
    await (await _example(shop)).aclose()
    assert (await shop.payments.status(OPERATOR)).account == accounts.EXAMPLE
    assert await shop.revenue() == {"usd": (700, 0, 0, 700)}
    await shop.pay(1000)
    await shop.settle()
    assert (await shop.payments.status(OPERATOR)).account == accounts.DEFAULT
    assert await shop.revenue() == {"usd": (1000, 0, 0, 1000)}


async def test_a_real_checkout_is_found_beside_example_data(shop: Shop) -> None:
    """Before the first real payment the new session can be asked for, though lists show the example."""
    await shop.pay(700)
    await (await _example(shop)).aclose()
    body = CheckoutBody(price_id=await shop.price(), mode=CheckoutMode.PAYMENT)
    created = await shop.payments.create_checkout(OPERATOR, body)
    assert (await shop.payments.checkout(OPERATOR, created.session_id)).status == "open"


async def test_without_a_key_the_ledger_still_shows_what_it_knows(shop: Shop) -> None:
    """The key was removed: rows of that account stay visible; nothing can be sent."""
    await shop.pay(1000)
    await shop.settle()
    bare = service(shop.wire, shop.engine, {"OVERSEER_SAFE_MODE": "1"})
    status = await bare.status(OPERATOR)
    assert (status.enabled, status.healthy, status.total_transactions) == (False, False, 1)
    assert [sums.net for sums in status.revenue] == [1000]
    assert len((await bare.customers(OPERATOR, CustomerQuery())).rows) == 0
    await bare.aclose()


async def test_test_rows_are_not_shown_with_a_live_key(shop: Shop) -> None:
    """The same database under a live key: an empty account, and no test money in it."""
    await shop.pay(1000)
    await shop.settle()
    live = service(shop.wire, shop.engine, {**settings_of(shop.world), **LIVE_SETTINGS})
    status = await live.status(OPERATOR)
    assert (status.total_transactions, status.revenue, status.livemode) == (0, [], True)
    await live.aclose()


async def test_going_live_shows_no_test_rows(shop: Shop) -> None:
    """Before the first live event the live account is empty: test and example rows never stand in."""
    await shop.pay(1000)
    await shop.settle()
    live = service(shop.wire, shop.engine, {**settings_of(shop.world), **LIVE_SETTINGS})
    status = await live.status(OPERATOR)
    assert (status.livemode, status.total_transactions, status.revenue) == (True, 0, [])
    assert (await live.transactions(OPERATOR, TransactionQuery())).rows == []
    await live.aclose()


async def test_a_test_key_beside_a_live_one_adds_to_no_sum(shop: Shop) -> None:
    """Of two providers in two modes the live one is listed and summed; a single row is found in both."""
    live, test = homes = [Account(key, accounts.DEFAULT, key == "acmepay") for key in ("acmepay", "stripe")]
    async with database.write(shop.engine) as connection:
        ids = await connection.run_sync(accounts.ensure, homes)
        assert await connection.run_sync(whose.listed, homes, accounts.DEFAULT) == {live: ids[live]}
        assert await connection.run_sync(whose.listed, [test], accounts.DEFAULT) == {test: ids[test]}
        assert await connection.run_sync(whose.findable, homes, accounts.DEFAULT) == ids


async def test_without_a_key_one_stray_live_event_replaces_no_ledger(shop: Shop) -> None:
    """What was left is shown in the mode that did business, and says which that is."""
    await shop.pay(1000)
    await shop.pay(500)
    await shop.settle()
    stray = next(event for event in shop.world.events if event["type"] == "charge.succeeded")
    text = json.dumps(stray).replace('"livemode": false', '"livemode": true')
    await shop.receive({**json.loads(text), "id": "evt_stray"})
    await shop.drain()
    unset = {**settings_of(shop.world), "STRIPE_SECRET_KEY": ""}
    left = service(shop.wire, shop.engine, unset)
    status = await left.status(OPERATOR)
    assert (status.livemode, status.revenue[0].gross) == (False, 1500)
    await left.aclose()


# -- start and doctor ------------------------------------------------------------------------------------


async def _demo_rows(shop: Shop) -> None:
    other = service(shop.wire, shop.engine, settings_of(shop.world), account=accounts.DEMO)
    await shop.pay(700)
    for event in shop.world.events:
        await shop.receive(event, payments=other)
    await other.worker.drain(hurry=True)
    await other.aclose()


async def test_a_live_key_is_refused_on_a_demo_s_database(shop: Shop) -> None:
    """`start` raises, `doctor` names it, and what stays up shows and takes nothing; a test key goes on."""
    await _demo_rows(shop)
    live = service(shop.wire, shop.engine, {**settings_of(shop.world), **LIVE_SETTINGS})
    with pytest.raises(ConfigurationError, match="demo"):
        await live.start()
    assert not live.worker.running
    for refused in (
        live.status(OPERATOR),
        live.transactions(OPERATOR, TransactionQuery()),
        live.receive("stripe", b"{}", {}),
    ):
        with pytest.raises(ConfigurationError, match="demo"):
            await refused
    finding = (await findings_of(live))["demo"]
    assert (finding.level, bool(finding.cure)) == ("error", True)
    await live.aclose()
    await shop.payments.start()
    assert shop.payments.worker.running


async def test_payments_start_without_a_database_and_go_on_when_it_is_there(shop: Shop) -> None:
    """A host must come up: the work waits for the database."""
    for loop in shop.payments.worker._loops:
        loop.look = 0.02
    await shop.pay(1000)
    await shop.deliverer.deliver_due()
    with breaker(shop.engine) as broken:
        broken.at = failing_on("")
        await shop.payments.start()
        await asyncio.sleep(0.1)
    for _ in range(300):
        if await shop.count(tables.event, status="pending") == 0:
            break
        await asyncio.sleep(0.02)
    assert await shop.revenue() == {"usd": (1000, 0, 0, 1000)}


def test_a_demo_refuses_a_live_key() -> None:
    """Before anything is started."""
    with pytest.raises(ConfigurationError, match="live"):
        demo.prepare({"STRIPE_SECRET_KEY": LIVE, "OVERSEER_PUBLIC_URL": "http://127.0.0.1:8000"})
