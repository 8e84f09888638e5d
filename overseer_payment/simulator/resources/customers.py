"""Customers: who pays."""

from __future__ import annotations

import zlib
from typing import Any

from overseer_payment.simulator.api import Call, changed, endpoint, paged
from overseer_payment.simulator.resources.payment_methods import attach, named_method
from overseer_payment.simulator.resources.shapes import Json, address, given, metadata, refuse
from overseer_payment.simulator.world import World

_PLAIN = ("balance", "description", "email", "invoice_prefix", "name", "next_invoice_sequence", "phone")
_MORE = ("business_name", "individual_name")


def new_customer(world: World, **fields: Any) -> Json:
    """Store and announce a customer. `fields` are top-level fields of Stripe's object."""
    id = world.new_id("cus_")
    customer: Json = {
        "id": id,
        "object": "customer",
        "address": None,
        "balance": 0,
        "created": world.clock.now(),
        "currency": None,
        "default_source": None,
        "delinquent": False,
        "description": None,
        "discount": None,
        "email": None,
        "invoice_prefix": f"{zlib.crc32(id.encode()):08X}",
        "invoice_settings": {
            "custom_fields": None,
            "default_payment_method": None,
            "footer": None,
            "rendering_options": None,
        },
        "livemode": False,
        "metadata": {},
        "name": None,
        "next_invoice_sequence": 1,
        "phone": None,
        "preferred_locales": [],
        "shipping": None,
        "tax_exempt": "none",
        "test_clock": None,
    }
    customer.update(fields)
    world.put(customer)
    world.emit("customer.created", customer)
    return customer


def living_customer(world: World, id: str, *, param: str = "customer") -> Json:
    """Return a customer that was not deleted. Raises SimError as for one that never was."""
    customer = world.get("customer", id, param=param)
    if customer.get("deleted"):
        raise refuse(f"No such customer: '{id}'", code="resource_missing", param=param)
    return customer


def uses_currency(world: World, customer_id: str | None, currency: str) -> None:
    """Note the currency in which a customer is billed: the first recurring one stays."""
    if customer_id is None:
        return
    customer = world.get("customer", customer_id)
    if not customer.get("deleted") and customer["currency"] is None:
        changed(world, customer, "customer.updated", currency=currency)


def default_method(world: World, customer_id: str) -> str | None:
    """Return the id of what a customer pays invoices with: the default, else nothing."""
    customer = world.get("customer", customer_id)
    if customer.get("deleted"):
        return None
    found = customer["invoice_settings"]["default_payment_method"]
    return None if found is None else str(found)


def _shipping(value: Any) -> Json | None:
    if not value:
        return None
    return {"address": address(value.get("address")), "name": value.get("name"), "phone": value.get("phone")}


def _values(world: World, params: Json, before: Json | None) -> Json:
    values = given(params, *_PLAIN, *_MORE, "preferred_locales")
    if "address" in params:
        values["address"] = address(params["address"]) if params["address"] else None
    if "shipping" in params:
        values["shipping"] = _shipping(params["shipping"])
    if "tax_exempt" in params:
        values["tax_exempt"] = params["tax_exempt"] or "none"
    if "metadata" in params:
        values["metadata"] = metadata(params["metadata"], before["metadata"] if before else None)
    if settings := params.get("invoice_settings"):
        values["invoice_settings"] = _invoice_settings(world, settings, before)
    return values


def _invoice_settings(world: World, given_settings: Json, before: Json | None) -> Json:
    settings: Json = {
        "custom_fields": None,
        "default_payment_method": None,
        "footer": None,
        "rendering_options": None,
        **(before["invoice_settings"] if before else {}),
        **given(given_settings, "custom_fields", "footer"),
    }
    if "default_payment_method" in given_settings:
        chosen = given_settings["default_payment_method"]
        param = "invoice_settings[default_payment_method]"
        settings["default_payment_method"] = (
            named_method(world, chosen, param=param)["id"] if chosen else None
        )
    return settings


@endpoint("POST", "/v1/customers")
def create_customer(call: Call) -> Json:
    """Create a customer; `payment_method` is attached to it."""
    params = call.params
    email = params.get("email")
    if email and "@" not in email:
        raise refuse(f"Invalid email address: {email}", code="email_invalid", param="email")
    params, method = _with_method(call.world, params)
    customer = new_customer(call.world, **_values(call.world, params, None))
    if method is not None:
        attach(call.world, method, customer["id"])
    return customer


def _with_method(world: World, params: Json) -> tuple[Json, Json | None]:
    """Resolve `payment_method`; a test name that is also the default means one and the same new method."""
    chosen = params.get("payment_method")
    if chosen is None:
        return params, None
    method, settings = named_method(world, chosen, param="payment_method"), params.get("invoice_settings")
    if settings and settings.get("default_payment_method") == chosen:
        params = {**params, "invoice_settings": {**settings, "default_payment_method": method["id"]}}
    return params, method


@endpoint("GET", "/v1/customers")
def list_customers(call: Call) -> Json:
    """List customers; filter `email` (exact, case-sensitive)."""
    equal = {"email": call.params["email"]} if "email" in call.params else {}
    return paged(call, call.world.find("customer", **equal))


@endpoint("GET", "/v1/customers/{customer}")
def retrieve_customer(call: Call) -> Json:
    """Return one customer, or the note that it was deleted."""
    return call.world.get("customer", call.ids["customer"], param="id")


@endpoint("POST", "/v1/customers/{customer}")
def update_customer(call: Call) -> Json:
    """Change a customer."""
    customer = living_customer(call.world, call.ids["customer"], param="id")
    return changed(call.world, customer, "customer.updated", **_values(call.world, call.params, customer))


@endpoint("DELETE", "/v1/customers/{customer}")
def delete_customer(call: Call) -> Json:
    """Delete a customer for good and cancel its subscriptions at once."""
    from overseer_payment.simulator.resources.subscription_flow import end_subscription
    from overseer_payment.simulator.resources.subscription_shapes import RUNNING

    customer = living_customer(call.world, call.ids["customer"], param="id")
    for subscription in call.world.find("subscription", customer=customer["id"]):
        if subscription["status"] in RUNNING:
            end_subscription(call.world, subscription, reason="cancellation_requested")
    stub = call.world.remove(customer)
    call.world.emit("customer.deleted", customer)
    return stub
