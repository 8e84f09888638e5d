"""What can be done with a subscription as it stands, and what became of what was just done."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from overseer_payment.cards import words
from overseer_payment.cards.flows import Told
from overseer_payment.cards.offering import offers
from overseer_payment.provider import Capability, SubscriptionStatus

if TYPE_CHECKING:
    from collections.abc import Sequence

    from overseer_payment.cards.frame import Frame
    from overseer_payment.cards.visit import Visit
    from overseer_payment.schemas import SubscriptionRow

ENDED = frozenset({SubscriptionStatus.CANCELED, SubscriptionStatus.INCOMPLETE_EXPIRED})
_MAY_STAND_STILL = frozenset(
    {SubscriptionStatus.ACTIVE, SubscriptionStatus.TRIALING, SubscriptionStatus.PAST_DUE}
)
STOP = "stop"
# What a pause does, by how the form names it: in the form, and as a consequence.
PAUSES = {
    "void": (
        "Free meanwhile: invoices are void",
        "Its periods go on, but their invoices are void: the customer pays nothing for this time.",
    ),
    "keep_as_draft": (
        "Keep the invoices as drafts, to ask for later",
        "Its periods go on, and their invoices stay drafts that can be asked for later.",
    ),
    "mark_uncollectible": (
        "Write the money off",
        "Its periods go on, and their invoices are written off.",
    ),
    STOP: (
        "Stand still: no periods, no invoices",
        "It stands still until somebody resumes it: no periods, no invoices, no access that depends on it.",
    ),
}


@dataclass(frozen=True, slots=True)
class Offer:
    """What this viewer may do with a subscription as it stands."""

    cancel: Sequence[tuple[str, str]] = ()
    """(value, words) of the ways to end it."""
    pause: Sequence[tuple[str, str]] = ()
    resume: bool = False
    change: bool = False
    upcoming: bool = False

    @property
    def any(self) -> bool:
        """Is there anything to be done?"""
        return bool(self.cancel or self.pause or self.resume or self.change or self.upcoming)


def offer_of(seen: Visit, frame: Frame, row: SubscriptionRow) -> Offer:
    """The ways on that its state, the provider and the viewer's permissions leave open."""
    if row.status in ENDED:
        return Offer()
    looks = offers(seen, frame, row.provider, Capability.INVOICE_PREVIEW, permission="payment.view")
    if not offers(seen, frame, row.provider, Capability.SUBSCRIPTION_CHANGES):
        return Offer(upcoming=looks)
    may_pause = seen.can(row.provider, Capability.SUBSCRIPTION_PAUSE)
    return Offer(
        cancel=_ends(seen, row),
        pause=_pauses(row) if may_pause else (),
        resume=is_held(row),
        change=True,
        upcoming=looks,
    )


def _ends(seen: Visit, row: SubscriptionRow) -> list[tuple[str, str]]:
    end = f", {seen.fmt.day(row.current_period_end)}" if row.current_period_end else ""
    later = [] if row.cancel_at_period_end else [("period_end", f"At the end of the period{end}")]
    return [*later, ("now", "Now, for good")]


def _pauses(row: SubscriptionRow) -> list[tuple[str, str]]:
    if is_paused(row):
        return []
    stands = row.status in _MAY_STAND_STILL
    return [(value, text) for value, (text, _) in PAUSES.items() if value != STOP or stands]


def is_paused(row: SubscriptionRow) -> bool:
    """Does it stand still, or is nobody asked to pay?"""
    return row.collection_paused or row.status is SubscriptionStatus.PAUSED


def is_held(row: SubscriptionRow) -> bool:
    """Does anything keep it from going on?"""
    return is_paused(row) or row.cancel_at_period_end or row.cancel_at is not None


def told(seen: Visit, row: SubscriptionRow) -> Told | None:
    """What became of the change that was just made, by how the subscription stands now."""
    match seen.request.query_params.get("done"):
        case "cancel" if row.status in ENDED:
            return Told("ok", "It has ended.")
        case "cancel" if row.cancel_at_period_end and row.current_period_end:
            return Told("ok", f"It ends on {seen.fmt.day(row.current_period_end)} and is not renewed.")
        case "pause" if is_paused(row):
            return Told("ok", "It is paused.")
        case "resume" if not is_held(row):
            return Told("ok", "It goes on.")
        case "change":
            money = seen.fmt.recurring(row)
            each = words.interval(row.interval, row.interval_count)
            return Told("ok", f"It is {row.plan_name or 'changed'} now: {money} {each}.")
        case "cancel" | "pause" | "resume":
            return Told("open", "It is on its way; the provider has not confirmed it yet.")
    return None
