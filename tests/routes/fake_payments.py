"""A façade and a host that hold everything in memory, for tests of what REST itself decides."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from contextlib import closing
from dataclasses import dataclass, field
from datetime import UTC, date, datetime
from typing import Any, TypeVar, cast

from sqlalchemy import Connection
from sqlalchemy.ext.asyncio import AsyncEngine
from starlette.applications import Starlette
from starlette.requests import Request
from starlette.responses import HTMLResponse, Response
from starlette.testclient import TestClient

from overseer_payment.errors import Conflict, Invalid, NotFound
from overseer_payment.host_contract import PERMISSIONS, Host, User
from overseer_payment.ledger.scope import Scope
from overseer_payment.money import ISO, CurrencyTable
from overseer_payment.provider import CheckoutMode, CheckoutPaymentState, CheckoutStatus, SubscriptionStatus
from overseer_payment.routes.api import api_routes, public_api_routes
from overseer_payment.schemas import (
    Catalog,
    CatalogQuery,
    CheckoutBody,
    CheckoutCreated,
    CheckoutRow,
    CustomerDetail,
    CustomerQuery,
    CustomerRow,
    Page,
    PriceRow,
    RefundBody,
    Revenue,
    RevenuePoint,
    RevenueQuery,
    RevenueSeries,
    RevenueTimeseries,
    StatusView,
    SubscriptionQuery,
    SubscriptionRow,
    TransactionDetail,
    TransactionQuery,
    TransactionRow,
    TransactionState,
    TransactionType,
    Viewer,
)
from overseer_payment.service import Payments
from overseer_payment.shown import whose
from tests.ledger.books import memory

T = TypeVar("T")
TOKEN = "admin-token"
NOW = datetime(2026, 11, 2, 9, 30, tzinfo=UTC)
OWNER = "alice"
_SOURCE: dict[str, Any] = {"provider": "stripe", "livemode": False}
_TIMES: dict[str, Any] = {"occurred_at": NOW, "created_at": NOW}


def payment(**changes: Any) -> dict[str, Any]:
    """The fields of alice's payment, id 7."""
    return {
        **_SOURCE,
        **_TIMES,
        "id": 7,
        "provider_transaction_id": "pi_1",
        "type": TransactionType.CHARGE,
        "status": TransactionState.SUCCEEDED,
        "amount": 1000,
        "amount_refunded": 0,
        "amount_disputed": 0,
        "currency": "usd",
        "customer_id": 3,
        **changes,
    }


CUSTOMER = CustomerRow(**_SOURCE, **_TIMES, id=3, provider_customer_id="cus_1", user_id=OWNER)
SUBSCRIPTION = SubscriptionRow(
    **_SOURCE,
    **_TIMES,
    id=4,
    provider_subscription_id="sub_1",
    customer_id=3,
    status=SubscriptionStatus.ACTIVE,
    amount=4900,
    currency="usd",
    quantity=1,
)
CHECKOUT = CheckoutRow(
    **_SOURCE,
    **_TIMES,
    session_id="cs_1",
    mode=CheckoutMode.PAYMENT,
    status=CheckoutStatus.COMPLETE,
    payment_state=CheckoutPaymentState.PAID,
)


