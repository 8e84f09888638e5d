"""What the dashboard's first page asks: each part of it in one transaction, so that its figures agree."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING

from overseer_payment.database import utcnow
from overseer_payment.ledger import metrics, queries, reports
from overseer_payment.provider import SubscriptionStatus
from overseer_payment.schemas import (
    CurrencyMetrics,
    DisputeFilter,
    DisputeQuery,
    DisputeRow,
    RevenueSeries,
    Viewer,
)

if TYPE_CHECKING:
    from sqlalchemy import Connection

    from overseer_payment.ledger.scope import Scope
    from overseer_payment.shown.views import Views

OVERDUE = (SubscriptionStatus.PAST_DUE, SubscriptionStatus.UNPAID)
COUNTED = 100
"""Subscriptions are counted no further than one more than this."""


@dataclass(frozen=True, slots=True)
class Course:
    """How business went: revenue of each day, and what a period came to beside the one before it."""

    series: list[RevenueSeries]
    metrics: list[CurrencyMetrics]


@dataclass(frozen=True, slots=True)
class Waiting:
    """What waits for a person: the open dispute that is due first, and how many subscriptions are overdue."""

    dispute: DisputeRow | None
    overdue: Mapping[SubscriptionStatus, int]


async def course(
    payments: Views, viewer: Viewer, *, days: int, drawn: int, provider: str | None = None
) -> Course:
    """The figures of the last `days` days (UTC), and points for the last `drawn`, today included.

    Raises Forbidden, Invalid for an unknown provider, DatabaseError.
    """
    viewer.require("payment.view")
    today = utcnow().date()

    def ask(connection: Connection, scope: Scope) -> Course:
        ids, counting = scope.account_ids, scope.counting
        drawn_points = reports.timeseries(connection, ids, days=drawn, today=today, counting=counting)
        summed = metrics.summary(connection, ids, days=days, today=today, counting=counting)
        return Course(drawn_points.series, summed.metrics)

    return await payments.ask(viewer, ask, which=payments.of_provider(provider))


async def waiting(payments: Views, viewer: Viewer) -> Waiting:
    """Of all providers. Raises Forbidden, DatabaseError."""
    viewer.require("payment.view")
    first = DisputeQuery(status=DisputeFilter.OPEN, limit=1)

    def ask(connection: Connection, scope: Scope) -> Waiting:
        open_ = queries.disputes(connection, scope, first, now=utcnow())
        overdue = queries.how_many(connection, scope, OVERDUE, at_most=COUNTED + 1)
        return Waiting(next(iter(open_.rows), None), overdue)

    return await payments.ask(viewer, ask)
