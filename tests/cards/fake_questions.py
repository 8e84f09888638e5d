"""Questions that are modules of their own, answered from the shop's lists instead of the database."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import timedelta
from hashlib import sha256
from typing import TYPE_CHECKING, Any

from overseer_payment import doctor
from overseer_payment.errors import NotFound
from overseer_payment.schemas import (
    CurrencyMetrics,
    CustomerRow,
    CustomerValue,
    DisputeDetail,
    DisputeQuery,
    DisputeRow,
    EventDetail,
    EventQuery,
    EventRow,
    EventState,
    EvidenceFormRow,
    Finding,
    InvoiceQuery,
    InvoiceRow,
    MetricsQuery,
    MetricsSummary,
    Page,
    RevenuePoint,
    RevenueSeries,
    TransactionRow,
    Viewer,
)
from overseer_payment.shown import overview
from tests.cards.rows import invoice, now

if TYPE_CHECKING:
    import pytest

    from tests.cards.fake_payments import FakePayments

_RECURRING: dict[str, Any] = {
    "mrr": 420000,
    "mrr_before": 400000,
    "new_mrr": 30000,
    "churned_mrr": 10000,
    "arpu": 3500,
    "subscriptions": 120,
    "customers": 118,
    "new_customers": 9,
    "churned_customers": 3,
    "churn_rate": 0.0268,
    "revenue_churn_rate": 0.025,
    "payments": 190,
    "failed_payments": 4,
    "failed_payment_rate": 4 / 194,
}


_FAILED = {EventState.FAILED, EventState.DEAD}
_FORM = EvidenceFormRow.model_validate(
    {
        "fields": [
            {"name": "shipping_carrier", "title": "Shipping carrier", "kind": "text"},
            {"name": "shipping_note", "title": "Shipping note", "kind": "text"},
            {"name": "customer_name", "title": "Customer name", "kind": "text"},
            {"name": "receipt", "title": "Receipt", "kind": "file"},
        ],
        "file_types": ["application/pdf"],
        "largest_file": 1024 * 1024,
    }
)


def _sums(points: Sequence[RevenuePoint]) -> dict[str, int]:
    return {
        name: sum(getattr(point, name) for point in points)
        for name in ("gross", "refunded", "disputed", "net")
    }


async def metrics(payments: FakePayments, viewer: Viewer, query: MetricsQuery) -> MetricsSummary:
    """The series' own sums, beside recurring figures that never change."""
    await payments.status(viewer)
    found = []
    for series in payments.series:
        now, before = series.points[-query.days :], series.points[-2 * query.days : -query.days]
        previous = {**_RECURRING, **_sums(before), "churn_rate": 0.031, "mrr": 400000}
        values = {"currency": series.currency, "previous": previous, **_RECURRING, **_sums(now)}
        found.append(CurrencyMetrics.model_validate(values))
    days = payments.series[0].points if payments.series else []
    since, until = (days[-query.days].date, days[-1].date) if days else (None, None)
    return MetricsSummary.model_construct(days=query.days, since=since, until=until, metrics=found)


async def daily(
    payments: FakePayments, viewer: Viewer, days: int, provider: str | None = None
) -> list[RevenueSeries]:
    """The series of the shop, with nothing before they begin."""
    await payments.status(viewer)
    return [
        RevenueSeries(currency=one.currency, points=[*_nothing(one.points, days), *one.points[-days:]])
        for one in payments.series
    ]


async def course(
    payments: FakePayments, viewer: Viewer, *, days: int, drawn: int, provider: str | None = None
) -> overview.Course:
    """Both from the shop's series."""
    summed = await metrics(payments, viewer, MetricsQuery(days=days))
    return overview.Course(await daily(payments, viewer, drawn), summed.metrics)


async def at_once(payments: FakePayments) -> tuple[list[Finding], doctor.Heard]:
    """The shop's findings, as of now."""
    return await payments.doctor(), doctor.Heard((), now())


