"""Verbs for tests and demos: what buyers, merchants and banks do, without a browser or an API key.

    price = offer(world, "Poster", 2400)
    session = buy(world, price, email="ada@example.com")
    refund(world, session, 400)
    dispute(world, session)

Amounts are in minor units. Everything happens at the world's own time and emits Stripe's events.
"""

from __future__ import annotations

from typing import Literal

from overseer_payment.simulator.cards import find_instrument
from overseer_payment.simulator.errors import SimError
from overseer_payment.simulator.resources import (
    dispute_evidence,
    dispute_prevention,
    disputes,
    early_fraud_warnings,
    invoice_flow,
)
from overseer_payment.simulator.resources.aftermath import aftermath
from overseer_payment.simulator.resources.checkout_flow import Answer, Payer, authenticate, submit
from overseer_payment.simulator.resources.checkout_sessions import open_session
from overseer_payment.simulator.resources.intent_flow import attempt
from overseer_payment.simulator.resources.invoice_shapes import new_line
from overseer_payment.simulator.resources.payment_intents import new_intent
from overseer_payment.simulator.resources.payment_methods import billing_details, new_method
from overseer_payment.simulator.resources.prices import new_price
from overseer_payment.simulator.resources.products import new_product
from overseer_payment.simulator.resources.refunds import refund_charge
from overseer_payment.simulator.resources.shapes import DAY, Json
from overseer_payment.simulator.world import World

GOOD_CARD = "4242424242424242"
_SUCCESS = "https://shop.example.com/thanks?session_id={CHECKOUT_SESSION_ID}"
_CANCEL = "https://shop.example.com/"


def offer(
    world: World,
    name: str,
    amount: int,
    currency: str = "usd",
    *,
    interval: Literal["day", "week", "month", "year"] | None = None,
) -> Json:
    """Make a product with one price and return the price; recurring when `interval` is given."""
    return new_price(world, new_product(world, name)["id"], amount, currency, interval=interval)


def open_checkout(
    world: World,
    price: Json | str,
    *,
    quantity: int = 1,
    customer: str | None = None,
    keep_customer: bool = False,
    trial_days: int | None = None,
    metadata: dict[str, str] | None = None,
) -> Json:
    """Open a checkout for one price, as an application does; its mode follows from the price."""
    priced = world.get("price", price if isinstance(price, str) else price["id"])
    mode = "subscription" if priced["recurring"] else "payment"
    params: Json = {
        "mode": mode,
        "line_items": [{"price": priced["id"], "quantity": quantity}],
        "success_url": _SUCCESS,
        "cancel_url": _CANCEL,
        "metadata": metadata or {},
    }
    if customer is not None:
        params["customer"] = customer
    elif keep_customer and mode == "payment":
        params["customer_creation"] = "always"
    if trial_days is not None:
        params["subscription_data"] = {"trial_period_days": trial_days}
    return open_session(world, params)


def pay(
    world: World,
    session: Json,
    *,
    card: str = GOOD_CARD,
    email: str = "buyer@example.com",
    name: str = "Sam Buyer",
    country: str | None = None,
) -> Answer:
    """Fill in an open checkout's page. 3-D Secure, where the card asks for it, is passed."""
    instrument = find_instrument(card)
    if instrument is None:
        raise ValueError(f"{card[-4:]} is the end of no test card or account")
    answer = submit(world, session, Payer(email=email, name=name, instrument=instrument, country=country))
    return authenticate(world, session, passed=True) if answer.kind == "authenticate" else answer


def buy(
    world: World,
    price: Json | str,
    *,
    card: str = GOOD_CARD,
    email: str = "buyer@example.com",
    name: str = "Sam Buyer",
    quantity: int = 1,
    customer: str | None = None,
    keep_customer: bool = False,
    metadata: dict[str, str] | None = None,
) -> Json:
    """Buy through a checkout and return its session: `complete`, or still `open` when declined."""
    session = open_checkout(
        world, price, quantity=quantity, customer=customer, keep_customer=keep_customer, metadata=metadata
    )
    pay(world, session, card=card, email=email, name=name)
    return session


def subscribe(
    world: World,
    price: Json | str,
    *,
    card: str = GOOD_CARD,
    email: str = "buyer@example.com",
    name: str = "Sam Buyer",
    quantity: int = 1,
    customer: str | None = None,
    trial_days: int | None = None,
    metadata: dict[str, str] | None = None,
) -> Json:
    """Subscribe through a checkout and return the subscription. Raises SimError when the card is refused."""
    session = open_checkout(
        world, price, quantity=quantity, customer=customer, trial_days=trial_days, metadata=metadata
    )
    answer = pay(world, session, card=card, email=email, name=name)
    if answer.kind != "done":
        raise SimError(
            402, answer.message or "Your card was declined.", type="card_error", code="card_declined"
        )
    return world.get("subscription", session["subscription"])


