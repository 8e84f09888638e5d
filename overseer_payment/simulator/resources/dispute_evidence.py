"""Evidence in a dispute: staged as often as one likes, submitted once."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any

from overseer_payment.simulator.api import Call, changed, endpoint
from overseer_payment.simulator.resources.dispute_shapes import FILES, TEXTS
from overseer_payment.simulator.resources.disputes import AWAITED, close_dispute, escalate, is_inquiry
from overseer_payment.simulator.resources.shapes import Json, metadata, refuse
from overseer_payment.simulator.world import World

_MAX_TEXT, _MAX_TOGETHER = 20_000, 150_000


def _win(world: World, id: str) -> Json:
    return close_dispute(world, id, "won")


def _lose(world: World, id: str) -> Json:
    # An inquiry that is lost debits nothing in Stripe's test mode.
    return close_dispute(world, id, "won" if is_inquiry(world.get("dispute", id)) else "lost")


def _escalate(world: World, id: str) -> Json:
    dispute = world.get("dispute", id)
    return escalate(world, id) if is_inquiry(dispute) else dispute


# What Stripe's test mode does with these texts (page "Testing", disputes: evidence).
_VERDICTS: Mapping[str, Callable[[World, str], Json]] = {
    "winning_evidence": _win,
    "losing_evidence": _lose,
    "escalate_inquiry_evidence": _escalate,
}


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
    submit = bool(params.get("submit", True))
    return answer(world, dispute, params.get("evidence") or {}, submit=submit, **values)


def answer(world: World, dispute: Json, evidence: Mapping[str, Any], *, submit: bool, **values: Any) -> Json:
    """Stage evidence, or submit it; the bank decides at once where a text tells it how."""
    _may_answer(dispute)
    said = _merged(world, dispute["evidence"], evidence)
    values |= {"evidence": said, "evidence_details": _details(world, dispute, said, submit=submit)}
    if submit:
        values["status"] = str(dispute["status"]).replace("needs_response", "under_review")
    changed(world, dispute, "charge.dispute.updated", **values)
    verdict = _VERDICTS.get(_word(said))
    if submit and verdict:
        verdict(world, dispute["id"])
    return dispute


def _may_answer(dispute: Json) -> None:
    if dispute["status"] in AWAITED:
        return
    if dispute["evidence_details"]["submission_count"] and dispute["status"].endswith("under_review"):
        raise refuse(
            "Evidence has already been submitted for this dispute.", code="dispute_evidence_submitted"
        )
    raise refuse("This dispute is already closed.", code="dispute_closed")


def _merged(world: World, staged: Json, sent: Mapping[str, Any]) -> Json:
    merged: Json = {**staged, **{name: sent[name] or None for name in (*FILES, *TEXTS) if name in sent}}
    if sent.get("appeal"):
        card = (staged.get("appeal") or {}).get("card") or {
            "reason_for_filing": None,
            "supporting_files": None,
        }
        merged["appeal"] = {"card": {**card, **(sent["appeal"].get("card") or {})}}
    for id in _named_files(sent):
        world.get("file", id, param="evidence")
    lengths = [len(value) for value in merged.values() if isinstance(value, str)]
    if max(lengths, default=0) > _MAX_TEXT or sum(lengths) > _MAX_TOGETHER:
        raise refuse(
            "Evidence is limited to 20,000 characters per field and 150,000 in all.", param="evidence"
        )
    return merged


def _named_files(sent: Mapping[str, Any]) -> list[str]:
    card = (sent.get("appeal") or {}).get("card") or {}
    return [*(sent[name] for name in FILES if sent.get(name)), *(card.get("supporting_files") or ())]


def _word(evidence: Json) -> str:
    """Return the text that test mode listens to; in an appeal it is the reason for filing."""
    appealed = (evidence.get("appeal") or {}).get("card") or {}
    return str(appealed.get("reason_for_filing") or evidence["uncategorized_text"]).strip()


def _details(world: World, dispute: Json, evidence: Json, *, submit: bool) -> Json:
    details: Json = dict(dispute["evidence_details"])
    said = any(evidence[name] is not None for name in (*FILES, *TEXTS))
    details["has_evidence"] = said or bool(evidence.get("appeal"))
    if submit:
        details.update(
            submission_count=details["submission_count"] + 1,
            submission_method="manual",
            past_due=0 < details["due_by"] < world.clock.now(),
        )
    return details