async def waiting(payments: FakePayments, viewer: Viewer) -> overview.Waiting:
    """Of the shop's disputes and subscriptions."""
    found = await disputes(payments, viewer, DisputeQuery(limit=1))
    counts = {state: sum(row.status is state for row in payments.subs) for state in overview.OVERDUE}
    return overview.Waiting(next(iter(found.rows), None), counts)


def _nothing(points: Sequence[RevenuePoint], days: int) -> list[RevenuePoint]:
    first = points[-days:][0].date
    missing = range(max(0, days - len(points)), 0, -1)
    return [
        RevenuePoint(date=first - timedelta(days=back), gross=0, refunded=0, disputed=0, net=0)
        for back in missing
    ]


async def disputes(payments: FakePayments, viewer: Viewer, query: DisputeQuery) -> Page[DisputeRow]:
    """The disputes of the shop's payments, the nearest deadline first."""
    await payments.status(viewer)
    rows = [dispute for row in payments.payments for dispute in row.disputes]
    rows.sort(key=lambda row: (row.evidence_due_by is None, row.evidence_due_by or row.occurred_at))
    return Page(rows=rows[: query.limit])


async def dispute(payments: FakePayments, viewer: Viewer, id: str) -> DisputeDetail:
    """One of them, with its payment."""
    for row in payments.payments:
        for found in row.disputes:
            if id in (str(found.id), found.provider_dispute_id):
                paid = TransactionRow.model_validate(row.model_dump(include=set(TransactionRow.model_fields)))
                return DisputeDetail(**found.model_dump(), transaction=paid, form=_FORM)
    raise NotFound("No such row.")


async def events(payments: FakePayments, viewer: Viewer, query: EventQuery) -> Page[EventRow]:
    """The shop's inbox."""
    await payments.status(viewer)
    states = {query.status} if query.status else _FAILED if query.failed else set(EventState)
    found: list[EventRow] = [row for row in payments.inbox if row.status in states]
    return Page(rows=found[: query.limit])


async def event(payments: FakePayments, viewer: Viewer, id: str) -> EventDetail:
    """One of them."""
    for row in payments.inbox:
        if str(row.id) == id:
            return row
    raise NotFound("No such row.")


async def worth(
    payments: FakePayments, viewer: Viewer, rows: Sequence[CustomerRow]
) -> dict[int, list[CustomerValue]]:
    """What their details say."""
    wanted = {row.id for row in rows}
    return {one.id: one.value for one in payments.people if one.id in wanted}


async def invoices(payments: FakePayments, viewer: Viewer, query: InvoiceQuery) -> Page[InvoiceRow]:
    """The same two for everybody: one paid, one that is tried again."""
    await payments.status(viewer)
    return Page(rows=[invoice(1), invoice(2, status="open", next_attempt_at=now() + timedelta(days=2))])


async def pulse(payments: FakePayments, viewer: Viewer) -> str:
    """Another one whenever anything in the shop is different."""
    await payments.status(viewer)
    return sha256(repr(payments).encode()).hexdigest()


def answer(patch: pytest.MonkeyPatch) -> None:
    """Let the pages' questions be answered by this module."""
    patch.setattr("overseer_payment.doctor.at_once", at_once)
    patch.setattr("overseer_payment.shown.overview.course", course)
    patch.setattr("overseer_payment.shown.overview.waiting", waiting)
    patch.setattr("overseer_payment.shown.revenue.daily", daily)
    patch.setattr("overseer_payment.shown.disputes.disputes", disputes)
    patch.setattr("overseer_payment.shown.disputes.dispute", dispute)
    patch.setattr("overseer_payment.shown.events.events", events)
    patch.setattr("overseer_payment.shown.events.event", event)
    patch.setattr("overseer_payment.shown.customers.worth", worth)
    patch.setattr("overseer_payment.shown.invoices.invoices", invoices)
    patch.setattr("overseer_payment.shown.pulse.pulse", pulse)
