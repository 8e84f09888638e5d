"""Refunds: money going back, which may be pending first and may fail days later."""

from __future__ import annotations

from overseer_payment.simulator.api import Call, changed, endpoint, paged
from overseer_payment.simulator.errors import parameter_missing
from overseer_payment.simulator.resources import balance
from overseer_payment.simulator.resources.amounts import money
from overseer_payment.simulator.resources.disputes import settled_by_refund
from overseer_payment.simulator.resources.early_fraud_warnings import no_longer_actionable
from overseer_payment.simulator.resources.payment_methods import instrument_of
from overseer_payment.simulator.resources.shapes import DAY, Json, metadata, refuse
from overseer_payment.simulator.world import World

_DECIDED_AFTER = 4 * DAY


def refund_charge(
    world: World,
    charge_id: str,
    amount: int | None = None,
    *,
    reason: str | None = None,
    given_metadata: Json | None = None,
) -> Json:
    """Refund `amount` minor units of a charge (default: all that remains), as the API and the dashboard do.

    Raises SimError with Stripe's wording for what can't be refunded.
    """
    charge = world.get("charge", charge_id, param="charge")
    amount = _refundable(world, charge, amount)
    refund = world.put(_new_refund(world, charge, amount, reason, given_metadata or {}))
    world.emit("refund.created", refund)
    total = charge["amount_refunded"] + amount
    changed(
        world, charge, "charge.refunded", amount_refunded=total, refunded=total >= charge["amount_captured"]
    )
    if charge["refunded"]:
        no_longer_actionable(world, charge["id"])
        settled_by_refund(world, charge["id"])
    _announce_reference(world, refund)
    _schedule_outcome(world, refund)
    return refund


def _refundable(world: World, charge: Json, amount: int | None) -> int:
    if charge["status"] != "succeeded" or not charge["captured"]:
        raise refuse(f"Charge {charge['id']} has not been captured; it can't be refunded.", param="charge")
    if not all(dispute["is_charge_refundable"] for dispute in world.find("dispute", charge=charge["id"])):
        message = f"Charge {charge['id']} has been charged back; cannot issue a refund."
        raise refuse(message, code="charge_disputed")
    remaining = charge["amount_captured"] - charge["amount_refunded"]
    if remaining <= 0:
        message = f"Charge {charge['id']} has already been refunded."
        raise refuse(message, code="charge_already_refunded")
    wanted = remaining if amount is None else amount
    if wanted <= 0:
        raise refuse("Invalid positive integer", code="parameter_invalid_integer", param="amount")
    if wanted > remaining:
        asked, left = money(wanted, charge["currency"]), money(remaining, charge["currency"])
        message = f"Refund amount ({asked}) is greater than unrefunded amount on charge ({left})"
        raise refuse(message, param="amount")
    return wanted


def _new_refund(world: World, charge: Json, amount: int, reason: str | None, given_metadata: Json) -> Json:
    id = world.new_id("re_" if charge["id"].startswith("ch_") else "pyr_")
    card = charge["payment_method_details"]["type"] == "card"
    pending = instrument_of(world, charge["payment_method"]).refund == "pending"
    movement = balance.moved(
        world, -amount, charge["currency"], kind="refund" if card else "payment_refund", source=id,
        description=f"REFUND FOR {'CHARGE' if card else 'PAYMENT'}",
    )  # fmt: skip
    refund: Json = {
        "id": id,
        "object": "refund",
        "amount": amount,
        "balance_transaction": movement["id"],
        "charge": charge["id"],
        "created": world.clock.now(),
        "currency": charge["currency"],
        "customer": charge["customer"],
        "customer_account": None,
        "destination_details": _destination(charge["payment_method_details"]["type"]),
        "metadata": metadata(given_metadata),
        "payment_intent": charge["payment_intent"],
        "payment_method": charge["payment_method"],
        "reason": reason,
        "receipt_number": None,
        "source_transfer_reversal": None,
        "status": "pending" if pending else "succeeded",
        "transfer_reversal": None,
    }
    if pending:
        refund["pending_reason"] = "processing"
    return refund


def _destination(kind: str) -> Json:
    if kind != "card":
        return {"type": "us_bank_transfer" if kind == "us_bank_account" else "eu_bank_transfer"}
    card = {"reference_status": "pending", "reference_type": "acquirer_reference_number", "type": "refund"}
    return {"type": "card", "card": card}


