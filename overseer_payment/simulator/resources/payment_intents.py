"""Payment intents: one payment from first attempt to money, through the API."""

from __future__ import annotations

from typing import Any

from overseer_payment.simulator.api import Call, changed, endpoint, paged
from overseer_payment.simulator.cards import DECLINES, types_for
from overseer_payment.simulator.errors import SimError
from overseer_payment.simulator.jsontree import copied
from overseer_payment.simulator.resources import intent_flow
from overseer_payment.simulator.resources.aftermath import aftermath
from overseer_payment.simulator.resources.amounts import chargeable, known_currency
from overseer_payment.simulator.resources.customers import living_customer
from overseer_payment.simulator.resources.payment_methods import attach, named_method
from overseer_payment.simulator.resources.shapes import Json, given, metadata, refuse
from overseer_payment.simulator.world import World

_CONFIRMABLE = ("requires_payment_method", "requires_confirmation", "requires_action")
_CANCELABLE = (*_CONFIRMABLE, "requires_capture", "processing")
_DONE = {"cancel": "canceled", "capture": "captured", "confirm": "confirmed", "update": "updated"}
_PLAIN = (
    "description", "receipt_email", "setup_future_usage", "statement_descriptor",
    "statement_descriptor_suffix", "transfer_group", "excluded_payment_method_types",
)  # fmt: skip


def new_intent(world: World, amount: int, currency: str, **fields: Any) -> Json:
    """Store and announce a payment intent over `amount` minor units of `currency`."""
    id = world.new_id("pi_")
    intent: Json = {
        "id": id,
        "object": "payment_intent",
        "amount": amount,
        "amount_capturable": 0,
        "amount_details": {"tip": {}},
        "amount_received": 0,
        "application": None,
        "application_fee_amount": None,
        "automatic_payment_methods": {"allow_redirects": "always", "enabled": True},
        "canceled_at": None,
        "cancellation_reason": None,
        "capture_method": "automatic_async",
        "client_secret": f"{id}_secret_{world.new_id('')}",
        "confirmation_method": "automatic",
        "created": world.clock.now(),
        "currency": currency,
        "customer": None,
        "customer_account": None,
        "description": None,
        "excluded_payment_method_types": None,
        "last_payment_error": None,
        "latest_charge": None,
        "livemode": False,
        "managed_payments": {"enabled": False},
        "metadata": {},
        "next_action": None,
        "on_behalf_of": None,
        "payment_method": None,
        "payment_method_configuration_details": None,
        "payment_method_options": {"card": {"request_three_d_secure": "automatic"}},
        "payment_method_types": types_for(currency),
        "processing": None,
        "receipt_email": None,
        "review": None,
        "setup_future_usage": None,
        "shipping": None,
        "source": None,
        "statement_descriptor": None,
        "statement_descriptor_suffix": None,
        "status": "requires_payment_method",
        "transfer_data": None,
        "transfer_group": None,
    }
    intent.update(fields)
    world.put(intent)
    world.emit("payment_intent.created", intent)
    return intent


def card_error(intent: Json) -> SimError:
    """Return the 402 that tells of an intent's last, failed attempt."""
    error = intent["last_payment_error"]
    extra = {
        "charge": error.get("charge"),
        "payment_intent": intent,
        "payment_method": error["payment_method"],
    }
    extra["advice_code"] = error.get("advice_code")
    return SimError(
        402, error["message"], type="card_error", code=error["code"], decline_code=error.get("decline_code"),
        extra={key: copied(value) for key, value in extra.items() if value is not None},
    )  # fmt: skip


def _confirm(world: World, intent: Json, params: Json) -> Json:
    if intent["status"] not in _CONFIRMABLE:
        raise unexpected_state(intent, "confirm", _CONFIRMABLE)
    chosen = params.get("payment_method") or intent["payment_method"]
    if chosen is None:
        message = (
            "You cannot confirm this PaymentIntent because it's missing a payment method. You can either "
            "update the PaymentIntent with a payment method and then confirm it again, or confirm it again "
            "directly with a payment method or ConfirmationToken."
        )
        raise refuse(message, code="payment_intent_unexpected_state")
    method = named_method(world, chosen, param="payment_method")
    if "return_url" in params:
        world.put({"object": "sim.return_url", "id": intent["id"], "url": params["return_url"]})
    off_session = bool(params.get("off_session", False))
    result = intent_flow.attempt(world, intent, method, off_session=off_session)
    if result == "declined":
        raise card_error(intent)
    if result == "requires_action" and params.get("error_on_requires_action"):
        intent_flow.fail_authentication(world, intent)
        raise _authentication_required(intent)
    if intent["customer"] and intent["setup_future_usage"] and result in ("succeeded", "requires_capture"):
        attach(world, method, intent["customer"])
    aftermath(world, intent)
    return intent


def _authentication_required(intent: Json) -> SimError:
    code, message, _ = DECLINES["authentication_required"]
    extra = {"payment_intent": copied(intent)}
    return SimError(402, message, type="card_error", code=code, decline_code=code, extra=extra)


