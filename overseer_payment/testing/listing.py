"""Lists of past events and present objects: complete, in bounded pages, without doubles."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import fields
from datetime import timedelta

import pytest

from overseer_payment.errors import ObjectAbsent, ProviderError, ProviderRejected
from overseer_payment.provider import (
    Capability,
    Event,
    EventPage,
    Kind,
    ListsEvents,
    ListsObjects,
    Provider,
    ProviderSpec,
    Ref,
    Snapshot,
    SnapshotPage,
    Source,
)
from overseer_payment.testing.case import ConformanceCase, Fault, Pay, money_of, needs
from overseer_payment.testing.snapshots import check_snapshot

Failing = Callable[[Fault], Provider]

_MOST_PAGES = 50
_PAYMENTS = 7
"""More than a small page holds, so that the next page counts."""


class EventListTests(ConformanceCase):
    """Asking for the events that a webhook missed."""

    @needs(Capability.EVENT_LIST)
    async def test_every_event_about_money_is_listed_once(self, provider: Provider, pay: Pay) -> None:
        """What was paid is in the pages, each event a single time, the older before the newer."""
        paid = [await _ref(provider, await pay(1000 + number, "usd")) for number in range(_PAYMENTS)]
        events = [event for page in await _event_pages(provider) for event in page.events]
        ids = [event.id for event in events]
        assert len(ids) == len(set(ids))
        assert set(paid) <= _mentioned(provider, events)
        assert events == sorted(events, key=lambda event: event.occurred_at)

    @needs(Capability.EVENT_LIST)
    async def test_a_listed_event_is_like_a_delivered_one(
        self, provider: Provider, spec: ProviderSpec, pay: Pay
    ) -> None:
        """It has a type, a payload and the account's mode, can be parsed, and what it says is sound."""
        await pay(1000, "usd")
        for page in await _event_pages(provider):
            assert page.as_of.utcoffset() == timedelta(0)
            for event in page.events:
                assert event.type
                assert event.payload
                assert event.livemode == provider.livemode
                for snapshot in provider.parse(event).snapshots:
                    check_snapshot(snapshot, spec)

    @needs(Capability.EVENT_LIST)
    async def test_events_before_the_moment_asked_for_are_left_out(
        self, provider: Provider, pay: Pay
    ) -> None:
        """Asked for what is still to come, there is nothing; asked for all since an event, it is there."""
        await pay(1000, "usd")
        (first, *_) = await _event_pages(provider)
        event = first.events[0]
        again = await _lists_events(provider).list_events(event.occurred_at)
        assert event.id in {found.id for found in again.events}
        later = await _lists_events(provider).list_events(first.as_of + timedelta(days=1))
        assert (later.events, later.next_cursor) == ((), None)

    @needs(Capability.EVENT_LIST)
    async def test_a_lost_event_cursor_is_an_error(self, provider: Provider) -> None:
        """A cursor that the provider doesn't know is refused: starting over unasked would hide a gap."""
        with pytest.raises((ProviderRejected, ObjectAbsent)):
            await _lists_events(provider).list_events(None, cursor="absent_0000")

    @needs(Capability.EVENT_LIST)
    @pytest.mark.parametrize("fault", list(Fault))
    async def test_a_failed_event_list_is_a_provider_error(self, fault: Fault, failing: Failing) -> None:
        """A fault is an error, and never an empty page: that would mean *nothing was missed*."""
        provider = failing(fault)
        with pytest.raises(ProviderError):
            await _lists_events(provider).list_events(None)
        await provider.aclose()


