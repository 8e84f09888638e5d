"""Sums and counts, read from the totals that are kept in step with the rows."""

from __future__ import annotations

from collections import Counter, defaultdict
from collections.abc import Callable, Mapping, Sequence
from datetime import date, datetime, timedelta
from functools import cache
from typing import Any

from sqlalchemy import Connection, func, select, union_all

from overseer_payment import tables
from overseer_payment.ledger.counting import ALIKE, Counting
from overseer_payment.ledger.paging import MOST_RUNS
from overseer_payment.ledger.periods import first_day, marks
from overseer_payment.ledger.spelling import spelled
from overseer_payment.schemas import Revenue, RevenuePoint, RevenueSeries, RevenueTimeseries
from overseer_payment.schemas.reports import Interval

_total, _gauge, _event = tables.total, tables.gauge, tables.event
_SUMS = ("gross", "refunded", "disputed")
_COUNT_AT_MOST = 1000
EVENT_STATES = ("pending", "applied", "ignored", "failed", "dead")


def revenue(connection: Connection, account_ids: Sequence[int], counting: Counting = ALIKE) -> list[Revenue]:
    """All-time sums per currency, the largest business first."""
    sums = [func.coalesce(func.sum(_total.c[name]), 0).label(name) for name in (*_SUMS, "payments")]
    keys = (_total.c.account_id, _total.c.currency)
    query = select(*keys, *sums).where(_total.c.account_id.in_(account_ids)).group_by(*keys)
    found: dict[str, Counter[str]] = defaultdict(Counter)
    for row in connection.execute(query).mappings():
        of, factor = found[row["currency"]], counting.factor(row["account_id"], row["currency"])
        of.update({name: int(row[name]) * factor for name in _SUMS} | {"payments": int(row["payments"])})
    return [
        Revenue(
            currency=code,
            gross=of["gross"],
            refunded=of["refunded"],
            disputed=of["disputed"],
            net=of["gross"] - of["refunded"] - of["disputed"],
        )
        for code, of in sorted(found.items(), key=lambda item: (-item[1]["payments"], item[0]))
        if any(of[name] for name in _SUMS)
    ]


def timeseries(
    connection: Connection,
    account_ids: Sequence[int],
    *,
    days: int,
    today: date,
    currency: str | None = None,
    interval: Interval = "day",
    counting: Counting = ALIKE,
) -> RevenueTimeseries:
    """Points over the last `days` days, today included, for each currency that moved."""
    first = today - timedelta(days=days - 1)
    columns = [_total.c[name] for name in ("account_id", "currency", "day", *_SUMS)]
    query = select(*columns).where(
        _total.c.account_id.in_(account_ids), _total.c.day >= first, _total.c.day <= today
    )
    if currency is not None:
        query = query.where(_total.c.currency == currency)
    found: dict[str, dict[date, list[int]]] = defaultdict(lambda: defaultdict(lambda: [0, 0, 0]))
    factor = cache(counting.factor)  # many days have the same few accounts and currencies
    for account_id, code, day, *sums in connection.execute(query):
        point = found[code][first_day(day, interval)]
        for index, amount in enumerate(sums):
            point[index] += amount * factor(account_id, code)
    names = (
        [currency] if currency is not None else sorted(found, key=lambda code: (-_weight(found[code]), code))
    )
    span = marks(first, today, interval)
    series = [
        RevenueSeries(
            currency=name,
            exponent=counting.exponent(name),
            points=[_point(day, found[name].get(day, [0, 0, 0])) for day in span],
        )
        for name in names
    ]
    return RevenueTimeseries(days=days, interval=interval, series=series)


def _weight(points: dict[date, list[int]]) -> int:
    return sum(1 for point in points.values() if point[0])


def _point(day: date, sums: list[int]) -> RevenuePoint:
    gross, refunded, disputed = sums
    return RevenuePoint(
        date=day, gross=gross, refunded=refunded, disputed=disputed, net=gross - refunded - disputed
    )


def transactions(connection: Connection, account_ids: Sequence[int]) -> int:
    """How many payments and refunds there are."""
    query = select(func.coalesce(func.sum(_total.c.transactions), 0)).where(
        _total.c.account_id.in_(account_ids)
    )
    return int(connection.execute(query).scalar_one())


def gauges(connection: Connection, account_ids: Sequence[int]) -> Mapping[str, int]:
    """How many there are now of what is counted: `active_subscriptions`, `open_disputes`."""
    query = select(_gauge.c.name, func.sum(_gauge.c.value)).where(_gauge.c.account_id.in_(account_ids))
    return Counter({name: int(value) for name, value in connection.execute(query.group_by(_gauge.c.name))})


def events(connection: Connection, account_ids: Sequence[int], states: Sequence[str]) -> int:
    """How many events are in one of these states; counts no further than 1000."""
    some = select(_event.c.id).where(_event.c.account_id.in_(account_ids), _event.c.status.in_(states))
    return int(
        connection.execute(
            select(func.count()).select_from(some.limit(_COUNT_AT_MOST).subquery())
        ).scalar_one()
    )


def last_event_at(connection: Connection, account_ids: Sequence[int]) -> datetime | None:
    """When the newest event was received."""
    newest = _ends(connection, account_ids, func.max)
    return connection.execute(select(func.max(_event.c.received_at)).where(_event.c.id.in_(newest))).scalar()


def first_event_at(connection: Connection, account_ids: Sequence[int]) -> datetime | None:
    """When the first event was received."""
    oldest = _ends(connection, account_ids, func.min)
    return connection.execute(select(func.min(_event.c.received_at)).where(_event.c.id.in_(oldest))).scalar()


def lag(connection: Connection, account_ids: Sequence[int], now: datetime) -> int:
    """For how many seconds the event that waits longest could have been applied; 0 if none waits."""
    query = select(_event.c.due_at).where(_event.c.status == "pending")
    if len(account_ids) <= MOST_RUNS:
        first = _ends(connection, account_ids, func.min, states=("pending",))
        if not first:
            return 0
        query = query.where(_event.c.id.in_(first))
    some = query.where(_event.c.account_id.in_(account_ids)).limit(_COUNT_AT_MOST).subquery()
    since = connection.execute(select(func.min(some.c.due_at))).scalar()
    return 0 if since is None else max(0, int((now - since).total_seconds()))


def _ends(
    connection: Connection,
    account_ids: Sequence[int],
    end: Callable[[Any], Any],
    states: Sequence[str] = EVENT_STATES,
) -> list[int]:
    """The end of each run of the index on (account, status, id), however many events there are."""
    runs = [(id, status) for id in account_ids for status in states]
    found: list[int] = []
    for start in range(0, len(runs), MOST_RUNS):
        ends = [
            select(end(_event.c.id)).where(
                _event.c.account_id == spelled(id), _event.c.status == spelled(status)
            )
            for id, status in runs[start : start + MOST_RUNS]
        ]
        found += [id for id in connection.execute(union_all(*ends)).scalars() if id is not None]
    return found
