"""A façade and a host that hold everything in memory, for tests of what the pages themselves decide.

The rows are such as a shop really has: several currencies with different exponents, long and
right-to-left names, every state, and nothing at all.
"""

from __future__ import annotations

import random
from collections.abc import Iterable, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from typing import Any, TypeVar, cast

import pytest
from sqlalchemy.ext.asyncio import AsyncEngine
from starlette.applications import Starlette
from starlette.middleware import Middleware
from starlette.requests import Request
from starlette.responses import HTMLResponse, Response
from starlette.routing import BaseRoute, Mount, Route

from overseer_payment import errors
from overseer_payment.cards import cards, landing, pages
from overseer_payment.host.middleware import CONTENT_SECURITY_POLICY, SetHeaders
from overseer_payment.host_contract import PERMISSIONS, Host, User
from overseer_payment.money import CurrencyTable
from overseer_payment.provider import (
    Capability,
    CheckoutMode,
    CheckoutPaymentState,
    CheckoutStatus,
    DisputeKind,
    DisputeStatus,
    SubscriptionStatus,
)
from overseer_payment.schemas import (
    Catalog,
    CheckoutBody,
    CheckoutCreated,
    CheckoutRow,
    CustomerDetail,
    CustomerQuery,
    CustomerRow,
    CustomerValue,
    DisputeRow,
    Finding,
    Page,
    PriceRow,
    ProviderRow,
    ProviderState,
    Reference,
    RefundBody,
    Revenue,
    RevenuePoint,
    RevenueQuery,
    RevenueSeries,
    RevenueTimeseries,
    Row,
    StatusView,
    SubscriptionItemRow,
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
from overseer_payment.service import Payments

RowT = TypeVar("RowT", bound=Row)
STRIPE = CurrencyTable(exponents={"ISK": 2, "UGX": 2}, granularity={"ISK": 100, "KWD": 10})
TOKEN = "form-token"
XSS = "<script>alert(1)</script>\"'><img src=x onerror=alert(1)>"
LONG = "Übertragungsgesellschaft für außergewöhnlich lange Firmennamen und Söhne mbH & Co. KG auf Aktien"
HEBREW = "חברת התשלומים הגדולה בע״מ"
SESSION = "cs_test_a1b2c3d4e5f6g7h8"


def now() -> datetime:
    return datetime.now(UTC).replace(microsecond=0)


def transaction(id: int, **changes: Any) -> TransactionDetail:
    """One succeeded payment of 49.00 USD, with `changes`."""
    fields: dict[str, Any] = {
        "id": id,
        "provider": "stripe",
        "livemode": False,
        "provider_transaction_id": f"pi_3Q{id:06d}",
        "type": TransactionType.CHARGE,
        "status": TransactionState.SUCCEEDED,
        "amount": 4900,
        "amount_refunded": 0,
        "amount_disputed": 0,
        "currency": "usd",
        "occurred_at": now() - timedelta(hours=id),
        "created_at": now(),
        **changes,
    }
    status = TransactionState(fields["status"])
    if status in {TransactionState.SUCCEEDED, TransactionState.PARTIALLY_REFUNDED}:
        fields.setdefault("amount_refundable", fields["amount"] - fields["amount_refunded"])
    return TransactionDetail.model_validate(fields)


def subscription(id: int, **changes: Any) -> SubscriptionRow:
    """One active monthly subscription that renews in twelve days, with `changes`."""
    fields: dict[str, Any] = {
        "id": id,
        "provider": "stripe",
        "livemode": False,
        "provider_subscription_id": f"sub_1Q{id:06d}",
        "customer_id": 1,
        "customer_email": "ada@example.com",
        "status": SubscriptionStatus.ACTIVE,
        "plan_name": "Growth",
        "amount": 2900,
        "currency": "usd",
        "interval": "month",
        "quantity": 1,
        "items": [
            SubscriptionItemRow(
                id="si_1", price_id="price_1", name="Growth", quantity=1, amount=2900, interval="month"
            )
        ],
        "current_period_start": now() - timedelta(days=18),
        "current_period_end": now() + timedelta(days=12),
        "occurred_at": now() - timedelta(days=80),
        "created_at": now(),
        **changes,
    }
    return SubscriptionRow.model_validate(fields)


def customer(id: int, **changes: Any) -> CustomerDetail:
    """One customer with a lifetime value in two currencies, with `changes`."""
    fields: dict[str, Any] = {
        "id": id,
        "provider": "stripe",
        "livemode": False,
        "provider_customer_id": f"cus_Q{id:06d}",
        "email": f"customer{id}@example.com",
        "name": f"Customer {id}",
        "occurred_at": now() - timedelta(days=90),
        "created_at": now(),
        "value": [
            CustomerValue(currency="usd", gross=14700, refunded=500, disputed=0, net=14200, payments=3),
            CustomerValue(currency="jpy", gross=500000, refunded=0, disputed=0, net=500000, payments=1),
        ],
        **changes,
    }
    return CustomerDetail.model_validate(fields)


def checkout(**changes: Any) -> CheckoutRow:
    """One paid checkout of 49.00 USD, with `changes`."""
    fields: dict[str, Any] = {
        "session_id": SESSION,
        "provider": "stripe",
        "livemode": False,
        "mode": CheckoutMode.PAYMENT,
        "status": CheckoutStatus.COMPLETE,
        "payment_state": CheckoutPaymentState.PAID,
        "amount_total": 4900,
        "currency": "usd",
        "occurred_at": now(),
        "created_at": now(),
        **changes,
    }
    return CheckoutRow.model_validate(fields)


def status(**changes: Any) -> StatusView:
    """A healthy test account, with `changes`."""
    fields: dict[str, Any] = {
        "provider": "stripe",
        "account": "default",
        "enabled": True,
        "livemode": False,
        "is_test_mode": True,
        "healthy": True,
        "health_message": "Connected to Stripe.",
        "api_version": "2026-10-28.endive",
        "total_transactions": 1284,
        "active_subscriptions": 87,
        "open_disputes": 2,
        "failed_events": 0,
        "last_event_at": now() - timedelta(minutes=4),
        "revenue": [
            Revenue(currency=code, gross=1, refunded=0, disputed=0, net=1) for code in ("usd", "eur", "jpy")
        ],
        **changes,
    }
    return StatusView.model_validate(fields)


@dataclass
class FakePayments:
    """What `Payments` answers, from lists. `failing` makes every question raise that error."""

    state: StatusView = field(default_factory=status)
    series: list[RevenueSeries] = field(default_factory=list)
    payments: list[TransactionDetail] = field(default_factory=list)
    subs: list[SubscriptionRow] = field(default_factory=list)
    people: list[CustomerDetail] = field(default_factory=list)
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

    async def status(self, viewer: Viewer) -> StatusView:
        self._answer()
        return self.state

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
        return _one(self.payments, id)

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

    async def catalog(self, viewer: Viewer) -> Catalog:
        self._answer()
        return Catalog(provider="stripe", prices=self.prices)

    def providers(self) -> list[ProviderRow]:
        return self.plugins

    def currencies(self, provider: str) -> CurrencyTable:
        return STRIPE

    async def doctor(self) -> list[Finding]:
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
            "status": TransactionState.REFUNDED if after == row.amount else TransactionState.PARTIALLY_REFUNDED,
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
        and (query.occurred_after is None or row.occurred_at >= query.occurred_after)
        and (query.occurred_before is None or row.occurred_at < query.occurred_before)
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
            RevenueSeries(currency="jpy", points=[_quiet(p, i) for i, p in enumerate(points(365, 50_000, seed=5))]),
        ],
        payments=_payments(),
        subs=_subscriptions(),
        people=[customer(id) for id in range(2, 32)]
        + [
            customer(1, name=LONG, email="a.very.long.address.of.somebody@subdomain.of.a.company.example.com"),
            customer(32, name=HEBREW, user_id="42"),
            customer(33, name=None, email=None, deleted=True, value=[]),
        ],
        checkouts={SESSION: checkout()},
        prices=[
            PriceRow(id="price_1", product_id="p1", product_name="Growth", amount=2900, currency="usd", interval="month"),
            PriceRow(
                id="price_2", product_id="p1", product_name="Growth", amount=29000, currency="usd", interval="year",
                nickname="two months free",
            ),  # fmt: skip
            PriceRow(id="price_3", product_id="p2", product_name="Poster, A2", amount=4900, currency="usd"),
            PriceRow(id="price_4", product_id="p2", product_name="Poster, A2", amount=7500, currency="jpy"),
            PriceRow(id="price_5", product_id="p3", product_name=LONG, amount=None, currency="kwd"),
        ],
        plugins=[
            ProviderRow(
                key="stripe", title="Stripe", state=ProviderState.READY, distribution="overseer-payment",
                version="0.1.0", api_version="2026-10-28.endive", capabilities=[one.value for one in Capability],
            ),  # fmt: skip
            ProviderRow(
                key="acme", title="Acme Pay", state=ProviderState.NOT_CONFIGURED, distribution="overseer-acme",
                version="1.2", error="Set ACME_API_KEY.",
            ),  # fmt: skip
            ProviderRow(
                key="broken", title="broken", state=ProviderState.BROKEN,
                error="ImportError while loading overseer_broken: no module named 'brokensdk'.",
            ),  # fmt: skip
        ],
        findings=[
            Finding(id="database", level="ok", title="The database schema is up to date."),
            Finding(
                id="webhook-secret", level="error", title="No webhook signing secret is set.",
                cure="Set STRIPE_WEBHOOK_SECRET to the whsec_… that Stripe shows for this endpoint.",
            ),  # fmt: skip
            Finding(
                id="public-url", level="warning", title="The public URL is not https.",
                cure="Set OVERSEER_PUBLIC_URL to the https address that the outside reaches.",
            ),  # fmt: skip
        ],
    )  # fmt: skip


