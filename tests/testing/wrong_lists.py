"""Providers that are each wrong in one way: what they list. test_kit_can_fail.py runs them."""

from __future__ import annotations

from dataclasses import replace
from datetime import datetime
from typing import ClassVar

from overseer_payment.errors import ProviderError
from overseer_payment.provider import EventPage, Kind, Snapshot, SnapshotPage
from overseer_payment.testing import FakeProvider
from tests.testing.wrong import Wrong


class EventLister(FakeProvider):
    """A provider whose pages of events are changed by `_page`."""

    async def list_events(self, since: datetime | None, *, cursor: str | None = None) -> EventPage:
        return self._page(await super().list_events(since, cursor=cursor))

    def _page(self, page: EventPage) -> EventPage:
        return page


class ObjectLister(FakeProvider):
    """A provider whose listed objects are changed by `_listed`."""

    async def list_objects(
        self, kind: Kind, *, since: datetime | None = None, cursor: str | None = None
    ) -> SnapshotPage:
        page = await super().list_objects(kind, since=since, cursor=cursor)
        return replace(page, snapshots=tuple(self._listed(one) for one in page.snapshots))

    def _listed(self, snapshot: Snapshot) -> Snapshot:
        return snapshot


class TestFirstPage(Wrong):
    """Stops after the first page of events."""

    class FirstPage(EventLister):
        def _page(self, page: EventPage) -> EventPage:
            return replace(page, next_cursor=None)

    provider_class = FirstPage
    fails: ClassVar = {"every_event_about_money_is_listed_once"}


class TestEndless(Wrong):
    """Gives the first page of events again and again."""

    class Endless(FakeProvider):
        async def list_events(self, since: datetime | None, *, cursor: str | None = None) -> EventPage:
            return await super().list_events(since, cursor=cursor and "0")

    provider_class = Endless
    fails: ClassVar = {"every_event_about_money_is_listed_once", "a_lost_event_cursor_is_an_error"}


class TestOtherMode(Wrong):
    """Lists the events of the other mode as if they were ours."""

    class OtherMode(EventLister):
        def _page(self, page: EventPage) -> EventPage:
            return replace(page, events=tuple(replace(event, livemode=True) for event in page.events))

    provider_class = OtherMode
    fails: ClassVar = {"a_listed_event_is_like_a_delivered_one", "every_event_about_money_is_listed_once"}


class TestAllEvents(Wrong):
    """Lists all events, whatever moment is asked for."""

    class AllEvents(FakeProvider):
        async def list_events(self, since: datetime | None, *, cursor: str | None = None) -> EventPage:
            return await super().list_events(None, cursor=cursor)

    provider_class = AllEvents
    fails: ClassVar = {"events_before_the_moment_asked_for_are_left_out"}


class TestSilent(Wrong):
    """Takes a fault for *nothing happened*, in both lists."""

    class Silent(FakeProvider):
        async def list_events(self, since: datetime | None, *, cursor: str | None = None) -> EventPage:
            try:
                return await super().list_events(since, cursor=cursor)
            except ProviderError:
                return EventPage(events=(), next_cursor=None, as_of=self._backend.now)

        async def list_objects(
            self, kind: Kind, *, since: datetime | None = None, cursor: str | None = None
        ) -> SnapshotPage:
            try:
                return await super().list_objects(kind, since=since, cursor=cursor)
            except ProviderError:
                return SnapshotPage(snapshots=(), next_cursor=None, as_of=self._backend.now)

    provider_class = Silent
    fails: ClassVar = {
        "a_failed_event_list_is_a_provider_error",
        "a_failed_object_list_is_a_provider_error",
        "a_lost_event_cursor_is_an_error",
    }


class TestSecondhand(Wrong):
    """Lists objects under the other mode."""

    class Secondhand(ObjectLister):
        def _listed(self, snapshot: Snapshot) -> Snapshot:
            return replace(snapshot, livemode=not snapshot.livemode)

    provider_class = Secondhand
    fails: ClassVar = {"every_object_is_listed_once", "a_listed_object_is_the_fetched_one"}


class TestPoorer(Wrong):
    """Leaves the metadata out of lists."""

    class Poorer(ObjectLister):
        def _listed(self, snapshot: Snapshot) -> Snapshot:
            return replace(snapshot, metadata={"from": "a list"})

    provider_class = Poorer
    fails: ClassVar = {"a_listed_object_is_the_fetched_one"}


class TestAllObjects(Wrong):
    """Lists all objects, whatever moment is asked for."""

    class AllObjects(FakeProvider):
        async def list_objects(
            self, kind: Kind, *, since: datetime | None = None, cursor: str | None = None
        ) -> SnapshotPage:
            return await super().list_objects(kind, cursor=cursor)

    provider_class = AllObjects
    fails: ClassVar = {"objects_before_the_moment_asked_for_are_left_out"}


class TestPicky(Wrong):
    """Falls over a kind that it doesn't have."""

    class Picky(FakeProvider):
        async def list_objects(
            self, kind: Kind, *, since: datetime | None = None, cursor: str | None = None
        ) -> SnapshotPage:
            if kind is Kind.INVOICE:
                raise KeyError(kind)
            return await super().list_objects(kind, since=since, cursor=cursor)

    provider_class = Picky
    fails: ClassVar = {"every_kind_can_be_asked_for"}
