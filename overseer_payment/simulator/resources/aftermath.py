"""What a test card brings after its payment: a dispute, an inquiry, an early fraud warning."""

from __future__ import annotations

from overseer_payment.simulator.resources.disputes import open_dispute
from overseer_payment.simulator.resources.early_fraud_warnings import warn
from overseer_payment.simulator.resources.payment_methods import instrument_of
from overseer_payment.simulator.resources.shapes import Json
from overseer_payment.simulator.world import World


def aftermath(world: World, intent: Json) -> None:
    """Let follow what the instrument of a succeeded payment promises. Called once, last in a flow."""
    if intent["status"] != "succeeded":
        return
    charge = world.get("charge", intent["latest_charge"])
    instrument = instrument_of(world, charge["payment_method"])
    if instrument.dispute is not None:
        open_dispute(world, charge["id"], kind=instrument.dispute, reason="fraudulent")
    if instrument.fraud_warning:
        warn(world, charge["id"])