@dataclass
class FakePayments:
    """Alice's payment, subscription, customer and checkout. `error`, when set, is raised by every call."""

    error: Exception | None = None
    calls: list[tuple[str, Any]] = field(default_factory=list)
    refunded: int = 0
    refunds: dict[str, TransactionRow] = field(default_factory=dict)
    events: list[tuple[str | None, bytes, dict[str, str]]] = field(default_factory=list)

    def _enter(self, name: str, argument: Any = None) -> None:
        self.calls.append((name, argument))
        if self.error is not None:
            raise self.error

    def _mine(self, viewer: Viewer) -> bool:
        return viewer.sees_all or (viewer.user is not None and viewer.user.id == OWNER)

    def _one(self, viewer: Viewer, id: str, known: tuple[str, ...]) -> None:
        if id not in known or not self._mine(viewer):
            raise NotFound("No such row.")

    async def ask(
        self,
        viewer: Viewer,
        question: Callable[[Connection, Scope], T],
        *,
        one: bool = False,
        which: whose.Which | None = None,
    ) -> T:
        """Over a ledger in memory in which nothing stands."""
        self._enter("ask")
        with closing(memory()) as connection:
            return question(connection, Scope((1,), None if viewer.sees_all else OWNER))

    def currencies(self, provider: str) -> CurrencyTable:
        return ISO

    async def status(self, viewer: Viewer, provider: str | None = None) -> StatusView:
        self._enter("status")
        viewer.require("payment.view")
        revenue = Revenue(currency="usd", gross=1000, refunded=0, disputed=0, net=1000)
        return StatusView(
            provider="stripe",
            account="default",
            enabled=True,
            livemode=False,
            is_test_mode=True,
            healthy=True,
            health_message="Connected.",
            total_transactions=1,
            active_subscriptions=1,
            open_disputes=0,
            failed_events=0,
            revenue=[revenue],
        )

    async def revenue(self, viewer: Viewer, query: RevenueQuery) -> RevenueTimeseries:
        self._enter("revenue", query)
        viewer.require("payment.view")
        point = RevenuePoint(date=date(2026, 11, 2), gross=1000, refunded=0, disputed=0, net=1000)
        return RevenueTimeseries(days=query.days, series=[RevenueSeries(currency="usd", points=[point])])

    async def transactions(self, viewer: Viewer, query: TransactionQuery) -> Page[TransactionRow]:
        self._enter("transactions", query)
        rows = [TransactionRow(**payment())] if self._mine(viewer) else []
        return Page(rows=rows, next_cursor="more" if rows and query.cursor is None else None)

    async def transaction(self, viewer: Viewer, id: str) -> TransactionDetail:
        self._enter("transaction", id)
        self._one(viewer, id, ("7", "pi_1"))
        return TransactionDetail(**payment(amount_refunded=self.refunded))

    async def subscriptions(self, viewer: Viewer, query: SubscriptionQuery) -> Page[SubscriptionRow]:
        self._enter("subscriptions", query)
        return Page(rows=[SUBSCRIPTION] if self._mine(viewer) else [])

    async def subscription(self, viewer: Viewer, id: str) -> SubscriptionRow:
        self._enter("subscription", id)
        self._one(viewer, id, ("4", "sub_1"))
        return SUBSCRIPTION

    async def customers(self, viewer: Viewer, query: CustomerQuery) -> Page[CustomerRow]:
        self._enter("customers", query)
        return Page(rows=[CUSTOMER] if self._mine(viewer) else [])

    async def customer(self, viewer: Viewer, id: str) -> CustomerDetail:
        self._enter("customer", id)
        self._one(viewer, id, ("3", "cus_1"))
        return CustomerDetail(**CUSTOMER.model_dump(), subscriptions=[SUBSCRIPTION])

    async def checkout(self, viewer: Viewer, session_id: str) -> CheckoutRow:
        self._enter("checkout", session_id)
        self._one(viewer, session_id, ("cs_1",))
        return CHECKOUT

    async def catalog(
        self,
        viewer: Viewer,
        provider: str | None = None,
        *,
        query: CatalogQuery | None = None,
        patience: float | None = None,
    ) -> Catalog:
        self._enter("catalog", provider)
        viewer.require("payment.view")
        price = PriceRow(id="price_1", product_id="prod_1", product_name="Pen", amount=1000, currency="usd")
        return Catalog(provider="stripe", prices=[price])

    async def create_checkout(
        self, viewer: Viewer, body: CheckoutBody, *, idempotency_key: str | None = None
    ) -> CheckoutCreated:
        self._enter("create_checkout", (viewer.actor, body, idempotency_key))
        return CheckoutCreated(session_id="cs_2", checkout_url="https://checkout.example.com/c/cs_2")

    async def refund(
        self, viewer: Viewer, id: str, body: RefundBody, *, idempotency_key: str | None = None
    ) -> TransactionRow:
        self._enter("refund", (viewer.actor, body, idempotency_key))
        self._one(viewer, id, ("7", "pi_1"))
        if idempotency_key in self.refunds:
            return self.refunds[idempotency_key]
        remaining = 1000 - self.refunded
        amount = remaining if body.amount is None else body.amount
        if not remaining:
            raise Conflict("Nothing is left to refund.", code="nothing_left")
        if amount > remaining:
            raise Invalid("More than remains.", code="more_than_remains")
        self.refunded += amount
        row = TransactionRow(**payment(id=8, type=TransactionType.REFUND, amount=amount, parent_id=7))
        if idempotency_key is not None:
            self.refunds[idempotency_key] = row
        return row

    async def receive(self, provider: str | None, body: bytes, headers: Mapping[str, str]) -> None:
        self._enter("receive", provider)
        self.events.append((provider, body, dict(headers)))


@dataclass
class FakeHost:
    """Knows a bearer token that may do everything, and users named by a session cookie or by a token."""

    granted: dict[str, frozenset[str]] = field(default_factory=dict)
    error: Exception | None = None
    asked: list[str] = field(default_factory=list)
    config: Mapping[str, Any] = field(default_factory=dict)

    @property
    def engine(self) -> AsyncEngine:
        raise AssertionError("these tests have no database")

    def _name(self, request: Request) -> str | None:
        scheme, _, token = request.headers.get("authorization", "").partition(" ")
        if scheme.lower() == "bearer" and token.startswith("user-"):
            return token.removeprefix("user-")
        return request.cookies.get("session")

    async def user(self, request: Request) -> User | None:
        if self.error is not None:
            raise self.error
        name = self._name(request)
        return None if name is None else User(name)

    async def authorize(self, request: Request, permission: str) -> bool:
        self.asked.append(permission)
        if request.headers.get("authorization") == f"Bearer {TOKEN}":
            return permission in PERMISSIONS
        return permission in self.granted.get(self._name(request) or "", frozenset())

    async def page(self, request: Request, *, title: str, body: str) -> Response:
        return HTMLResponse(body)

    def csrf_token(self, request: Request) -> str | None:
        return "good"

    def check_csrf(self, request: Request, token: str | None) -> bool:
        return token == "good"

    def is_cookie_authenticated(self, request: Request) -> bool:
        return "authorization" not in request.headers and "session" in request.cookies


def application(payments: FakePayments, host: FakeHost) -> Starlette:
    """All routes of REST in one application, the guarded ones first."""

    def payments_for(_: Host) -> Payments:
        return cast(Payments, payments)

    return Starlette(routes=[*api_routes(host, payments_for), *public_api_routes(host, payments_for)])


def client_of(
    payments: FakePayments, host: FakeHost | None = None, *, caller: str | None = None
) -> TestClient:
    """A client. `caller`: None is anonymous, `admin` holds the host's token, else a user with a token."""
    headers = {}
    if caller is not None:
        headers["Authorization"] = f"Bearer {TOKEN if caller == 'admin' else 'user-' + caller}"
    return TestClient(
        application(payments, host or FakeHost()), headers=headers, raise_server_exceptions=True
    )