def unexpected_state(intent: Json, verb: str, wanted: tuple[str, ...]) -> SimError:
    """Return the error for an intent that is past what is asked of it."""
    message = (
        f"You cannot {verb} this PaymentIntent because it has a status of {intent['status']}. "
        f"Only a PaymentIntent with one of the following statuses may be {_DONE[verb]}: {', '.join(wanted)}."
    )
    return SimError(
        400, message, code="payment_intent_unexpected_state", extra={"payment_intent": copied(intent)}
    )


@endpoint("POST", "/v1/payment_intents")
def create_intent(call: Call) -> Json:
    """Create a payment intent and, with `confirm`, try to pay it."""
    world, params = call.world, call.params
    currency = known_currency(params["currency"])
    amount = chargeable(params["amount"], currency)
    fields = given(params, *_PLAIN, "capture_method", "confirmation_method")
    if "customer" in params:
        fields["customer"] = living_customer(world, params["customer"])["id"]
    if "shipping" in params:
        fields["shipping"] = {"tracking_number": None, "phone": None, "carrier": None, **params["shipping"]}
    fields["metadata"] = metadata(params.get("metadata"))
    if "payment_method" in params:
        method = named_method(world, params["payment_method"], param="payment_method")
        fields |= {"payment_method": method["id"], "status": "requires_confirmation"}
        params = {**params, "payment_method": method["id"]}
    intent = new_intent(world, amount, currency, **fields)
    return _confirm(world, intent, params) if params.get("confirm") else intent


@endpoint("GET", "/v1/payment_intents")
def list_intents(call: Call) -> Json:
    """List payment intents; filter `customer`."""
    equal = {"customer": call.params["customer"]} if "customer" in call.params else {}
    return paged(call, call.world.find("payment_intent", **equal))


@endpoint("GET", "/v1/payment_intents/{intent}")
def retrieve_intent(call: Call) -> Json:
    """Return one payment intent."""
    return call.world.get("payment_intent", call.ids["intent"], param="intent")


@endpoint("POST", "/v1/payment_intents/{intent}")
def update_intent(call: Call) -> Json:
    """Change a payment intent that has not been paid. Stripe sends no event for it."""
    world, params = call.world, call.params
    intent = world.get("payment_intent", call.ids["intent"], param="intent")
    values = given(params, *_PLAIN)
    if "amount" in params or "currency" in params:
        if intent["status"] not in _CONFIRMABLE:
            raise unexpected_state(intent, "update", _CONFIRMABLE)
        values["currency"] = known_currency(
            params["currency"] if "currency" in params else intent["currency"]
        )
        values["amount"] = chargeable(
            params["amount"] if "amount" in params else intent["amount"], values["currency"]
        )
    if "customer" in params:
        values["customer"] = living_customer(world, params["customer"])["id"]
    if "payment_method" in params:
        method = named_method(world, params["payment_method"], param="payment_method")
        values |= {"payment_method": method["id"], "status": "requires_confirmation"}
    if "metadata" in params:
        values["metadata"] = metadata(params["metadata"], intent["metadata"])
    return changed(world, intent, None, **values)


@endpoint("POST", "/v1/payment_intents/{intent}/confirm")
def confirm_intent(call: Call) -> Json:
    """Try to pay. Raises the card error of a declined attempt."""
    intent = call.world.get("payment_intent", call.ids["intent"], param="intent")
    return _confirm(call.world, intent, call.params)


@endpoint("POST", "/v1/payment_intents/{intent}/capture")
def capture_intent(call: Call) -> Json:
    """Take what was authorized, or a part of it."""
    intent = call.world.get("payment_intent", call.ids["intent"], param="intent")
    if intent["status"] != "requires_capture":
        raise unexpected_state(intent, "capture", ("requires_capture",))
    amount: int = call.params.get("amount_to_capture") or intent["amount_capturable"]
    if not 0 < amount <= intent["amount_capturable"]:
        raise refuse(
            "The amount to capture must be greater than zero and no more than the amount capturable.",
            code="amount_too_large" if amount > 0 else "amount_too_small", param="amount_to_capture",
        )  # fmt: skip
    intent_flow.capture(call.world, intent, amount)
    aftermath(call.world, intent)
    return intent


@endpoint("POST", "/v1/payment_intents/{intent}/cancel")
def cancel_intent(call: Call) -> Json:
    """Give a payment up; what was authorized is released."""
    intent = call.world.get("payment_intent", call.ids["intent"], param="intent")
    if intent["status"] not in _CANCELABLE or intent["status"] == "processing":
        raise unexpected_state(intent, "cancel", _CANCELABLE)
    session = call.world.peek("sim.session_of", intent["id"])
    if session is not None:
        raise refuse(
            "You cannot cancel this PaymentIntent because Checkout created it; expire its session instead.",
            code="payment_intent_unexpected_state",
        )
    return cancel(call.world, intent, call.params.get("cancellation_reason"))


def cancel(world: World, intent: Json, reason: str | None) -> Json:
    """Cancel an intent and release its authorization."""
    if intent["status"] == "requires_capture":
        charge = world.get("charge", intent["latest_charge"])
        changed(world, charge, "charge.refunded", amount_refunded=charge["amount"], refunded=True)
    intent.update(
        status="canceled",
        canceled_at=world.clock.now(),
        cancellation_reason=reason,
        amount_capturable=0,
        next_action=None,
    )
    world.emit("payment_intent.canceled", world.put(intent))
    return intent
