"""Checkout sessions: what may be opened, what paying one makes, and how it ends unpaid."""

from __future__ import annotations

from typing import Any, cast

import pytest
import stripe

from overseer_payment.simulator import World
from overseer_payment.simulator import scenario as play
from overseer_payment.simulator.cards import BY_NAME
from overseer_payment.simulator.resources.checkout_flow import Payer, authenticate, submit
from tests.simulator.resources_kit import DAY, assert_conserved, logged, refusal

pytestmark = pytest.mark.anyio

Params = stripe.params.checkout.SessionCreateParams
URLS = {
    "success_url": "https://shop.example.com/ok?s={CHECKOUT_SESSION_ID}",
    "cancel_url": "https://shop.example.com/",
}


def wanted(price: dict[str, Any] | None = None, mode: str = "payment", **more: Any) -> Params:
    lines = {"line_items": [{"price": price["id"], "quantity": 1}]} if price else {}
    return cast(Params, {"mode": mode, **URLS, **lines, **more})


ASKING = Payer(email="ada@example.com", name="Ada", instrument=BY_NAME["pm_card_threeDSecure2Required"])


async def test_an_opened_session_has_a_page_and_no_payment_yet(
    world: World, sdk: stripe.StripeClient
) -> None:
    """Opening emits no event; the payment intent is made when somebody pays."""
    price = play.offer(world, "Poster", 2400)
    with logged(world) as log:
        session = await sdk.v1.checkout.sessions.create_async(
            wanted(price, metadata={"order": "7"}, expand=["line_items"])
        )
    assert log == []
    assert (session.status, session.payment_status, session.payment_intent) == ("open", "unpaid", None)
    assert (session.amount_total, session.currency) == (2400, "usd")
    assert session.metadata is not None
    assert session.metadata["order"] == "7"
    assert session.url == f"{world.public_url}/c/pay/{session.id}"
    assert session.line_items is not None
    assert session.line_items.data[0].description == "Poster"


async def test_paying_tells_in_stripes_order(world: World, sdk: stripe.StripeClient) -> None:
    """Charge, intent, session; metadata for the payment goes to the payment only."""
    price = play.offer(world, "Poster", 2400)
    opened = await sdk.v1.checkout.sessions.create_async(
        wanted(price, client_reference_id="u1", payment_intent_data={"metadata": {"order": "7"}})
    )
    with logged(world) as log:
        play.pay(world, world.get("checkout.session", opened.id), email="ada@example.com", name="Ada")
    assert log == [
        "payment_intent.created",
        "charge.succeeded",
        "payment_intent.succeeded",
        "checkout.session.completed",
    ]
    session = log.of("checkout.session.completed")[0]
    assert (session["status"], session["payment_status"], session["url"]) == ("complete", "paid", None)
    assert session["customer_details"]["email"] == "ada@example.com"
    assert (session["customer"], session["client_reference_id"], session["metadata"]) == (None, "u1", {})
    assert log.of("payment_intent.succeeded")[0]["metadata"] == {"order": "7"}


@pytest.mark.parametrize(("creation", "made"), [("always", True), ("if_required", False)])
async def test_a_guest_becomes_a_customer_on_request(
    world: World, sdk: stripe.StripeClient, creation: str, made: bool
) -> None:
    """`customer_creation=always` makes a customer from what the payer wrote; otherwise it is a guest."""
    price = play.offer(world, "Poster", 2400)
    opened = await sdk.v1.checkout.sessions.create_async(wanted(price, customer_creation=creation))
    play.pay(world, world.get("checkout.session", opened.id), email="ada@example.com")
    session = await sdk.v1.checkout.sessions.retrieve_async(opened.id, {"expand": ["customer"]})
    assert (session.customer is not None) is made
    if made:
        assert isinstance(session.customer, stripe.Customer)
        assert session.customer.email == "ada@example.com"


async def test_a_declined_payer_can_try_again(world: World) -> None:
    """One session, one intent, two charges; the session completes once."""
    session = play.open_checkout(world, play.offer(world, "Poster", 2400))
    with logged(world) as log:
        answer = play.pay(world, session, card="4000000000009995")
        assert (answer.kind, answer.message) == ("declined", "Your card has insufficient funds.")
        assert session["status"] == "open"
        play.pay(world, session)
    assert log.count("payment_intent.created") == 1
    assert log.count("charge.failed") == log.count("charge.succeeded") == 1
    assert log.count("checkout.session.completed") == 1


