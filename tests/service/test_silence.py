"""Silence: no key, secret, card, name or address in logs, errors and reprs, whatever goes wrong."""

from __future__ import annotations

import logging
from collections.abc import AsyncIterator, Iterator
from contextlib import asynccontextmanager, suppress

import pytest

from overseer_payment import database, tables
from overseer_payment.errors import PaymentError
from overseer_payment.host_contract import User
from overseer_payment.operations import Begun, Intent
from overseer_payment.provider import CheckoutMode
from overseer_payment.schemas import CheckoutBody, Viewer
from tests.service.breaking import breaker, failing_on
from tests.service.shop import SECRET, Shop

pytestmark = pytest.mark.anyio

CARD = "4242424242424242"
PRIVATE = ("ada@example.com", CARD, "sk_test_sim", SECRET, "Ada Lovelace", "secret-order")
NOTE = {"note": f"secret-order, by {CARD}"}  # people write anything anywhere
ADA = Viewer("user:7", User("7", "Ada Lovelace"))


@pytest.fixture(autouse=True)
def quiet(caplog: pytest.LogCaptureFixture) -> Iterator[None]:
    """Whatever a test does, nothing private is in the log."""
    with caplog.at_level(logging.DEBUG):
        yield
    # By now `caplog.text` is that of the teardown alone.
    said = "\n".join(caplog.handler.format(record) for record in caplog.get_records("call"))
    for private in PRIVATE:
        assert private not in said


async def test_a_whole_business_is_quiet(shop: Shop) -> None:
    """Checkout, payment, refund, subscription, renewal, decline: nothing private is logged."""
    body = CheckoutBody(price_id=await shop.price(), mode=CheckoutMode.PAYMENT, metadata=NOTE)
    created = await shop.payments.create_checkout(ADA, body)
    shop.world.clock.advance(30)
    shop.fill_in(created.session_id)
    await shop.subscribe()
    await shop.settle()
    await shop.refund(created.session_id, 100)
    await shop.advance(40)
    assert await shop.count(tables.transaction) >= 3
    assert any(CARD in row["payload"] for row in await shop.rows(tables.event))


async def test_what_goes_wrong_is_quiet(shop: Shop) -> None:
    """A provider away, timed out, refusing; a database that fails under statements full of names."""
    session = await shop.buy()
    await shop.settle()
    body = CheckoutBody(price_id="price_gone", mode=CheckoutMode.PAYMENT, metadata=NOTE)
    errors = []
    shop.world.faults.time_out("POST", "/v1/refunds", after_effect=True, times=3)
    for attempt in (shop.refund(session, 100), shop.payments.create_checkout(ADA, body)):
        with pytest.raises(PaymentError) as failed:
            await attempt
        errors.append(failed.value)
    async with _away(shop, "payment_event"):
        for event in shop.world.events:
            with pytest.raises(PaymentError) as failed:
                await shop.receive({**event, "id": f"evt_again_{event['id']}", "note": NOTE})
            errors.append(failed.value)
    with breaker(shop.engine) as broken:
        broken.at = failing_on("INSERT INTO")
        shop.later(60)
        with suppress(PaymentError):
            await shop.payments.worker.sender.settle()
    for error in errors:
        for private in PRIVATE:
            assert private not in f"{error} {error!r} {error.__cause__!r}"


@asynccontextmanager
async def _away(shop: Shop, name: str) -> AsyncIterator[None]:
    """A table that is not there: the driver's own error has the statement and all its values."""
    await _rename(shop, name, f"{name}_away")
    try:
        yield
    finally:
        await _rename(shop, f"{name}_away", name)


async def _rename(shop: Shop, before: str, after: str) -> None:
    async with database.write(shop.engine) as connection:
        await connection.exec_driver_sql(f"ALTER TABLE {before} RENAME TO {after}")


async def test_reprs_are_quiet(shop: Shop) -> None:
    """What a debugger or a log line would show of what we hold in memory."""
    await shop.payments.create_checkout(
        ADA, CheckoutBody(price_id=await shop.price(), mode=CheckoutMode.PAYMENT)
    )
    intent = Intent(kind="customer", actor="user:7", request={"name": "Ada Lovelace"})
    rows = await shop.rows(tables.operation)
    assert any("Ada Lovelace" in row["request"] for row in rows)  # where it is needed to be sent again
    worker = shop.payments.worker
    begun = Begun(rows, fresh=True)  # type: ignore[arg-type]  # rows as plain values do
    for thing in (intent, begun, worker.applier, worker.reader, worker.sender, shop.payments.inbox):
        for private in PRIVATE:
            assert private not in repr(thing)
