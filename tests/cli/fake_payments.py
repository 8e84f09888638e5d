"""A `Payments` without database and provider, so that the commands' own work can be seen.

Run as a program it is the command group over that façade: real exit codes, streams and terminals.
A test holds its signatures equal to the real one's.
"""

from __future__ import annotations

import asyncio
import os
from collections.abc import AsyncIterator, Mapping
from contextlib import asynccontextmanager
from datetime import UTC, datetime, timedelta
from typing import Any

from overseer_payment import errors
from overseer_payment.cli.payment import payment
from overseer_payment.cli.session import Opener
from overseer_payment.money import ISO, CurrencyTable
from overseer_payment.provider import DisputeKind, DisputeStatus
from overseer_payment.schemas import (
    Catalog,
    CatalogQuery,
    CheckoutBody,
    CheckoutCreated,
    CustomerDetail,
    CustomerQuery,
    CustomerRow,
    CustomerValue,
    DisputeRow,
    Finding,
    Page,
    PriceRow,
    Reference,
    RefundBody,
    Revenue,
    StatusView,
    SubscriptionQuery,
    SubscriptionRow,
    TimelineEntry,
    TransactionDetail,
    TransactionQuery,
    TransactionRow,
    Viewer,
)

NOW = datetime.now(UTC).replace(microsecond=0)
STRIPE = CurrencyTable(exponents={"ISK": 2}, granularity={"KWD": 10})


def transaction(id: int, **changes: Any) -> TransactionRow:
    """One succeeded payment of 49.00 USD, with `changes`."""
    base: dict[str, Any] = {
        "id": id,
        "provider": "stripe",
        "livemode": False,
        "provider_transaction_id": f"pi_{id}",
        "type": "charge",
        "status": "succeeded",
        "amount": 4900,
        "amount_refunded": 0,
        "amount_disputed": 0,
        "amount_refundable": 4900,
        "currency": "usd",
        "customer_id": 17,
        "customer_email": "ada@example.com",
        "customer_name": "Ada Lovelace",
        "description": "Team plan",
        "occurred_at": NOW - timedelta(hours=3),
        "created_at": NOW,
    }
    return TransactionRow(**{**base, **changes})


TRANSACTIONS = [
    transaction(412),
    transaction(
        411,
        amount=1234567,
        currency="jpy",
        type="subscription",
        customer_email="山田太郎@example.jp",
        description="プレミアムプラン",
    ),
    transaction(
        410,
        amount=1500,
        status="partially_refunded",
        amount_refunded=500,
        amount_refundable=1000,
        occurred_at=NOW - timedelta(days=2),
        description="A very long description that goes on and on, beyond what a narrow terminal can show",
    ),
    transaction(
        409, type="refund", amount=500, parent_id=410, reason="requested_by_customer", description=None
    ),
    transaction(
        408,
        status="failed",
        amount=120000,
        currency="eur",
        failure_message="The card was declined.",
        customer_email=None,
        customer_name=None,
        occurred_at=NOW - timedelta(days=40),
    ),
    transaction(
        407, amount=12340, currency="kwd", status="pending", description="\x1b[31mred\x1b[0m\nline two"
    ),
]


def subscription(id: int, **changes: Any) -> SubscriptionRow:
    """One active subscription of 49.00 USD a month, with `changes`."""
    base: dict[str, Any] = {
        "id": id,
        "provider": "stripe",
        "livemode": False,
        "provider_subscription_id": f"sub_{id}",
        "customer_id": 17,
        "customer_email": "ada@example.com",
        "status": "active",
        "plan_name": "Team",
        "amount": 4900,
        "currency": "usd",
        "interval": "month",
        "quantity": 1,
        "current_period_end": NOW + timedelta(days=4, hours=1),
        "occurred_at": NOW,
        "created_at": NOW,
    }
    return SubscriptionRow(**{**base, **changes})


