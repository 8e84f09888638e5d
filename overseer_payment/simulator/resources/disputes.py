"""Disputes: a bank takes a payment back, or asks about it first (an inquiry)."""

from __future__ import annotations

from typing import Literal

from overseer_payment.simulator.api import Call, changed, endpoint, paged
from overseer_payment.simulator.resources import balance
from overseer_payment.simulator.resources.dispute_shapes import deadline, new_dispute
from overseer_payment.simulator.resources.early_fraud_warnings import no_longer_actionable
from overseer_payment.simulator.resources.shapes import DAY, Json, refuse
from overseer_payment.simulator.world import World

AWAITED = ("needs_response", "warning_needs_response", "appeal_needs_response")
OPEN = (*AWAITED, "under_review", "warning_under_review", "appeal_under_review")
_INQUIRY_ENDS_AFTER = 120 * DAY
_ANSWER_WITHIN = 20


def open_dispute(
    world: World,
    charge_id: str,
    *,
    kind: Literal["chargeback", "inquiry"] = "chargeback",
    reason: str = "fraudulent",
    amount: int | None = None,
    answer_within_days: int | None = _ANSWER_WITHIN,
) -> Json:
    """Open a dispute over `amount` minor units (default: all of the charge that was not refunded).

    A chargeback takes the money out of the balance at once; an inquiry takes nothing. With None as
    `answer_within_days` the bank takes no answer: such a chargeback arrives lost.
    """
    charge = world.get("charge", charge_id)
    disputed = charge["amount_captured"] - charge["amount_refunded"] if amount is None else amount
    unanswerable = "lost" if answer_within_days is None else "needs_response"
    made = new_dispute(
        world,
        charge,
        case_type=kind,
        status="warning_needs_response" if kind == "inquiry" else unanswerable,
        reason=reason,
        amount=disputed or charge["amount_captured"],
        due_by=deadline(world, answer_within_days),
    )
    dispute = world.put(made)
    changed(world, charge, None, disputed=True)
    world.emit("charge.dispute.created", dispute)
    if kind == "chargeback":
        _withdraw(world, dispute)
    no_longer_actionable(world, charge["id"])
    if dispute["status"] == "lost":
        world.emit("charge.dispute.closed", dispute)
    else:
        _schedule_end(world, dispute)
    return dispute


def _withdraw(world: World, dispute: Json) -> None:
    movement = balance.moved(
        world, -dispute["amount"], dispute["currency"], kind="adjustment", source=dispute["id"],
        description=f"Chargeback withdrawal for {dispute['charge']}",
    )  # fmt: skip
    changed(
        world, dispute, "charge.dispute.funds_withdrawn",
        balance_transactions=[*dispute["balance_transactions"], dict(movement)],
    )  # fmt: skip


def _reinstate(world: World, dispute: Json) -> None:
    movement = balance.moved(
        world, dispute["amount"], dispute["currency"], kind="adjustment", source=dispute["id"],
        reporting="dispute_reversal", description=f"Chargeback reversal for {dispute['charge']}",
    )  # fmt: skip
    changed(
        world, dispute, "charge.dispute.funds_reinstated",
        balance_transactions=[*dispute["balance_transactions"], dict(movement)],
    )  # fmt: skip


def _schedule_end(world: World, dispute: Json) -> None:
    id = dispute["id"]
    if is_inquiry(dispute):
        world.schedule(
            dispute["created"] + _INQUIRY_ENDS_AFTER, lambda w: _lapse(w, id), f"end of inquiry {id}"
        )
    else:
        due = dispute["evidence_details"]["due_by"]
        world.schedule(due + 1, lambda w: _overdue(w, id), f"deadline of dispute {id}")


def _lapse(world: World, id: str) -> None:
    dispute = world.get("dispute", id)
    if is_inquiry(dispute) and dispute["status"] in OPEN:
        _close(world, dispute, "warning_closed")


