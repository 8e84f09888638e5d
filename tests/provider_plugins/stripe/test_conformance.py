"""Stripe's plugin passes the kit that every provider's plugin has to pass."""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping, Sequence
from datetime import UTC, datetime

import anyio
import httpx
import pytest

from overseer_payment.provider import Kind, ProviderSpec, Ref
from overseer_payment.provider_plugins.stripe import register_providers
from overseer_payment.simulator import World, assert_contract, scenario, transport
from overseer_payment.testing import ProviderConformance, SampleEvent
from overseer_payment.testing.case import Pay, Sign
from tests.provider_plugins.stripe import payloads as p

SECRETS = (p.SECRET, "whsec_7c0d5e2f9Ab14836")


async def _post(world: World, path: str, **params: str) -> str:
    headers = {"Authorization": f"Bearer {world.secret_key}"}
    async with httpx.AsyncClient(transport=transport(world)) as client:
        answer = await client.post(f"http://simulator/v1/{path}", data=params, headers=headers)
    return str(answer.raise_for_status().json()["id"])


class TestStripe(ProviderConformance):
    """Over the simulator, with the SDK in between."""

    webhook_variable = "STRIPE_WEBHOOK_SECRET"

    @pytest.fixture
    def world(self) -> Iterator[World]:
        world = World()
        yield world
        assert_contract(world)

    @pytest.fixture
    def spec(self) -> ProviderSpec:
        (spec,) = register_providers()
        return spec

    @pytest.fixture
    def environ(self, world: World) -> Mapping[str, str]:
        return {
            "STRIPE_SECRET_KEY": world.secret_key,
            "STRIPE_WEBHOOK_SECRET": ",".join(SECRETS),
            "STRIPE_API_BASE": "http://simulator.invalid",
        }

    @pytest.fixture
    def http(self, world: World) -> httpx.AsyncClient:
        return httpx.AsyncClient(transport=transport(world))

    @pytest.fixture(autouse=True)
    def _no_waiting(self, monkeypatch: pytest.MonkeyPatch) -> None:
        async def at_once(_seconds: float) -> None: ...

        monkeypatch.setattr(anyio, "sleep", at_once)  # the pauses between attempts

    @pytest.fixture
    def signed_webhook(self) -> Sign:
        def sign(body: bytes, *, at: datetime, secret: str) -> Mapping[str, str]:
            return {"stripe-signature": p.signed(body, secret=secret, time=int(at.timestamp()))}

        return sign

    @pytest.fixture
    def sample_events(self) -> Sequence[SampleEvent]:
        return [
            _sample("payment_intent.succeeded", p.payment_intent(), Ref(Kind.PAYMENT, "pi_1")),
            _sample("charge.refunded", p.charge(p.OLD), Ref(Kind.CHARGE, "ch_1"), version=p.OLD),
            _sample("invoice.paid", p.invoice(), Ref(Kind.INVOICE, "in_1"), version="2019-01-01"),
            _sample("refund.created", p.refund(), Ref(Kind.REFUND, "re_1"), livemode=True),
            _sample("customer.created", p.customer(), Ref(Kind.CUSTOMER, "cus_1"), account="acct_7"),
            _sample("product.created", {"id": "prod_1", "object": "product"}, Ref(Kind.PRODUCT, "prod_1")),
        ]

    @pytest.fixture
    def unknown_event(self) -> bytes:
        return p.body(p.wrapped("weather.changed", {"object": "weather"}))

    @pytest.fixture
    def price(self, world: World) -> str:
        return anyio.run(lambda: _post(world, "prices", **_PRICE))

    @pytest.fixture
    def recurring_price(self, world: World) -> str:
        return anyio.run(lambda: _post(world, "prices", **_PRICE, **{"recurring[interval]": "month"}))

    @pytest.fixture
    def subscription(self, world: World) -> str:
        return str(scenario.subscribe(world, scenario.offer(world, "Team", 900, interval="month"))["id"])

    @pytest.fixture
    def dispute(self, world: World) -> str:
        return str(scenario.dispute(world, scenario.charge_directly(world, 1000))["id"])

    @pytest.fixture
    def pay(self, world: World) -> Pay:
        async def pay(amount: int, currency: str) -> str:
            return await _post(
                world,
                "payment_intents",
                amount=str(amount),
                currency=currency.lower(),
                confirm="true",
                payment_method="pm_card_visa",
                return_url="https://app.example/back",
            )

        return pay


_PRICE = {"currency": "usd", "unit_amount": "2000", "product_data[name]": "Growth"}


def _sample(
    type: str,
    obj: p.Json,
    *refs: Ref,
    version: str = p.NEW,
    livemode: bool = False,
    account: str | None = None,
) -> SampleEvent:
    payload = p.wrapped(type, obj, version, livemode=livemode, created=int(datetime.now(UTC).timestamp()))
    if account:
        payload["account"] = account
    return SampleEvent(json.dumps(payload).encode(), frozenset(refs), livemode, account)
