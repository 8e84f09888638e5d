"""Invoices: their payments are objects of their own, and nothing is owed twice."""

from __future__ import annotations

from typing import Any

import pytest
import stripe

from overseer_payment.simulator import World
from overseer_payment.simulator import scenario as play
from overseer_payment.simulator.resources.customers import new_customer
from tests.simulator.resources_kit import DAY, assert_conserved, booked, logged, refusal

pytestmark = pytest.mark.anyio


def sent(world: World, amount: int = 9000) -> dict[str, Any]:
    customer = new_customer(world, email="ada@example.com", name="Ada")
    return play.send_invoice(world, customer["id"], amount)


async def test_an_invoice_by_hand_goes_its_way(world: World, sdk: stripe.StripeClient) -> None:
    """Draft, item, finalized, sent, paid: each step through the API, one payment at the end."""
    customer = await sdk.v1.customers.create_async({"email": "ada@example.com"})
    draft = await sdk.v1.invoices.create_async(
        {"customer": customer.id, "collection_method": "send_invoice", "days_until_due": 14}
    )
    await sdk.v1.invoice_items.create_async(
        {
            "customer": customer.id,
            "invoice": draft.id,
            "amount": 2500,
            "currency": "usd",
            "description": "Talk",
        }
    )
    final = await sdk.v1.invoices.finalize_invoice_async(draft.id)
    assert (final.status, final.amount_due, final.due_date) == ("open", 2500, world.now() + 14 * DAY)
    assert final.number is not None
    await sdk.v1.invoices.send_invoice_async(draft.id)
    paid = await sdk.v1.invoices.pay_async(draft.id, {"payment_method": "pm_card_visa"})
    assert (paid.status, paid.amount_paid, paid.amount_remaining) == ("paid", 2500, 0)
    with pytest.raises(stripe.InvalidRequestError) as caught:
        await sdk.v1.invoices.pay_async(draft.id)
    assert refusal(caught)[0] == "invoice_already_paid"
    assert booked(world) == 2500


async def test_payments_are_found_from_both_sides(world: World, sdk: stripe.StripeClient) -> None:
    """Invoice → payment and payment intent → invoice, by `/v1/invoice_payments` or by expansion."""
    invoice = play.pay_invoice(world, sent(world))
    listed = await sdk.v1.invoice_payments.list_async({"invoice": invoice["id"]})
    intent = listed.data[0].payment.payment_intent
    assert isinstance(intent, str)
    back = await sdk.v1.invoice_payments.list_async(
        {"payment": {"type": "payment_intent", "payment_intent": intent}}
    )
    assert [p.invoice for p in back.data] == [invoice["id"]]
    assert (back.data[0].status, back.data[0].amount_paid) == ("paid", 9000)
    expanded = await sdk.v1.invoices.retrieve_async(invoice["id"], {"expand": ["payments"]})
    assert expanded.payments is not None
    assert [p.id for p in expanded.payments.data] == [listed.data[0].id]


async def test_events_of_invoices_hold_no_payments(world: World) -> None:
    """As since Basil: neither `payments` nor `payment_intent`, `charge` or `paid` in any payload."""
    with logged(world) as log:
        play.pay_invoice(world, sent(world))
    for event in log.events:
        if event["type"].startswith("invoice."):
            absent = {"payments", "payment_intent", "charge", "paid", "subscription"}
            assert not absent & set(event["data"]["object"])


async def test_a_void_invoice_cannot_be_paid(world: World, sdk: stripe.StripeClient) -> None:
    """Its intent is canceled with it, and its payment."""
    invoice = sent(world)
    with logged(world) as log:
        voided = await sdk.v1.invoices.void_invoice_async(invoice["id"])
    assert voided.status == "void"
    assert log == ["payment_intent.canceled", "invoice.updated", "invoice.voided"]
    with pytest.raises(stripe.InvalidRequestError):
        await sdk.v1.invoices.pay_async(invoice["id"], {"payment_method": "pm_card_visa"})
    payments = await sdk.v1.invoice_payments.list_async({"invoice": invoice["id"]})
    assert [p.status for p in payments.data] == ["canceled"]


