"""The Events tab: what came in and what became of it, what we sent, and putting events back."""

from __future__ import annotations

import json
from functools import partial
from typing import TYPE_CHECKING

from starlette.responses import Response

from overseer_payment.asking import events as asking
from overseer_payment.cards import flows, words
from overseer_payment.cards.addresses import Address
from overseer_payment.cards.attention import of_inbox
from overseer_payment.cards.flows import Change, Deed, Fact, Fields, Question, Told
from overseer_payment.cards.frame import frame_of, view
from overseer_payment.cards.listing import Chip, Chips, asked
from overseer_payment.errors import Conflict
from overseer_payment.schemas import EventDetail, EventQuery, EventState, OperationQuery
from overseer_payment.shown import events as shown
from overseer_payment.shown import operations as sent

if TYPE_CHECKING:
    from overseer_payment.cards.render import View
    from overseer_payment.cards.visit import Visit

_LOOKS = "payment.view"
_DECIDES = "payment.admin"
_FAILED = frozenset({EventState.FAILED, EventState.DEAD})


async def events(seen: Visit) -> View:
    """Events, the last received first, under how the inbox stands."""
    listing = asked(seen, "events", EventQuery, "status", "failed", "type")
    found = await shown.events(seen.payments, seen.viewer, listing.query)
    frame = await frame_of(seen, "events")
    states = ((state.value, word.text) for state, word in words.EVENT.items())
    return view(
        seen,
        "events.html",
        title="Events",
        frame=frame,
        attention=of_inbox(seen, frame.status) if frame.status else [],
        rows=found.rows,
        groups=[_sides(seen, "events"), listing.chips("status", states)],
        scopes=listing.scopes({"type": "Type"}),
        listing=listing,
        paging=listing.paging(found),
        decides=seen.may(_DECIDES),
        told=_put_back(seen),
    )


async def operations(seen: Visit) -> View:
    """What was sent to providers and decided here, by whom, with what outcome; newest first."""
    listing = asked(seen, "operations", OperationQuery, "status")
    found = await sent.operations(seen.payments, seen.viewer, listing.query)
    states = ((state.value, word.text) for state, word in words.OPERATION.items())
    return view(
        seen,
        "operations.html",
        title="Sent and decided",
        frame=await frame_of(seen, "events"),
        rows=found.rows,
        groups=[_sides(seen, "operations"), listing.chips("status", states)],
        listing=listing,
        paging=listing.paging(found),
    )


def _sides(seen: Visit, current: str) -> Chips:
    sides = (("events", "Received"), ("operations", "Sent and decided"))
    return Chips("Show", [Chip(text, seen.links.tab(key), key == current) for key, text in sides])


async def event(seen: Visit) -> View:
    """One event: what became of it, what the provider sent, and what can be done about it."""
    row = await _event(seen)
    return view(
        seen,
        "event.html",
        title="Event",
        frame=await frame_of(seen, "events"),
        row=row,
        payload=json.dumps(row.payload, indent=2, ensure_ascii=False),
        can_ignore=row.status in {*_FAILED, EventState.PENDING},
        told=_decided(seen, row),
    )


async def _event(seen: Visit) -> EventDetail:
    return await shown.event(seen.payments, seen.viewer, str(seen.request.path_params["id"]))


# -- one event ----------------------------------------------------------------------------------------


def _replaying(_: Visit, row: EventDetail) -> Question:
    """What applying one event again means."""
    consequence = "It is applied from the beginning. What it says is merged, never added twice."
    return _question(row, "Apply this event again?", "Replay", consequence)


async def _replay(seen: Visit, row: EventDetail, _: Fields, key: str) -> None:
    await asking.replay(seen.payments, seen.viewer, str(row.id), idempotency_key=key)


def _ignoring(_: Visit, row: EventDetail) -> Question:
    """What taking one event out means. Raises Conflict for one that is applied already."""
    if row.status is EventState.APPLIED:
        raise Conflict("This event is applied already. What it said is in the ledger.")
    consequence = "It is not tried again, and what it says stays out of the ledger until it is replayed."
    return _question(row, "Take this event out?", "Ignore", consequence, danger=True)