def _overdue(world: World, id: str) -> None:
    dispute = world.get("dispute", id)
    due = dispute["evidence_details"]["due_by"]
    if dispute["status"] in ("needs_response", "appeal_needs_response") and due < world.clock.now():
        _close(world, dispute, "lost")


def is_inquiry(dispute: Json) -> bool:
    """Has the bank only asked so far?"""
    return str(dispute["status"]).startswith("warning_")


def close_dispute(world: World, dispute_id: str, result: Literal["won", "lost"]) -> Json:
    """Let the bank decide: `won` gives the money back, `lost` keeps it gone.

    A won inquiry is `warning_closed`; a lost one becomes a chargeback first, as it does with banks.
    """
    dispute = world.get("dispute", dispute_id)
    if dispute["status"] not in OPEN:
        raise refuse("This dispute is already closed.", code="dispute_closed")
    if is_inquiry(dispute) and result == "won":
        return _close(world, dispute, "warning_closed")
    if is_inquiry(dispute):
        escalate(world, dispute_id)
    return _close(world, dispute, result)


def escalate(world: World, dispute_id: str) -> Json:
    """Turn an inquiry into a chargeback: the money goes and an answer is due again."""
    dispute = world.get("dispute", dispute_id)
    method = dict(dispute["payment_method_details"])
    method["card"] = {**method["card"], "case_type": "chargeback"}
    due = {"due_by": deadline(world, _ANSWER_WITHIN), "submission_count": 0}
    changed(
        world, dispute, "charge.dispute.updated",
        status="needs_response", payment_method_details=method, is_charge_refundable=False,
        evidence_details={**dispute["evidence_details"], **due, "submission_method": "not_submitted"},
    )  # fmt: skip
    _withdraw(world, dispute)
    _schedule_end(world, dispute)
    return dispute


def offer_appeal(world: World, dispute_id: str, *, answer_within_days: int = 10) -> Json:
    """Let a lost chargeback be appealed: an answer is due again, while the money stays gone."""
    dispute = world.get("dispute", dispute_id)
    if dispute["status"] != "lost":
        raise refuse("Only a lost dispute can be appealed.", code="dispute_not_appealable")
    details = {**dispute["evidence_details"], "due_by": deadline(world, answer_within_days)}
    changed(
        world, dispute, "charge.dispute.updated", status="appeal_needs_response", evidence_details=details
    )
    _schedule_end(world, dispute)
    return dispute


def settled_by_refund(world: World, charge_id: str) -> None:
    """Close the inquiries about a charge that was refunded in full: there is nothing left to ask for."""
    for dispute in world.find("dispute", charge=charge_id):
        if is_inquiry(dispute) and dispute["status"] in OPEN:
            _close(world, dispute, "warning_closed")


def _close(world: World, dispute: Json, status: str) -> Json:
    changed(world, dispute, None, status=status, is_charge_refundable=status != "lost")
    if status == "won":
        _reinstate(world, dispute)
    world.emit("charge.dispute.closed", dispute)
    return dispute


@endpoint("GET", "/v1/disputes")
def list_disputes(call: Call) -> Json:
    """List disputes; filters `charge`, `payment_intent`."""
    equal = {name: call.params[name] for name in ("charge", "payment_intent") if name in call.params}
    return paged(call, call.world.find("dispute", **equal))


@endpoint("GET", "/v1/disputes/{dispute}")
def retrieve_dispute(call: Call) -> Json:
    """Return one dispute."""
    return call.world.get("dispute", call.ids["dispute"])


@endpoint("POST", "/v1/disputes/{dispute}/close")
def concede_dispute(call: Call) -> Json:
    """Accept the dispute: it is lost, for good."""
    dispute = call.world.get("dispute", call.ids["dispute"])
    if dispute["status"] not in AWAITED:
        raise refuse("This dispute is already closed.", code="dispute_closed")
    if is_inquiry(dispute):
        return _close(call.world, dispute, "warning_closed")
    return _close(call.world, dispute, "lost")
