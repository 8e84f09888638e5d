"""A business whose provider is the simulator: what its buyers, its owner and the network do."""

from __future__ import annotations

import json
import time
from collections.abc import AsyncIterator, Awaitable, Callable, Iterable, Mapping
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from email.utils import format_datetime
from typing import Any, TypeAlias

import httpx
from sqlalchemy import Select, Table, func, select
from sqlalchemy.ext.asyncio import AsyncEngine

from overseer_payment import tables
from overseer_payment.database import read
from overseer_payment.errors import PaymentError
from overseer_payment.ledger import accounts
from overseer_payment.listening import Listener
from overseer_payment.provider import CheckoutMode
from overseer_payment.provider_plugins.stripe.provider import StripeProvider
from overseer_payment.registry import Registry
from overseer_payment.schemas import (
    CheckoutBody,
    Finding,
    RefundBody,
    TransactionDetail,
    TransactionRow,
    Viewer,
)
from overseer_payment.service import Payments
from overseer_payment.settings import Settings
from overseer_payment.simulator import Deliverer, World, transport
from overseer_payment.simulator.cards import BY_NAME
from overseer_payment.simulator.deliveries import signature
from overseer_payment.simulator.resources.checkout_flow import Answer, Payer, submit

SECRET = "whsec_c2VydmljZSB0ZXN0cw"
LIVE = "sk_live_" + "x" * 24
LIVE_SETTINGS = {"STRIPE_SECRET_KEY": LIVE, "STRIPE_API_BASE": ""}  # a live key goes to no other server
WEBHOOK = "http://app.test/webhook"
OPERATOR = Viewer.operator("cli:tests")
REVENUE = ("gross", "refunded", "disputed", "net")


Hook: TypeAlias = Callable[[httpx.Request], Awaitable[None]]


async def nothing(_: httpx.Request) -> None:
    return None


async def _at_once(_: float) -> None:
    return None


class Wire(httpx.AsyncBaseTransport):
    """The way to the simulator, with the account's own time in the Date header, as Stripe's servers write it.

    `down` makes it unreachable; `before` and `after` are called around each request's effect.
    """

    def __init__(self, world: World) -> None:
        self._world, self._inner = world, transport(world)
        self.down = False
        self.before: Hook = nothing
        self.after: Hook = nothing

    async def handle_async_request(self, request: httpx.Request) -> httpx.Response:
        if self.down:
            raise httpx.ConnectError("unreachable, as asked", request=request)
        await self.before(request)
        response = await self._inner.handle_async_request(request)
        moment = datetime.fromtimestamp(self._world.now(), UTC)
        response.headers["Date"] = format_datetime(moment, usegmt=True)
        await self.after(request)  # until it arrives: its date is when it was written
        return response


class Receiver(httpx.AsyncBaseTransport):
    """Takes deliveries as the webhook's route does: 200 once stored, else the error's own status."""

    def __init__(self, payments: Payments) -> None:
        self._payments = payments

    async def handle_async_request(self, request: httpx.Request) -> httpx.Response:
        headers = {name.lower(): text for name, text in request.headers.items()}
        try:
            await self._payments.receive("stripe", await request.aread(), headers)
        except PaymentError as error:
            return httpx.Response(error.status)
        return httpx.Response(200)


def settings_of(world: World, **more: str) -> dict[str, str]:
    """What an operator would set."""
    return {
        "STRIPE_SECRET_KEY": world.secret_key,
        "STRIPE_WEBHOOK_SECRET": SECRET,
        "STRIPE_API_BASE": "http://simulator.invalid",
        "OVERSEER_SAFE_MODE": "1",
        **more,
    }


def service(
    wire: httpx.AsyncBaseTransport, engine: AsyncEngine, config: Mapping[str, str], **more: Any
) -> Payments:
    """A service as a host makes it, over `wire`."""
    registry = Registry(config, http_factory=lambda _: httpx.AsyncClient(transport=wire))
    if registry.configured():
        built = registry.get("stripe")
        assert isinstance(built, StripeProvider)
        built._sleep = _at_once  # between the SDK's own retries
    return Payments(engine, registry, Settings(), **more)


