"""Early fraud warnings: the issuer suspects a charge; most become disputes if nothing is done."""

from __future__ import annotations

from overseer_payment.simulator.api import Call, changed, endpoint, paged
from overseer_payment.simulator.resources.shapes import Json
from overseer_payment.simulator.world import World

_NAME = "radar.early_fraud_warning"


def warn(world: World, charge_id: str, *, fraud_type: str = "unauthorized_use_of_card") -> Json:
    """Store and announce a warning about a charge."""
    charge = world.get("charge", charge_id)
    warning: Json = {
        "id": world.new_id("issfr_"),
        "object": _NAME,
        "actionable": not (charge["disputed"] or charge["refunded"]),
        "charge": charge["id"],
        "created": world.clock.now(),
        "fraud_type": fraud_type,
        "livemode": False,
        "payment_intent": charge["payment_intent"],
    }
    world.put(warning)
    world.emit(f"{_NAME}.created", warning)
    return warning


def no_longer_actionable(world: World, charge_id: str) -> None:
    """Mark a charge's warnings as past acting on: it was disputed or fully refunded."""
    for warning in world.find(_NAME, charge=charge_id, actionable=True):
        changed(world, warning, f"{_NAME}.updated", actionable=False)


@endpoint("GET", "/v1/radar/early_fraud_warnings")
def list_warnings(call: Call) -> Json:
    """List warnings; filters `charge`, `payment_intent`."""
    equal = {name: call.params[name] for name in ("charge", "payment_intent") if name in call.params}
    return paged(call, call.world.find(_NAME, **equal))


@endpoint("GET", "/v1/radar/early_fraud_warnings/{early_fraud_warning}")
def retrieve_warning(call: Call) -> Json:
    """Return one warning."""
    return call.world.get(_NAME, call.ids["early_fraud_warning"])