@pytest.mark.parametrize(
    ("account", "event", "status"),
    [
        ("000123456789", "checkout.session.async_payment_succeeded", "paid"),
        ("000222222227", "checkout.session.async_payment_failed", "unpaid"),
    ],
)
async def test_a_bank_debit_completes_unpaid_first(
    world: World, account: str, event: str, status: str
) -> None:
    """Completed is not paid: the bank's decision comes days later as an event of its own."""
    with logged(world) as log:
        session = play.buy(world, play.offer(world, "Poster", 2400), card=account)
    assert log.of("checkout.session.completed")[0]["payment_status"] == "unpaid"
    with logged(world) as log:
        world.clock.advance(4 * DAY)
    assert log[-1] == event
    assert session["payment_status"] == status
    assert_conserved(world)


async def test_an_unpaid_session_expires_by_itself(world: World) -> None:
    """After 24 hours it is expired and the intent of a declined attempt is canceled."""
    session = play.buy(world, play.offer(world, "Poster", 2400), card="4000000000000002")
    with logged(world) as log:
        world.clock.advance(DAY)
    assert log == ["payment_intent.canceled", "checkout.session.expired"]
    assert (session["status"], session["url"]) == ("expired", None)


async def test_only_an_open_session_can_be_expired(world: World, sdk: stripe.StripeClient) -> None:
    """A complete one stays complete."""
    session = play.buy(world, play.offer(world, "Poster", 2400))
    with pytest.raises(stripe.InvalidRequestError) as caught:
        await sdk.v1.checkout.sessions.expire_async(session["id"])
    assert "has a status of complete" in str(caught.value)


async def test_a_subscription_checkout_makes_all_its_objects(world: World) -> None:
    """Customer, card, subscription, invoice and payment, all linked, and one completed session."""
    price = play.offer(world, "Pro", 2000, interval="month")
    with logged(world) as log:
        subscription = play.subscribe(world, price, quantity=2, email="ada@example.com")
    assert log[0] == "customer.created"
    assert log[-1] == "checkout.session.completed"
    assert [log.index(t) for t in ("customer.subscription.created", "invoice.created", "invoice.finalized",
                                   "charge.succeeded", "invoice.paid")] == sorted(
        log.index(t) for t in ("customer.subscription.created", "invoice.created", "invoice.finalized",
                               "charge.succeeded", "invoice.paid")
    )  # fmt: skip
    session = log.of("checkout.session.completed")[0]
    assert session["subscription"] == subscription["id"]
    assert session["invoice"] == subscription["latest_invoice"]
    assert (session["payment_intent"], session["amount_total"]) == (None, 4000)
    assert log.of("customer.subscription.created")[0]["status"] == "incomplete"
    assert subscription["status"] == "active"
    assert subscription["default_payment_method"] is not None


async def test_a_declined_subscriber_pays_the_same_invoice_later(world: World) -> None:
    """The subscription stays incomplete when 3-D Secure fails, and the next card pays for it."""
    session = play.open_checkout(world, play.offer(world, "Pro", 2000, interval="month"))
    assert play.pay(world, session, card="4000000000000002").kind == "declined"
    assert world.find("subscription") == []  # a refused card can't even be saved
    assert submit(world, session, ASKING).kind == "authenticate"
    assert authenticate(world, session, passed=False).kind == "declined"
    assert [s["status"] for s in world.find("subscription")] == ["incomplete"]
    play.pay(world, session)
    assert [s["status"] for s in world.find("subscription")] == ["active"]
    assert len(world.find("invoice")) == 1
    assert session["status"] == "complete"


async def test_a_trial_needs_no_payment_now(world: World, sdk: stripe.StripeClient) -> None:
    """The session completes without a charge; the subscription is trialing."""
    subscription = play.subscribe(world, play.offer(world, "Pro", 2000, interval="month"), trial_days=14)
    session = world.find("checkout.session")[0]
    assert (session["payment_status"], session["amount_total"]) == ("no_payment_required", 0)
    assert subscription["status"] == "trialing"
    assert subscription["trial_end"] == world.now() + 14 * DAY
    assert world.find("charge") == []


async def test_a_setup_session_saves_a_card(world: World, sdk: stripe.StripeClient) -> None:
    """It belongs to the customer and charges nothing."""
    customer = await sdk.v1.customers.create_async({"email": "ada@example.com"})
    opened = await sdk.v1.checkout.sessions.create_async(
        wanted(mode="setup", currency="usd", customer=customer.id)
    )
    play.pay(world, world.get("checkout.session", opened.id))
    session = await sdk.v1.checkout.sessions.retrieve_async(opened.id, {"expand": ["setup_intent"]})
    assert (session.status, session.payment_status) == ("complete", "no_payment_required")
    assert isinstance(session.setup_intent, stripe.SetupIntent)
    assert session.setup_intent.status == "succeeded"
    assert len((await sdk.v1.payment_methods.list_async({"customer": customer.id})).data) == 1


