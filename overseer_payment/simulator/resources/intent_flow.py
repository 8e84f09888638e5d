"""How a payment intent is paid: one attempt, its outcome now, and its outcome days later for bank debits."""

from __future__ import annotations

from collections.abc import Callable
from typing import Literal

from overseer_payment.simulator.cards import DECLINES, Instrument
from overseer_payment.simulator.jsontree import copied
from overseer_payment.simulator.resources.charges import new_charge, outcome, take
from overseer_payment.simulator.resources.payment_methods import instrument_of
from overseer_payment.simulator.resources.shapes import DAY, Json
from overseer_payment.simulator.world import World

Outcome = Literal["succeeded", "declined", "requires_action", "processing", "requires_capture"]
Listener = Callable[[World, Json, Outcome], None]

_SETTLES_AFTER = 3 * DAY
_listeners: list[Listener] = []


def on_outcome(listener: Listener) -> Listener:
    """Call `listener(world, intent, outcome)` after each attempt, and again when a bank debit is decided.

    Invoices hear so that they have been paid: a payment intent knows of no invoice.
    """
    _listeners.append(listener)
    return listener


def attempt(
    world: World, intent: Json, method: Json, *, off_session: bool = False, authenticated: bool = False
) -> Outcome:
    """Try to pay `intent` (status `requires_payment_method`, `…confirmation` or `…action`) with `method`."""
    instrument = instrument_of(world, method["id"])
    intent.update(payment_method=method["id"], next_action=None, last_payment_error=None)
    if instrument.authentication != "never" and not off_session and not authenticated:
        return _told(world, intent, _ask_for_authentication(world, intent))
    charge = new_charge(world, intent, method, instrument, three_d_secure=authenticated)
    decline = instrument.refuses(off_session=off_session)
    if decline is not None:
        result = _decline(world, intent, charge, method, decline)
    elif instrument.settles != "at_once":
        result = _process(world, intent, charge, instrument)
    elif intent["capture_method"] == "manual":
        result = _authorize(world, intent, charge)
    else:
        result = _succeed(world, intent, charge)
    return _told(world, intent, result)


def fail_authentication(world: World, intent: Json) -> Outcome:
    """Record that the payer failed or gave up 3-D Secure: no charge was made."""
    message = (
        "We are unable to authenticate your payment method. "
        "Please choose a different payment method and try again."
    )
    method = world.get("payment_method", intent["payment_method"])
    error = {
        "type": "invalid_request_error",
        "code": "payment_intent_authentication_failure",
        "message": message,
        "payment_method": copied(method),
    }
    intent.update(
        status="requires_payment_method", next_action=None, payment_method=None, last_payment_error=error
    )
    world.emit("payment_intent.payment_failed", world.put(intent))
    return _told(world, intent, "declined")


def capture(world: World, intent: Json, amount: int) -> None:
    """Take `amount` minor units of what was authorized and let the rest go."""
    charge = world.get("charge", intent["latest_charge"])
    take(world, charge, amount)
    world.emit("charge.captured", world.put(charge), previous={"captured": False})
    intent.update(amount_capturable=0, amount_received=amount, status="succeeded")
    world.emit("payment_intent.succeeded", world.put(intent))
    _told(world, intent, "succeeded")


def _told(world: World, intent: Json, result: Outcome) -> Outcome:
    for listener in _listeners:
        listener(world, intent, result)
    return result


def _ask_for_authentication(world: World, intent: Json) -> Outcome:
    url = f"{world.public_url}/3ds/{intent['id']}"
    back = (world.peek("sim.return_url", intent["id"]) or {}).get("url")
    intent.update(
        status="requires_action",
        next_action={"type": "redirect_to_url", "redirect_to_url": {"return_url": back, "url": url}},
    )
    world.emit("payment_intent.requires_action", world.put(intent))
    return "requires_action"


def _decline(world: World, intent: Json, charge: Json, method: Json, decline: str) -> Outcome:
    code, message, advice = DECLINES[decline]
    charge.update(status="failed", failure_code=code, failure_message=message, outcome=outcome(decline))
    error = {
        "type": "card_error",
        "advice_code": advice,
        "charge": charge["id"],
        "code": code,
        "decline_code": decline,
        "doc_url": f"https://stripe.com/docs/error-codes/{code.replace('_', '-')}",
        "message": message,
        "payment_method": copied(method),
    }
    _fail(world, intent, charge, error)
    return "declined"


def _fail(world: World, intent: Json, charge: Json, error: Json) -> None:
    world.emit("charge.failed", world.put(charge))
    intent.update(
        status="requires_payment_method",
        latest_charge=charge["id"],
        payment_method=None,
        processing=None,
        last_payment_error=error,
    )
    world.emit("payment_intent.payment_failed", world.put(intent))


def _succeed(world: World, intent: Json, charge: Json) -> Outcome:
    charge.update(status="succeeded", outcome=outcome())
    take(world, charge, charge["amount"])
    world.emit("charge.succeeded", world.put(charge))
    intent.update(
        status="succeeded", latest_charge=charge["id"], amount_received=charge["amount"], processing=None
    )
    world.emit("payment_intent.succeeded", world.put(intent))
    return "succeeded"


def _authorize(world: World, intent: Json, charge: Json) -> Outcome:
    charge.update(status="succeeded", outcome=outcome(), paid=True)
    world.emit("charge.succeeded", world.put(charge))
    intent.update(status="requires_capture", latest_charge=charge["id"], amount_capturable=charge["amount"])
    world.emit("payment_intent.amount_capturable_updated", world.put(intent))
    return "requires_capture"


def _process(world: World, intent: Json, charge: Json, instrument: Instrument) -> Outcome:
    charge["outcome"] = outcome()
    world.emit("charge.pending", world.put(charge))
    intent.update(status="processing", latest_charge=charge["id"])
    world.emit("payment_intent.processing", world.put(intent))
    good, intent_id = instrument.settles == "later", intent["id"]
    world.schedule(
        world.clock.now() + _SETTLES_AFTER,
        lambda later: settle(later, intent_id, good=good),
        f"bank debit of {intent_id}",
    )
    return "processing"


def settle(world: World, intent_id: str, *, good: bool) -> None:
    """Decide a bank debit that is processing: the money came, or the bank returned it."""
    intent = world.get("payment_intent", intent_id)
    if intent["status"] != "processing":
        return  # canceled meanwhile, for example because its invoice was voided
    charge = world.get("charge", intent["latest_charge"])
    if good:
        result = _succeed(world, intent, charge)
    else:
        message = "The customer's bank returned the debit: insufficient funds."
        charge.update(status="failed", failure_code="insufficient_funds", failure_message=message)
        error = {
            "type": "card_error",
            "charge": charge["id"],
            "code": "payment_intent_payment_attempt_failed",
            "decline_code": "insufficient_funds",
            "message": message,
            "payment_method": copied(world.get("payment_method", charge["payment_method"])),
        }
        _fail(world, intent, charge, error)
        result = "declined"
    _told(world, intent, result)
