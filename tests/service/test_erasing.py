"""Erasing somebody's personal data: no trace of the person, no change of the books."""

from __future__ import annotations

import json
from typing import Any

import pytest
from sqlalchemy import Connection, Table, insert, select

from overseer_payment import operations, tables
from overseer_payment.asking import customers
from overseer_payment.committing import committed
from overseer_payment.database import utcnow
from overseer_payment.errors import (
    Conflict,
    OutcomeUnknown,
    ProviderUnavailable,
)
from overseer_payment.host_contract import User
from overseer_payment.operations import Intent
from overseer_payment.provider import CheckoutMode, Kind, Ref
from overseer_payment.schemas import CheckoutBody, EraseBody, Viewer
from overseer_payment.sync import drift
from tests.service.shop import OPERATOR, Shop, accounts

pytestmark = pytest.mark.anyio
on_sqlite = pytest.mark.parametrize("database_url", ["sqlite"], indirect=True)
"""For what no database decides: once is enough."""


PERSONAL = ("lovelace", "ada@", "Analytical", "+44 20")


async def _customer(shop: Shop) -> str:
    made = await shop.post(
        "customers", email="ada@lovelace.example", name="Ada Lovelace", phone="+44 20 7946 0000"
    )
    await shop.settle()
    return str(made["id"])


async def _business(shop: Shop) -> str:
    """Everything that tells of a person: payments, a refund, a failed one, a subscription, a checkout."""
    customer = await _customer(shop)
    method = await shop.post("payment_methods/pm_card_visa/attach", customer=customer)
    paid = await shop.post(
        "payment_intents",
        amount="4900",
        currency="usd",
        customer=customer,
        payment_method=method["id"],
        confirm="true",
        receipt_email="ada@lovelace.example",
        description="Analytical engine for Ada Lovelace",
        return_url="https://app.example/back",
        **{"metadata[who]": "Ada Lovelace"},
    )
    shop.world.clock.advance(5)
    await shop.settle()
    await shop.refund(paid["id"], 900)
    body = CheckoutBody(
        price_id=await shop.price(1500, "jpy", "month"),
        mode=CheckoutMode.SUBSCRIPTION,
        customer_id=customer,
        metadata={"who": "Ada Lovelace"},
    )
    session = (await shop.payments.create_checkout(OPERATOR, body)).session_id
    shop.world.clock.advance(30)
    shop.fill_in(session, email="ada@lovelace.example")
    await shop.settle()
    return customer


async def _everything(shop: Shop) -> str:
    """All that the database holds, as one text."""
    found = []
    for table in tables.metadata.sorted_tables:
        found += [json.dumps(row, default=str) for row in await shop.rows(table)]
    return "\n".join(found).lower()


async def _told(shop: Shop) -> list[str]:
    every = await _everything(shop)
    return [word for word in PERSONAL if word.lower() in every]


async def test_erasing_leaves_no_trace_and_all_sums(shop: Shop) -> None:
    """Nothing personal in any table, the inbox's payloads included; revenue, value and rows as before."""
    customer = await _business(shop)
    before, revenue = await shop.payments.customer(OPERATOR, customer), await shop.revenue()
    assert await _told(shop)
    done = await customers.erase(shop.payments, OPERATOR, customer, EraseBody())
    assert await _told(shop) == []
    assert done.events > 5
    assert (done.customer.email, done.customer.name, done.deleted_at_provider) == (None, None, False)
    after = await shop.payments.customer(OPERATOR, customer)
    assert after.erased_at is not None
    assert (after.value, await shop.revenue()) == (before.value, revenue)
    assert revenue["usd"] == (4900, 900, 0, 4000)
    assert revenue["jpy"] == (1500, 0, 0, 1500)