@dataclass
class Shop:
    world: World
    engine: AsyncEngine
    wire: Wire
    payments: Payments
    deliverer: Deliverer
    prices: dict[tuple[int, str, str | None], str] = field(default_factory=dict)

    @classmethod
    @asynccontextmanager
    async def opened(
        cls, world: World, engine: AsyncEngine, *, listeners: Iterable[Listener] = (), **more: str
    ) -> AsyncIterator[Shop]:
        """A shop whose webhook endpoint is registered; its background work is done by `settle`."""
        wire = Wire(world)
        payments = service(wire, engine, settings_of(world, **more), listeners=listeners)
        if not world.find("webhook_endpoint"):
            world.add_endpoint(WEBHOOK, SECRET)
        async with httpx.AsyncClient(transport=Receiver(payments)) as client:
            yield cls(world, engine, wire, payments, Deliverer(world, client, concurrency=8))
            await payments.aclose()

    @asynccontextmanager
    async def beside(self, *listeners: Listener) -> AsyncIterator[Payments]:
        """A second process on the same database."""
        other = service(self.wire, self.engine, settings_of(self.world), listeners=listeners)
        yield other
        await other.aclose()

    def client(self, key: str) -> httpx.AsyncClient:
        """The HTTP client that a registry is to use."""
        return httpx.AsyncClient(transport=self.wire)

    def later(self, seconds: float) -> None:
        """Let our own clock be ahead: leases run out and what was put off falls due."""
        worker = self.payments.worker
        for part in (worker.applier, worker.reader, worker.sender, worker.teller):
            part.now = lambda: datetime.now(UTC) + timedelta(seconds=seconds)

    # -- what happens at the provider ---------------------------------------------------------------

    async def post(self, path: str, **params: Any) -> dict[str, Any]:
        """A call of the provider's API by the owner, past this package."""
        return await self._call("POST", path, params)

    async def delete(self, path: str) -> dict[str, Any]:
        """The owner deletes something at the provider."""
        return await self._call("DELETE", path, None)

    async def _call(self, method: str, path: str, params: dict[str, Any] | None) -> dict[str, Any]:
        headers = {"Authorization": f"Bearer {self.world.secret_key}"}
        async with httpx.AsyncClient(transport=transport(self.world), headers=headers) as client:
            answer = await client.request(method, f"http://simulator/v1/{path}", data=params)
        assert answer.status_code == 200, answer.text
        return dict(answer.json())

    async def price(self, amount: int = 1000, currency: str = "usd", interval: str | None = None) -> str:
        """A price of the catalogue, made at first need."""
        key = (amount, currency, interval)
        if key not in self.prices:
            params = {"currency": currency, "unit_amount": str(amount), "product_data[name]": "Growth"}
            if interval:
                params["recurring[interval]"] = interval
            self.prices[key] = (await self.post("prices", **params))["id"]
        return self.prices[key]

    async def pay(self, amount: int = 1000, currency: str = "usd", card: str = "pm_card_visa") -> str:
        """A payment made outside checkout; its payment intent."""
        params: dict[str, str] = {"amount": str(amount), "currency": currency, "payment_method": card}
        params |= {"confirm": "true", "return_url": "https://app.example/back"}
        return str((await self.post("payment_intents", **params))["id"])

    def fill_in(self, session_id: str, card: str = "pm_card_visa", email: str = "ada@example.com") -> Answer:
        """A buyer fills in the hosted page."""
        session = self.world.get("checkout.session", session_id)
        return submit(self.world, session, Payer(email=email, name="Ada", instrument=BY_NAME[card]))

    async def buy(self, amount: int = 1000, currency: str = "usd", card: str = "pm_card_visa") -> str:
        """A checkout that somebody paid; the session's id."""
        body = CheckoutBody(price_id=await self.price(amount, currency), mode=CheckoutMode.PAYMENT)
        session = (await self.payments.create_checkout(OPERATOR, body)).session_id
        self.world.clock.advance(30)  # nobody pays within the second
        self.fill_in(session, card)
        return session

    async def subscribe(self, amount: int = 1500, card: str = "pm_card_visa", **more: Any) -> str:
        """A subscription bought in a checkout; the session's id."""
        price = await self.price(amount, "usd", "month")
        body = CheckoutBody(price_id=price, mode=CheckoutMode.SUBSCRIPTION, **more)
        session = (await self.payments.create_checkout(OPERATOR, body)).session_id
        self.world.clock.advance(30)  # nobody pays within the second
        self.fill_in(session, card)
        return session

    # -- what reaches us -----------------------------------------------------------------------------

    async def receive(self, event: Mapping[str, Any], *, payments: Payments | None = None) -> None:
        """One signed delivery of `event`."""
        body = json.dumps(event).encode()
        header = signature(body, [SECRET], int(time.time()))
        await (payments or self.payments).receive("stripe", body, {"stripe-signature": header})

    async def settle(self) -> None:
        """Deliver what is due and do all the background work that this leads to."""
        await self.deliverer.deliver_due()
        await self.drain()

    async def drain(self) -> None:
        """All the background work, also what waits a moment for its own event; reads come a moment later."""
        self.world.clock.advance(2)
        await self.payments.worker.drain(hurry=True)

    async def advance(self, days: float) -> None:
        """Let time pass at the provider, and everything come in."""
        self.world.clock.advance(days * 86_400)
        await self.settle()

    # -- what we then know -----------------------------------------------------------------------------

    async def refund(self, id: str, amount: int | None = None, key: str | None = None) -> TransactionRow:
        return await self.payments.refund(OPERATOR, id, RefundBody(amount=amount), idempotency_key=key)

    async def transaction(self, id: str) -> TransactionDetail:
        return await self.payments.transaction(OPERATOR, id)

    async def revenue(self) -> dict[str, tuple[int, int, int, int]]:
        """(gross, refunded, disputed, net) per currency."""
        status = await self.payments.status(OPERATOR)
        return {
            sums.currency: (sums.gross, sums.refunded, sums.disputed, sums.net) for sums in status.revenue
        }

    def balance(self) -> dict[str, int]:
        """What the provider holds for the business, per currency: captured − refunded − withdrawn."""
        sums: dict[str, int] = {}
        for moved in self.world.find("balance_transaction"):
            sums[moved["currency"]] = sums.get(moved["currency"], 0) + moved["net"]
        return {currency: amount for currency, amount in sums.items() if amount}

    async def rows(self, query: Table | Select[Any]) -> list[dict[str, Any]]:
        statement = select(query) if isinstance(query, Table) else query
        async with read(self.engine) as connection:
            return [dict(row) for row in (await connection.execute(statement)).mappings()]

    async def count(self, table: Table, **equal: Any) -> int:
        query = select(func.count()).select_from(table).filter_by(**equal)
        async with read(self.engine) as connection:
            return int((await connection.execute(query)).scalar_one())

    async def operations(self) -> list[tuple[str, str]]:
        """(kind, status) of every operation, oldest first."""
        rows = await self.rows(select(tables.operation).order_by(tables.operation.c.id))
        return [(row["kind"], row["status"]) for row in rows]

    def made(self, name: str) -> int:
        """How many objects of this kind the provider holds."""
        return len(self.world.find(name))

    def requests(self, method: str, prefix: str) -> list[str]:
        """Paths of the requests that were made of the provider."""
        return [r.path for r in self.world.requests if r.method == method and r.path.startswith(prefix)]


async def events(shop: Shop, *columns: str) -> list[tuple[Any, ...]]:
    """The inbox in order of arrival."""
    rows = await shop.rows(select(tables.event).order_by(tables.event.c.id))
    return [tuple(row[name] for name in columns) for row in rows]


def of_type(world: World, *types: str) -> Iterable[dict[str, Any]]:
    """The provider's events of these types, oldest first."""
    return [event for event in world.events if event["type"] in types]


__all__ = ["OPERATOR", "SECRET", "Shop", "accounts", "events", "of_type", "service", "settings_of"]


async def findings_of(payments: Payments) -> dict[str, Finding]:
    """What the doctor finds, by its id."""
    return {finding.id: finding for finding in await payments.doctor()}
