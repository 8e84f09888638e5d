"""Payment methods: saved cards and bank accounts. Each remembers the test instrument it was made from."""

from __future__ import annotations

import zlib
from datetime import UTC, datetime
from typing import Any

from overseer_payment.simulator.api import Call, changed, endpoint, paged
from overseer_payment.simulator.cards import BY_NAME, DECLINES, Instrument, find_instrument
from overseer_payment.simulator.errors import SimError, parameter_missing
from overseer_payment.simulator.resources.shapes import Json, address, given, metadata, refuse
from overseer_payment.simulator.world import World

_VALID_YEARS = 4


def billing_details(**known: Any) -> Json:
    """Return complete billing details."""
    where = known.pop("address", None)
    return {"address": address(where), "email": None, "name": None, "phone": None, "tax_id": None, **known}


def new_method(world: World, instrument: Instrument, *, details: Json | None = None, **fields: Any) -> Json:
    """Store a payment method that behaves as `instrument` does."""
    method: Json = {
        "id": world.new_id("pm_"),
        "object": "payment_method",
        "allow_redisplay": "unspecified",
        "billing_details": details or billing_details(),
        "created": world.clock.now(),
        "customer": None,
        "customer_account": None,
        "livemode": False,
        "metadata": {},
        "type": instrument.kind,
        instrument.kind: _SHAPES[instrument.kind](world, instrument),
    }
    method.update(fields)
    # The number itself is no field of Stripe's object, so it is remembered beside it.
    world.put({"object": "sim.instrument", "id": method["id"], "name": instrument.name})
    return world.put(method)


def fingerprint(instrument: Instrument) -> str:
    """Return what is equal for equal card numbers and tells nothing of the number."""
    return f"Sim{zlib.crc32(instrument.number.encode()):013d}"


def expiry(world: World) -> tuple[int, int]:
    """Return month and year of expiry: test cards are good for four more years."""
    return 12, datetime.fromtimestamp(world.clock.now(), UTC).year + _VALID_YEARS


def _card(world: World, instrument: Instrument) -> Json:
    month, year = expiry(world)
    return {
        "brand": instrument.brand,
        "checks": {"address_line1_check": None, "address_postal_code_check": None, "cvc_check": "pass"},
        "country": instrument.country,
        "display_brand": {"amex": "american_express"}.get(instrument.brand, instrument.brand),
        "exp_month": month,
        "exp_year": year,
        "fingerprint": fingerprint(instrument),
        "funding": instrument.funding,
        "generated_from": None,
        "last4": instrument.last4,
        "networks": {"available": [instrument.brand], "preferred": None},
        "regulated_status": "unregulated",
        "three_d_secure_usage": {"supported": True},
        "wallet": None,
    }


def _sepa(_world: World, instrument: Instrument) -> Json:
    return {
        "bank_code": instrument.number[4:9],
        "branch_code": "",
        "country": instrument.country,
        "fingerprint": fingerprint(instrument),
        "generated_from": {"charge": None, "setup_attempt": None},
        "last4": instrument.last4,
    }


def _us_bank(_world: World, instrument: Instrument) -> Json:
    return {
        "account_holder_type": "individual",
        "account_type": "checking",
        "bank_name": "STRIPE TEST BANK",
        "financial_connections_account": None,
        "fingerprint": fingerprint(instrument),
        "last4": instrument.last4,
        "networks": {"preferred": "ach", "supported": ["ach"]},
        "routing_number": "110000000",
        "status_details": None,
    }


_SHAPES = {"card": _card, "sepa_debit": _sepa, "us_bank_account": _us_bank}


def instrument_of(world: World, method_id: str) -> Instrument:
    """Return the test instrument behind a payment method."""
    return BY_NAME[world.get("sim.instrument", method_id)["name"]]