SUBSCRIPTIONS = [
    subscription(31),
    subscription(30, status="trialing", trial_end=NOW + timedelta(days=20), quantity=5, amount=24500),
    subscription(29, status="past_due", interval="year", amount=99000, currency="eur"),
    subscription(28, cancel_at_period_end=True, interval_count=3),
    subscription(27, status="canceled", ended_at=NOW - timedelta(days=3), plan_name=None),
]
CUSTOMER: dict[str, Any] = {
    "id": 17,
    "provider": "stripe",
    "livemode": False,
    "provider_customer_id": "cus_17",
    "user_id": "user-42",
    "email": "ada@example.com",
    "name": "Ada Lovelace",
    "occurred_at": NOW - timedelta(days=90),
    "created_at": NOW,
}


class FakePayments:
    """Answers from the rows above and remembers what it was asked for. `closed` counts closings."""

    def __init__(self, *, empty: bool = False, livemode: bool = False) -> None:
        self.empty, self.livemode = empty, livemode
        self.calls: list[tuple[str, Any]] = []
        self.failure: Exception | None = None
        self.findings = [
            Finding(id="database", level="ok", title="The database is reachable and up to date."),
            Finding(
                id="webhook_secret",
                level="warning",
                title="No webhook secret is set.",
                cure="Set STRIPE_WEBHOOK_SECRET.",
            ),
        ]
        self.closed = 0
        self.hangs = False

    def _note(self, name: str, value: Any) -> None:
        self.calls.append((name, value))
        if self.failure is not None:
            raise self.failure

    async def aclose(self) -> None:
        self.closed += 1

    def currencies(self, provider: str) -> CurrencyTable:
        return STRIPE if provider == "stripe" else ISO

    async def status(self, viewer: Viewer, provider: str | None = None) -> StatusView:
        self._note("status", viewer)
        if self.hangs:
            print("waiting", flush=True)
            await asyncio.Event().wait()
        sums = [
            Revenue(currency="usd", gross=123456789, refunded=4900, disputed=0, net=123451889),
            Revenue(currency="jpy", gross=5000, refunded=0, disputed=0, net=5000),
        ]
        return StatusView(
            provider=None if self.empty else "stripe",
            account=None if self.empty else "default",
            enabled=not self.empty,
            livemode=False,
            is_test_mode=True,
            healthy=not self.empty,
            health_message="STRIPE_SECRET_KEY is not set." if self.empty else "Stripe answers (Acme Ltd).",
            api_version="2026-10-28.endive",
            total_transactions=0 if self.empty else 1234,
            active_subscriptions=3,
            open_disputes=0,
            failed_events=2,
            last_event_at=NOW - timedelta(minutes=3),
            revenue=[] if self.empty else sums,
        )

    async def transactions(self, viewer: Viewer, query: TransactionQuery) -> Page[TransactionRow]:
        self._note("transactions", query)
        rows = [] if self.empty else [row for row in TRANSACTIONS if query.status in {None, row.status}]
        start = int(query.cursor or 0)
        rest = start + query.limit < len(rows)
        return Page(
            rows=rows[start : start + query.limit], next_cursor=str(start + query.limit) if rest else None
        )

    async def transaction(self, viewer: Viewer, id: str) -> TransactionDetail:
        self._note("transaction", id)
        for row in TRANSACTIONS:
            if id in {str(row.id), row.provider_transaction_id}:
                return self._detail(row)
        raise errors.NotFound(f"There is no payment {id!r}.")

    def _detail(self, row: TransactionRow) -> TransactionDetail:
        timeline = [
            TimelineEntry(
                at=row.occurred_at, kind="payment", title="Paid", amount=row.amount, currency=row.currency
            ),
            TimelineEntry(at=NOW, kind="operation", title="Refund", status="pending", actor="cli:alice"),
        ]
        dispute = DisputeRow(
            id=5,
            provider="stripe",
            livemode=False,
            provider_dispute_id="dp_5",
            kind=DisputeKind.CHARGEBACK,
            status=DisputeStatus.NEEDS_RESPONSE,
            reason="fraudulent",
            amount=row.amount,
            currency=row.currency,
            evidence_due_by=NOW + timedelta(days=5, minutes=1),
            occurred_at=NOW,
            created_at=NOW,
        )
        return TransactionDetail(
            **{**row.model_dump(), "livemode": self.livemode},
            refunds=[other for other in TRANSACTIONS if other.parent_id == row.id],
            disputes=[dispute] if row.id == 410 else [],
            timeline=timeline,
            references=[
                Reference(kind="payment", id=f"pi_{row.id}", url=f"https://dashboard.test/pi_{row.id}")
            ],
        )

    async def subscriptions(self, viewer: Viewer, query: SubscriptionQuery) -> Page[SubscriptionRow]:
        self._note("subscriptions", query)
        return Page(rows=[] if self.empty else SUBSCRIPTIONS)

    async def customers(self, viewer: Viewer, query: CustomerQuery) -> Page[CustomerRow]:
        self._note("customers", query)
        return Page(rows=[] if self.empty else [CustomerRow(**CUSTOMER)])

    async def customer(self, viewer: Viewer, id: str) -> CustomerDetail:
        self._note("customer", id)
        value = CustomerValue(currency="usd", gross=9800, refunded=500, disputed=0, net=9300, payments=2)
        return CustomerDetail(**CUSTOMER, value=[value], subscriptions=SUBSCRIPTIONS[:2])

    async def catalog(
        self,
        viewer: Viewer,
        provider: str | None = None,
        *,
        query: CatalogQuery | None = None,
        patience: float | None = None,
    ) -> Catalog:
        self._note("catalog", provider)
        team: dict[str, Any] = {"product_id": "prod_1", "product_name": "Team"}
        prices = [
            PriceRow(id="price_month", amount=4900, currency="usd", interval="month", **team),
            PriceRow(id="price_once", amount=5000, currency="jpy", nickname="lifetime", **team),
            PriceRow(
                id="price_tiers", amount=None, currency="eur", interval="month", interval_count=3, **team
            ),
        ]
        return Catalog(provider="stripe", prices=[] if self.empty else prices)

    async def doctor(self, *, from_outside: bool = False) -> list[Finding]:
        self._note("doctor", None)
        return self.findings

    async def create_checkout(
        self, viewer: Viewer, body: CheckoutBody, *, idempotency_key: str | None = None
    ) -> CheckoutCreated:
        self._note("create_checkout", (body, idempotency_key))
        return CheckoutCreated(session_id="cs_test_1", checkout_url="https://checkout.test/c/cs_test_1")

    async def refund(
        self, viewer: Viewer, id: str, body: RefundBody, *, idempotency_key: str | None = None
    ) -> TransactionRow:
        self._note("refund", (id, body, idempotency_key))
        return transaction(500, type="refund", amount=body.amount or 4900, parent_id=int(id))


def opener(payments: FakePayments) -> Opener:
    """What commands find on the context instead of opening a database."""

    @asynccontextmanager
    async def opened(check_schema: bool) -> AsyncIterator[Any]:
        payments.calls.append(("open", check_schema))
        try:
            yield payments
        finally:
            await payments.aclose()

    return Opener(opened)


def from_environment(environ: Mapping[str, str]) -> FakePayments:
    """Honours `FAKE_EMPTY`, `FAKE_LIVE` and `FAKE_FAILURE`: unavailable, database, bug or hang."""
    payments = FakePayments(empty="FAKE_EMPTY" in environ, livemode="FAKE_LIVE" in environ)
    failures: dict[str, Exception] = {
        "unavailable": errors.ProviderUnavailable("Stripe can't be reached.", retry_after=5)
    }
    failures |= {"database": errors.DatabaseError("The database can't be reached.")}
    payments.failure = {**failures, "bug": KeyError("sk_test_secret")}.get(environ.get("FAKE_FAILURE", ""))
    payments.hangs = environ.get("FAKE_FAILURE") == "hang"
    return payments


if __name__ == "__main__":
    payment(prog_name="overseer payment", obj=opener(from_environment(os.environ)))
