"""What happens when somebody fills in a checkout's page: paid, declined, authenticated, or expired."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

from overseer_payment.simulator.api import changed
from overseer_payment.simulator.cards import Instrument
from overseer_payment.simulator.errors import SimError
from overseer_payment.simulator.resources import intent_flow, invoice_flow, invoice_items
from overseer_payment.simulator.resources.aftermath import aftermath
from overseer_payment.simulator.resources.customers import new_customer
from overseer_payment.simulator.resources.intent_flow import Outcome, on_outcome
from overseer_payment.simulator.resources.invoice_shapes import new_line, pricing
from overseer_payment.simulator.resources.payment_intents import cancel, new_intent
from overseer_payment.simulator.resources.payment_methods import attach, billing_details, new_method
from overseer_payment.simulator.resources.setup_intents import new_setup, succeed
from overseer_payment.simulator.resources.shapes import Json, metadata
from overseer_payment.simulator.resources.subscription_flow import begin
from overseer_payment.simulator.resources.subscriptions import build, trial_end_of
from overseer_payment.simulator.world import World


@dataclass(frozen=True, slots=True, kw_only=True)
class Payer:
    """What somebody wrote into the page."""

    email: str
    name: str
    instrument: Instrument
    country: str | None = None
    postal_code: str | None = None


@dataclass(frozen=True, slots=True)
class Answer:
    """What the page does next; `message` is for the payer."""

    kind: Literal["done", "declined", "authenticate"]
    message: str | None = None


def plan_of_session(world: World, session: Json) -> Json:
    """Return what is remembered beside a session: line items and the data for what it will create."""
    return world.get("sim.checkout", session["id"])


def submit(world: World, session: Json, payer: Payer) -> Answer:
    """Pay an open session with what the payer wrote."""
    details = billing_details(
        email=payer.email,
        name=payer.name,
        address={"country": payer.country, "postal_code": payer.postal_code},
    )
    method = new_method(world, payer.instrument, details=details)
    world.put({"object": "sim.payer", "id": session["id"], "details": details, "method": method["id"]})
    try:
        result = _SUBMITS[session["mode"]](world, session, details, method)
    except SimError as error:
        return Answer("declined", error.message)
    return _answer(world, session, result)


def authenticate(world: World, session: Json, *, passed: bool) -> Answer:
    """End the 3-D Secure step of an open session."""
    intent = _intent(world, session)
    if intent is None or intent["status"] != "requires_action":
        return Answer("declined", "There is nothing to authenticate any more.")
    if not passed:
        return _answer(world, session, intent_flow.fail_authentication(world, intent))
    method = world.get("payment_method", intent["payment_method"])
    return _answer(world, session, intent_flow.attempt(world, intent, method, authenticated=True))


def _answer(world: World, session: Json, result: Outcome | None) -> Answer:
    intent = _intent(world, session)
    if result == "requires_action":
        return Answer("authenticate")
    if result == "declined" and intent is not None:
        return Answer("declined", str((intent["last_payment_error"] or {}).get("message")))
    _complete(world, session, result)
    if intent is not None:
        aftermath(world, intent)
    return Answer("done")


def _intent(world: World, session: Json) -> Json | None:
    link = world.peek("sim.intent_of_session", session["id"])
    return world.get("payment_intent", link["intent"]) if link else None


def _links(world: World, session: Json, intent: Json) -> None:
    world.put({"object": "sim.intent_of_session", "id": session["id"], "intent": intent["id"]})
    world.put({"object": "sim.session_of", "id": intent["id"], "session": session["id"]})


# -- one way per mode ------------------------------------------------------------------------------


def _pay(world: World, session: Json, details: Json, method: Json) -> Outcome:
    intent = _intent(world, session) or _new_payment(world, session, details)
    result = intent_flow.attempt(world, intent, method)
    if (
        result != "declined"
        and result != "requires_action"
        and intent["setup_future_usage"]
        and intent["customer"]
    ):
        attach(world, method, intent["customer"])
    return result


def _new_payment(world: World, session: Json, details: Json) -> Json:
    data = plan_of_session(world, session)["payment_intent_data"]
    names = (
        "description",
        "receipt_email",
        "setup_future_usage",
        "statement_descriptor",
        "statement_descriptor_suffix",
    )
    fields: Json = {name: data[name] for name in names if name in data}
    needs_customer = (
        session["customer_creation"] == "always"
        or "setup_future_usage" in data
        or session["invoice_creation"]["enabled"]
    )
    if session["customer"] is None and needs_customer:
        _make_customer(world, session, details)
    intent = new_intent(
        world, session["amount_total"], session["currency"], customer=session["customer"],
        capture_method=data.get("capture_method", "automatic_async"),
        metadata=metadata(data.get("metadata")), payment_method_types=list(session["payment_method_types"]),
        **fields,
    )  # fmt: skip
    _links(world, session, intent)
    changed(world, session, None, payment_intent=intent["id"])
    return intent


def _make_customer(world: World, session: Json, details: Json) -> None:
    address = details["address"] if any(details["address"].values()) else None
    customer = new_customer(world, email=details["email"], name=details["name"], address=address)
    changed(world, session, None, customer=customer["id"])


def _subscribe(world: World, session: Json, details: Json, method: Json) -> Outcome | None:
    if session["customer"] is None:
        _make_customer(world, session, details)
    known = world.peek("sim.subscription_of_session", session["id"])
    if known is not None:
        return _pay_again(world, known["subscription"], method)
    attach(world, method, session["customer"])
    plan = plan_of_session(world, session)
    data, items = plan["subscription_data"], plan["line_items"]
    subscription = build(
        world, session["customer"], _wishes(items, "recurring"),
        trial_end=trial_end_of(world, data), given_metadata=data.get("metadata"),
        default_payment_method=method["id"], description=data.get("description"),
        **({"trial_settings": data["trial_settings"]} if "trial_settings" in data else {}),
    )  # fmt: skip
    world.put(
        {"object": "sim.subscription_of_session", "id": session["id"], "subscription": subscription["id"]}
    )
    _bill_once(world, session, items)
    _take_off(world, session, plan.get("off", 0))
    invoice = begin(world, subscription, collect=False)
    intent = invoice_flow.intent_of(world, invoice)
    if intent is None:
        return None
    _links(world, session, intent)
    return invoice_flow.collect(world, invoice, method["id"], off_session=False)


def _wishes(items: list[Json], kind: str) -> list[Json]:
    return [
        {"price": i["price"]["id"], "quantity": i["quantity"]} for i in items if i["price"]["type"] == kind
    ]


def _bill_once(world: World, session: Json, items: list[Json]) -> None:
    """Let one-time prices of a subscription's checkout stand on its first invoice."""
    for item in items:
        if item["price"]["type"] == "one_time":
            waiting = invoice_items.new_item(
                world, session["customer"], item["amount_total"], item["currency"],
                description=item["description"], pricing=pricing(item["price"]), quantity=item["quantity"],
                quantity_decimal=str(item["quantity"]),
            )  # fmt: skip
            invoice_items.announce(world, waiting)


