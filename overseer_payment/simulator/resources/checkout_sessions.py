"""Checkout sessions through the API: open, read, expire."""

from __future__ import annotations

from overseer_payment.simulator.api import Call, changed, endpoint, paged, register_expander
from overseer_payment.simulator.cards import types_for
from overseer_payment.simulator.resources import checkout_flow
from overseer_payment.simulator.resources.amounts import known_currency
from overseer_payment.simulator.resources.checkout_flow import expire, plan_of_session
from overseer_payment.simulator.resources.checkout_shapes import (
    check_total,
    checked,
    line_items,
    new_session,
    total_of,
)
from overseer_payment.simulator.resources.coupons import coupon_of, discounted, taken_off
from overseer_payment.simulator.resources.customers import living_customer
from overseer_payment.simulator.resources.shapes import Json, given, listed, metadata, refuse
from overseer_payment.simulator.world import World

_PLAIN = (
    "allow_promotion_codes", "billing_address_collection", "cancel_url", "client_reference_id",
    "customer_email", "expires_at", "locale", "payment_method_collection", "submit_type", "success_url",
    "ui_mode", "excluded_payment_method_types",
)  # fmt: skip


def _items(world: World, session: Json) -> Json:
    url = f"/v1/checkout/sessions/{session['id']}/line_items"
    return listed(url, plan_of_session(world, session)["line_items"])


register_expander("checkout.session", "line_items", _items)


@endpoint("POST", "/v1/checkout/sessions")
def create_session(call: Call) -> Json:
    """Open a checkout session; its page is at `url`."""
    return open_session(call.world, call.params)


def open_session(world: World, params: Json) -> Json:
    """Open a session from a request's parameters. Raises SimError for what Stripe would refuse."""
    checked(world, params)
    items = line_items(world, params)
    coupon, code = coupon_of(world, params.get("discounts") or [])
    off = 0
    fields = given(params, *_PLAIN) | _customer(world, params)
    data = params.get("subscription_data") or {}
    trial = "trial_end" in data or "trial_period_days" in data
    if items:
        currency, total = items[0]["currency"], total_of(items, trial=trial)
        off = taken_off(coupon, total, currency)
        check_total(params["mode"], total - off, currency)
        fields |= {"currency": currency, "amount_subtotal": total, "amount_total": total - off}
        fields |= discounted(coupon, code, off)
        excluded = params.get("excluded_payment_method_types", [])
        allowed = params.get("allowed_payment_method_types") or types_for(currency)
        kinds = [kind for kind in types_for(currency) if kind in allowed and kind not in excluded]
        fields["payment_method_types"] = kinds or ["card"]
    elif "currency" in params:
        fields["currency"] = known_currency(params["currency"])
    fields |= {"metadata": metadata(params.get("metadata"))} | _invoice_creation(params)
    if (params.get("tax_id_collection") or {}).get("enabled"):
        fields["tax_id_collection"] = {"enabled": True, "required": "never"}
    if (params.get("automatic_tax") or {}).get("enabled"):
        liability = {"type": "self"}
        fields["automatic_tax"] = {
            "enabled": True,
            "liability": liability,
            "provider": "stripe",
            "status": "complete",
        }
    session = world.put(new_session(world, world.new_id("cs_test_"), params["mode"], **fields))
    wanted = {
        name: params.get(name) or {}
        for name in ("payment_intent_data", "subscription_data", "setup_intent_data")
    }
    world.put(
        {
            "object": "sim.checkout",
            "id": session["id"],
            "line_items": items,
            "trial": trial,
            "off": off,
            **wanted,
        }
    )
    checkout_flow.schedule_expiry(world, session)
    return session


def _customer(world: World, params: Json) -> Json:
    if "customer" in params:
        return {"customer": living_customer(world, params["customer"])["id"]}
    if params["mode"] == "subscription":
        return {}
    return {"customer_creation": params.get("customer_creation", "if_required")}


def _invoice_creation(params: Json) -> Json:
    if params["mode"] != "payment":
        return {}
    data = dict.fromkeys(
        ("account_tax_ids", "custom_fields", "description", "footer", "issuer", "rendering_options")
    )
    enabled = bool((params.get("invoice_creation") or {}).get("enabled"))
    return {"invoice_creation": {"enabled": enabled, "invoice_data": {**data, "metadata": {}}}}


@endpoint("GET", "/v1/checkout/sessions")
def list_sessions(call: Call) -> Json:
    """List sessions; filters `customer`, `customer_details`, `payment_intent`, `status`, `subscription`."""
    params = call.params
    names = ("customer", "payment_intent", "status", "subscription")
    found = call.world.find("checkout.session", **{n: params[n] for n in names if n in params})
    if email := (params.get("customer_details") or {}).get("email"):
        found = [s for s in found if (s["customer_details"] or {}).get("email") == email]
    return paged(call, found)


@endpoint("GET", "/v1/checkout/sessions/{session}")
def retrieve_session(call: Call) -> Json:
    """Return one session."""
    return call.world.get("checkout.session", call.ids["session"])


@endpoint("POST", "/v1/checkout/sessions/{session}")
def update_session(call: Call) -> Json:
    """Change a session's metadata."""
    session = call.world.get("checkout.session", call.ids["session"])
    if "metadata" in call.params:
        merged = metadata(call.params["metadata"], session["metadata"])
        changed(call.world, session, None, metadata=merged)
    return session


@endpoint("GET", "/v1/checkout/sessions/{session}/line_items")
def list_line_items(call: Call) -> Json:
    """List what a session sells."""
    session = call.world.get("checkout.session", call.ids["session"])
    return paged(call, plan_of_session(call.world, session)["line_items"])


@endpoint("POST", "/v1/checkout/sessions/{session}/expire")
def expire_session(call: Call) -> Json:
    """Close an open session: nobody can pay it any more."""
    session = call.world.get("checkout.session", call.ids["session"])
    if session["status"] != "open":
        message = (
            'Only Checkout Sessions with a status in ["open"] can be expired. '
            f"This Checkout Session has a status of {session['status']}."
        )
        raise refuse(message)
    return expire(call.world, session)
