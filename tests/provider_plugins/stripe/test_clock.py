"""Which moment a read speaks of."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from email.utils import format_datetime

import pytest

from overseer_payment.provider import AsOf, Source
from overseer_payment.provider_plugins.stripe.clock import ProviderClock

START = datetime(2026, 11, 23, 12, 0, 0, 400_000, UTC)


class _Ticking:
    def __init__(self) -> None:
        self.now = START

    def __call__(self) -> datetime:
        return self.now


def _read(clock: ProviderClock, ours: _Ticking, date: datetime | None, took: float = 0.2) -> datetime:
    start = clock.local()
    ours.now += timedelta(seconds=took)
    return clock.began(start, format_datetime(date) if date else None)


def test_without_a_date_our_clock_counts() -> None:
    """It is all there is; it tells when the read began, not when it ended."""
    ours = _Ticking()
    assert _read(ProviderClock(ours), ours, None) == START


@pytest.mark.parametrize("date", ["", "yesterday", "Mon, 99 Foo 2026 99:99:99 GMT"])
def test_a_date_that_is_none_is_ignored(date: str) -> None:
    """A broken header is as good as none."""
    assert ProviderClock(_Ticking()).began(START, date) == START


def test_a_date_that_agrees_changes_nothing() -> None:
    """Fractions of a second are kept, so two reads within one second stay in order."""
    ours = _Ticking()
    clock = ProviderClock(ours)
    first = _read(clock, ours, START.replace(microsecond=0))
    second = _read(clock, ours, START.replace(microsecond=0))
    assert (first, second) == (START, START + timedelta(seconds=0.2))


def test_a_read_across_the_second_still_speaks_of_its_beginning() -> None:
    """Answered in the next second, begun in this one: an event between the two is not older."""
    ours = _Ticking()
    assert _read(ProviderClock(ours), ours, START.replace(second=1, microsecond=0), took=0.7) == START


@pytest.mark.parametrize("ahead", [timedelta(days=30), timedelta(days=-30), timedelta(seconds=-3)])
def test_a_clock_that_is_wrong_follows_the_date(ahead: timedelta) -> None:
    """An advanced simulator or a wrong machine: the read falls into the second that the answer names."""
    ours = _Ticking()
    date = (START + ahead).replace(microsecond=0)
    moment = _read(ProviderClock(ours), ours, date)
    assert date <= moment < date + timedelta(seconds=1)


def test_a_read_beats_the_event_that_caused_it_on_a_stopped_clock() -> None:
    """On a simulator whose clock stands still, each read is newer than the events of that second."""
    ours = _Ticking()
    clock = ProviderClock(ours)
    stopped = datetime(2027, 1, 1, tzinfo=UTC)
    event = AsOf(stopped, Source.EVENT).version
    versions = [AsOf(_read(clock, ours, stopped), Source.READ).version for _ in range(20)]
    assert all(event < version for version in versions)
    assert versions == sorted(versions)
    assert versions[-1] < AsOf(stopped + timedelta(seconds=1), Source.EVENT).version
