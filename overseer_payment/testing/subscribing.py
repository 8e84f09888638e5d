"""Changing subscriptions: each call does what it says, once, and a preview does nothing."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from contextlib import suppress

import pytest

from overseer_payment.errors import NotSupported, ObjectAbsent, ProviderRejected
from overseer_payment.provider import (
    Cancellation,
    CancelRequest,
    Capability,
    ChangeRequest,
    ChangesSubscriptions,
    Kind,
    PauseKind,
    PauseRequest,
    PausesSubscriptions,
    Provider,
    Ref,
    ResumeRequest,
    Snapshot,
    Source,
    SubscriptionSnapshot,
    SubscriptionStatus,
)
from overseer_payment.testing.billing import Use
from overseer_payment.testing.case import ConformanceCase, needs

Key = Callable[[], str]
_ABSENT = "absent_0000"


class SubscribingTests(ConformanceCase):
    """Cancel, resume, pause, change, preview."""

    @pytest.fixture
    def subscription(self) -> str:
        """Id of an active subscription of one unit (capability SUBSCRIPTION_CHANGES)."""
        raise NotImplementedError("Supply `subscription`: it makes one at your (simulated) provider.")

    @needs(Capability.SUBSCRIPTION_CHANGES)
    async def test_a_planned_end_can_be_taken_back(
        self, provider: Provider, subscription: str, key: Key
    ) -> None:
        """At the end of the period: it goes on until then, says when it ends, and may be kept after all."""
        changing = _changing(provider)
        ending = _first(
            await changing.cancel_subscription(
                CancelRequest(subscription=subscription), idempotency_key=key()
            )
        )
        assert (ending.id, ending.cancel_at_period_end, ending.ended_at) == (subscription, True, None)
        assert ending.as_of.source is Source.READ
        request = ResumeRequest(subscription=subscription, cancellation=Cancellation.PERIOD_END)
        kept = _first(await changing.resume_subscription(request, idempotency_key=key()))
        assert (kept.cancel_at_period_end, kept.status) == (False, SubscriptionStatus.ACTIVE)

    @needs(Capability.SUBSCRIPTION_CHANGES)
    async def test_an_end_is_for_good(self, provider: Provider, subscription: str, key: Key) -> None:
        """Cancelled now it is canceled, and canceling it again is a definite no."""
        changing = _changing(provider)
        request = CancelRequest(subscription=subscription, at_period_end=False)
        ended = _first(await changing.cancel_subscription(request, idempotency_key=key()))
        assert ended.status is SubscriptionStatus.CANCELED
        with pytest.raises(ProviderRejected):
            await changing.cancel_subscription(request, idempotency_key=key())

    @needs(Capability.SUBSCRIPTION_CHANGES)
    async def test_a_preview_changes_nothing_and_a_change_does(
        self, provider: Provider, subscription: str, key: Key
    ) -> None:
        """Three units instead of one: asked about they cost something, ordered they are there."""
        changing, before = _changing(provider), await _read(provider, subscription)
        (item, *_) = before.items
        request = ChangeRequest(subscription=subscription, item=item.id, quantity=3)
        shown = await changing.preview_change(request)
        invoices = [one for one in (shown.now, shown.next) if one is not None]
        assert invoices
        assert {one.currency.lower() for one in invoices} == {before.currency.lower()}
        assert (await _read(provider, subscription)).items == before.items
        once = key()
        for _ in range(2):
            changed = _first(await changing.change_subscription(request, idempotency_key=once))
            assert [one.quantity for one in changed.items] == [3]

    @needs(Capability.SUBSCRIPTION_PAUSE)
    async def test_paused_collection_ends_when_it_is_resumed(
        self, provider: Provider, subscription: str, key: Key
    ) -> None:
        """While paused it says so, and stays active."""
        assert isinstance(provider, PausesSubscriptions)
        request = PauseRequest(subscription=subscription)
        paused = _first(await provider.pause_subscription(request, idempotency_key=key()))
        assert (paused.collection_paused, paused.status) == (True, SubscriptionStatus.ACTIVE)
        back = ResumeRequest(subscription=subscription, pause=PauseKind.COLLECTION)
        resumed = _first(await _changing(provider).resume_subscription(back, idempotency_key=key()))
        assert not resumed.collection_paused


def subscribing_uses(provider: Provider) -> Mapping[Capability, Use]:
    """For each of these capabilities, the least that uses it: that the provider says no is enough."""

    async def change() -> object:
        request = ChangeRequest(subscription=_ABSENT, item=_ABSENT, quantity=2)
        with suppress(ObjectAbsent, ProviderRejected):
            return await _changing(provider).preview_change(request)
        return None

    async def pause() -> object:
        if not isinstance(provider, PausesSubscriptions):
            raise NotSupported("It has no pause_subscription.")
        with suppress(ObjectAbsent, ProviderRejected):
            return await provider.pause_subscription(
                PauseRequest(subscription=_ABSENT), idempotency_key="capability-pause"
            )
        return None

    return {Capability.SUBSCRIPTION_CHANGES: change, Capability.SUBSCRIPTION_PAUSE: pause}


def _changing(provider: Provider) -> ChangesSubscriptions:
    if not isinstance(provider, ChangesSubscriptions):
        raise NotSupported("It changes no subscriptions.")
    return provider


def _first(found: object) -> SubscriptionSnapshot:
    assert isinstance(found, list | tuple)
    first: Snapshot = found[0]
    assert isinstance(first, SubscriptionSnapshot), "the subscription comes first"
    return first


async def _read(provider: Provider, id: str) -> SubscriptionSnapshot:
    return _first(list(await provider.fetch(Ref(Kind.SUBSCRIPTION, id))))
