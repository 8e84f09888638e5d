"""Two providers of one business: added per currency, each to be looked at alone, whoever asks and how."""

from __future__ import annotations

import json
from collections.abc import AsyncIterator
from dataclasses import dataclass, replace
from typing import Any, cast

import httpx
import pytest
from sqlalchemy.ext.asyncio import AsyncEngine

from overseer_payment import registry
from overseer_payment.database import utcnow
from overseer_payment.discovery import Claim, discover
from overseer_payment.errors import Invalid
from overseer_payment.provider import CheckoutMode
from overseer_payment.schemas import CheckoutBody, MetricsQuery, RevenueQuery
from overseer_payment.shown import metrics
from overseer_payment.simulator import World
from overseer_payment.testing import FakeBackend, fake_spec
from overseer_payment.testing.fake_backend import body_of, sign
from tests.routes.fake_payments import TOKEN, FakeHost, FakePayments, application
from tests.service.shop import OPERATOR, Shop

pytestmark = pytest.mark.anyio

SECRET = "fake_whsec_7d1e0b"
KEYS = {"FAKEPAY_KEY": "fake_test_5f2a8c91d3", "FAKEPAY_WEBHOOK_SECRET": SECRET}


@dataclass
class Two:
    shop: Shop
    backend: FakeBackend

    async def settle(self) -> None:
        """Both providers' events come in."""
        for event in self.backend.events:
            body = body_of(event)
            await self.shop.payments.receive("fake", body, sign(body, at=utcnow(), secret=SECRET))
        await self.shop.settle()


@pytest.fixture
async def two(world: World, engine: AsyncEngine, monkeypatch: pytest.MonkeyPatch) -> AsyncIterator[Two]:
    """Stripe, which counts ISK in hundredths, and one that goes by ISO 4217; each has been paid in both."""
    backend = FakeBackend(now=utcnow())

    def both(environ: Any, settings: Any) -> list[Claim]:
        (stripe,) = [claim for claim in discover(environ, settings) if claim.key == "stripe"]
        spec = fake_spec(backend)
        held = spec.settings.model_validate(KEYS)
        return [replace(stripe, key="fake", title="Fake", spec=spec, settings=held, configured=True), stripe]

    monkeypatch.setattr(registry, "discover", both)
    async with Shop.opened(world, engine, PAYMENT_PROVIDER="stripe") as shop:
        found = Two(shop, backend)
        await shop.pay(1000)
        await shop.pay(90000, "isk")
        await shop.subscribe(1500)
        backend.pay(700, "usd")
        backend.pay(100, "isk")
        body = CheckoutBody(price_id="price_monthly", mode=CheckoutMode.SUBSCRIPTION, provider="fake")
        backend.complete((await shop.payments.create_checkout(OPERATOR, body)).session_id)
        await found.settle()
        yield found


async def test_status_adds_them_per_currency_and_tells_each_alone(two: Two) -> None:
    """Minor units that differ are brought to the finer ones first: 900 ISK and 100 ISK are 1000."""
    found = {}
    for provider in (None, "stripe", "fake"):
        status = await two.shop.payments.status(OPERATOR, provider)
        assert (status.provider, status.healthy) == (provider or "stripe", True)
        sums = {one.currency: (one.gross, status.exponents[one.currency]) for one in status.revenue}
        found[provider] = (status.providers, status.active_subscriptions, sums)
    assert found == {
        None: (["fake", "stripe"], 2, {"usd": (4100, 2), "isk": (100000, 2)}),
        "stripe": (["stripe"], 1, {"usd": (2500, 2), "isk": (90000, 2)}),
        "fake": (["fake"], 1, {"usd": (1600, 2), "isk": (100, 0)}),
    }


async def test_every_report_adds_and_filters_alike(two: Two) -> None:
    """Metrics, recurring revenue and revenue by day: the whole is the two parts."""
    payments, found = two.shop.payments, {}
    for provider in (None, "stripe", "fake"):
        summary = await metrics.metrics(payments, OPERATOR, MetricsQuery(days=365, provider=provider))
        query = RevenueQuery(days=365, provider=provider)
        recurring = {s.currency: s for s in (await metrics.mrr_timeseries(payments, OPERATOR, query)).series}
        revenue = {s.currency: s for s in (await payments.revenue(OPERATOR, query)).series}
        found[provider] = {
            one.currency: (
                *(one.mrr, one.customers, one.payments, one.gross, one.exponent),
                recurring[one.currency].points[-1].mrr if one.mrr else 0,
                sum(point.net for point in revenue[one.currency].points),
                revenue[one.currency].exponent,
            )
            for one in summary.metrics
        }
    assert found == {
        None: {"usd": (2400, 2, 4, 4100, 2, 2400, 4100, 2), "isk": (0, 0, 2, 100000, 2, 0, 100000, 2)},
        "stripe": {"usd": (1500, 1, 2, 2500, 2, 1500, 2500, 2), "isk": (0, 0, 1, 90000, 2, 0, 90000, 2)},
        "fake": {"usd": (900, 1, 2, 1600, 2, 900, 1600, 2), "isk": (0, 0, 1, 100, 0, 0, 100, 0)},
    }


@pytest.mark.parametrize("database_url", ["sqlite"], indirect=True)
async def test_rest_takes_the_provider_and_refuses_one_that_there_is_not(two: Two) -> None:
    """Each report has the filter; an unknown key is 422, and names what is installed."""
    app = application(cast(FakePayments, two.shop.payments), FakeHost())
    transport, headers = httpx.ASGITransport(app), {"Authorization": f"Bearer {TOKEN}"}
    base = "http://app.test/api/v1/payment"
    async with httpx.AsyncClient(transport=transport, base_url=base, headers=headers) as rest:
        series = ("/metrics-timeseries", "/mrr-timeseries", "/revenue-timeseries")
        reports = ("/status", "/metrics-summary", *series)
        for path in (*reports, "/transactions", "/subscriptions", "/customers", "/invoices", "/disputes"):
            answer = await rest.get(path, params={"provider": "fake"})
            assert answer.status_code == 200, path
            rows = [] if path in reports else answer.json()[path[1:]]
            assert {row["provider"] for row in rows} <= {"fake"}, path
            refused = await rest.get(path, params={"provider": "other"})
            assert (refused.status_code, "fake, stripe" in refused.json()["detail"]) == (422, True), path
        both = (await rest.get("/transactions")).json()["transactions"]
        assert {row["provider"] for row in both} == {"fake", "stripe"}
        sheet = await rest.get("/export/transactions", params={"provider": "fake", "format": "jsonl"})
        assert {json.loads(line)["provider"] for line in sheet.text.splitlines()} == {"fake"}
    with pytest.raises(Invalid):
        await two.shop.payments.status(OPERATOR, "other")
