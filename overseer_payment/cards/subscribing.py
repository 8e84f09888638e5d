"""Ending, pausing and resuming a subscription: what each means for this one, then the true result."""

from __future__ import annotations

from datetime import UTC, date, datetime, time
from functools import partial
from typing import TYPE_CHECKING

from overseer_payment.asking import subscriptions as asking
from overseer_payment.cards import words
from overseer_payment.cards.flows import Change, Deed, Fact, Fields, Question
from overseer_payment.cards.offering import MANAGES
from overseer_payment.cards.subscription_offers import ENDED, PAUSES, STOP, is_held, is_paused
from overseer_payment.errors import Conflict, Invalid
from overseer_payment.provider import PauseBehavior, PauseKind, SubscriptionStatus
from overseer_payment.schemas import CancelBody, PauseBody

if TYPE_CHECKING:
    from overseer_payment.cards.visit import Visit
    from overseer_payment.schemas import SubscriptionRow


async def found(seen: Visit) -> SubscriptionRow:
    """The subscription that the address names. Raises NotFound."""
    return await seen.payments.subscription(seen.viewer, str(seen.request.path_params["id"]))


def change_of(seen: Visit, row: SubscriptionRow, what: str) -> Change:
    """The words around one kind of change of one subscription."""
    return Change(
        title=_TITLES.get(what, "Subscription"),
        tab="subscriptions",
        list_text="All subscriptions",
        row=seen.links.subscription(row.id),
        row_text="Subscription",
        action=seen.links.subscription(row.id, what),
        keep="Leave it as it is",
        nothing="Nothing was changed",
        unknown="We don’t know yet whether it was changed",
        done=seen.links.subscription(row.id, done=what),
    )


_TITLES = {"cancel": "Cancel", "pause": "Pause", "resume": "Resume", "change": "Change plan"}


def facts(seen: Visit, row: SubscriptionRow) -> list[Fact]:
    """Which subscription it is about."""
    money = words.phrase(seen.fmt.recurring(row))
    count = f"{row.quantity:,} × " if row.quantity > 1 else ""
    return [
        Fact("Plan", f"{count}{row.plan_name or row.provider_subscription_id}"),
        Fact("Amount", f"{money} {words.interval(row.interval, row.interval_count)}"),
        Fact("Customer", row.customer_email or "Unknown"),
        Fact("Now", words.SUBSCRIPTION[row.status].text, words.next_date(row, seen.fmt)),
    ]


# -- ending -------------------------------------------------------------------------------------------


def _ending(seen: Visit, row: SubscriptionRow) -> Question:
    """What ending it means: at the end of its period, or now."""
    _require_alive(row)
    at_end = _at_end(seen.request.query_params.get("when", "period_end"))
    if at_end and row.cancel_at_period_end:
        raise Conflict("This subscription is to end with its period already.")
    return Question(
        text="End this subscription with its period?" if at_end else "End this subscription now?",
        button="End it with its period" if at_end else "End it now",
        progress="Ending…",
        consequence=_end_with_period(seen, row) if at_end else _end_now(seen, row),
        facts=facts(seen, row),
        livemode=row.livemode,
        moves_money=False,
        danger=not at_end,
        fields={"when": "period_end" if at_end else "now"},
    )


def _at_end(when: str) -> bool:
    if when not in {"period_end", "now"}:
        raise Invalid("Choose when it is to end.")
    return when == "period_end"


def _end_with_period(seen: Visit, row: SubscriptionRow) -> str:
    until = f"until {seen.fmt.day(row.current_period_end)}" if row.current_period_end else "until then"
    return (
        f"It stays as it is {until}, and is not renewed. Nothing more is asked for; it can be resumed before."
    )


def _end_now(seen: Visit, row: SubscriptionRow) -> str:
    end = row.current_period_end
    rest = ""
    if end and end > seen.now:
        rest = f" Nothing is given back for the time until {seen.fmt.day(end)}: refund it if that is owed."
    return f"It ends at once and for good.{rest} It can’t be resumed: a new one needs a new checkout."


async def _end(seen: Visit, row: SubscriptionRow, fields: Fields, key: str) -> None:
    body = CancelBody(at_period_end=_at_end(fields.get("when", "")))
    await asking.cancel(seen.payments, seen.viewer, str(row.id), body, idempotency_key=key)


