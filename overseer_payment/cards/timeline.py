"""How one entry of a payment's timeline is told."""

from __future__ import annotations

from typing import TYPE_CHECKING

from overseer_payment.cards.methods import method
from overseer_payment.cards.words import REASON, phrase

if TYPE_CHECKING:
    from overseer_payment.schemas import TimelineEntry


def signed(entry: TimelineEntry) -> int | None:
    """The amount in minor units; what goes back to a buyer is negative here as in every list."""
    if entry.amount is None:
        return None
    back = entry.kind == "refund" or (entry.kind == "operation" and entry.title.startswith("Refund"))
    return -entry.amount if back else entry.amount


def detail(entry: TimelineEntry) -> str | None:
    """What is said below the title: a way of paying, a reason, or a sentence of the provider's."""
    if not entry.detail:
        return None
    if entry.kind == "attempt" and entry.status != "failed":
        return method(entry.detail)
    return REASON.get(entry.detail.replace(" ", "_"), phrase(entry.detail))