async def test_erasing_takes_the_user_from_what_was_sent(shop: Shop) -> None:
    """Whom a checkout, a customer or a link was made for is in no request any more; who asked stays."""
    buyer = Viewer("user:lovelace-7", User("lovelace-7", "Lovelace"))
    body = CheckoutBody(price_id=await shop.price(), mode=CheckoutMode.PAYMENT)
    session = (await shop.payments.create_checkout(buyer, body)).session_id
    shop.world.clock.advance(30)
    shop.fill_in(session)
    await shop.settle()
    customer = str(shop.world.find("customer")[0]["id"])
    await customers.unlink(shop.payments, OPERATOR, customer)
    await customers.link(shop.payments, OPERATOR, customer, "lovelace-7")
    await customers.erase(shop.payments, OPERATOR, customer, EraseBody())
    rows = await shop.rows(tables.operation)
    assert {row["actor"] for row in rows} == {buyer.actor, OPERATOR.actor}
    kept = [
        (row["kind"], name) for row in rows for name in ("target", "request") if "lovelace" in str(row[name])
    ]
    assert kept == []
    # With nobody's key left over, the same user gets a customer of their own again.
    assert (await shop.payments.create_checkout(buyer, body)).session_id != session
    assert shop.made("customer") == 2


@pytest.mark.parametrize("database_url", ["postgresql"], indirect=True)
async def test_whoever_has_paid_thousands_of_times_is_erased(shop: Shop) -> None:
    """More objects than PostgreSQL holds locks at once: everything goes all the same."""
    customer = await _business(shop)
    await committed(shop.engine, _paid_often, 16_000)
    before = await shop.payments.customer(OPERATOR, customer)
    await customers.erase(shop.payments, OPERATOR, customer, EraseBody())
    assert await _told(shop) == []
    assert (await shop.payments.customer(OPERATOR, customer)).value == before.value


def _paid_often(connection: Connection, times: int) -> None:
    """The rows of many payments like the first one, and the objects of some."""
    first = _any_of(connection, tables.transaction)
    paid = [{**first, "id": 100 + n, "provider_transaction_id": f"pi_{n}"} for n in range(times)]
    connection.execute(insert(tables.transaction), paid)
    word = connection.execute(
        select(tables.provider_object).where(tables.provider_object.c.provider_id == first["charge_ref"])
    ).mappings()
    told = dict(word.one())
    names = [{**told, "provider_id": f"pi_{n}", "payment_ref": f"pi_{n}"} for n in range(0, times, 100)]
    connection.execute(insert(tables.provider_object), names)


def _any_of(connection: Connection, table: Table) -> dict[str, Any]:
    paid = table.c.customer_id.is_not(None) & table.c.charge_ref.is_not(None)
    return dict(connection.execute(select(table).where(paid).order_by(table.c.id).limit(1)).mappings().one())


@on_sqlite
async def test_a_similar_id_is_somebody_else_s(shop: Shop) -> None:
    """What was sent for another customer stays, also where only an underscore tells the two ids apart."""
    customer = await _customer(shop)
    other = customer.replace("_", "-")
    intent = Intent(kind="portal", actor="user:8", request={"customer": other, "email": "ben@example.com"})
    await committed(shop.engine, operations.note, 1, intent, now=utcnow())
    await customers.erase(shop.payments, OPERATOR, customer, EraseBody())
    assert "ben@example.com" in await _everything(shop)


async def test_nothing_brings_the_data_back(shop: Shop) -> None:
    """Not late news, not every event once more, not a read of every object; and no drift is claimed."""
    customer = await _business(shop)
    revenue = await shop.revenue()
    await customers.erase(shop.payments, OPERATOR, customer, EraseBody())
    await shop.post(f"customers/{customer}", name="Ada King Lovelace")
    await shop.settle()
    for event in list(shop.world.events):
        await shop.receive({**event, "id": f"{event['id']}_again"})
    await shop.drain()
    provider = shop.payments.registry.get("stripe")
    home = shop.payments.home()
    kinds = {"payment_intent": Kind.PAYMENT, "customer": Kind.CUSTOMER, "subscription": Kind.SUBSCRIPTION}
    for name, kind in kinds.items():
        for one in shop.world.find(name):
            await shop.payments.worker.reader.want(home, Ref(kind, one["id"]))
    await shop.drain()
    assert await _told(shop) == []
    assert await shop.revenue() == revenue
    told = await provider.fetch(Ref(Kind.CUSTOMER, customer))
    async with shop.engine.connect() as connection:
        id = (await connection.run_sync(accounts.known))[home]
        assert await connection.run_sync(drift.compare, id, told) == []