# -- pausing ------------------------------------------------------------------------------------------


def _pausing(seen: Visit, row: SubscriptionRow) -> Question:
    """What a pause of this kind means, and until when it lasts."""
    _require_alive(row)
    if is_paused(row):
        raise Conflict("This subscription is paused already. Resume it first.")
    given = seen.request.query_params
    how, until = given.get("how", "void"), given.get("until", "")
    body = _chosen(seen, how, until)
    ends = f" It goes on by itself on {seen.fmt.day(body.resumes_at)}." if body.resumes_at else ""
    return Question(
        text="Pause this subscription?",
        button="Pause it",
        progress="Pausing…",
        consequence=f"{PAUSES[how][1]}{ends or ' It stays so until somebody resumes it.'}",
        facts=facts(seen, row),
        livemode=row.livemode,
        moves_money=False,
        fields={"how": how, "until": until},
    )


def _chosen(seen: Visit, how: str, until: str) -> PauseBody:
    """The pause as it was chosen. Raises Invalid."""
    if how not in PAUSES:
        raise Invalid("Choose what becomes of its invoices meanwhile.")
    ends = _moment(until) if until.strip() else None
    if ends is not None and ends <= seen.now:
        raise Invalid("The day on which it goes on has to lie ahead.")
    if how != STOP:
        return PauseBody(behavior=PauseBehavior(how), resumes_at=ends)
    if ends is not None:
        raise Invalid("A subscription that stands still is resumed by hand: leave the day empty.")
    return PauseBody(kind=PauseKind.SUBSCRIPTION)


def _moment(day: str) -> datetime:
    try:
        return datetime.combine(date.fromisoformat(day.strip()), time(), UTC)
    except ValueError:
        raise Invalid("Write the day like 2027-01-31.") from None


async def _pause(seen: Visit, row: SubscriptionRow, fields: Fields, key: str) -> None:
    body = _chosen(seen, fields.get("how", ""), fields.get("until", ""))
    await asking.pause(seen.payments, seen.viewer, str(row.id), body, idempotency_key=key)


# -- resuming -----------------------------------------------------------------------------------------


def _resuming(seen: Visit, row: SubscriptionRow) -> Question:
    """What is taken back: a planned end, a pause, or both."""
    _require_alive(row)
    if not is_held(row):
        raise Conflict("This subscription is neither paused nor to end: there is nothing to resume.")
    return Question(
        text="Let this subscription go on?",
        button="Resume it",
        progress="Resuming…",
        consequence=" ".join(_goes_on(seen, row)),
        facts=facts(seen, row),
        livemode=row.livemode,
        moves_money=row.status is SubscriptionStatus.PAUSED,
        fields={},
    )


def _goes_on(seen: Visit, row: SubscriptionRow) -> list[str]:
    said = []
    if row.cancel_at_period_end or row.cancel_at is not None:
        end = row.current_period_end
        when = f" on {seen.fmt.day(end)}" if end and end > seen.now else ""
        said.append(f"The planned end is taken back: it renews{when}.")
    if row.collection_paused:
        said.append("Its invoices are collected again from now on; what was void or written off stays so.")
    if row.status is SubscriptionStatus.PAUSED:
        said.append("A new period may begin at once, and the customer is then asked to pay for it.")
    return said


async def _resume(seen: Visit, row: SubscriptionRow, _: Fields, key: str) -> None:
    await asking.resume(seen.payments, seen.viewer, str(row.id), idempotency_key=key)


def _require_alive(row: SubscriptionRow) -> None:
    if row.status in ENDED:
        raise Conflict("This subscription has ended. A new one needs a new checkout.")


CANCEL = Deed(found, partial(change_of, what="cancel"), _ending, _end)
PAUSE = Deed(found, partial(change_of, what="pause"), _pausing, _pause)
RESUME = Deed(found, partial(change_of, what="resume"), _resuming, _resume)
PAGES = (
    CANCEL.at("/payment/subscriptions/{id}/cancel", MANAGES),
    PAUSE.at("/payment/subscriptions/{id}/pause", MANAGES),
    RESUME.at("/payment/subscriptions/{id}/resume", MANAGES),
)
