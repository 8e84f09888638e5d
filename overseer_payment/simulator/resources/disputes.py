"""Disputes: a bank takes a payment back, or asks about it first (an inquiry)."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import Any, Literal

from overseer_payment.simulator.api import Call, changed, endpoint, paged
from overseer_payment.simulator.resources import balance
from overseer_payment.simulator.resources.early_fraud_warnings import no_longer_actionable
from overseer_payment.simulator.resources.shapes import DAY, Json, metadata, refuse
from overseer_payment.simulator.world import World

OPEN = ("needs_response", "under_review", "warning_needs_response", "warning_under_review")
_INQUIRY_ENDS_AFTER = 120 * DAY
_ANSWER_WITHIN = 20
_NETWORK_CODES = {"fraudulent": "10.4", "product_not_received": "13.1", "duplicate": "12.6.1"}
_EVIDENCE = (
    "access_activity_log", "billing_address", "cancellation_policy", "cancellation_policy_disclosure",
    "cancellation_rebuttal", "customer_communication", "customer_email_address", "customer_name",
    "customer_purchase_ip", "customer_signature", "duplicate_charge_documentation",
    "duplicate_charge_explanation", "duplicate_charge_id", "product_description", "receipt", "refund_policy",
    "refund_policy_disclosure", "refund_refusal_explanation", "service_date", "service_documentation",
    "shipping_address", "shipping_carrier", "shipping_date", "shipping_documentation",
    "shipping_tracking_number", "uncategorized_file", "uncategorized_text",
)  # fmt: skip
# What Stripe's test mode does with these two texts ("Test disputes": winning and losing).
_VERDICTS: dict[str, Literal["won", "lost"]] = {"winning_evidence": "won", "losing_evidence": "lost"}
_MAX_TEXT, _MAX_TOGETHER = 20_000, 150_000


def open_dispute(
    world: World,
    charge_id: str,
    *,
    kind: Literal["chargeback", "inquiry"] = "chargeback",
    reason: str = "fraudulent",
    amount: int | None = None,
    answer_within_days: int = _ANSWER_WITHIN,
) -> Json:
    """Open a dispute over `amount` minor units (default: all of the charge that was not refunded).

    A chargeback takes the money out of the balance at once; an inquiry takes nothing.
    """
    charge = world.get("charge", charge_id)
    disputed = charge["amount_captured"] - charge["amount_refunded"] if amount is None else amount
    dispute = world.put(
        _new_dispute(world, charge, kind, reason, disputed or charge["amount_captured"], answer_within_days)
    )
    changed(world, charge, None, disputed=True)
    world.emit("charge.dispute.created", dispute)
    if kind == "chargeback":
        _withdraw(world, dispute)
    no_longer_actionable(world, charge["id"])
    _schedule_end(world, dispute)
    return dispute


def _new_dispute(world: World, charge: Json, kind: str, reason: str, amount: int, days: int) -> Json:
    card = charge["payment_method_details"].get("card") or {}
    brand = card.get("brand") or "visa"
    return {
        "id": world.new_id("du_"),
        "object": "dispute",
        "amount": amount,
        "balance_transactions": [],
        "charge": charge["id"],
        "created": world.clock.now(),
        "currency": charge["currency"],
        "enhanced_eligibility_types": [],
        "evidence": {**dict.fromkeys(_EVIDENCE), "enhanced_evidence": {}},
        "evidence_details": {
            "due_by": _end_of_day(world.clock.now() + days * DAY),
            "enhanced_eligibility": {},
            "has_evidence": False,
            "past_due": False,
            "submission_count": 0,
            "submission_method": "not_submitted",
        },
        "is_charge_refundable": kind == "inquiry",
        "livemode": False,
        "metadata": {},
        "payment_intent": charge["payment_intent"],
        "payment_method_details": {
            "type": "card",
            "card": {
                "brand": brand,
                "case_type": kind,
                "network": brand,
                "network_reason_code": _NETWORK_CODES.get(reason, "10.4"),
            },
        },
        "reason": reason,
        "status": "warning_needs_response" if kind == "inquiry" else "needs_response",
    }


def _end_of_day(moment: int) -> int:
    day = datetime.fromtimestamp(moment, UTC)
    return int(day.replace(hour=23, minute=59, second=59, microsecond=0).timestamp())


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
    if _is_inquiry(dispute):
        world.schedule(
            dispute["created"] + _INQUIRY_ENDS_AFTER, lambda w: _lapse(w, id), f"end of inquiry {id}"
        )
    else:
        due = dispute["evidence_details"]["due_by"]
        world.schedule(due + 1, lambda w: _overdue(w, id), f"deadline of dispute {id}")


def _lapse(world: World, id: str) -> None:
    dispute = world.get("dispute", id)
    if _is_inquiry(dispute) and dispute["status"] in OPEN:
        _close(world, dispute, "warning_closed")


def _overdue(world: World, id: str) -> None:
    dispute = world.get("dispute", id)
    if dispute["status"] != "needs_response":
        return
    details = {**dispute["evidence_details"], "past_due": True}
    changed(world, dispute, "charge.dispute.updated", evidence_details=details)
    _close(world, dispute, "lost")


def _is_inquiry(dispute: Json) -> bool:
    return str(dispute["status"]).startswith("warning_")


def close_dispute(world: World, dispute_id: str, result: Literal["won", "lost"]) -> Json:
    """Let the bank decide: `won` gives the money back, `lost` keeps it gone.

    A won inquiry is `warning_closed`; a lost one becomes a chargeback first, as it does with banks.
    """
    dispute = world.get("dispute", dispute_id)
    if dispute["status"] not in OPEN:
        raise refuse("This dispute is already closed.", code="dispute_closed")
    if _is_inquiry(dispute) and result == "won":
        return _close(world, dispute, "warning_closed")
    if _is_inquiry(dispute):
        escalate(world, dispute_id)
    return _close(world, dispute, result)


def escalate(world: World, dispute_id: str) -> Json:
    """Turn an inquiry into a chargeback: the money goes and an answer is due again."""
    dispute = world.get("dispute", dispute_id)
    method = dict(dispute["payment_method_details"])
    method["card"] = {**method["card"], "case_type": "chargeback"}
    due = {"due_by": _end_of_day(world.clock.now() + _ANSWER_WITHIN * DAY), "submission_count": 0}
    changed(
        world, dispute, "charge.dispute.updated",
        status="needs_response", payment_method_details=method, is_charge_refundable=False,
        evidence_details={**dispute["evidence_details"], **due, "submission_method": "not_submitted"},
    )  # fmt: skip
    _withdraw(world, dispute)
    _schedule_end(world, dispute)
    return dispute


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


@endpoint("POST", "/v1/disputes/{dispute}")
def update_dispute(call: Call) -> Json:
    """Stage evidence, or submit it: `submit` defaults to true, and evidence goes out once."""
    world, params = call.world, call.params
    dispute = world.get("dispute", call.ids["dispute"])
    values: Json = {}
    if "metadata" in params:
        values["metadata"] = metadata(params["metadata"], dispute["metadata"])
    if "evidence" not in params and "submit" not in params:
        return changed(world, dispute, "charge.dispute.updated", **values)
    _may_answer(dispute)
    evidence = _merged_evidence(dispute, params.get("evidence") or {})
    submit = params.get("submit", True)
    values |= {"evidence": evidence, "evidence_details": _details(dispute, evidence, submit=submit)}
    if submit:
        values["status"] = "warning_under_review" if _is_inquiry(dispute) else "under_review"
    changed(world, dispute, "charge.dispute.updated", **values)
    verdict = _VERDICTS.get(str(evidence["uncategorized_text"]).strip())
    if submit and verdict:
        close_dispute(world, dispute["id"], verdict)
    return dispute


def _may_answer(dispute: Json) -> None:
    if dispute["evidence_details"]["submission_count"]:
        raise refuse(
            "Evidence has already been submitted for this dispute.", code="dispute_evidence_submitted"
        )
    if dispute["status"] not in ("needs_response", "warning_needs_response"):
        raise refuse("This dispute is already closed.", code="dispute_closed")


def _merged_evidence(dispute: Json, sent: dict[str, Any]) -> Json:
    known = {name: value for name, value in sent.items() if name in _EVIDENCE}
    merged: Json = {**dispute["evidence"], **{name: value or None for name, value in known.items()}}
    lengths = [len(value) for value in merged.values() if isinstance(value, str)]
    if max(lengths, default=0) > _MAX_TEXT or sum(lengths) > _MAX_TOGETHER:
        raise refuse(
            "Evidence is limited to 20,000 characters per field and 150,000 in all.", param="evidence"
        )
    return merged


def _details(dispute: Json, evidence: Json, *, submit: bool) -> Json:
    details: Json = dict(dispute["evidence_details"])
    details["has_evidence"] = any(evidence[name] is not None for name in _EVIDENCE)
    if submit:
        details.update(submission_count=details["submission_count"] + 1, submission_method="manual")
    return details


@endpoint("POST", "/v1/disputes/{dispute}/close")
def concede_dispute(call: Call) -> Json:
    """Accept the dispute: it is lost, for good."""
    dispute = call.world.get("dispute", call.ids["dispute"])
    if dispute["status"] not in ("needs_response", "warning_needs_response"):
        raise refuse("This dispute is already closed.", code="dispute_closed")
    if _is_inquiry(dispute):
        return _close(call.world, dispute, "warning_closed")
    return _close(call.world, dispute, "lost")
