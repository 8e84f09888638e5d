"""Setup intents: saving a card or a bank account without taking money."""

from __future__ import annotations

from typing import Any

from overseer_payment.simulator.api import Call, endpoint, paged
from overseer_payment.simulator.resources.customers import living_customer
from overseer_payment.simulator.resources.payment_methods import attach, named_method
from overseer_payment.simulator.resources.shapes import Json, metadata, refuse
from overseer_payment.simulator.world import World


def new_setup(world: World, **fields: Any) -> Json:
    """Store and announce a setup intent."""
    id = world.new_id("seti_")
    setup: Json = {
        "id": id,
        "object": "setup_intent",
        "application": None,
        "automatic_payment_methods": {"allow_redirects": "always", "enabled": True},
        "cancellation_reason": None,
        "client_secret": f"{id}_secret_{world.new_id('')}",
        "created": world.clock.now(),
        "customer": None,
        "customer_account": None,
        "description": None,
        "excluded_payment_method_types": None,
        "flow_directions": None,
        "last_setup_error": None,
        "latest_attempt": None,
        "livemode": False,
        "mandate": None,
        "metadata": {},
        "next_action": None,
        "on_behalf_of": None,
        "payment_method": None,
        "payment_method_configuration_details": None,
        "payment_method_options": {"card": {"request_three_d_secure": "automatic"}},
        "payment_method_types": ["card"],
        "single_use_mandate": None,
        "status": "requires_payment_method",
        "usage": "off_session",
    }
    setup.update(fields)
    world.put(setup)
    world.emit("setup_intent.created", setup)
    return setup


def succeed(world: World, setup: Json, method: Json) -> Json:
    """Save the method with the setup's customer. Raises the card error when the bank refuses."""
    if setup["customer"] is not None:
        attach(world, method, setup["customer"])
    setup.update(status="succeeded", payment_method=method["id"], next_action=None)
    world.emit("setup_intent.succeeded", world.put(setup))
    return setup


@endpoint("POST", "/v1/setup_intents")
def create_setup(call: Call) -> Json:
    """Create a setup intent and, with `confirm`, save the payment method at once."""
    world, params = call.world, call.params
    fields: Json = {"metadata": metadata(params.get("metadata")), "usage": params.get("usage", "off_session")}
    if "customer" in params:
        fields["customer"] = living_customer(world, params["customer"])["id"]
    setup = new_setup(world, **fields)
    if params.get("confirm"):
        return succeed(world, setup, named_method(world, params["payment_method"], param="payment_method"))
    return setup


@endpoint("GET", "/v1/setup_intents")
def list_setups(call: Call) -> Json:
    """List setup intents; filters `customer`, `payment_method`."""
    equal = {name: call.params[name] for name in ("customer", "payment_method") if name in call.params}
    return paged(call, call.world.find("setup_intent", **equal))


@endpoint("GET", "/v1/setup_intents/{intent}")
def retrieve_setup(call: Call) -> Json:
    """Return one setup intent."""
    return call.world.get("setup_intent", call.ids["intent"])


@endpoint("POST", "/v1/setup_intents/{intent}/confirm")
def confirm_setup(call: Call) -> Json:
    """Save the payment method."""
    setup = call.world.get("setup_intent", call.ids["intent"])
    if setup["status"] == "succeeded":
        raise refuse("You cannot confirm this SetupIntent because it has already succeeded.")
    method = named_method(call.world, call.params["payment_method"], param="payment_method")
    return succeed(call.world, setup, method)
