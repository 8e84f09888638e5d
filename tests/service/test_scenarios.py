"""Sequences that running systems got wrong, played whole: what happens at Stripe, and what is shown then."""

from __future__ import annotations

import asyncio
from typing import Any

import pytest

from overseer_payment import tables
from overseer_payment.cards.methods import method
from overseer_payment.errors import Conflict
from overseer_payment.schemas import TransactionQuery
from overseer_payment.shown.disputes import dispute
from overseer_payment.simulator import scenario
from tests.service.application import Ears, Open
from tests.service.shop import OPERATOR, Shop

pytestmark = pytest.mark.anyio

DECLINED, SETTLES = "4000000000000002", "000123456789"


async def test_a_renewal_that_is_paid_at_last_keeps_its_failed_attempt(shop: Shop) -> None:
    """`invoice.payment_failed`, then `invoice.paid`: one row, succeeded, whose timeline tells of both."""
    subscription, customer = await _subscribed(shop)
    await _pay_by(shop, subscription, customer, "pm_card_chargeCustomerFail")
    await shop.advance(32)
    invoice = str(shop.world.get("subscription", subscription)["latest_invoice"])
    failed = await shop.transaction(invoice)
    assert failed.status == "failed"
    card = await shop.post("payment_methods/pm_card_visa/attach", customer=customer)
    await shop.post(f"invoices/{invoice}/pay", payment_method=card["id"])
    await shop.settle()
    paid = await shop.transaction(invoice)
    assert (paid.id, paid.status, paid.amount) == (failed.id, "succeeded", 1500)
    attempts = [entry.title for entry in paid.timeline if entry.kind == "attempt"]
    assert attempts[0] == "Payment attempt failed"
    assert attempts[-1] == "Payment succeeded"
    assert await shop.revenue() == {"usd": (3000, 0, 0, 3000)}


async def _subscribed(shop: Shop) -> tuple[str, str]:
    session = await shop.subscribe(1500)
    await shop.settle()
    id = str(shop.world.get("checkout.session", session)["subscription"])
    return id, str(shop.world.get("subscription", id)["customer"])


async def _pay_by(shop: Shop, subscription: str, customer: str, card: str) -> None:
    method = await shop.post(f"payment_methods/{card}/attach", customer=customer)
    await shop.post(f"subscriptions/{subscription}", default_payment_method=method["id"])


async def test_money_that_comes_past_our_checkout_is_there(shop: Shop) -> None:
    """By own code, by a session we did not open, by a hand-sent invoice; declined and pending ones too."""
    own = await shop.pay(700)
    linked = await _paid_by_a_strangers_session(shop)
    invoice = scenario.send_invoice(
        shop.world, (await shop.post("customers", email="b@example.com"))["id"], 900
    )
    scenario.pay_invoice(shop.world, invoice)
    declined = scenario.charge_directly(shop.world, 1100, card=DECLINED)["id"]
    pending = scenario.charge_directly(shop.world, 1300, card=SETTLES)["id"]
    await shop.settle()
    told = {id: await shop.transaction(id) for id in (own, linked, invoice["id"], declined, pending)}
    assert {id: (row.status, row.amount) for id, row in told.items()} == {
        own: ("succeeded", 700),
        linked: ("succeeded", 1000),
        invoice["id"]: ("succeeded", 900),
        declined: ("failed", 1100),
        pending: ("pending", 1300),
    }
    listed = (await shop.payments.transactions(OPERATOR, TransactionQuery())).rows
    assert sorted(row.id for row in listed) == sorted(row.id for row in told.values())
    assert await shop.revenue() == {"usd": (2600, 0, 0, 2600)}


