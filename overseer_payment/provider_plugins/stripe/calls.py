"""What every part of the Stripe plugin stands on: settings, one client, one reader.

The plugin's class is put together from parts, one for each group of calls; each is a `StripeCalls`.
"""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Sequence
from datetime import datetime
from functools import cached_property
from typing import TYPE_CHECKING, TypeVar

from overseer_payment.errors import OutcomeUnknown, ProviderUnavailable
from overseer_payment.provider import Snapshot
from overseer_payment.provider_plugins.stripe.clock import ProviderClock, utc_now
from overseer_payment.provider_plugins.stripe.reading import Reader
from overseer_payment.provider_plugins.stripe.settings import StripeSettings

if TYPE_CHECKING:
    import httpx

    from overseer_payment.provider_plugins.stripe.client import Answer, Client

SnapshotT = TypeVar("SnapshotT", bound=Snapshot)


class StripeCalls:
    """Stripe for one API key. `now` and `sleep` are replaced in tests."""

    def __init__(
        self,
        settings: StripeSettings,
        http: httpx.AsyncClient,
        *,
        now: Callable[[], datetime] = utc_now,
        sleep: Callable[[float], Awaitable[None]] | None = None,
    ) -> None:
        self.livemode = settings.livemode
        self._settings = settings
        self._http = http
        self._now = now
        self._sleep = sleep

    @property
    def key_fingerprint(self) -> str:
        """A name for the key that is not the key."""
        return self._settings.key_fingerprint

    def __repr__(self) -> str:
        return f"<StripeProvider {self.key_fingerprint} at {self._settings.api_base}>"

    @cached_property
    def _secrets(self) -> tuple[bytes, ...]:
        return self._settings.usable_secrets

    @cached_property
    def _client(self) -> Client:
        import anyio

        from overseer_payment.provider_plugins.stripe.client import Client

        clock, sleep = ProviderClock(self._now), self._sleep or anyio.sleep
        return Client(self._settings, self._http, clock=clock, sleep=sleep)

    @cached_property
    def _reader(self) -> Reader:
        return Reader(self._client, livemode=self.livemode)

    def _told(self, name: str, answer: Answer) -> Sequence[Snapshot]:
        try:
            return self._reader.read(name, answer)
        except ProviderUnavailable as error:
            # The write was answered: whatever it did, it was done.
            raise OutcomeUnknown(error.detail) from None


def first(snapshots: Sequence[Snapshot], kind: type[SnapshotT]) -> SnapshotT:
    """What was made: it comes first."""
    found = snapshots[0]
    assert isinstance(found, kind)
    return found