def _quiet(point: RevenuePoint, index: int) -> RevenuePoint:
    return point if index % 5 == 0 else RevenuePoint(date=point.date, gross=0, refunded=0, disputed=0, net=0)


def _payments() -> list[TransactionDetail]:
    refund = transaction(3, type="refund", parent_id=2, amount=1250, reason="requested_by_customer")
    dispute = DisputeRow(
        id=1, provider="stripe", livemode=False, provider_dispute_id="du_1", kind=DisputeKind.CHARGEBACK,
        status=DisputeStatus.NEEDS_RESPONSE, reason="product_not_received", amount=12900, currency="usd",
        evidence_due_by=now() + timedelta(days=5, hours=3), transaction_id=4, occurred_at=now() - timedelta(days=2),
        created_at=now(),
    )  # fmt: skip
    special = [
        transaction(
            1, description="Growth, November", type="subscription", subscription_id=1, customer_id=1,
            customer_name="Ada Lovelace", customer_email="ada@example.com", method="visa •••• 4242", amount=2900,
            occurred_at=now() - timedelta(minutes=3),
            timeline=[
                TimelineEntry(at=now() - timedelta(minutes=9), kind="checkout", title="Checkout opened", actor="user:7"),
                TimelineEntry(
                    at=now() - timedelta(minutes=5), kind="attempt", title="Attempt failed", status="failed",
                    detail="The card has insufficient funds.", amount=2900, currency="usd",
                ),
                TimelineEntry(
                    at=now() - timedelta(minutes=3), kind="payment", title="Paid", amount=2900, currency="usd",
                    status="succeeded",
                ),
            ],
            references=[
                Reference(kind="payment", id="pi_3Q000001", url="https://dashboard.stripe.com/test/payments/pi_3Q000001"),
                Reference(kind="charge", id="ch_3Q000001"),
                Reference(kind="invoice", id="in_1Q000001", url="javascript:alert(1)"),
            ],
        ),
        transaction(
            2, description="Poster, A2", status="partially_refunded", amount_refunded=1250, customer_id=2,
            customer_name="Grace Hopper", customer_email="grace@example.com", method="mastercard •••• 4444",
            refunds=[TransactionRow.model_validate(refund.model_dump(include=set(TransactionRow.model_fields)))],
        ),
        refund,
        transaction(
            4, description="Consulting, two days", amount=12900, amount_disputed=12900, amount_refundable=12900,
            customer_name=LONG, customer_id=1, method="visa •••• 0259", disputes=[dispute],
        ),
        transaction(5, status="pending", amount=500000, currency="jpy", customer_name="山田 太郎", method="konbini"),
        transaction(
            6, status="failed", failure_code="card_declined", failure_message="The card was declined.",
            customer_email="someone.with.a.rather.long.address@example.com", method="visa •••• 0002",
        ),
        transaction(7, amount=1500, currency="kwd", customer_name=HEBREW, description=HEBREW, method="visa •••• 1111"),
        transaction(8, status="refunded", amount_refunded=4900, customer_name="Alan Turing", method="sepa_debit"),
        transaction(9, status="canceled", amount=0, currency="eur"),
    ]  # fmt: skip
    rng = random.Random(1)
    names = ("Edsger Dijkstra", "Barbara Liskov", "Donald Knuth", "Radia Perlman", "Margaret Hamilton", None)
    common = [
        transaction(
            id, amount=rng.choice((2900, 4900, 29000)), currency=rng.choice(("usd", "usd", "eur")),
            customer_name=rng.choice(names), customer_id=2 + id % 20, method="visa •••• 4242",
            description=rng.choice(("Growth", "Poster, A2", None)), occurred_at=now() - timedelta(hours=7 * id),
        )
        for id in range(10, 70)
    ]  # fmt: skip
    return [*special, *common]


