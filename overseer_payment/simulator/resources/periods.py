"""Billing periods: where the next one ends, by calendar months and years, anchored to the first day."""

from __future__ import annotations

from calendar import monthrange
from datetime import UTC, datetime, timedelta


def period_end(start: int, interval: str, count: int, *, anchor: int) -> int:
    """Return the end of the period that begins at `start` (epoch seconds).

    The day of the month is the anchor's, clamped to shorter months, so 31 January renews on
    28 February and then on 31 March again.
    """
    begin = datetime.fromtimestamp(start, UTC)
    if interval in ("day", "week"):
        return int((begin + timedelta(days=count * (7 if interval == "week" else 1))).timestamp())
    months = begin.year * 12 + begin.month - 1 + count * (12 if interval == "year" else 1)
    year, month = divmod(months, 12)
    first = datetime.fromtimestamp(anchor, UTC)
    day = min(first.day, monthrange(year, month + 1)[1])
    return int(begin.replace(year=year, month=month + 1, day=day).timestamp())


def written_date(moment: int) -> str:
    """Write a day as invoice lines do: `23 Nov 2026`."""
    day = datetime.fromtimestamp(moment, UTC)
    return f"{day.day} {day:%b %Y}"
