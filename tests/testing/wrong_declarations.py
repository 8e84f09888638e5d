"""Wrong providers: declarations, faults and secrets, each in one way. test_kit_can_fail.py runs them."""

from __future__ import annotations

import logging
from collections.abc import AsyncIterator, Callable, Mapping, Sequence
from dataclasses import fields, replace
from datetime import datetime
from typing import Any, ClassVar, TypeVar

import pytest
from pydantic import BaseModel, Field, SecretStr

from overseer_payment.errors import (
    OutcomeUnknown,
    ProviderError,
    ProviderUnavailable,
)
from overseer_payment.provider import (
    Capability,
    Event,
    Health,
    Kind,
    Price,
    Provider,
    Ref,
)
from overseer_payment.testing import FakeBackend, FakeProvider, Fault, SampleEvent
from overseer_payment.testing.case import Build
from overseer_payment.testing.fake_backend import body_of
from overseer_payment.testing.fake_calls import FakeSettings
from tests.testing.wrong import Wrong

Answer = TypeVar("Answer")
_UNDECLARED = SecretStr("fake_whsec_7d1e0b,fake_whsec_a94c2f")


class KeyOnly(BaseModel):
    """Settings without a signing secret."""

    key: SecretStr | None = Field(None, alias="FAKEPAY_KEY")


class OpenEvent(Event):
    """An event that shows its payload."""

    def __repr__(self) -> str:
        return f"OpenEvent({self.payload})"


# Declarations ---------------------------------------------------------------------------------------


class TestBoaster(Wrong):
    """Declares prices and has none to list."""

    class Boaster(FakeProvider):
        async def list_prices(self) -> AsyncIterator[Price]:
            if self._backend.fault is not None:  # never: it makes this a generator
                yield await anext(super().list_prices())
            raise OutcomeUnknown("Not written yet.")

    provider_class = Boaster
    fails: ClassVar = {"a_capability_works_if_and_only_if_declared", "prices_can_be_sold"}


class TestModest(Wrong):
    """Does what it does not declare."""

    declares: ClassVar = {"capabilities": frozenset(Capability) - {Capability.CUSTOMERS}}
    fails: ClassVar = {"a_capability_works_if_and_only_if_declared"}


class TestIncoherent(Wrong):
    """Declares parts of refunds, and no refunds."""

    declares: ClassVar = {"capabilities": frozenset(Capability) - {Capability.REFUND}}
    fails: ClassVar = {"capabilities_hold_together", "a_capability_works_if_and_only_if_declared"}


class TestAlwaysReady(Wrong):
    """Calls itself configured without a key."""

    declares: ClassVar = {"configured": lambda settings: True}
    fails: ClassVar = {"configured_tells_a_full_configuration_from_none"}


class TestBlocking(Wrong):
    """Has a method that is not async."""

    class Blocking(FakeProvider):
        def health_check(self) -> Health:  # type: ignore[override]  # wrong on purpose
            return Health(healthy=True, message="Fine.", livemode=False)

    provider_class = Blocking
    fails: ClassVar = {
        "it_speaks_the_protocol",
        "it_is_healthy",
        "a_health_check_never_raises",
        "errors_and_logs_hold_no_secrets",
    }


class TestUntitled(Wrong):
    """Has a key that no table could hold."""

    declares: ClassVar = {"key": "Fake-Pay", "title": " "}
    fails: ClassVar = {"the_spec_is_well_formed"}


class TestHidden(Wrong):
    """Reads its signing secrets from a variable that it does not declare."""

    class Hidden(FakeProvider):
        def __init__(self, settings: Any, backend: FakeBackend) -> None:
            super().__init__(
                FakeSettings.model_validate(
                    {"FAKEPAY_KEY": settings.key, "FAKEPAY_WEBHOOK_SECRET": _UNDECLARED}
                ),
                backend,
            )

    provider_class = Hidden
    declares: ClassVar = {"settings": KeyOnly}
    fails: ClassVar = {
        "the_webhook_secret_is_a_setting",
        "secrets_are_declared_as_such",
        "without_a_secret_everything_is_refused",
    }


class TestTestOnly(Wrong):
    """Brings samples of test mode only."""

    @pytest.fixture
    def sample_events(self) -> Sequence[SampleEvent]:
        backend = FakeBackend()
        paid = backend.pay(1000, "usd")
        return [SampleEvent(body_of(backend.events[0]), frozenset({Ref(Kind.PAYMENT, paid["id"])}))]

    fails: ClassVar = {"the_samples_cover_both_modes"}


