"""The Disputes tab: by deadline, and one dispute with what is at stake, what was said and what happened."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from overseer_payment.cards import answers, dispute_words, words
from overseer_payment.cards.addresses import Address
from overseer_payment.cards.frame import frame_of, view
from overseer_payment.cards.listing import ALL, Chip, Chips, Listing, asked
from overseer_payment.provider import DisputeKind, DisputeStatus
from overseer_payment.schemas import DisputeFilter, DisputeQuery
from overseer_payment.shown import disputes as shown

if TYPE_CHECKING:
    from overseer_payment.cards.dispute_words import Standing
    from overseer_payment.cards.render import View
    from overseer_payment.cards.visit import Visit
    from overseer_payment.cards.words import Word
    from overseer_payment.schemas import DisputeRow

_OPEN = "open"
_STATES = (
    DisputeStatus.NEEDS_RESPONSE,
    DisputeStatus.UNDER_REVIEW,
    DisputeStatus.WON,
    DisputeStatus.LOST,
    DisputeStatus.CLOSED,
    DisputeStatus.PREVENTED,
)
"""Appeals are rare: they are found among the open ones."""


@dataclass(frozen=True, slots=True)
class Line:
    """One row of the list, with how it stands in words."""

    row: DisputeRow
    state: Word
    standing: Standing


async def disputes(seen: Visit) -> View:
    """Open disputes with the nearest deadline first, unless others are asked for."""
    usual = {"status": _OPEN}
    listing = asked(seen, "disputes", DisputeQuery, "status", "kind", "due_soon", usual=usual)
    found = await shown.disputes(seen.payments, seen.viewer, listing.query)
    return view(
        seen,
        "disputes.html",
        title="Disputes",
        frame=await frame_of(seen, "disputes"),
        lines=[
            Line(row, dispute_words.state(row), dispute_words.standing(row, seen.fmt)) for row in found.rows
        ],
        groups=[_states(listing), _kinds(listing), _due(listing)],
        listing=listing,
        only_open=listing.filters.keys() <= {"status"} and listing.filters.get("status", _OPEN) == _OPEN,
        everything=listing.href(status=ALL, kind=None, due_soon=None),
        paging=listing.paging(found, _order(listing.query)),
        export=seen.links.export("disputes", **_exported(listing)),
    )


def _order(query: DisputeQuery) -> str:
    return "soonest" if query.due_soon or query.status is DisputeFilter.OPEN else "newest"


def _states(listing: Listing[DisputeQuery]) -> Chips:
    on = listing.filters.get("status", _OPEN)
    chips = [
        Chip("Open", listing.href(status=None), on == _OPEN),
        Chip("All", listing.href(status=ALL), on == ALL),
    ]
    chips += [
        Chip(words.DISPUTE[state].text, listing.href(status=state.value), on == state.value)
        for state in _STATES
    ]
    return Chips("Status", chips)


def _kinds(listing: Listing[DisputeQuery]) -> Chips:
    return listing.chips("kind", ((kind.value, words.DISPUTE_KIND[kind]) for kind in DisputeKind))


def _due(listing: Listing[DisputeQuery]) -> Chips:
    return listing.chips("due_soon", [("true", "Within 7 days")], label="Due")


def _exported(listing: Listing[DisputeQuery]) -> dict[str, str]:
    """The filters as the list applied them: what is exported is what is shown."""
    filters = {"status": _OPEN, **listing.filters}
    return {name: value for name, value in filters.items() if value != ALL}


async def dispute(seen: Visit) -> View:
    """One dispute: what is due, what is at stake, what was said, what happened, what can be done."""
    row = await shown.dispute(seen.payments, seen.viewer, str(seen.request.path_params["id"]))
    return await answers.drawer(seen, row, told=answers.told(seen, row))


PAGES = (
    Address("/payment/modal/disputes", disputes),
    Address("/payment/disputes/{id}", dispute),
    *answers.PAGES,
)
