"""What needs a person now, the most urgent first, each with the list where it is dealt with."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import timedelta
from typing import TYPE_CHECKING

from markupsafe import Markup

from overseer_payment.cards.frame import tab_link
from overseer_payment.cards.words import Tone
from overseer_payment.provider import SubscriptionStatus

if TYPE_CHECKING:
    from overseer_payment.cards.visit import Visit
    from overseer_payment.schemas import DisputeRow, StatusView

SOON = timedelta(days=3)
"""A deadline nearer than this is urgent."""
_LATE = 120
"""Seconds that an event may wait before a person is told."""


@dataclass(frozen=True, slots=True)
class Attention:
    """Something that a person should look at, and where."""

    tone: Tone
    text: str
    hint: str | Markup = ""
    command: str = ""
    href: str | None = None


async def attention_of(seen: Visit, status: StatusView) -> list[Attention]:
    """What needs a person, the most urgent first."""
    from overseer_payment.shown import overview

    waiting = await overview.waiting(seen.payments, seen.viewer)
    found = [*_health(seen, status), *of_inbox(seen, status), *_disputes(seen, status, waiting.dispute)]
    for state, count in waiting.overdue.items():
        found += _overdue(seen, state, count, most=overview.COUNTED)
    found += _drift(seen, status)
    return sorted(found, key=lambda item: item.tone != "danger")


def _health(seen: Visit, status: StatusView) -> list[Attention]:
    if not status.enabled or status.healthy:
        return []
    href = tab_link(seen, "settings")
    return [Attention("danger", "The provider is not healthy", status.health_message, href=href)]


def of_inbox(seen: Visit, status: StatusView) -> list[Attention]:
    """Events that failed, and events that wait too long."""
    found = []
    if status.failed_events:
        text = counted(status.failed_events, "event could not be applied", "events could not be applied")
        hint = "Bring the ledger in step with the provider:"
        href = tab_link(seen, "events", failed="true")
        found.append(Attention("danger", text, hint, "overseer payment reconcile --heal", href))
    if status.lag_seconds >= _LATE:
        text = counted(status.pending_events, "event waits to be applied", "events wait to be applied")
        found.append(Attention("warn", text, "More hands:", "overseer payment work"))
    return found


def _disputes(seen: Visit, status: StatusView, first: DisputeRow | None) -> list[Attention]:
    if not status.open_disputes:
        return []
    due = first.evidence_due_by if first else None
    text = counted(status.open_disputes, "open dispute", "open disputes")
    href = tab_link(seen, "disputes", status="open") or (
        seen.links.transaction(first.transaction_id) if first and first.transaction_id else None
    )
    if due is None:
        return [Attention("warn", text, "The bank decides; no answer is due.", href=href)]
    hint = Markup("{} {}").format("Answer due" if due > seen.now else "Answer was due", seen.fmt.when(due))
    return [Attention("danger" if due - seen.now < SOON else "warn", text, hint, href=href)]


def _overdue(seen: Visit, state: SubscriptionStatus, count: int, *, most: int) -> list[Attention]:
    """More than `most` are said as "100+"."""
    if not count:
        return []
    word = state.value.replace("_", " ")
    text = counted(
        min(count, most), f"subscription is {word}", f"subscriptions are {word}", more=count > most
    )
    hint = "The provider tries again by itself." if state is SubscriptionStatus.PAST_DUE else ""
    return [Attention("warn", text, hint, href=seen.links.tab("subscriptions", status=state.value))]


def _drift(seen: Visit, status: StatusView) -> list[Attention]:
    """What the last comparison with the provider found and did not mend."""
    if not status.drift:
        return []
    text = counted(status.drift, "difference from the provider", "differences from the provider")
    href = tab_link(seen, "settings")
    return [Attention("warn", text, "Mend them with:", "overseer payment reconcile --heal", href)]


def counted(count: int, one: str, many: str, *, more: bool = False) -> str:
    """`"1 open dispute"`, `"100+ open disputes"`."""
    return f"{count:,}{'+' if more else ''} {one if count == 1 and not more else many}"
