"""Providers that are wrong about changing subscriptions."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from typing import ClassVar

from overseer_payment.provider import (
    CancelRequest,
    ChangePreview,
    ChangeRequest,
    ResumeRequest,
    Snapshot,
)
from overseer_payment.testing import FakeProvider
from tests.testing.wrong import Wrong


class TestUnrelenting(Wrong):
    """Takes nothing back that was planned."""

    class Unrelenting(FakeProvider):
        async def resume_subscription(
            self, request: ResumeRequest, *, idempotency_key: str
        ) -> Sequence[Snapshot]:
            kept = replace(request, cancellation=None)
            return await super().resume_subscription(kept, idempotency_key=idempotency_key)

    provider_class = Unrelenting
    fails: ClassVar = {"a_planned_end_can_be_taken_back"}


class TestLingering(Wrong):
    """Ends nothing before its period does."""

    class Lingering(FakeProvider):
        async def cancel_subscription(
            self, request: CancelRequest, *, idempotency_key: str
        ) -> Sequence[Snapshot]:
            later = replace(request, at_period_end=True)
            return await super().cancel_subscription(later, idempotency_key=idempotency_key)

    provider_class = Lingering
    fails: ClassVar = {"an_end_is_for_good"}


class TestEager(Wrong):
    """Does what it was only asked about."""

    class Eager(FakeProvider):
        async def preview_change(self, request: ChangeRequest) -> ChangePreview:
            told = await super().preview_change(request)
            await self.change_subscription(request, idempotency_key="eager")
            return told

    provider_class = Eager
    fails: ClassVar = {"a_preview_changes_nothing_and_a_change_does"}


class TestSleepy(Wrong):
    """Never wakes from a pause."""

    class Sleepy(FakeProvider):
        async def resume_subscription(
            self, request: ResumeRequest, *, idempotency_key: str
        ) -> Sequence[Snapshot]:
            asleep = replace(request, pause=None)
            return await super().resume_subscription(asleep, idempotency_key=idempotency_key)

    provider_class = Sleepy
    fails: ClassVar = {"paused_collection_ends_when_it_is_resumed"}