async def test_a_payment_can_ask_for_an_invoice(world: World, sdk: stripe.StripeClient) -> None:
    """`invoice_creation` documents the payment that was made; it is not a second one."""
    price = play.offer(world, "Poster", 2400)
    opened = await sdk.v1.checkout.sessions.create_async(wanted(price, invoice_creation={"enabled": True}))
    play.pay(world, world.get("checkout.session", opened.id))
    session = await sdk.v1.checkout.sessions.retrieve_async(opened.id, {"expand": ["invoice.payments"]})
    assert isinstance(session.invoice, stripe.Invoice)
    assert (session.invoice.status, session.invoice.amount_paid) == ("paid", 2400)
    assert session.invoice.payments is not None
    assert session.invoice.payments.data[0].payment.payment_intent == session.payment_intent
    assert len(world.find("charge")) == 1


async def test_ad_hoc_prices_are_for_one_checkout(world: World, sdk: stripe.StripeClient) -> None:
    """`price_data` makes a product and a price that can't be bought again."""
    line = {
        "price_data": {"currency": "eur", "unit_amount": 990, "product_data": {"name": "Tea"}},
        "quantity": 3,
    }
    session = await sdk.v1.checkout.sessions.create_async(wanted(line_items=[line]))
    assert (session.amount_total, session.payment_method_types) == (2970, ["card", "sepa_debit"])
    price = world.find("price")[0]
    with pytest.raises(stripe.InvalidRequestError) as caught:
        await sdk.v1.checkout.sessions.create_async(wanted(price))
    assert "inactive" in str(caught.value)


@pytest.mark.parametrize(
    ("change", "code", "param"),
    [
        ({"mode": None}, "parameter_missing", "mode"),
        ({"success_url": None}, "parameter_missing", "success_url"),
        ({"success_url": "shop.example.com"}, "url_invalid", "success_url"),
        ({"line_items": None}, "parameter_missing", "line_items"),
        (
            {"line_items": [{"price": "price_none", "quantity": 1}]},
            "resource_missing",
            "line_items[0][price]",
        ),
        ({"line_items": [{"quantity": 1}]}, "parameter_missing", "line_items[0][price]"),
        ({"mode": "subscription"}, None, "line_items"),
        ({"subscription_data": {"trial_period_days": 3}}, None, "subscription_data"),
        ({"customer": "cus_none"}, "resource_missing", "customer"),
        ({"customer": "cus_1", "customer_email": "a@example.com"}, None, "customer"),
        ({"expires_at": 1}, None, "expires_at"),
        ({"discounts": [{"coupon": "SAVE"}]}, "resource_missing", "discounts[0][coupon]"),
    ],
)
async def test_what_cannot_be_sold_is_refused(
    world: World, sdk: stripe.StripeClient, change: dict[str, Any], code: str | None, param: str
) -> None:
    """Each contradiction names its parameter, with Stripe's code where it has one."""
    params: dict[str, Any] = {**wanted(play.offer(world, "Poster", 2400)), **change}
    given = cast(Params, {name: value for name, value in params.items() if value is not None})
    with pytest.raises(stripe.InvalidRequestError) as caught:
        await sdk.v1.checkout.sessions.create_async(given)
    assert refusal(caught) == (code, param)


async def test_recurring_prices_need_the_subscription_mode(world: World, sdk: stripe.StripeClient) -> None:
    """And currencies are not combined, and the total must be chargeable."""
    monthly, poster = play.offer(world, "Pro", 2000, interval="month"), play.offer(world, "Poster", 2400)
    sticker, cheap = play.offer(world, "Sticker", 900, "jpy"), play.offer(world, "Pin", 40)
    for lines, text in (
        ([monthly], "recurring price"),
        ([poster, sticker], "combine currencies"),
        ([cheap], "must add up to at least $0.50 usd"),
    ):
        items = [{"price": price["id"], "quantity": 1} for price in lines]
        with pytest.raises(stripe.InvalidRequestError) as caught:
            await sdk.v1.checkout.sessions.create_async(wanted(line_items=items))
        assert text in str(caught.value)


async def test_sessions_are_found_by_their_payment(world: World, sdk: stripe.StripeClient) -> None:
    """The list filters by payment intent and by subscription."""
    bought = play.buy(world, play.offer(world, "Poster", 2400))
    play.buy(world, play.offer(world, "Poster", 2400))
    found = await sdk.v1.checkout.sessions.list_async({"payment_intent": bought["payment_intent"]})
    assert [session.id for session in found.data] == [bought["id"]]