async def _ignore(seen: Visit, row: EventDetail, _: Fields, key: str) -> None:
    await asking.ignore(seen.payments, seen.viewer, str(row.id), idempotency_key=key)


def _change(seen: Visit, row: EventDetail, what: str) -> Change:
    replaying = what == "replay"
    return Change(
        title="Replay" if replaying else "Ignore",
        tab="events",
        list_text="All events",
        row=seen.links.event(row.id),
        row_text="Event",
        action=seen.links.event(row.id, what),
        keep="Leave it as it is",
        nothing="Nothing was changed",
        unknown="We don’t know yet whether it was changed",
        done=seen.links.event(row.id, done=what),
    )


def _question(
    row: EventDetail, text: str, button: str, consequence: str, *, danger: bool = False
) -> Question:
    facts = [Fact("Type", row.type), Fact("Now", words.EVENT[row.status].text)]
    return Question(
        text=text,
        button=button,
        progress="One moment…",
        consequence=consequence,
        facts=[*facts, Fact("Because", row.last_error)] if row.last_error else facts,
        livemode=row.livemode,
        moves_money=False,
        danger=danger,
        fields={},
    )


def _decided(seen: Visit, row: EventDetail) -> Told | None:
    """What became of the decision that was just made, by how the event stands now."""
    done, word = seen.request.query_params.get("done"), words.EVENT[row.status]
    if done == "ignore":
        return Told("neutral", f"{word.text}. It stays out until it is replayed.")
    if done != "replay":
        return None
    if row.status is EventState.PENDING:
        return Told("open", "Put back. It is applied in a moment.")
    return Told(word.tone, "Applied again." if row.status is EventState.APPLIED else f"{word.text}.")


# -- all that failed ----------------------------------------------------------------------------------


async def confirm_all(seen: Visit) -> View:
    """State what putting back every failed event means."""
    frame = await frame_of(seen, "events")
    count = frame.status.failed_events if frame.status else 0
    if not count:
        raise Conflict("No event has failed: there is nothing to replay.")
    many = f"{count:,} events" if count > 1 else "one event"
    question = Question(
        text=f"Replay {many}?",
        button="Replay all",
        progress="Putting them back…",
        consequence="Failed and dead events are applied from the beginning. What they say is merged into "
        "the ledger, never added twice; those that fail again stay visible.",
        livemode=bool(frame.status and frame.status.livemode),
        moves_money=False,
        fields={},
    )
    return await flows.confirm(seen, _change_all(seen), question)


async def replay_all(seen: Visit) -> View | Response:
    """Put every failed event back, and lead to the list."""

    async def do(_: Fields, key: str) -> str:
        count = await asking.replay_failed(seen.payments, seen.viewer, idempotency_key=key)
        return seen.links.tab("events", replayed=count)

    return await flows.carry_out(seen, _change_all(seen), do)


def _change_all(seen: Visit) -> Change:
    return Change(
        title="Replay",
        tab="events",
        list_text="All events",
        row=seen.links.tab("events"),
        row_text="Events",
        action=seen.links.replay_all,
        keep="Leave them as they are",
        nothing="Nothing was put back",
        unknown="We don’t know yet which were put back",
    )


def _put_back(seen: Visit) -> Told | None:
    count = seen.request.query_params.get("replayed", "")
    if not (count.isascii() and count.isdigit() and len(count) < 10):
        return None
    return Told("open", f"{int(count):,} put back. They are applied in a moment.")


REPLAY = Deed(_event, partial(_change, what="replay"), _replaying, _replay)
IGNORE = Deed(_event, partial(_change, what="ignore"), _ignoring, _ignore)
PAGES = (
    Address("/payment/modal/events", events, _LOOKS),
    Address("/payment/modal/operations", operations, _LOOKS),
    Address("/payment/events/replay", confirm_all, _DECIDES, replay_all),
    Address("/payment/events/{id}", event, _DECIDES),
    REPLAY.at("/payment/events/{id}/replay", _DECIDES),
    IGNORE.at("/payment/events/{id}/ignore", _DECIDES),
)
