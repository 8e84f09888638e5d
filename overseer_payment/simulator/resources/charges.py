"""Charges: single attempts to take money. A payment intent's latest one is the payment itself."""

from __future__ import annotations

from typing import Any

from overseer_payment.simulator.api import Call, changed, endpoint, paged, register_expander
from overseer_payment.simulator.cards import DECLINES, Instrument
from overseer_payment.simulator.resources import balance
from overseer_payment.simulator.resources.payment_methods import billing_details, expiry, fingerprint
from overseer_payment.simulator.resources.shapes import Json, given, listed, metadata
from overseer_payment.simulator.world import World

_STATEMENT = "SIMULATOR"


def _refunds(world: World, charge: Json) -> Json:
    return listed(f"/v1/charges/{charge['id']}/refunds", world.find("refund", charge=charge["id"]))


register_expander("charge", "refunds", _refunds)


def new_charge(
    world: World, intent: Json, method: Json, instrument: Instrument, *, three_d_secure: bool
) -> Json:
    """Build the charge of one attempt to pay `intent`; the caller decides and stores how it went."""
    id = world.new_id("ch_" if instrument.kind == "card" else "py_")
    return {
        "id": id,
        "object": "charge",
        "amount": intent["amount"],
        "amount_captured": 0,
        "amount_refunded": 0,
        "application": None,
        "application_fee": None,
        "application_fee_amount": None,
        "balance_transaction": None,
        "billing_details": dict(method["billing_details"]) or billing_details(),
        "calculated_statement_descriptor": _STATEMENT if instrument.kind == "card" else None,
        "captured": False,
        "created": world.clock.now(),
        "currency": intent["currency"],
        "customer": intent["customer"],
        "description": intent["description"],
        "disputed": False,
        "failure_balance_transaction": None,
        "failure_code": None,
        "failure_message": None,
        "fraud_details": {},
        "livemode": False,
        "metadata": dict(intent["metadata"]),
        "on_behalf_of": None,
        "outcome": None,
        "paid": False,
        "payment_intent": intent["id"],
        "payment_method": method["id"],
        "payment_method_details": _details(world, intent, instrument, three_d_secure),
        "radar_options": {},
        "receipt_email": intent["receipt_email"],
        "receipt_number": None,
        "receipt_url": f"{world.public_url}/receipts/{id}",
        "refunded": False,
        "review": None,
        "shipping": intent["shipping"],
        "source": None,
        "source_transfer": None,
        "statement_descriptor": intent["statement_descriptor"],
        "statement_descriptor_suffix": intent["statement_descriptor_suffix"],
        "status": "pending",
        "transfer_data": None,
        "transfer_group": None,
    }


def _details(world: World, intent: Json, instrument: Instrument, three_d_secure: bool) -> Json:
    if instrument.kind == "sepa_debit":
        bank = {
            "bank_code": instrument.number[4:9],
            "branch_code": "",
            "country": instrument.country,
            "expected_debit_date": None,
            "fingerprint": fingerprint(instrument),
            "last4": instrument.last4,
            "mandate": None,
        }
        return {"type": "sepa_debit", "sepa_debit": bank}
    if instrument.kind == "us_bank_account":
        return {"type": instrument.kind, instrument.kind: _us_bank_details(instrument)}
    return {"type": "card", "card": _card_details(world, intent, instrument, three_d_secure)}


def _us_bank_details(instrument: Instrument) -> Json:
    return {
        "account_holder_type": "individual",
        "account_type": "checking",
        "bank_name": "STRIPE TEST BANK",
        "fingerprint": fingerprint(instrument),
        "last4": instrument.last4,
        "mandate": None,
        "payment_reference": None,
        "routing_number": "110000000",
    }