def _subscriptions() -> list[SubscriptionRow]:
    day = timedelta(days=1)
    return [
        subscription(1, quantity=12, amount=34800),
        subscription(2, status="past_due", customer_email="late@example.com", current_period_start=now() - 3 * day),
        subscription(3, status="trialing", trial_end=now() + 5 * day, plan_name="Enterprise", amount=90000),
        subscription(4, cancel_at_period_end=True, plan_name=LONG),
        subscription(5, status="canceled", ended_at=now() - 9 * day, interval="year", amount=29000),
        subscription(6, status="paused", plan_name=HEBREW, currency="kwd", amount=1500),
        subscription(7, status="incomplete", plan_name=None, customer_id=None, customer_email=None, interval=None),
        subscription(8, current_period_end=now() - day, interval_count=3),
    ]


@dataclass(eq=False)
class FakeHost:
    """The least a host can be. Signed in by a cookie, so every write needs the form's token."""

    permissions: frozenset[str] = frozenset(PERMISSIONS)
    signed_in: bool = True
    by_cookie: bool = True
    config: Mapping[str, Any] = field(default_factory=dict)

    @property
    def engine(self) -> AsyncEngine:
        raise AssertionError("the pages ask the façade, never the database")

    async def user(self, request: Request) -> User | None:
        return User("7", "Ada") if self.signed_in else None

    async def authorize(self, request: Request, permission: str) -> bool:
        return self.signed_in and permission in self.permissions

    async def page(self, request: Request, *, title: str, body: str) -> Response:
        return HTMLResponse(
            '<!doctype html><html lang="en"><head><meta charset="utf-8"><title>' + title + "</title>"
            '<meta name="viewport" content="width=device-width, initial-scale=1">'
            '<link rel="icon" href="data:,"><link rel="stylesheet" href="/host.css"></head>'
            "<body><main>" + body + "</main></body></html>"
        )

    def csrf_token(self, request: Request) -> str | None:
        return TOKEN if self.by_cookie else None

    def check_csrf(self, request: Request, token: str | None) -> bool:
        return token == TOKEN

    def is_cookie_authenticated(self, request: Request) -> bool:
        return self.by_cookie