@pytest.mark.parametrize(
    ("brand", "told", "read"),
    [("visa", "visa •••• 4242", "Visa •••• 4242"), (None, "card_present", "Card at a terminal")],
)
async def test_a_payment_at_a_terminal_is_one_row(
    shop: Shop, brand: str | None, told: str, read: str
) -> None:
    """A card that was present, its brand read or not: succeeded, counted once, by a way that people read."""
    intent = await shop.pay(700)
    _at_a_terminal(shop, intent, brand)
    await shop.settle()
    (row,) = (await shop.payments.transactions(OPERATOR, TransactionQuery())).rows
    assert (row.provider_transaction_id, row.type, row.status) == (intent, "charge", "succeeded")
    assert (row.amount, row.method, method(row.method or "")) == (700, told, read)
    assert (await shop.refund(intent)).amount == 700
    assert await shop.revenue() == {"usd": (700, 700, 0, 0)}


def _at_a_terminal(shop: Shop, intent: str, brand: str | None) -> None:
    """Let a payment have been made by a reader, in what is stored and in what is yet to be delivered."""
    read = {"brand": brand, "last4": "4242" if brand else None, "exp_month": 4, "exp_year": 2030}
    supported = {"incremental_authorization_supported": False, "overcapture_supported": False}
    card = {**read, **supported, "read_method": "contactless_emv", "reader": "tmr_1", "location": "tml_1"}
    told = [event["data"]["object"] for event in shop.world.events]
    stored = [*shop.world.find("charge"), shop.world.get("payment_intent", intent)]
    for thing in (*told, *stored):
        if thing["object"] == "charge":
            thing["payment_method_details"] = {"type": "card_present", "card_present": card}
        elif thing["object"] == "payment_intent":
            thing["payment_method_types"] = ["card_present"]
        shop.world.check(thing, "what was made at a terminal")


async def _paid_by_a_strangers_session(shop: Shop) -> str:
    params = {"line_items[0][price]": await shop.price(1000), "line_items[0][quantity]": "1"}
    session = await shop.post("checkout/sessions", mode="payment", success_url="https://x.example/", **params)
    shop.world.clock.advance(30)
    shop.fill_in(session["id"])
    return str(session["id"])


async def test_six_deliveries_at_once_are_one_payment_and_one_effect(opened: Open, ears: Ears) -> None:
    """Every event six times at the same moment, to two processes that both work: told and counted once."""
    listener = ears("payment.succeeded")
    async with opened(listener) as shop, shop.beside(listener) as other:
        await shop.pay(700)
        both = (shop.payments, other)
        await asyncio.gather(
            *(shop.receive(event, payments=both[n % 2]) for event in shop.world.events for n in range(6)),
            *(one.worker.drain() for one in both),
        )
        await asyncio.gather(*(one.worker.drain(hurry=True) for one in both))
        assert ears.topics == ["payment.succeeded"]
        assert await shop.revenue() == {"usd": (700, 0, 0, 700)}
        assert await shop.count(tables.event) == len(shop.world.events)
        assert {row["attempts"] for row in await shop.rows(tables.event)} == {1}


@pytest.mark.parametrize("story", ["dispute", "warning"])
async def test_a_payment_known_by_its_invoice_is_found_by_who_names_its_charge(
    shop: Shop, story: str
) -> None:
    """What came of a renewal is the invoice's payment; it can be given back but for an open chargeback."""
    subscription, _ = await _subscribed(shop)
    invoice = str(shop.world.get("subscription", subscription)["latest_invoice"])
    opened: dict[str, Any] = (
        scenario.dispute(shop.world, subscription)
        if story == "dispute"
        else scenario.warn_of_fraud(shop.world, subscription)
    )
    await shop.settle()
    row, payment = await dispute(shop.payments, OPERATOR, opened["id"]), await shop.transaction(invoice)
    assert row.transaction_id == payment.id
    if story == "warning":
        assert (await shop.refund(invoice)).amount == 1500
        return
    with pytest.raises(Conflict) as refused:
        await shop.refund(invoice)
    assert refused.value.code == "dispute_open"
    assert shop.made("refund") == 0
