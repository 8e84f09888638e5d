"""Providers that are each wrong in one way: signatures and parsing. test_kit_can_fail.py runs them."""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import replace
from datetime import UTC, datetime
from typing import Any, ClassVar

from overseer_payment.errors import (
    PayloadInvalid,
    SignatureInvalid,
    WebhookNotConfigured,
)
from overseer_payment.provider import (
    Event,
    Parsed,
    PaymentSnapshot,
    Snapshot,
)
from overseer_payment.testing import FakeProvider
from overseer_payment.testing.fake_calls import FakeSettings
from tests.testing.wrong import Wrong

# Signatures -----------------------------------------------------------------------------------------


class Trusting(FakeProvider):
    """Reads the body without a look at the signature."""

    def verify_webhook(self, body: bytes, headers: Mapping[str, str], *, now: datetime) -> Event:
        if not self._settings.secrets():
            raise WebhookNotConfigured("No secret.")
        try:
            data = json.loads(body)
            return _event(data)
        except Exception:
            raise PayloadInvalid("No event.") from None


class TestTrusting(Wrong):
    provider_class = Trusting
    fails: ClassVar = {
        "a_changed_body_is_refused",
        "a_changed_or_missing_header_is_refused",
        "an_unknown_secret_is_refused",
        "a_signature_has_its_time",
        "what_is_signed_here_is_taken",
        "a_refused_delivery_reveals_nothing",
    }


class Timeless(FakeProvider):
    """Checks the signature and believes any time in it."""

    def verify_webhook(self, body: bytes, headers: Mapping[str, str], *, now: datetime) -> Event:
        stamp = headers.get("fakepay-time", "")
        at = datetime.fromtimestamp(int(stamp), UTC) if stamp.isascii() and stamp.isdigit() else now
        return super().verify_webhook(body, headers, now=at)


class TestTimeless(Wrong):
    provider_class = Timeless
    fails: ClassVar = {"a_signature_has_its_time"}


class FromTheFuture(FakeProvider):
    """Refuses what is old, and forgets that a clock can also be ahead."""

    def verify_webhook(self, body: bytes, headers: Mapping[str, str], *, now: datetime) -> Event:
        stamp = headers.get("fakepay-time", "")
        at = datetime.fromtimestamp(int(stamp), UTC) if stamp.isascii() and stamp.isdigit() else now
        return super().verify_webhook(body, headers, now=max(at, now))


class TestFromTheFuture(Wrong):
    provider_class = FromTheFuture
    fails: ClassVar = {"a_signature_has_its_time"}


class OwnClock(FakeProvider):
    """Looks at its own clock in place of the caller's."""

    def verify_webhook(self, body: bytes, headers: Mapping[str, str], *, now: datetime) -> Event:
        return super().verify_webhook(body, headers, now=datetime.now(UTC))


class TestOwnClock(Wrong):
    provider_class = OwnClock
    fails: ClassVar = {"the_clock_is_the_callers"}


class OneSecret(FakeSettings):
    """Knows one secret only."""

    def secrets(self) -> list[str]:
        return super().secrets()[:1]


class TestOneSecret(Wrong):
    declares: ClassVar = {"settings": OneSecret}
    fails: ClassVar = {"every_configured_secret_is_good"}


class NoSecret(FakeSettings):
    """Takes an unset secret for the empty one."""

    def secrets(self) -> list[str]:
        return super().secrets() or [""]


class TestNoSecret(Wrong):
    declares: ClassVar = {"settings": NoSecret}
    fails: ClassVar = {"without_a_secret_everything_is_refused"}


class Unreadable(FakeProvider):
    """Lets the JSON module's own error out."""

    def verify_webhook(self, body: bytes, headers: Mapping[str, str], *, now: datetime) -> Event:
        try:
            return super().verify_webhook(body, headers, now=now)
        except PayloadInvalid:
            raise ValueError("no JSON") from None


class TestUnreadable(Wrong):
    provider_class = Unreadable
    fails: ClassVar = {"a_signed_body_that_is_no_event_is_refused"}


class NoAccount(FakeProvider):
    """Drops which account an event belongs to."""

    def verify_webhook(self, body: bytes, headers: Mapping[str, str], *, now: datetime) -> Event:
        return replace(super().verify_webhook(body, headers, now=now), account=None)


