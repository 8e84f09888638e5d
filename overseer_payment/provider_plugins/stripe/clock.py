"""What time it is at Stripe: the decision which moment a read of the API speaks of.

A read must not claim to be newer than it is, or an event that happened after it would look old and be
lost; nor older, or it would lose against the event that caused it. So it speaks of the moment it began,
by the provider's clock. Our own clock tells fractions of seconds and keeps reads in order, but may be
wrong; the `Date` header is the provider's, but tells whole seconds. So ours counts, shifted only as far
as a `Date` contradicts it. That also follows a simulator whose clock was advanced by a month.
"""

from __future__ import annotations

from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from email.utils import parsedate_to_datetime

_WHOLE_SECOND = timedelta(seconds=1)
_ZERO = timedelta(0)


def utc_now() -> datetime:
    return datetime.now(UTC)


class ProviderClock:
    """Our clock, shifted to agree with every `Date` header seen so far."""

    def __init__(self, now: Callable[[], datetime] = utc_now) -> None:
        self._now = now
        self._shift = _ZERO

    @property
    def ahead(self) -> timedelta:
        """How far the provider's clock is ahead of ours, as far as the headers prove."""
        return self._shift

    def local(self) -> datetime:
        """Our own time, to be handed back to `began` when the answer is there."""
        return self._now()

    def began(self, start: datetime, date: str | None) -> datetime:
        """The provider's time when we sent, at our time `start`, what is answered just now with `date`."""
        stamped = _parse(date)
        if stamped is not None:
            self._agree(start, self._now(), stamped)
        return start + self._shift

    def _agree(self, start: datetime, end: datetime, stamped: datetime) -> None:
        # The header was written between start and end, within the second that it names.
        if end + self._shift < stamped:
            self._shift = stamped - start
        elif start + self._shift >= stamped + _WHOLE_SECOND:
            self._shift = stamped + _WHOLE_SECOND - timedelta(milliseconds=1) - start


def _parse(date: str | None) -> datetime | None:
    if not date:
        return None
    try:
        stamped = parsedate_to_datetime(date)
    except (ValueError, TypeError, OverflowError):
        return None
    return stamped if stamped.tzinfo else stamped.replace(tzinfo=UTC)