class TestOnceOnly(Wrong):
    """Can't be closed a second time."""

    class OnceOnly(FakeProvider):
        async def aclose(self) -> None:
            del self._settings

    provider_class = OnceOnly
    fails: ClassVar = {"closing_twice_is_harmless"}


# Faults and secrets ---------------------------------------------------------------------------------


class Asking(FakeProvider):
    """A provider whose errors are changed by `_told`."""

    def _ask(self, call: Callable[[], Answer]) -> Answer:
        try:
            return super()._ask(call)
        except ProviderError as error:
            raise self._told(error) from None

    def _told(self, error: ProviderError) -> Exception:
        return error


class TestCertain(Wrong):
    """Takes silence for *nothing happened*: the classic way to pay twice."""

    class Certain(Asking):
        def _told(self, error: ProviderError) -> Exception:
            return ProviderUnavailable("Gone.") if isinstance(error, OutcomeUnknown) else error

    provider_class = Certain
    fails: ClassVar = {"a_failed_write_says_whether_it_may_have_happened"}


class TestImpatient(Wrong):
    """Doesn't say when to come back."""

    class Impatient(Asking):
        def _told(self, error: ProviderError) -> Exception:
            return type(error)(error.detail)

    provider_class = Impatient
    fails: ClassVar = {"a_rate_limit_says_when_to_come_back"}


class TestTelltale(Wrong):
    """Puts its key into its errors."""

    class Telltale(Asking):
        def _told(self, error: ProviderError) -> Exception:
            assert self._settings.key
            return type(error)(
                f"Refused {self._settings.key.get_secret_value()}", retry_after=error.retry_after
            )

    provider_class = Telltale
    fails: ClassVar = {"errors_and_logs_hold_no_secrets"}


class TestLogging(Wrong):
    """Logs its key."""

    class Logging(FakeProvider):
        def _ask(self, call: Callable[[], Answer]) -> Answer:
            assert self._settings.key
            logging.getLogger("tests.wrong").debug("asking as %s", self._settings.key.get_secret_value())
            return super()._ask(call)

    provider_class = Logging
    fails: ClassVar = {"errors_and_logs_hold_no_secrets"}


class TestShowing(Wrong):
    """Shows its settings in clear in its repr."""

    class Showing(FakeProvider):
        def __repr__(self) -> str:
            assert self._settings.key
            return f"Showing({self._settings.key.get_secret_value()})"

    provider_class = Showing
    fails: ClassVar = {"the_provider_does_not_show_its_secrets"}


class PlainSettings(BaseModel):
    """Keeps its secrets as ordinary text."""

    key: str | None = Field(None, alias="FAKEPAY_KEY")
    webhook_secret: str = Field("", alias="FAKEPAY_WEBHOOK_SECRET")

    def secrets(self) -> list[str]:
        return [part.strip() for part in self.webhook_secret.split(",") if part.strip()]


class TestPlain(Wrong):
    class Plain(FakeProvider):
        def __init__(self, settings: Any, backend: FakeBackend) -> None:
            super().__init__(FakeSettings.model_validate({}), backend)
            self._settings = settings

    provider_class = Plain
    declares: ClassVar = {"settings": PlainSettings}
    fails: ClassVar = {"secrets_are_declared_as_such"}


class TestForeign(Wrong):
    """Lets an error of its client library out."""

    @pytest.fixture
    def failing(self, backend: FakeBackend, build: Build) -> Callable[[Fault], Provider]:
        class Foreign(Asking):
            def _told(self, error: ProviderError) -> Exception:
                return ConnectionError("no route to host")

        def provider_with(fault: Fault) -> Provider:
            backend.fault = fault
            return replace(
                build,
                spec=replace(build.spec, factory=lambda settings, _: Foreign(settings, backend)),
            )()

        return provider_with

    fails: ClassVar = {
        "a_failed_write_says_whether_it_may_have_happened",
        "a_failed_event_list_is_a_provider_error",
        "a_failed_object_list_is_a_provider_error",
        "a_failed_read_is_a_provider_error",
        "a_health_check_never_raises",
        "a_rate_limit_says_when_to_come_back",
        "errors_and_logs_hold_no_secrets",
    }


class TestOpen(Wrong):
    """Shows addresses in the repr of an event."""

    class Open(FakeProvider):
        def verify_webhook(self, body: bytes, headers: Mapping[str, str], *, now: datetime) -> Event:
            event = super().verify_webhook(body, headers, now=now)
            return OpenEvent(**{field.name: getattr(event, field.name) for field in fields(event)})

    provider_class = Open
    fails: ClassVar = {"snapshots_do_not_show_addresses"}