def _card_details(world: World, intent: Json, instrument: Instrument, three_d_secure: bool) -> Json:
    month, year = expiry(world)
    return {
        "amount_authorized": intent["amount"],
        "authorization_code": f"{world.random.randrange(10**6):06d}",
        "brand": instrument.brand,
        "checks": {"address_line1_check": None, "address_postal_code_check": None, "cvc_check": "pass"},
        "country": instrument.country,
        "exp_month": month,
        "exp_year": year,
        "extended_authorization": {"status": "disabled"},
        "fingerprint": fingerprint(instrument),
        "funding": instrument.funding,
        "incremental_authorization": {"status": "unavailable"},
        "installments": None,
        "last4": instrument.last4,
        "mandate": None,
        "multicapture": {"status": "unavailable"},
        "network": instrument.brand,
        "network_token": {"used": False},
        "network_transaction_id": f"{world.random.randrange(10**15):015d}",
        "overcapture": {"maximum_amount_capturable": intent["amount"], "status": "unavailable"},
        "regulated_status": "unregulated",
        "three_d_secure": _three_d_secure() if three_d_secure else None,
        "transaction_link_id": None,
        "wallet": None,
    }


def _three_d_secure() -> Json:
    return {
        "authentication_flow": "challenge",
        "electronic_commerce_indicator": "05",
        "exemption_indicator": None,
        "result": "authenticated",
        "result_reason": None,
        "transaction_id": None,
        "version": "2.2.0",
    }


def outcome(decline: str | None = None) -> Json:
    """Return how network and issuer judged the attempt."""
    if decline is None:
        return {
            "advice_code": None, "network_advice_code": None, "network_decline_code": None,
            "network_status": "approved_by_network", "reason": None, "risk_level": "normal",
            "risk_score": 12, "seller_message": "Payment complete.", "type": "authorized",
        }  # fmt: skip
    blocked = decline == "fraudulent"
    return {
        "advice_code": DECLINES[decline][2],
        "network_advice_code": None if blocked else "01",
        "network_decline_code": None if blocked else "05",
        "network_status": "not_sent_to_network" if blocked else "declined_by_network",
        "reason": "highest_risk_level" if blocked else decline,
        "risk_level": "highest" if blocked else "normal",
        "risk_score": 89 if blocked else 31,
        "seller_message": "Stripe blocked this payment as too risky."
        if blocked
        else f"The bank returned the decline code `{decline}`.",
        "type": "blocked" if blocked else "issuer_declined",
    }


def take(world: World, charge: Json, amount: int) -> None:
    """Book the captured money of a charge; the caller stores the charge and tells of it."""
    kind = "charge" if charge["payment_method_details"]["type"] == "card" else "payment"
    movement = balance.moved(
        world, amount, charge["currency"], kind=kind, source=charge["id"], description=charge["description"]
    )
    charge.update(captured=True, amount_captured=amount, paid=True, balance_transaction=movement["id"])


def charges_of(world: World, **equal: Any) -> list[Json]:
    """Return stored charges, newest first."""
    return world.find("charge", **equal)


@endpoint("GET", "/v1/charges")
def list_charges(call: Call) -> Json:
    """List charges; filters `customer`, `payment_intent`, `transfer_group`."""
    params = call.params
    names = ("customer", "payment_intent", "transfer_group")
    return paged(call, charges_of(call.world, **{n: params[n] for n in names if n in params}))


@endpoint("GET", "/v1/charges/{charge}")
def retrieve_charge(call: Call) -> Json:
    """Return one charge."""
    return call.world.get("charge", call.ids["charge"])


@endpoint("POST", "/v1/charges/{charge}")
def update_charge(call: Call) -> Json:
    """Change what may be changed of a charge."""
    charge, params = call.world.get("charge", call.ids["charge"]), call.params
    values = given(params, "description", "receipt_email", "transfer_group")
    if report := (params.get("fraud_details") or {}).get("user_report"):
        values["fraud_details"] = {**charge["fraud_details"], "user_report": report}
    if "metadata" in params:
        values["metadata"] = metadata(params["metadata"], charge["metadata"])
    return changed(call.world, charge, "charge.updated", **values)
