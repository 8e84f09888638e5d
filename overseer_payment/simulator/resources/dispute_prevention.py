"""Disputes that never come to one: the cardholder is given the money back before the bank takes it."""

from __future__ import annotations

from typing import Literal

from overseer_payment.simulator.resources.dispute_shapes import new_dispute
from overseer_payment.simulator.resources.refunds import refund_charge
from overseer_payment.simulator.resources.shapes import Json
from overseer_payment.simulator.world import World


def prevent(
    world: World, charge_id: str, *, case_type: Literal["resolution", "block"] = "resolution"
) -> Json:
    """Refund what is left of a charge for a merchant who enrolled, and note the dispute that it prevented."""
    charge = world.get("charge", charge_id)
    left = charge["amount_captured"] - charge["amount_refunded"]
    refund_charge(world, charge_id, reason="fraudulent")
    made = new_dispute(
        world, charge, case_type=case_type, status="prevented", reason="fraudulent", amount=left, due_by=0
    )
    dispute = world.put(made)
    world.emit("charge.dispute.created", dispute)
    return dispute