class ObjectListTests(ConformanceCase):
    """Reading what is there, to compare it and to fill in history."""

    @needs(Capability.OBJECT_LIST)
    async def test_every_object_is_listed_once(
        self, provider: Provider, spec: ProviderSpec, pay: Pay
    ) -> None:
        """Each payment is in the pages a single time: read, sound, and of the provider's mode."""
        paid = [await _ref(provider, await pay(1000 + number, "usd")) for number in range(_PAYMENTS)]
        pages = await _object_pages(provider, paid[0].kind)
        found = [snapshot for page in pages for snapshot in page.snapshots]
        refs = [snapshot.ref for snapshot in found if snapshot.kind is paid[0].kind]
        assert len(refs) == len(set(refs))
        assert set(paid) <= set(refs)
        for snapshot in found:
            check_snapshot(snapshot, spec)
            assert (snapshot.livemode, snapshot.as_of.source) == (provider.livemode, Source.READ)

    @needs(Capability.OBJECT_LIST)
    async def test_a_listed_object_is_the_fetched_one(self, provider: Provider, pay: Pay) -> None:
        """The list says of an object what `fetch` says: no field is missing because it came in a list."""
        paid = await _ref(provider, await pay(1000, "usd"))
        pages = await _object_pages(provider, paid.kind)
        listed = [one for page in pages for one in page.snapshots if one.ref == paid]
        fetched = [one for one in await provider.fetch(paid) if one.ref == paid]
        assert [_told(one) for one in listed] == [_told(one) for one in fetched]

    @needs(Capability.OBJECT_LIST)
    async def test_objects_before_the_moment_asked_for_are_left_out(
        self, provider: Provider, pay: Pay
    ) -> None:
        """Payments don't live on: of those made before the moment none is listed."""
        paid = await _ref(provider, await pay(1000, "usd"))
        (first, *_) = await _object_pages(provider, paid.kind)
        tomorrow = first.as_of + timedelta(days=1)
        page = await _lists_objects(provider).list_objects(paid.kind, since=tomorrow)
        assert (page.snapshots, page.next_cursor) == ((), None)

    @needs(Capability.OBJECT_LIST)
    @pytest.mark.parametrize("kind", list(Kind))
    async def test_every_kind_can_be_asked_for(self, kind: Kind, provider: Provider) -> None:
        """Also a kind that the provider doesn't have: that is an empty page and no error."""
        page = await _lists_objects(provider).list_objects(kind)
        assert page.as_of.utcoffset() == timedelta(0)

    @needs(Capability.OBJECT_LIST)
    @pytest.mark.parametrize("fault", list(Fault))
    async def test_a_failed_object_list_is_a_provider_error(self, fault: Fault, failing: Failing) -> None:
        """A fault is an error, and never an empty page: that would mean *it is all gone*."""
        provider = failing(fault)
        with pytest.raises(ProviderError):
            await _lists_objects(provider).list_objects(Kind.REFUND)
        await provider.aclose()


class ListingTests(EventListTests, ObjectListTests):
    """Both kinds of lists."""


def _lists_events(provider: Provider) -> ListsEvents:
    assert isinstance(provider, ListsEvents), "it declares event_list and has no list_events"
    return provider


def _lists_objects(provider: Provider) -> ListsObjects:
    assert isinstance(provider, ListsObjects), "it declares object_list and has no list_objects"
    return provider


async def _event_pages(provider: Provider) -> list[EventPage]:
    pages = [await _lists_events(provider).list_events(None)]
    while (cursor := pages[-1].next_cursor) is not None:
        assert len(pages) < _MOST_PAGES, "the list of events doesn't end"
        pages.append(await _lists_events(provider).list_events(None, cursor=cursor))
    return pages


async def _object_pages(provider: Provider, kind: Kind) -> list[SnapshotPage]:
    pages = [await _lists_objects(provider).list_objects(kind)]
    while (cursor := pages[-1].next_cursor) is not None:
        assert len(pages) < _MOST_PAGES, "the list of objects doesn't end"
        pages.append(await _lists_objects(provider).list_objects(kind, cursor=cursor))
    return pages


async def _ref(provider: Provider, transaction: str) -> Ref:
    return money_of(await provider.get_transaction(transaction)).ref


def _mentioned(provider: Provider, events: list[Event]) -> set[Ref]:
    parsed = [provider.parse(event) for event in events]
    return {ref for one in parsed for ref in (*one.fetch, *(snapshot.ref for snapshot in one.snapshots))}


def _told(snapshot: Snapshot) -> object:
    """What a snapshot says, without when it was read and without the provider's own JSON."""
    left_out = {"as_of", "raw"}
    return {one.name: getattr(snapshot, one.name) for one in fields(snapshot) if one.name not in left_out}
