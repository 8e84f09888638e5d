"""Reading what the ledger wants: coalesced, with patience, and not in vain for ever."""

from __future__ import annotations

import json
from collections.abc import Mapping
from datetime import UTC, datetime, timedelta
from typing import Any

import httpx
import pytest
from sqlalchemy import delete, select

from overseer_payment import tables
from overseer_payment.database import write
from overseer_payment.ledger import accounts
from overseer_payment.provider import Kind, Ref
from tests.service.shop import OPERATOR, Shop, of_type, service, settings_of

pytestmark = pytest.mark.anyio


async def _wanted(shop: Shop) -> dict[str, str]:
    return {row["kind"]: row["reason"] for row in await shop.rows(tables.wanted)}


async def _only(shop: Shop, *types: str) -> None:
    """Of all that happened only these events reach us."""
    for event in of_type(shop.world, *types):
        await shop.receive(event)
    shop.world.deliveries.take_due(float("inf"))


async def test_unknown_parents_are_fetched(shop: Shop) -> None:
    """Only a refund's event arrives: its payment, charge and their sums are read."""
    intent = await shop.pay(1000)
    await shop.post("refunds", payment_intent=intent, amount="300")
    await _only(shop, "refund.created")
    await shop.drain()
    payment = await shop.transaction(intent)
    assert (payment.status, payment.amount, payment.amount_refunded) == ("partially_refunded", 1000, 300)
    assert await shop.revenue() == {"usd": (1000, 300, 0, 700)}
    assert await _wanted(shop) == {}


async def test_its_own_event_often_comes_before_a_fetch_is_needed(shop: Shop) -> None:
    """What is named first and described moments later costs no request."""
    session = await shop.subscribe()
    events = list(reversed(shop.world.events))
    shop.world.deliveries.take_due(float("inf"))
    for event in events:
        await shop.receive(event)
    await shop.payments.worker.drain()
    assert (await shop.transaction(session)).status == "succeeded"
    assert shop.requests("GET", "/v1/customers") == []
    assert shop.requests("GET", "/v1/subscriptions") == []


async def test_one_request_serves_all_who_wait_for_an_object(shop: Shop) -> None:
    """Forty events in a dialect that we don't read ask for one customer: one request."""
    customer = (await shop.post("customers", email="ada@example.com"))["id"]
    (event,) = of_type(shop.world, "customer.created")
    shop.world.deliveries.take_due(float("inf"))
    for n in range(40):
        await shop.receive({**event, "id": f"evt_{n}", "api_version": "2031-01-01.unheard"})
    await shop.drain()
    assert shop.requests("GET", "/v1/customers") == [f"/v1/customers/{customer}"]
    assert (await shop.payments.customer(OPERATOR, customer)).email == "ada@example.com"


async def test_contradicting_news_of_one_second_is_settled_by_a_read(shop: Shop) -> None:
    """Two different updates in the same second: whatever the provider now says."""
    await shop.subscribe()
    await shop.settle()
    subscription = shop.world.find("subscription")[0]
    for quantity in ("2", "3", "5", "4"):
        item = subscription["items"]["data"][0]["id"]
        params = {"items[0][id]": item, "items[0][quantity]": quantity, "proration_behavior": "none"}
        await shop.post(f"subscriptions/{subscription['id']}", **params)
    await shop.settle()
    assert (await shop.payments.subscription(OPERATOR, subscription["id"])).quantity == 4
    assert await _wanted(shop) == {}


async def test_an_invoice_without_links_is_tied_to_its_payment(shop: Shop) -> None:
    """Since Basil an invoice names no payment: with `invoice.paid` alone the link is fetched, money once."""
    session = await shop.subscribe(1500)
    await _only(shop, "invoice.paid")
    await shop.drain()
    invoice = shop.world.get("checkout.session", session)["invoice"]
    payment = await shop.transaction(invoice)
    assert (payment.type, payment.amount, payment.provider_transaction_id[:3]) == (
        "subscription",
        1500,
        "pi_",
    )
    assert await shop.revenue() == {"usd": (1500, 0, 0, 1500)}


async def test_an_invoice_paid_outside_is_no_money_of_the_provider_s(shop: Shop) -> None:
    """Marked as paid elsewhere: the invoice is paid, no payment is made up, and nobody keeps asking."""
    customer = (await shop.post("customers", email="ada@example.com"))["id"]
    invoice = (
        await shop.post("invoices", customer=customer, collection_method="send_invoice", days_until_due="9")
    )["id"]
    await shop.post("invoiceitems", customer=customer, invoice=invoice, amount="900", currency="usd")
    await shop.post(f"invoices/{invoice}/finalize")
    await shop.post(f"invoices/{invoice}/pay", paid_out_of_band="true")
    await shop.settle()
    (row,) = await shop.rows(tables.invoice)
    assert row["status"] == "paid"
    assert await shop.revenue() == {}
    assert await _wanted(shop) == {}


