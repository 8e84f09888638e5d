"""Ending, pausing and resuming a subscription: what each means for this one, then the true result."""

from __future__ import annotations

from datetime import UTC, date, datetime, time
from typing import TYPE_CHECKING

from starlette.responses import Response

from overseer_payment.asking import subscriptions as asking
from overseer_payment.cards import flows, words
from overseer_payment.cards.addresses import Address
from overseer_payment.cards.flows import Change, Fact, Fields, Question
from overseer_payment.cards.offering import MANAGES
from overseer_payment.cards.subscription_offers import ENDED, PAUSES, STOP, is_held, is_paused
from overseer_payment.errors import Conflict, Invalid
from overseer_payment.provider import PauseBehavior, PauseKind, SubscriptionStatus
from overseer_payment.schemas import CancelBody, PauseBody

if TYPE_CHECKING:
    from overseer_payment.cards.render import View
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


async def confirm_cancel(seen: Visit) -> View:
    """State what ending it means: at the end of its period, or now."""
    row = await _alive(seen)
    at_end = _at_end(seen.request.query_params.get("when", "period_end"))
    if at_end and row.cancel_at_period_end:
        raise Conflict("This subscription is to end with its period already.")
    question = Question(
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
    return await flows.confirm(seen, change_of(seen, row, "cancel"), question)


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


async def cancel(seen: Visit) -> View | Response:
    """End it."""
    row = await found(seen)

    async def do(fields: Fields, key: str) -> str:
        body = CancelBody(at_period_end=_at_end(fields.get("when", "")))
        await asking.cancel(seen.payments, seen.viewer, str(row.id), body, idempotency_key=key)
        return seen.links.subscription(row.id, done="cancel")

    return await flows.carry_out(seen, change_of(seen, row, "cancel"), do)


# -- pausing ------------------------------------------------------------------------------------------


async def confirm_pause(seen: Visit) -> View:
    """State what a pause of this kind means, and until when it lasts."""
    row = await _alive(seen)
    if is_paused(row):
        raise Conflict("This subscription is paused already. Resume it first.")
    given = seen.request.query_params
    how, until = given.get("how", "void"), given.get("until", "")
    body = _pause(seen, how, until)
    ends = f" It goes on by itself on {seen.fmt.day(body.resumes_at)}." if body.resumes_at else ""
    question = Question(
        text="Pause this subscription?",
        button="Pause it",
        progress="Pausing…",
        consequence=f"{PAUSES[how][1]}{ends or ' It stays so until somebody resumes it.'}",
        facts=facts(seen, row),
        livemode=row.livemode,
        moves_money=False,
        fields={"how": how, "until": until},
    )
    return await flows.confirm(seen, change_of(seen, row, "pause"), question)


def _pause(seen: Visit, how: str, until: str) -> PauseBody:
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


async def pause(seen: Visit) -> View | Response:
    """Pause it."""
    row = await found(seen)

    async def do(fields: Fields, key: str) -> str:
        body = _pause(seen, fields.get("how", ""), fields.get("until", ""))
        await asking.pause(seen.payments, seen.viewer, str(row.id), body, idempotency_key=key)
        return seen.links.subscription(row.id, done="pause")

    return await flows.carry_out(seen, change_of(seen, row, "pause"), do)


# -- resuming -----------------------------------------------------------------------------------------


async def confirm_resume(seen: Visit) -> View:
    """State what is taken back: a planned end, a pause, or both."""
    row = await _alive(seen)
    if not is_held(row):
        raise Conflict("This subscription is neither paused nor to end: there is nothing to resume.")
    question = Question(
        text="Let this subscription go on?",
        button="Resume it",
        progress="Resuming…",
        consequence=" ".join(_goes_on(seen, row)),
        facts=facts(seen, row),
        livemode=row.livemode,
        moves_money=row.status is SubscriptionStatus.PAUSED,
        fields={},
    )
    return await flows.confirm(seen, change_of(seen, row, "resume"), question)


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


async def resume(seen: Visit) -> View | Response:
    """Let it go on."""
    row = await found(seen)

    async def do(_: Fields, key: str) -> str:
        await asking.resume(seen.payments, seen.viewer, str(row.id), idempotency_key=key)
        return seen.links.subscription(row.id, done="resume")

    return await flows.carry_out(seen, change_of(seen, row, "resume"), do)


async def _alive(seen: Visit) -> SubscriptionRow:
    row = await found(seen)
    if row.status in ENDED:
        raise Conflict("This subscription has ended. A new one needs a new checkout.")
    return row


PAGES = (
    Address("/payment/subscriptions/{id}/cancel", confirm_cancel, MANAGES, cancel),
    Address("/payment/subscriptions/{id}/pause", confirm_pause, MANAGES, pause),
    Address("/payment/subscriptions/{id}/resume", confirm_resume, MANAGES, resume),
)
