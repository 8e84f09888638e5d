"""What a dispute looks like, and what may stand in its evidence."""

from __future__ import annotations

from datetime import UTC, datetime

from overseer_payment.simulator.resources.shapes import DAY, Json
from overseer_payment.simulator.world import World

# Those that hold the id of an uploaded file.
FILES = (
    "cancellation_policy", "customer_communication", "customer_signature", "duplicate_charge_documentation",
    "receipt", "refund_policy", "service_documentation", "shipping_documentation", "uncategorized_file",
)  # fmt: skip
TEXTS = (
    "access_activity_log", "billing_address", "cancellation_policy_disclosure", "cancellation_rebuttal",
    "customer_email_address", "customer_name", "customer_purchase_ip", "duplicate_charge_explanation",
    "duplicate_charge_id", "product_description", "refund_policy_disclosure", "refund_refusal_explanation",
    "service_date", "shipping_address", "shipping_carrier", "shipping_date", "shipping_tracking_number",
    "uncategorized_text",
)  # fmt: skip
_NETWORK_CODES = {"fraudulent": "10.4", "product_not_received": "13.1", "duplicate": "12.6.1"}


def new_dispute(
    world: World, charge: Json, *, case_type: str, status: str, reason: str, amount: int, due_by: int
) -> Json:
    """Return a dispute, not stored yet. `due_by` is 0 where the bank takes no answer."""
    brand = (charge["payment_method_details"].get("card") or {}).get("brand") or "visa"
    return {
        "id": world.new_id("du_"),
        "object": "dispute",
        "amount": amount,
        "balance_transactions": [],
        "charge": charge["id"],
        "created": world.clock.now(),
        "currency": charge["currency"],
        "enhanced_eligibility_types": [],
        "evidence": {**dict.fromkeys(sorted((*FILES, *TEXTS))), "enhanced_evidence": {}},
        "evidence_details": {
            "due_by": due_by,
            "enhanced_eligibility": {},
            "has_evidence": False,
            "past_due": False,
            "submission_count": 0,
            "submission_method": "not_submitted",
        },
        "is_charge_refundable": status.startswith("warning_"),
        "livemode": False,
        "metadata": {},
        "payment_intent": charge["payment_intent"],
        "payment_method_details": {
            "type": "card",
            "card": {
                "brand": brand,
                "case_type": case_type,
                "network": brand,
                "network_reason_code": _NETWORK_CODES.get(reason, "10.4"),
            },
        },
        "reason": reason,
        "status": status,
    }


def deadline(world: World, days: int | None) -> int:
    """Return the end of the day in so many days; 0, as Stripe writes it, when no answer is possible."""
    if days is None:
        return 0
    day = datetime.fromtimestamp(world.clock.now() + days * DAY, UTC)
    return int(day.replace(hour=23, minute=59, second=59, microsecond=0).timestamp())