def _take_off(world: World, session: Json, off: int) -> None:
    """Let a coupon stand on a subscription's first invoice, as a line of its own."""
    if off:
        waiting = invoice_items.new_item(
            world, session["customer"], -off, session["currency"], description="Discount",
        )  # fmt: skip
        invoice_items.announce(world, waiting)


def _pay_again(world: World, subscription_id: str, method: Json) -> Outcome | None:
    subscription = world.get("subscription", subscription_id)
    attach(world, method, subscription["customer"])
    changed(world, subscription, "customer.subscription.updated", default_payment_method=method["id"])
    invoice = world.get("invoice", subscription["latest_invoice"])
    return invoice_flow.collect(world, invoice, method["id"], off_session=False)


def _set_up(world: World, session: Json, details: Json, method: Json) -> None:
    if session["customer"] is None and session["customer_creation"] == "always":
        _make_customer(world, session, details)
    data = plan_of_session(world, session)["setup_intent_data"]
    known = session["setup_intent"]
    setup = world.get("setup_intent", known) if known else new_setup(
        world, customer=session["customer"], metadata=metadata(data.get("metadata")),
        description=data.get("description"),
    )  # fmt: skip
    changed(world, session, None, setup_intent=setup["id"])
    succeed(world, setup, method)


_SUBMITS = {"payment": _pay, "subscription": _subscribe, "setup": _set_up}


# -- the end of a session --------------------------------------------------------------------------


def _complete(world: World, session: Json, result: Outcome | None) -> None:
    details = world.get("sim.payer", session["id"])["details"]
    if result is None:
        status = "no_payment_required"
    else:
        status = "paid" if result == "succeeded" else "unpaid"
    values: Json = {
        "status": "complete",
        "payment_status": status,
        "url": None,
        "customer_details": {
            "address": details["address"],
            "business_name": None,
            "email": details["email"],
            "individual_name": None,
            "name": details["name"],
            "phone": None,
            "tax_exempt": "none",
            "tax_ids": [],
        },
    }
    if subscribed := world.peek("sim.subscription_of_session", session["id"]):
        values["subscription"] = subscribed["subscription"]
        values["invoice"] = world.get("subscription", subscribed["subscription"])["latest_invoice"]
    elif session["mode"] == "payment" and session["invoice_creation"]["enabled"]:
        values["invoice"] = _document(world, session)["id"]
    changed(world, session, None, **values)
    world.emit("checkout.session.completed", session)


def _document(world: World, session: Json) -> Json:
    """Make the invoice that a one-time payment asked for."""
    intent = world.get("payment_intent", session["payment_intent"])
    now = world.clock.now()
    lines = [
        new_line(
            world,
            item["amount_total"],
            item["currency"],
            item["description"],
            period=(now, now),
            price=item["price"],
            quantity=item["quantity"],
        )
        for item in plan_of_session(world, session)["line_items"]
    ]
    customer = world.get("customer", session["customer"])
    invoice = invoice_flow.draft(world, customer, session["currency"], lines, auto_advance=False)
    return invoice_flow.finalize(world, invoice, intent=intent)


@on_outcome
def _bank_decided(world: World, intent: Json, result: Outcome) -> None:
    link = world.peek("sim.session_of", intent["id"])
    if link is None:
        return
    session = world.get("checkout.session", link["session"])
    if session["status"] != "complete" or session["payment_status"] != "unpaid":
        return
    if result == "succeeded":
        changed(world, session, None, payment_status="paid")
        world.emit("checkout.session.async_payment_succeeded", session)
    elif result == "declined":
        world.emit("checkout.session.async_payment_failed", session)


def schedule_expiry(world: World, session: Json) -> None:
    """Expire the session when its time is over and nobody paid."""
    id = session["id"]

    def lapse(later: World) -> None:
        current = later.get("checkout.session", id)
        if current["status"] == "open":
            expire(later, current)

    world.schedule(session["expires_at"], lapse, f"expiry of {id}")


def expire(world: World, session: Json) -> Json:
    """Close an open session and what it had begun."""
    changed(world, session, None, status="expired", url=None)
    intent = _intent(world, session)
    if session["mode"] == "payment" and intent is not None and intent["status"] != "canceled":
        cancel(world, intent, "automatic")
    world.emit("checkout.session.expired", session)
    return session