async def test_an_unreachable_provider_is_asked_again_later(shop: Shop) -> None:
    """The want says why it waits and for how long; once the provider is back it is answered."""
    intent = await shop.pay(1000)
    await shop.post("refunds", payment_intent=intent, amount="300")
    await _only(shop, "refund.created")
    shop.wire.down = True
    await shop.drain()
    (want,) = await shop.rows(tables.wanted)
    assert "could not be reached" in want["last_error"]
    assert want["due_at"] > datetime.now(UTC)
    assert await shop.payments.worker.drain() == 0
    shop.wire.down = False
    shop.later(30)
    await shop.drain()
    assert (await shop.transaction(intent)).amount == 1000
    assert await _wanted(shop) == {}


async def test_a_limiting_provider_says_when(shop: Shop) -> None:
    """`Retry-After` is kept to."""
    await shop.pay(1000)
    await _only(shop, "charge.succeeded")
    shop.world.faults.answer(429, "GET", "*", times=None, headers={"Retry-After": "77"})
    await shop.payments.worker.reader.want(shop.payments.home(), _charge(shop))
    await shop.drain()
    due = [row["due_at"] for row in await shop.rows(tables.wanted) if row["kind"] == "charge"]
    assert timedelta(seconds=70) < due[0] - datetime.now(UTC) <= timedelta(seconds=77)


def _charge(shop: Shop) -> Ref:
    return Ref(Kind.CHARGE, shop.world.find("charge")[0]["id"])


async def test_what_the_provider_does_not_have_is_no_longer_wanted(shop: Shop) -> None:
    """An object that is gone is struck: asking again would not help."""
    await shop.pay()
    await shop.settle()
    await shop.payments.worker.reader.want(shop.payments.home(), Ref(Kind.CUSTOMER, "cus_gone"))
    assert "customer" in await _wanted(shop)
    await shop.payments.worker.drain()
    assert await _wanted(shop) == {}


async def test_a_plugin_that_breaks_costs_its_own_object_only(shop: Shop) -> None:
    """A read that raises anything is postponed, and given up after a bounded number of attempts."""
    await shop.pay()
    await shop.settle()
    ref, reader = _charge(shop), shop.payments.worker.reader
    other = Ref(Kind.CUSTOMER, (await shop.post("customers", name="Ada"))["id"])

    class Broken:
        async def fetch(self, asked: Ref) -> Any:
            if asked == ref:
                raise KeyError("ada@example.com")
            return await shop.payments.registry.get("stripe").fetch(asked)

    reader.providers = lambda: {"stripe": Broken()}  # type: ignore[dict-item]  # stands in for the provider, as far as it is asked
    await reader.want(shop.payments.home(), ref)
    await reader.want(shop.payments.home(), other)
    await shop.payments.worker.drain()
    (want,) = await shop.rows(tables.wanted)
    assert (want["kind"], want["last_error"][:10]) == ("charge", "Unexpected")
    assert "ada" not in want["last_error"]
    now = datetime.now(UTC)
    reader.now = lambda: now
    for _ in range(20):
        now += timedelta(hours=2)
        await reader.step()
    assert await _wanted(shop) == {}


async def test_wants_of_other_accounts_keep_nobody_busy(shop: Shop) -> None:
    """An account that no configured key can ask for: its wants wait without being taken up."""
    await shop.pay()
    (event, *_) = of_type(shop.world, "charge.succeeded")
    await shop.receive({**event, "account": "acct_other"})
    async with write(shop.engine) as connection:
        await connection.execute(delete(tables.wanted))
    await shop.drain()
    asked = len(shop.world.requests)
    assert await shop.payments.worker.step() == 0
    assert len(shop.world.requests) == asked


async def test_two_readers_share_a_want(shop: Shop) -> None:
    """While one process reads an object the other leaves it alone, until the lease has run out."""
    await shop.pay()
    await shop.settle()
    home, ref = shop.payments.home(), _charge(shop)
    await shop.payments.worker.reader.want(home, ref)
    seen: list[int] = []
    async with shop.beside() as other:

        async def meanwhile(_: httpx.Request) -> None:
            shop.wire.before = _nothing
            seen.append(await other.worker.reader.step())

        shop.wire.before = meanwhile
        await shop.payments.worker.reader.step()
    assert seen == [0]
    assert await _wanted(shop) == {}


