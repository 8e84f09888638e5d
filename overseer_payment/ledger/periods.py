"""Days, weeks and months of a report: UTC days, weeks from Monday on."""

from __future__ import annotations

from datetime import date, timedelta

from overseer_payment.schemas.reports import Interval


def first_day(day: date, interval: Interval) -> date:
    """The first day of the day, week or month that `day` is in."""
    if interval == "week":
        return day - timedelta(days=day.weekday())
    return day.replace(day=1) if interval == "month" else day


def marks(first: date, last: date, interval: Interval) -> list[date]:
    """The first day of every interval between two days, both included."""
    days = (first + timedelta(days=offset) for offset in range((last - first).days + 1))
    return list(dict.fromkeys(first_day(day, interval) for day in days))


def last_starts(today: date, interval: Interval, count: int) -> list[date]:
    """The first days of the last `count` intervals, oldest first; today is in the last one."""
    starts = [first_day(today, interval)]
    while len(starts) < count:
        starts.append(first_day(starts[-1] - timedelta(days=1), interval))
    return starts[::-1]
