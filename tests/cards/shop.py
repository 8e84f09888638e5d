"""A shop with a year behind it: several currencies, long and right-to-left names, every state."""

from __future__ import annotations

import random
from datetime import timedelta

from overseer_payment.provider import (
    Capability,
    DisputeKind,
    DisputeStatus,
)
from overseer_payment.schemas import (
    Deadline,
    DisputeRow,
    Finding,
    PriceRow,
    ProviderRow,
    ProviderState,
    Reference,
    RevenuePoint,
    RevenueSeries,
    SubscriptionRow,
    TimelineEntry,
    TransactionDetail,
    TransactionRow,
)
from tests.cards.fake_payments import FakePayments
from tests.cards.rows import (
    HEBREW,
    LONG,
    SESSION,
    checkout,
    customer,
    event,
    now,
    subscription,
    transaction,
)


def points(days: int, average: int, *, seed: int = 7) -> list[RevenuePoint]:
    """`days` daily points that look like a small shop: weekends are quieter, some days nothing happens."""
    rng, today = random.Random(seed), now().date()
    found = []
    for back in range(days - 1, -1, -1):
        date = today - timedelta(days=back)
        quiet = 0.45 if date.weekday() >= 5 else 1.0
        growth = 1 + 0.5 * (days - back) / days
        gross = int(average * quiet * growth * rng.uniform(0.3, 1.7)) if rng.random() > 0.06 else 0
        refunded = int(gross * rng.uniform(0.05, 0.5)) if rng.random() < 0.16 else 0
        disputed = int(average * 0.4) if rng.random() < 0.03 else 0
        found.append(
            RevenuePoint(
                date=date, gross=gross, refunded=refunded, disputed=disputed, net=gross - refunded - disputed
            )
        )
    return found


def shop() -> FakePayments:
    """A shop with a year behind it, in four currencies and every state."""
    return FakePayments(
        series=[
            RevenueSeries(currency="eur", points=points(365, 9_000, seed=3)),
            RevenueSeries(currency="usd", points=points(365, 64_000)),
            RevenueSeries(
                currency="jpy", points=[_quiet(p, i) for i, p in enumerate(points(365, 50_000, seed=5))]
            ),
        ],
        payments=_payments(),
        subs=_subscriptions(),
        people=[customer(id) for id in range(2, 32)]
        + [
            customer(
                1, name=LONG, email="a.very.long.address.of.somebody@subdomain.of.a.company.example.com"
            ),
            customer(32, name=HEBREW, user_id="42"),
            customer(33, name=None, email=None, deleted=True, value=[]),
        ],
        inbox=[
            event(1),
            event(2, status="pending", attempts=0, applied_at=None),
            event(3, status="failed", attempts=4, last_error=f"ValueError: {LONG}", applied_at=None),
            event(4, status="dead", type="customer.subscription.pending_update_applied", attempts=12),
        ],
        checkouts={SESSION: checkout()},
        prices=[
            PriceRow(
                id="price_1",
                product_id="p1",
                product_name="Growth",
                amount=2900,
                currency="usd",
                interval="month",
            ),
            PriceRow(
                id="price_2",
                product_id="p1",
                product_name="Growth",
                amount=29000,
                currency="usd",
                interval="year",
                nickname="two months free",
            ),
            PriceRow(id="price_3", product_id="p2", product_name="Poster, A2", amount=4900, currency="usd"),
            PriceRow(id="price_4", product_id="p2", product_name="Poster, A2", amount=7500, currency="jpy"),
            PriceRow(id="price_5", product_id="p3", product_name=LONG, amount=None, currency="kwd"),
        ],
        plugins=[
            ProviderRow(
                key="stripe",
                title="Stripe",
                state=ProviderState.READY,
                distribution="overseer-payment",
                version="0.1.0",
                api_version="2026-10-28.endive",
                capabilities=[one.value for one in Capability],
            ),
            ProviderRow(
                key="acme",
                title="Acme Pay",
                state=ProviderState.NOT_CONFIGURED,
                distribution="overseer-acme",
                version="1.2",
                error="Set ACME_API_KEY.",
            ),
            ProviderRow(
                key="broken",
                title="broken",
                state=ProviderState.BROKEN,
                error="ImportError while loading overseer_broken: no module named 'brokensdk'.",
            ),
        ],
        findings=[
            Finding(id="database", level="ok", title="The database schema is up to date."),
            Finding(
                id="webhook-secret",
                level="error",
                title="No webhook signing secret is set.",
                cure="Set STRIPE_WEBHOOK_SECRET to the whsec_… that Stripe shows for this endpoint.",
            ),
            Finding(
                id="public-url",
                level="warning",
                title="The public URL is not https.",
                cure="Set OVERSEER_PUBLIC_URL to the https address that the outside reaches.",
            ),
        ],
    )


def _quiet(point: RevenuePoint, index: int) -> RevenuePoint:
    return point if index % 5 == 0 else RevenuePoint(date=point.date, gross=0, refunded=0, disputed=0, net=0)