@on_sqlite
async def test_erased_events_can_still_be_applied(shop: Shop) -> None:
    """What the inbox keeps of them tells the same sums when it is applied again."""
    customer = await _business(shop)
    await customers.erase(shop.payments, OPERATOR, customer, EraseBody())
    revenue = await shop.revenue()
    async with shop.engine.begin() as connection:
        await connection.execute(tables.event.update().values(status="pending"))
    await shop.drain()
    assert {row["status"] for row in await shop.rows(tables.event)} <= {"applied", "ignored"}
    assert await shop.revenue() == revenue
    assert await _told(shop) == []


@on_sqlite
async def test_others_are_untouched(shop: Shop) -> None:
    """Erasing one leaves another's name, payments and deliveries as they were."""
    customer = await _business(shop)
    other = await shop.post("customers", email="ben@example.com", name="Ben Babbage")
    await shop.settle()
    kept = select(tables.event.c.payload).where(tables.event.c.payload.contains(other["id"]))
    before = await shop.rows(kept)
    await customers.erase(shop.payments, OPERATOR, customer, EraseBody())
    assert (await shop.payments.customer(OPERATOR, other["id"])).name == "Ben Babbage"
    assert await shop.rows(kept) == before


@on_sqlite
async def test_erasing_twice_is_no_error(shop: Shop) -> None:
    """The tombstone keeps its first moment; there is nothing more to take out."""
    customer = await _business(shop)
    first = await customers.erase(shop.payments, OPERATOR, customer, EraseBody())
    again = await customers.erase(shop.payments, OPERATOR, customer, EraseBody())
    assert again.customer.erased_at == first.customer.erased_at
    with pytest.raises(Conflict):
        await customers.link(shop.payments, OPERATOR, customer, "7")


async def test_erasing_at_the_provider_too(shop: Shop) -> None:
    """The customer is deleted there and their subscription ends; asked again, deleted already is success."""
    customer = await _business(shop)
    body = EraseBody(at_provider=True)
    done = await customers.erase(shop.payments, OPERATOR, customer, body)
    assert done.deleted_at_provider
    assert shop.world.find("customer") == []
    shop.world.clock.advance(5)
    await shop.settle()
    assert (await shop.payments.customer(OPERATOR, customer)).subscriptions[0].status == "canceled"
    assert (await customers.erase(shop.payments, OPERATOR, customer, body)).deleted_at_provider
    assert await _told(shop) == []


@on_sqlite
@pytest.mark.parametrize("fault", ["down", "time_out"])
async def test_a_provider_that_is_away_is_told_and_nothing_comes_back(shop: Shop, fault: str) -> None:
    """Here all is erased already; the deletion there is asked for again, or settled in the background."""
    customer = await _business(shop)
    error: Any = ProviderUnavailable
    if fault == "down":
        shop.wire.down = True
    else:
        error = OutcomeUnknown
        shop.world.faults.time_out("DELETE", "/v1/customers/*", after_effect=True, times=3)
    with pytest.raises(error):
        await customers.erase(shop.payments, OPERATOR, customer, EraseBody(at_provider=True))
    assert await _told(shop) == []
    shop.wire.down = False
    if fault == "down":
        await customers.erase(shop.payments, OPERATOR, customer, EraseBody(at_provider=True))
    else:
        shop.later(10)
        await shop.settle()
    assert (await shop.payments.customer(OPERATOR, customer)).deleted
