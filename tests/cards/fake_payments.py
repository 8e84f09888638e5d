"""A façade that holds everything in memory, with the real one's signatures."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass, field
from typing import Any, TypeVar

from overseer_payment import errors
from overseer_payment.ledger.queries.common import aware
from overseer_payment.money import CurrencyTable
from overseer_payment.provider import OPEN_DISPUTE, Provider
from overseer_payment.schemas import (
    Catalog,
    CatalogQuery,
    CheckoutBody,
    CheckoutCreated,
    CheckoutRow,
    CustomerDetail,
    CustomerQuery,
    CustomerRow,
    EventDetail,
    Finding,
    Page,
    PriceRow,
    ProviderRow,
    RefundBody,
    RevenueQuery,
    RevenueSeries,
    RevenueTimeseries,
    Row,
    StatusView,
    SubscriptionQuery,
    SubscriptionRow,
    TimelineEntry,
    TransactionDetail,
    TransactionQuery,
    TransactionRow,
    TransactionState,
    TransactionType,
    Viewer,
)
from tests.cards.rows import STRIPE, now, status, transaction

RowT = TypeVar("RowT", bound=Row)


@dataclass
class FakePayments:
    """What `Payments` answers, from lists. `failing` makes every question raise that error."""

    state: StatusView = field(default_factory=status)
    series: list[RevenueSeries] = field(default_factory=list)
    payments: list[TransactionDetail] = field(default_factory=list)
    subs: list[SubscriptionRow] = field(default_factory=list)
    people: list[CustomerDetail] = field(default_factory=list)
    inbox: list[EventDetail] = field(default_factory=list)
    checkouts: dict[str, CheckoutRow] = field(default_factory=dict)
    prices: list[PriceRow] = field(default_factory=list)
    plugins: list[ProviderRow] = field(default_factory=list)
    findings: list[Finding] = field(default_factory=list)
    failing: errors.PaymentError | None = None
    refusing: errors.PaymentError | None = None
    refunds: dict[str, TransactionRow] = field(default_factory=dict)
    opened: dict[str, CheckoutCreated] = field(default_factory=dict)
    hosted: str = "https://checkout.example.test/pay/1"
    bodies: list[RefundBody] = field(default_factory=list)

    def _answer(self) -> None:
        if self.failing is not None:
            raise self.failing

    async def status(self, viewer: Viewer, provider: str | None = None) -> StatusView:
        self._answer()
        one = {"provider": provider, "providers": [provider], "active_subscriptions": 1}
        return self.state.model_copy(update=one) if provider else self.state

    async def revenue(self, viewer: Viewer, query: RevenueQuery) -> RevenueTimeseries:
        self._answer()
        cut = [
            RevenueSeries(currency=one.currency, points=one.points[-query.days :])
            for one in self.series
            if query.currency in (None, one.currency)
        ]
        return RevenueTimeseries(days=query.days, series=cut)

    async def transactions(self, viewer: Viewer, query: TransactionQuery) -> Page[TransactionRow]:
        self._answer()
        return _page(self.payments, query.limit, query.cursor, lambda row: _fits(row, query))

    async def transaction(self, viewer: Viewer, id: str) -> TransactionDetail:
        self._answer()
        row = _one(self.payments, id)
        return row.model_copy(update={"refund_refused": row.refund_refused or self._refused(row)})

    def _refused(self, row: TransactionDetail) -> str | None:
        """The code under which the service would refuse to refund it."""
        reasons = {
            "is_refund": row.type is TransactionType.REFUND,
            "not_supported": not any("refund" in plugin.capabilities for plugin in self.plugins),
            "not_refundable": row.status
            not in (TransactionState.SUCCEEDED, TransactionState.PARTIALLY_REFUNDED),
            "dispute_open": any(dispute.status in OPEN_DISPUTE for dispute in row.disputes),
            "nothing_left": row.amount_refundable <= 0,
        }
        return next((code for code, holds in reasons.items() if holds), None)

    async def subscriptions(self, viewer: Viewer, query: SubscriptionQuery) -> Page[SubscriptionRow]:
        self._answer()
        return _page(self.subs, query.limit, query.cursor, lambda row: query.status in (None, row.status))

    async def subscription(self, viewer: Viewer, id: str) -> SubscriptionRow:
        return _one(self.subs, id)

    async def customers(self, viewer: Viewer, query: CustomerQuery) -> Page[CustomerRow]:
        self._answer()
        wanted = (query.q or "").lower()
        return _page(
            self.people, query.limit, query.cursor, lambda row: wanted in f"{row.name} {row.email}".lower()
        )

    async def customer(self, viewer: Viewer, id: str) -> CustomerDetail:
        return _one(self.people, id)

    async def landing(self, session_id: str) -> CheckoutRow:
        self._answer()
        if session_id not in self.checkouts:
            raise errors.NotFound("No such checkout.")
        return self.checkouts[session_id]

    async def catalog(
        self,
        viewer: Viewer,
        provider: str | None = None,
        *,
        query: CatalogQuery | None = None,
        patience: float | None = None,
    ) -> Catalog:
        self._answer()
        return Catalog(provider="stripe", prices=self.prices)

    def providers(self) -> list[ProviderRow]:
        return self.plugins

    def built(self) -> dict[str, Provider]:
        return {}

    def currencies(self, provider: str) -> CurrencyTable:
        return STRIPE

    async def doctor(self, *, from_outside: bool = False) -> list[Finding]:
        self._answer()
        return self.findings

    async def create_checkout(
        self, viewer: Viewer, body: CheckoutBody, *, idempotency_key: str | None = None
    ) -> CheckoutCreated:
        if self.refusing is not None:
            raise self.refusing
        assert idempotency_key
        made = CheckoutCreated(session_id=f"cs_test_{len(self.opened)}", checkout_url=self.hosted)
        return self.opened.setdefault(idempotency_key, made)

    async def refund(
        self, viewer: Viewer, id: str, body: RefundBody, *, idempotency_key: str | None = None
    ) -> TransactionRow:
        if self.refusing is not None:
            raise self.refusing
        assert idempotency_key
        self.bodies.append(body)
        if idempotency_key in self.refunds:
            return self.refunds[idempotency_key]
        row = _one(self.payments, id)
        amount = body.amount or row.amount_refundable
        made = transaction(
            9000 + len(self.refunds),
            type="refund",
            parent_id=row.id,
            amount=amount,
            currency=row.currency,
            reason=body.reason,
        )
        self.refunds[idempotency_key] = made
        after = row.amount_refunded + amount
        changed = {
            "amount_refunded": after,
            "amount_refundable": row.amount_refundable - amount,
            "status": TransactionState.REFUNDED
            if after == row.amount
            else TransactionState.PARTIALLY_REFUNDED,
            "refunds": [*row.refunds, made],
            "timeline": [
                *row.timeline,
                TimelineEntry(
                    at=now(),
                    kind="refund",
                    title="Refunded",
                    amount=amount,
                    currency=row.currency,
                    status="succeeded",
                    actor=viewer.actor,
                ),
            ],
        }
        self.payments[self.payments.index(row)] = row.model_copy(update=changed)
        return made


def _one(rows: Iterable[RowT], id: str) -> RowT:
    for row in rows:
        if str(getattr(row, "id", "")) == id:
            return row
    raise errors.NotFound("No such row.")


def _page(rows: Iterable[Any], limit: int, cursor: str | None, fits: Any) -> Page[Any]:
    start = int(cursor or 0)
    found = [row for row in rows if fits(row)]
    more = len(found) > start + limit
    return Page(rows=found[start : start + limit], next_cursor=str(start + limit) if more else None)


def _fits(row: TransactionDetail, query: TransactionQuery) -> bool:
    text = f"{row.description} {row.customer_name} {row.customer_email} {row.provider_transaction_id}".lower()
    return (
        query.status in (None, row.status)
        and query.type in (None, row.type)
        and query.currency in (None, row.currency)
        and query.customer_id in (None, str(row.customer_id))
        and query.subscription_id in (None, str(row.subscription_id))
        and (query.q or "").lower() in text
        and (query.occurred_after is None or row.occurred_at >= aware(query.occurred_after))
        and (query.occurred_before is None or row.occurred_at < aware(query.occurred_before))
    )