class TestNoAccount(Wrong):
    provider_class = NoAccount
    fails: ClassVar = {"a_genuine_delivery_is_accepted"}


class Chatty(FakeProvider):
    """Tells in its refusal which signature would have been right."""

    def verify_webhook(self, body: bytes, headers: Mapping[str, str], *, now: datetime) -> Event:
        try:
            return super().verify_webhook(body, headers, now=now)
        except SignatureInvalid:
            raise SignatureInvalid(f"None of {self._settings.secrets()} fits.") from None


class TestChatty(Wrong):
    provider_class = Chatty
    fails: ClassVar = {"a_refused_delivery_reveals_nothing"}


# Parsing --------------------------------------------------------------------------------------------


class Parsing(FakeProvider):
    """A provider whose snapshots are changed by `_distort`."""

    def parse(self, event: Event) -> Parsed:
        return Parsed(snapshots=tuple(self._distort(one) for one in super().parse(event).snapshots))

    def _distort(self, snapshot: Snapshot) -> Snapshot:
        return snapshot


class TestMode(Wrong):
    """Takes everything for test mode."""

    class OneMode(Parsing):
        def _distort(self, snapshot: Snapshot) -> Snapshot:
            return replace(snapshot, livemode=False)

    provider_class = OneMode
    fails: ClassVar = {"snapshots_are_sound"}


class TestFloats(Wrong):
    """Counts money in floats."""

    class Floats(Parsing):
        def _distort(self, snapshot: Snapshot) -> Snapshot:
            if not isinstance(snapshot, PaymentSnapshot):
                return snapshot
            return replace(snapshot, amount=snapshot.amount / 1)  # type: ignore[arg-type]  # wrong on purpose

    provider_class = Floats
    fails: ClassVar = {"snapshots_are_sound", "a_listed_event_is_like_a_delivered_one"}


class TestNaive(Wrong):
    """Gives times without their zone."""

    class Naive(Parsing):
        def _distort(self, snapshot: Snapshot) -> Snapshot:
            return replace(snapshot, occurred_at=snapshot.occurred_at.replace(tzinfo=None))

    provider_class = Naive
    fails: ClassVar = {"snapshots_are_sound", "a_listed_event_is_like_a_delivered_one"}


class TestNow(Wrong):
    """Dates what an event says by the moment at which it was parsed."""

    class Now(Parsing):
        def _distort(self, snapshot: Snapshot) -> Snapshot:
            return replace(snapshot, as_of=replace(snapshot.as_of, moment=datetime.now(UTC)))

    provider_class = Now
    fails: ClassVar = {"snapshots_are_sound", "parsing_is_pure"}


class TestForgetful(Wrong):
    """Says nothing of refunds."""

    class Forgetful(FakeProvider):
        def parse(self, event: Event) -> Parsed:
            return Parsed() if event.type.startswith("refund.") else super().parse(event)

    provider_class = Forgetful
    fails: ClassVar = {"parsing_mentions_what_the_event_is_about"}


class TestImpure(Wrong):
    """Writes into the event that it reads."""

    class Impure(FakeProvider):
        def parse(self, event: Event) -> Parsed:
            parsed = super().parse(event)
            event.payload["object"]["seen"] = True
            return parsed

    provider_class = Impure
    fails: ClassVar = {"parsing_is_pure"}


class TestNarrow(Wrong):
    """Takes a type that it doesn't know for an error."""

    class Narrow(FakeProvider):
        def parse(self, event: Event) -> Parsed:
            if event.type.partition(".")[0] not in {
                "payment",
                "refund",
                "customer",
                "checkout",
                "subscription",
            }:
                raise PayloadInvalid("Unknown type.")
            return super().parse(event)

    provider_class = Narrow
    fails: ClassVar = {"an_unknown_event_says_nothing"}


class TestFragile(Wrong):
    """Falls over a missing field."""

    class Fragile(FakeProvider):
        def parse(self, event: Event) -> Parsed:
            event.payload["object"]["created"] + 1
            return super().parse(event)

    provider_class = Fragile
    fails: ClassVar = {"a_damaged_event_is_told_apart", "an_unknown_event_says_nothing"}


def _event(data: Any) -> Event:
    return Event(
        id=data["id"],
        type=data["type"],
        occurred_at=datetime.fromtimestamp(data["created"], UTC),
        livemode=data["live"],
        api_version="1",
        account=data.get("account"),
        payload=data,
    )
