"""What recurs: which subscriptions pay, since when and until when, and what that makes a month.

The decision this module owns: **what counts as recurring revenue**, as a pure function of subscriptions'
rows as they stand now. Active and past due ones count; trials, unpaid and paused ones and those whose
collection is paused don't. One that ended counts from its first paid day to its last.
"""

from __future__ import annotations

import json
from collections import defaultdict
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from datetime import date
from fractions import Fraction
from itertools import groupby
from typing import Any

from overseer_payment.provider import SubscriptionStatus

_PAYING = frozenset({SubscriptionStatus.ACTIVE.value, SubscriptionStatus.PAST_DUE.value})
# How often each interval comes in a month, exactly.
_IN_A_MONTH = {
    "day": Fraction(365, 12),
    "week": Fraction(52, 12),
    "month": Fraction(1),
    "year": Fraction(1, 12),
}

Row = Mapping[str, Any]
# (table, its key, column) → amount
Key = tuple[str, tuple[Any, ...], str]


@dataclass(frozen=True, slots=True, order=True)
class Span:
    """The days on which a subscription pays, the last one included; `ended` is None while it does."""

    began: date
    ended: date | None


def monthly(amount: int, interval: str, count: int) -> Fraction:
    """What `amount` each `count` intervals makes a month: unrounded, so that sums of it are exact."""
    return amount * _IN_A_MONTH[interval] / count


def span(row: Row) -> Span | None:
    """When a subscription pays; None for one that counts nowhere."""
    if row["placeholder"] or not any(_lines(row).values()):
        return None
    began = max(row["occurred_at"], row["trial_end"] or row["occurred_at"])
    if row["status"] in _PAYING:
        return None if row["collection_paused"] else Span(began.date(), None)
    ended = row["ended_at"] or row["canceled_at"]
    # One that was cancelled in its trial never paid.
    if row["status"] != SubscriptionStatus.CANCELED or ended is None or ended <= began:
        return None
    return Span(began.date(), ended.date())


def _lines(row: Row) -> dict[tuple[str, int], int]:
    """Minor units by the interval that they are billed in; what only the bill tells counts nothing."""
    found: dict[tuple[str, int], int] = defaultdict(int)
    for item in json.loads(row["items"] or "[]"):
        if item["interval"] in _IN_A_MONTH and item["interval_count"] > 0:
            found[item["interval"], item["interval_count"]] += item["total"] or 0
    return found


def of_row(row: Row) -> Iterator[tuple[Key, int]]:
    """What one subscription adds to the sums by itself."""
    paying = span(row)
    if paying is None:
        return
    place = (row["account_id"], row["currency"])
    yield _subscriber(place, paying.began, "started")
    if paying.ended is not None:
        yield _subscriber(place, paying.ended, "ended")
    for (interval, count), amount in _lines(row).items():
        yield ("payment_recurring", (place[0], paying.began, place[1], interval, count), "added"), amount
        if paying.ended is not None:
            yield ("payment_recurring", (place[0], paying.ended, place[1], interval, count), "lost"), amount


def of_customer(rows: Iterable[Row]) -> Iterator[tuple[Key, int]]:
    """What one customer's subscriptions add together: who goes on under another one has not left."""
    spans: dict[tuple[int, str], list[Span]] = defaultdict(list)
    for row in rows:
        if (paying := span(row)) is not None:
            spans[row["account_id"], row["currency"]].append(paying)
    for place, paid in spans.items():
        for whole in _joined(paid):
            yield _subscriber(place, whole.began, "joined")
            if whole.ended is not None:
                yield _subscriber(place, whole.ended, "departed")


def by_customer(rows: Iterable[Row]) -> Iterator[list[Row]]:
    """Groups of rows that come sorted by customer; one without a customer is a customer of its own."""
    for customer, theirs in groupby(rows, key=lambda row: row["customer_id"]):
        if customer is None:
            yield from ([row] for row in theirs)
        else:
            yield list(theirs)


def _joined(spans: Iterable[Span]) -> Iterator[Span]:
    """Spans that overlap, or where one begins on the day another ends, as one."""
    first, *others = sorted(spans, key=lambda one: one.began)
    for other in others:
        if first.ended is not None and other.began > first.ended:
            yield first
            first = other
        else:
            first = Span(first.began, _later(first.ended, other.ended))
    yield first


def _later(one: date | None, other: date | None) -> date | None:
    return None if one is None or other is None else max(one, other)


def _subscriber(place: tuple[int, str], day: date, column: str) -> tuple[Key, int]:
    return ("payment_subscriber", (place[0], day, place[1]), column), 1