def charge_directly(
    world: World,
    amount: int,
    currency: str = "usd",
    *,
    card: str = GOOD_CARD,
    email: str | None = None,
    customer: str | None = None,
    description: str | None = None,
) -> Json:
    """Take a payment without a checkout (a terminal, a payment link, own code) and return its intent."""
    instrument = find_instrument(card)
    if instrument is None:
        raise ValueError(f"{card[-4:]} is the end of no test card or account")
    intent = new_intent(
        world, amount, currency, customer=customer, description=description, receipt_email=email
    )
    attempt(world, intent, new_method(world, instrument, details=billing_details(email=email)))
    aftermath(world, intent)
    return intent


def send_invoice(
    world: World, customer: str, amount: int, currency: str = "usd", *, text: str = "Work"
) -> Json:
    """Send an invoice by hand and return it, open and due in 30 days."""
    now = world.clock.now()
    line = new_line(world, amount, currency, text, period=(now, now))
    invoice = invoice_flow.draft(
        world, world.get("customer", customer), currency, [line],
        auto_advance=False, collection_method="send_invoice", due_date=now + 30 * DAY,
    )  # fmt: skip
    invoice_flow.finalize(world, invoice)
    world.emit("invoice.sent", invoice)
    return invoice


def pay_invoice(world: World, invoice: Json, *, card: str = GOOD_CARD) -> Json:
    """Pay an open invoice on its page."""
    instrument = find_instrument(card)
    if instrument is None:
        raise ValueError(f"{card[-4:]} is the end of no test card or account")
    details = billing_details(email=invoice["customer_email"], name=invoice["customer_name"])
    method = new_method(world, instrument, details=details)
    invoice_flow.collect(world, invoice, method["id"], off_session=False)
    return invoice


def refund(
    world: World, payment: Json | str, amount: int | None = None, *, reason: str | None = None
) -> Json:
    """Refund a payment in the provider's own dashboard; default: all that remains."""
    return refund_charge(world, charge_of(world, payment)["id"], amount, reason=reason)


def dispute(
    world: World,
    payment: Json | str,
    *,
    kind: Literal["chargeback", "inquiry"] = "chargeback",
    reason: str = "fraudulent",
    amount: int | None = None,
    answer_within_days: int | None = 20,
) -> Json:
    """Let the buyer's bank dispute a payment; with None as `answer_within_days` it takes no answer."""
    return disputes.open_dispute(
        world, charge_of(world, payment)["id"], kind=kind, reason=reason, amount=amount,
        answer_within_days=answer_within_days,
    )  # fmt: skip


def answer_dispute(world: World, opened: Json, *, submit: bool = True, **evidence: str) -> Json:
    """Tell the buyer's bank something in the provider's own dashboard, by fields of the evidence."""
    return dispute_evidence.answer(world, opened, evidence, submit=submit)


def close_dispute(world: World, opened: Json | str, result: Literal["won", "lost"]) -> Json:
    """Let the bank decide a dispute."""
    return disputes.close_dispute(world, opened if isinstance(opened, str) else opened["id"], result)


def prevent_dispute(world: World, payment: Json | str) -> Json:
    """Let a payment be given back before its buyer's bank disputes it."""
    return dispute_prevention.prevent(world, charge_of(world, payment)["id"])


def warn_of_fraud(world: World, payment: Json | str) -> Json:
    """Let the issuer send an early fraud warning about a payment."""
    return early_fraud_warnings.warn(world, charge_of(world, payment)["id"])


def charge_of(world: World, payment: Json | str) -> Json:
    """Return the charge behind a session, intent, invoice, subscription or charge, or behind its id."""
    obj = _object(world, payment) if isinstance(payment, str) else payment
    if obj["object"] == "subscription":
        obj = world.get("invoice", obj["latest_invoice"])
    if obj["object"] == "checkout.session":
        obj = world.get("invoice", obj["invoice"]) if obj["invoice"] else obj
    if obj["object"] == "invoice":
        obj = invoice_flow.intent_of(world, obj) or {"object": "nothing"}
    elif obj["object"] == "checkout.session":
        obj = world.get("payment_intent", obj["payment_intent"])
    if obj["object"] == "payment_intent":
        obj = world.get("charge", obj["latest_charge"])
    if obj["object"] != "charge":
        raise LookupError("that was never paid: there is no charge")
    return obj


_KINDS = {
    "cs": "checkout.session",
    "pi": "payment_intent",
    "ch": "charge",
    "py": "charge",
    "in": "invoice",
    "sub": "subscription",
}


def _object(world: World, id: str) -> Json:
    return world.get(_KINDS[id.partition("_")[0]], id)


def play_history(world: World, days: int = 90, seed: int = 7) -> None:
    """Play `days` of a small business from the world's present on; its clock is then that much later.

    The same world and seed give the same history: some 2,900 events in 90 days.
    """
    from overseer_payment.simulator.history import play

    play(world, days=days, seed=seed)