def named_method(world: World, id: str, *, param: str) -> Json:
    """Return the payment method `id`; a name like `pm_card_visa` makes a new one, as at Stripe."""
    instrument = find_instrument(id) if world.peek("payment_method", id) is None else None
    if instrument is not None:
        return new_method(world, instrument)
    return world.get("payment_method", id, param=param)


def attach(world: World, method: Json, customer_id: str) -> Json:
    """Give the payment method to a customer. Raises SimError when the bank refuses to have it saved."""
    if method["customer"] == customer_id:
        return method
    if method["customer"] is not None:
        raise refuse("The payment method you provided has already been attached to a customer.")
    decline_if_unusable(world, method)
    return changed(world, method, "payment_method.attached", customer=customer_id)


def decline_if_unusable(world: World, method: Json) -> None:
    """Raise the card error of a card that is refused from the start."""
    decline = instrument_of(world, method["id"]).declines
    if decline is not None:
        code, message, advice = DECLINES[decline]
        raise SimError(
            402, message, type="card_error", code=code, decline_code=decline, extra={"advice_code": advice}
        )


@endpoint("POST", "/v1/payment_methods")
def create_method(call: Call) -> Json:
    """Create a payment method from a test card number, a token like `tok_visa`, or a test IBAN."""
    params = call.params
    kind = params.get("type")
    if kind is None:
        raise parameter_missing("type")
    instrument = find_instrument(_written(params, kind))
    if instrument is None or instrument.kind != kind:
        raise _wrong_number(kind)
    details = billing_details(
        **given(params.get("billing_details") or {}, "address", "email", "name", "phone")
    )
    return new_method(call.world, instrument, details=details, metadata=metadata(params.get("metadata")))


def _written(params: Json, kind: str) -> str:
    data = params.get(kind) or {}
    if kind == "card":
        return str(data.get("number") or str(data.get("token", "")).replace("tok_", "pm_card_"))
    return str(data.get("iban") or data.get("account_number") or "")


def _wrong_number(kind: str) -> SimError:
    if kind == "card":
        message = "Your card number is incorrect."
        return SimError(402, message, type="card_error", code="incorrect_number", param="number")
    if kind == "sepa_debit":
        message = "The IBAN you provided is invalid."
        return refuse(message, code="invalid_bank_account_iban", param="sepa_debit[iban]")
    message = "You must use a test bank account number in test mode."
    return refuse(message, code="bank_account_unusable", param=f"{kind}[account_number]")


@endpoint("GET", "/v1/payment_methods")
def list_methods(call: Call) -> Json:
    """List payment methods; filters `customer`, `type`."""
    equal = {name: call.params[name] for name in ("customer", "type") if name in call.params}
    return paged(call, call.world.find("payment_method", **equal))


@endpoint("GET", "/v1/payment_methods/{payment_method}")
def retrieve_method(call: Call) -> Json:
    """Return one payment method."""
    return named_method(call.world, call.ids["payment_method"], param="payment_method")


@endpoint("POST", "/v1/payment_methods/{payment_method}/attach")
def attach_method(call: Call) -> Json:
    """Attach a payment method to a customer."""
    method = named_method(call.world, call.ids["payment_method"], param="payment_method")
    customer = call.world.get("customer", call.params["customer"], param="customer")
    return attach(call.world, method, customer["id"])


@endpoint("POST", "/v1/payment_methods/{payment_method}/detach")
def detach_method(call: Call) -> Json:
    """Take a payment method from its customer; invoices can't be paid with it any more."""
    method = call.world.get("payment_method", call.ids["payment_method"], param="payment_method")
    if method["customer"] is None:
        raise refuse(
            "The payment method you provided is not attached to a customer so detachment is impossible."
        )
    customer = call.world.get("customer", method["customer"])
    if not customer.get("deleted") and customer["invoice_settings"]["default_payment_method"] == method["id"]:
        settings = {**customer["invoice_settings"], "default_payment_method": None}
        changed(call.world, customer, "customer.updated", invoice_settings=settings)
    return changed(call.world, method, "payment_method.detached", customer=None)
