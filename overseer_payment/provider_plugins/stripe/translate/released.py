"""What was authorised and never captured: Stripe tells its release as a refund, though no money moved."""

from __future__ import annotations

from overseer_payment.provider_plugins.stripe.translate import fields as f


def captured(charge: f.Json) -> int:
    """What came of the sum that was asked for."""
    return f.whole(charge, "amount_captured") or f.amount(charge, "amount")


def uncaptured(charge: f.Json) -> int:
    """What did not. Nothing where more was captured than authorised (page "Overcapture")."""
    asked = f.whole(charge, "amount")
    if f.flag(charge, "captured"):
        return max(0, asked - captured(charge))
    return asked if charge.get("captured") is False else 0


def is_booked(refund: f.Json) -> bool:
    """Has the balance an entry of it? Of a release it never has."""
    return bool(refund.get("balance_transaction"))


def is_release(refund: f.Json, charge: f.Json) -> bool:
    """Is this refund of `charge` the release of what was not captured?"""
    if is_booked(refund) or f.text(refund, "status") != "succeeded":
        return False
    return 0 < uncaptured(charge) == f.whole(refund, "amount")