def _announce_reference(world: World, refund: Json) -> None:
    # Banks give a card refund its reference moments later: one more update of the same refund.
    if refund["status"] != "succeeded" or refund["destination_details"]["type"] != "card":
        return
    card = {**refund["destination_details"]["card"], "reference": f"{world.random.randrange(10**23):023d}"}
    card["reference_status"] = "available"
    changed(world, refund, "refund.updated", destination_details={"type": "card", "card": card})


def _schedule_outcome(world: World, refund: Json) -> None:
    fate = instrument_of(world, world.get("charge", refund["charge"])["payment_method"]).refund
    if fate == "succeeds":
        return
    id = refund["id"]

    def decide(later: World) -> None:
        current = later.get("refund", id)
        if fate == "fails_later":
            fail_refund(later, id)
        elif current["status"] == "pending":
            current.pop("pending_reason", None)
            _updated(later, current, status="succeeded")

    world.schedule(world.clock.now() + _DECIDED_AFTER, decide, f"outcome of refund {id}")


def fail_refund(world: World, refund_id: str, *, reason: str = "expired_or_canceled_card") -> Json:
    """Let a refund fail: the bank sent the money back, and it is in the balance again."""
    refund = world.get("refund", refund_id)
    if refund["status"] in ("failed", "canceled"):
        return refund
    refund.pop("pending_reason", None)
    _return_money(world, refund, failure_reason=reason, status="failed")
    world.emit("refund.failed", refund)
    return refund


def _return_money(world: World, refund: Json, **values: str) -> None:
    movement = balance.moved(
        world, refund["amount"], refund["currency"], kind="refund_failure", source=refund["id"],
        description="REFUND FAILURE",
    )  # fmt: skip
    charge = world.get("charge", refund["charge"])
    # The charge is corrected without an event of its own: only the refund tells of it.
    changed(world, charge, None, amount_refunded=charge["amount_refunded"] - refund["amount"], refunded=False)
    _updated(world, refund, failure_balance_transaction=movement["id"], **values)


def _updated(world: World, refund: Json, **values: str) -> None:
    before = {name: refund.get(name) for name in values}
    changed(world, refund, "refund.updated", **values)
    world.emit("charge.refund.updated", refund, previous=before)


@endpoint("POST", "/v1/refunds")
def create_refund(call: Call) -> Json:
    """Refund a payment, by its charge or its payment intent, wholly or in part."""
    world, params = call.world, call.params
    if "charge" in params:
        charge_id = params["charge"]
    elif "payment_intent" in params:
        charge_id = _charge_of(world, params["payment_intent"])
    else:
        raise parameter_missing("payment_intent")
    return refund_charge(
        world, charge_id, params.get("amount"),
        reason=params.get("reason"), given_metadata=params.get("metadata"),
    )  # fmt: skip


def _charge_of(world: World, intent_id: str) -> str:
    intent = world.get("payment_intent", intent_id, param="payment_intent")
    charge = world.peek("charge", intent["latest_charge"]) if intent["latest_charge"] else None
    if charge is None or charge["status"] != "succeeded":
        raise refuse(
            f"This PaymentIntent ({intent_id}) does not have a successful charge to refund.",
            code="payment_intent_unexpected_state", param="payment_intent",
        )  # fmt: skip
    return str(charge["id"])


@endpoint("GET", "/v1/refunds")
def list_refunds(call: Call) -> Json:
    """List refunds; filters `charge`, `payment_intent`."""
    equal = {name: call.params[name] for name in ("charge", "payment_intent") if name in call.params}
    return paged(call, call.world.find("refund", **equal))


@endpoint("GET", "/v1/refunds/{refund}")
def retrieve_refund(call: Call) -> Json:
    """Return one refund."""
    return call.world.get("refund", call.ids["refund"])


@endpoint("POST", "/v1/refunds/{refund}")
def update_refund(call: Call) -> Json:
    """Change a refund's metadata."""
    refund = call.world.get("refund", call.ids["refund"])
    if "metadata" not in call.params:
        return refund
    merged = metadata(call.params["metadata"], refund["metadata"])
    return changed(call.world, refund, "refund.updated", metadata=merged)


@endpoint("POST", "/v1/refunds/{refund}/cancel")
def cancel_refund(call: Call) -> Json:
    """Cancel a refund that is still pending."""
    refund = call.world.get("refund", call.ids["refund"])
    if refund["status"] != "pending":
        raise refuse(
            f"Refund {refund['id']} cannot be canceled because it has a status of {refund['status']}."
        )
    refund.pop("pending_reason", None)
    _return_money(call.world, refund, failure_reason="merchant_request", status="canceled")
    return refund
