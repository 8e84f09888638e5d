"""What the fake provider lists: prices, past events and present objects, in small pages."""

from __future__ import annotations

from collections.abc import AsyncIterator, Sequence
from datetime import datetime
from typing import Any, TypeVar

from overseer_payment.errors import ProviderRejected
from overseer_payment.provider import EventPage, Kind, Price, SnapshotPage
from overseer_payment.testing.fake_calls import FakeCalls
from overseer_payment.testing.fake_wire import KINDS, event_of, moment

PAGE = 3
"""Small, so that whoever forgets the second page is found out."""

Item = TypeVar("Item")


class FakeListing(FakeCalls):
    """The lists of one account in one mode."""

    async def list_prices(self) -> AsyncIterator[Price]:
        for price in self._ask(lambda: list(self._backend.prices.values())):
            yield Price(
                id=price["id"],
                product=f"{price['id']}_product",
                product_name=price["id"].replace("_", " "),
                amount=price["amount"],
                currency=price["currency"],
                interval=price["interval"],
            )

    async def list_events(self, since: datetime | None, *, cursor: str | None = None) -> EventPage:
        events = self._ask(lambda: self._ours(self._backend.events, since))
        chosen, following = _page([event for event in events if _about(event) in KINDS], cursor)
        return EventPage(
            events=tuple(event_of(event) for event in chosen), next_cursor=following, as_of=self._backend.now
        )

    async def list_objects(
        self, kind: Kind, *, since: datetime | None = None, cursor: str | None = None
    ) -> SnapshotPage:
        objects = self._ask(lambda: self._ours(self._backend.objects.values(), since))
        chosen, following = _page([one for one in objects if one["kind"] == kind.value], cursor)
        return SnapshotPage(
            snapshots=tuple(snapshot for one in chosen for snapshot in self._in_full(one)),
            next_cursor=following,
            as_of=self._backend.now,
        )

    def _ours(self, things: Any, since: datetime | None) -> list[Any]:
        """Those of our mode, and not older than `since`."""
        mine = [thing for thing in things if thing["live"] == self.livemode]
        return [thing for thing in mine if since is None or moment(thing["created"]) >= since]


def _about(event: Any) -> str:
    return str(event["type"]).partition(".")[0]


def _page(items: Sequence[Item], cursor: str | None) -> tuple[Sequence[Item], str | None]:
    """One page, and the cursor of the next: the number of items before it."""
    if cursor is not None and not cursor.isdecimal():
        raise ProviderRejected("The fake service doesn't know this cursor. Begin again without one.")
    start = int(cursor or 0)
    end = start + PAGE
    return items[start:end], str(end) if end < len(items) else None