async def test_what_was_given_up_can_still_be_paid(world: World, sdk: stripe.StripeClient) -> None:
    """Uncollectible is not final."""
    invoice = sent(world)
    assert (await sdk.v1.invoices.mark_uncollectible_async(invoice["id"])).status == "uncollectible"
    paid = await sdk.v1.invoices.pay_async(invoice["id"], {"payment_method": "pm_card_visa"})
    assert (paid.status, booked(world)) == ("paid", 9000)


async def test_paid_elsewhere_moves_no_money_here(world: World, sdk: stripe.StripeClient) -> None:
    """`paid_out_of_band` settles the invoice; no charge exists and the balance stays empty."""
    invoice = sent(world)
    paid = await sdk.v1.invoices.pay_async(invoice["id"], {"paid_out_of_band": True})
    assert (paid.status, paid.amount_paid_off_stripe, booked(world)) == ("paid", 9000, 0)
    assert world.find("charge") == []


async def test_a_declined_invoice_tells_of_it_and_stays_open(world: World, sdk: stripe.StripeClient) -> None:
    """Card error to the caller, `invoice.payment_failed` to everybody else."""
    invoice = sent(world)
    with logged(world) as log, pytest.raises(stripe.CardError):
        await sdk.v1.invoices.pay_async(invoice["id"], {"payment_method": "pm_card_chargeDeclined"})
    assert log == [
        "charge.failed",
        "payment_intent.payment_failed",
        "invoice.updated",
        "invoice.payment_failed",
    ]
    assert (invoice["status"], invoice["attempt_count"]) == ("open", 1)


async def test_a_bank_debit_pays_an_invoice_days_later(world: World, sdk: stripe.StripeClient) -> None:
    """Open while it is processing; then paid, with one payment."""
    invoice = play.pay_invoice(world, sent(world), card="000123456789")
    assert (invoice["status"], invoice["attempted"]) == ("open", True)
    world.clock.advance(3 * DAY)
    assert invoice["status"] == "paid"
    assert_conserved(world)


async def test_what_waits_is_billed_on_request(world: World, sdk: stripe.StripeClient) -> None:
    """`pending_invoice_items_behavior=include` takes waiting items once; deleted ones are gone."""
    customer = await sdk.v1.customers.create_async({"email": "ada@example.com"})
    item = await sdk.v1.invoice_items.create_async(
        {"customer": customer.id, "amount": 700, "currency": "usd"}
    )
    extra = await sdk.v1.invoice_items.create_async({"customer": customer.id, "amount": 1, "currency": "usd"})
    await sdk.v1.invoice_items.delete_async(extra.id)
    first = await sdk.v1.invoices.create_async(
        {"customer": customer.id, "pending_invoice_items_behavior": "include"}
    )
    again = await sdk.v1.invoices.create_async(
        {"customer": customer.id, "pending_invoice_items_behavior": "include"}
    )
    assert (first.total, again.total) == (700, 0)
    assert (await sdk.v1.invoice_items.retrieve_async(item.id)).invoice == first.id


async def test_too_little_is_carried_to_the_next_invoice(world: World) -> None:
    """30 cents can't be charged: they wait on the customer's balance."""
    invoice = sent(world, 30)
    assert (invoice["status"], invoice["amount_due"]) == ("paid", 0)
    assert world.get("customer", invoice["customer"])["balance"] == 30
    following = play.send_invoice(world, invoice["customer"], 1000)
    assert (following["amount_due"], following["starting_balance"]) == (1030, 30)


async def test_a_preview_without_a_subscription_shows_the_first_invoice(
    world: World, sdk: stripe.StripeClient
) -> None:
    """For a customer and items: what subscribing would cost; nothing is stored."""
    price = play.offer(world, "Pro", 2000, interval="month")
    customer = await sdk.v1.customers.create_async({"email": "ada@example.com"})
    preview = await sdk.v1.invoices.create_preview_async(
        {"customer": customer.id, "subscription_details": {"items": [{"price": price["id"], "quantity": 3}]}}
    )
    assert (preview.total, world.find("subscription"), world.find("invoice")) == (6000, [], [])