async def _nothing(_: httpx.Request) -> None:
    return None


async def test_news_that_comes_during_a_read_is_not_taken_for_answered(shop: Shop) -> None:
    """A doubt about newer news than the read's stays, and the next read settles it."""
    customer = (await shop.post("customers", name="Ada"))["id"]
    await shop.settle()
    reader, home = shop.payments.worker.reader, shop.payments.home()
    await reader.want(home, Ref(Kind.CUSTOMER, customer))

    async def meanwhile(_: httpx.Request) -> None:
        shop.wire.after = _nothing
        shop.world.clock.advance(5)
        for name in ("Bea", "Cleo", "Dora"):
            await shop.post(f"customers/{customer}", name=name)
        for event in of_type(shop.world, "customer.updated"):
            await shop.receive(event)
        await shop.payments.worker.applier.step()

    shop.wire.after = meanwhile
    await reader.step()
    shop.later(10)
    await shop.settle()
    assert (await shop.payments.customer(OPERATOR, customer)).name == "Dora"
    assert await _wanted(shop) == {}


async def test_a_read_does_not_answer_what_is_asked_in_its_own_second(shop: Shop) -> None:
    """An event that we don't read comes in the second of a read that saw nothing of it: it is read again."""
    customer = (await shop.post("customers", name="Ada"))["id"]
    await shop.settle()
    reader, home = shop.payments.worker.reader, shop.payments.home()
    await reader.want(home, Ref(Kind.CUSTOMER, customer))

    async def meanwhile(_: httpx.Request) -> None:
        shop.wire.after = _nothing
        await shop.post(f"customers/{customer}", name="Dora")
        for event in of_type(shop.world, "customer.updated"):
            await shop.receive(_dialect(event, "2031-01-01.unheard"))
        await shop.payments.worker.applier.step()

    shop.wire.after = meanwhile
    shop.world.deliveries.take_due(float("inf"))
    await reader.step()
    shop.world.deliveries.take_due(float("inf"))
    assert (await shop.payments.customer(OPERATOR, customer)).name == "Ada"
    await shop.drain()
    assert (await shop.payments.customer(OPERATOR, customer)).name == "Dora"
    assert len(shop.requests("GET", "/v1/customers")) == 2
    assert await _wanted(shop) == {}


async def test_what_is_absent_is_looked_for_again_if_it_was_asked_for_meanwhile(shop: Shop) -> None:
    """A read that found nothing ends only the wants from before it began."""
    await shop.pay(1000)
    await shop.settle()
    reader, home, ref = shop.payments.worker.reader, shop.payments.home(), Ref(Kind.CUSTOMER, "cus_nobody")
    await reader.want(home, ref)

    async def meanwhile(_: httpx.Request) -> None:
        shop.wire.after = _nothing
        await reader.want(home, ref)

    shop.wire.after = meanwhile
    await reader.step()
    assert await reader.is_wanted(home, ref)
    await reader.step()
    assert not await reader.is_wanted(home, ref)


async def test_a_second_account_s_home_is_its_own(shop: Shop) -> None:
    """Example data is read with the example's key only: a real key is never asked about it."""
    intent = await shop.pay()
    example = service(shop.wire, shop.engine, settings_of(shop.world), account=accounts.EXAMPLE)
    await shop.post("refunds", payment_intent=intent)
    for event in of_type(shop.world, "refund.created"):
        await shop.receive(event, payments=example)
    shop.world.deliveries.take_due(float("inf"))
    await shop.drain()
    assert shop.requests("GET", "/v1/") == []
    await example.worker.drain(hurry=True)
    assert shop.requests("GET", "/v1/") != []
    await example.aclose()


def _dialect(event: Mapping[str, Any], version: str) -> dict[str, Any]:
    return {**json.loads(json.dumps(event)), "api_version": version}


async def test_an_unknown_dialect_gives_the_same_rows(shop: Shop) -> None:
    """Every event of a subscription's purchase in a version nobody knows yet: all is fetched, and equal."""
    session = await shop.subscribe(1500)
    shop.world.deliveries.take_due(float("inf"))
    for event in shop.world.events:
        await shop.receive(_dialect(event, "2031-01-01.unheard"))
    await shop.drain()
    payment = await shop.transaction(session)
    assert (payment.status, payment.amount, payment.type) == ("succeeded", 1500, "subscription")
    assert await shop.revenue() == {"usd": (1500, 0, 0, 1500)}
    assert await shop.count(tables.transaction) == 1
    rows = await shop.rows(select(tables.subscription.c.status))
    assert [row["status"] for row in rows] == ["active"]