HOST_CSS = (
    ":root { color-scheme: light dark } "
    "body { margin: 0; background: light-dark(#f3f4f7, #0e1014); color: light-dark(#111, #eee) } "
    "main { padding: 16px } h1 { font: 600 20px system-ui } "
)


def build_app(host: FakeHost, *, root: str = "") -> Starlette:
    """An application with the pages below `root`, a dashboard with the card, under the strict policy."""
    contract = cast(Host, host)

    async def dashboard(request: Request) -> Response:
        card = cards(contract)[0]
        request.scope["root_path"] = root
        html = await card.render(contract, request)
        assets = "".join(f'<link rel="stylesheet" href="{root}{path}">' for path in card.stylesheets)
        assets += "".join(f'<script src="{root}{path}" defer></script>' for path in card.scripts)
        return await contract.page(request, title="Dashboard", body=f"<h1>Dashboard</h1>{assets}{html}")

    async def css(request: Request) -> Response:
        return Response(HOST_CSS, media_type="text/css")

    ours = [*pages.routes(contract), *pages.static_routes(contract), *landing.routes(contract)]
    mounted: list[BaseRoute] = [Mount(root, routes=ours)] if root else ours
    return Starlette(
        routes=[Route("/", dashboard), Route("/host.css", css), *mounted],
        middleware=[Middleware(SetHeaders, headers={"Content-Security-Policy": CONTENT_SECURITY_POLICY})],
    )


@contextmanager
def serving_payments(payments: FakePayments) -> Any:
    """Every host's service is `payments` meanwhile."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr("overseer_payment.composition.payments_for", lambda host: cast(Payments, payments))
        yield payments