def _payments() -> list[TransactionDetail]:
    refund = transaction(3, type="refund", parent_id=2, amount=1250, reason="requested_by_customer")
    dispute = DisputeRow(
        id=1,
        provider="stripe",
        livemode=False,
        provider_dispute_id="du_1",
        kind=DisputeKind.CHARGEBACK,
        status=DisputeStatus.NEEDS_RESPONSE,
        reason="product_not_received",
        amount=12900,
        currency="usd",
        evidence_due_by=now() + timedelta(days=5, hours=3),
        deadline=Deadline.DUE_SOON,
        can_respond=True,
        can_accept=True,
        funds_withdrawn=12900,
        transaction_id=4,
        occurred_at=now() - timedelta(days=2),
        created_at=now(),
    )
    special = [
        transaction(
            1,
            description="Growth, November",
            type="subscription",
            subscription_id=1,
            customer_id=1,
            customer_name="Ada Lovelace",
            customer_email="ada@example.com",
            method="visa •••• 4242",
            amount=2900,
            occurred_at=now() - timedelta(minutes=3),
            timeline=[
                TimelineEntry(
                    at=now() - timedelta(minutes=9), kind="checkout", title="Checkout opened", actor="user:7"
                ),
                TimelineEntry(
                    at=now() - timedelta(minutes=5),
                    kind="attempt",
                    title="Attempt failed",
                    status="failed",
                    detail="The card has insufficient funds.",
                    amount=2900,
                    currency="usd",
                ),
                TimelineEntry(
                    at=now() - timedelta(minutes=3),
                    kind="payment",
                    title="Paid",
                    amount=2900,
                    currency="usd",
                    status="succeeded",
                ),
            ],
            references=[
                Reference(
                    kind="payment",
                    id="pi_3Q000001",
                    url="https://dashboard.stripe.com/test/payments/pi_3Q000001",
                ),
                Reference(kind="charge", id="ch_3Q000001"),
                Reference(kind="invoice", id="in_1Q000001", url="javascript:alert(1)"),
            ],
        ),
        transaction(
            2,
            description="Poster, A2",
            status="partially_refunded",
            amount_refunded=1250,
            customer_id=2,
            customer_name="Grace Hopper",
            customer_email="grace@example.com",
            method="mastercard •••• 4444",
            refunds=[
                TransactionRow.model_validate(refund.model_dump(include=set(TransactionRow.model_fields)))
            ],
        ),
        refund,
        transaction(
            4,
            description="Consulting, two days",
            amount=12900,
            amount_disputed=12900,
            amount_refundable=12900,
            customer_name=LONG,
            customer_id=1,
            method="visa •••• 0259",
            disputes=[dispute],
        ),
        transaction(
            5, status="pending", amount=500000, currency="jpy", customer_name="山田 太郎", method="konbini"
        ),
        transaction(
            6,
            status="failed",
            failure_code="card_declined",
            failure_message="The card was declined.",
            customer_email="someone.with.a.rather.long.address@example.com",
            method="visa •••• 0002",
        ),
        transaction(
            7, amount=1500, currency="kwd", customer_name=HEBREW, description=HEBREW, method="visa •••• 1111"
        ),
        transaction(
            8, status="refunded", amount_refunded=4900, customer_name="Alan Turing", method="sepa_debit"
        ),
        transaction(9, status="canceled", amount=0, currency="eur"),
    ]
    rng = random.Random(1)
    names = ("Edsger Dijkstra", "Barbara Liskov", "Donald Knuth", "Radia Perlman", "Margaret Hamilton", None)
    common = [
        transaction(
            id,
            amount=rng.choice((2900, 4900, 29000)),
            currency=rng.choice(("usd", "usd", "eur")),
            customer_name=rng.choice(names),
            customer_id=2 + id % 20,
            method="visa •••• 4242",
            description=rng.choice(("Growth", "Poster, A2", None)),
            occurred_at=now() - timedelta(hours=7 * id),
        )
        for id in range(10, 70)
    ]
    return [*special, *common]


def _subscriptions() -> list[SubscriptionRow]:
    day = timedelta(days=1)
    return [
        subscription(1, quantity=12, amount=34800),
        subscription(
            2, status="past_due", customer_email="late@example.com", current_period_start=now() - 3 * day
        ),
        subscription(3, status="trialing", trial_end=now() + 5 * day, plan_name="Enterprise", amount=90000),
        subscription(4, cancel_at_period_end=True, plan_name=LONG),
        subscription(5, status="canceled", ended_at=now() - 9 * day, interval="year", amount=29000),
        subscription(6, status="paused", plan_name=HEBREW, currency="kwd", amount=1500),
        subscription(
            7, status="incomplete", plan_name=None, customer_id=None, customer_email=None, interval=None
        ),
        subscription(8, current_period_end=now() - day, interval_count=3),
    ]
