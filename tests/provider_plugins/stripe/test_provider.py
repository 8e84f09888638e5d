"""Health, addresses of the dashboard, and what stays off the machine."""

from __future__ import annotations

import logging
import os
import subprocess
import sys
from pathlib import Path

import httpx
import pytest
import stripe
from pytest_httpx import HTTPXMock

from overseer_payment.provider import CustomerRequest, Kind, Provider, Ref
from overseer_payment.provider_plugins.stripe import register_providers
from overseer_payment.provider_plugins.stripe.provider import StripeProvider
from overseer_payment.provider_plugins.stripe.settings import API_VERSION
from tests.provider_plugins.stripe import payloads as p
from tests.support.environment import clean_environment

pytestmark = pytest.mark.anyio


async def test_it_is_a_provider(provider: StripeProvider) -> None:
    """Every member of the contract is there, and the declaration names our API version."""
    assert isinstance(provider, Provider)
    (spec,) = register_providers()
    assert spec.api_version == API_VERSION == stripe.api_version


async def test_health_names_the_account(provider: StripeProvider, httpx_mock: HTTPXMock) -> None:
    """One sentence, the account's id and its name."""
    account = {"id": "acct_1", "object": "account", "settings": {"dashboard": {"display_name": "Shop"}}}
    httpx_mock.add_response(url="https://api.stripe.com/v1/account", json=account)
    health = await provider.health_check()
    assert (health.healthy, health.livemode, health.account, health.title) == (True, False, "acct_1", "Shop")
    assert health.message == "Stripe answers in test mode."


async def test_a_restricted_key_may_be_healthy_without_the_account(
    provider: StripeProvider, httpx_mock: HTTPXMock
) -> None:
    """The balance is asked for where the account may not be seen."""
    httpx_mock.add_response(status_code=403, json={"error": {"message": "no"}})
    httpx_mock.add_response(url="https://api.stripe.com/v1/balance", json={"object": "balance"})
    health = await provider.health_check()
    assert (health.healthy, health.account) == (True, None)


@pytest.mark.parametrize(("status", "says"), [(401, "API key"), (500, "problem"), (429, "limiting")])
async def test_ill_health_is_said_not_raised(
    provider: StripeProvider, httpx_mock: HTTPXMock, status: int, says: str
) -> None:
    """A sentence for a person, whatever the trouble."""
    httpx_mock.add_response(status_code=status, json={"error": {"message": "no"}}, is_reusable=True)
    health = await provider.health_check()
    assert not health.healthy
    assert says in health.message


@pytest.mark.parametrize(
    ("key", "ref", "url"),
    [
        ("sk_test_1", Ref(Kind.PAYMENT, "pi_1"), "https://dashboard.stripe.com/test/payments/pi_1"),
        ("sk_live_1", Ref(Kind.CUSTOMER, "cus_1"), "https://dashboard.stripe.com/customers/cus_1"),
        ("sk_test_1", Ref(Kind.DISPUTE, "dp_1"), "https://dashboard.stripe.com/test/disputes/dp_1"),
        ("sk_test_1", Ref(Kind.DISPUTE, "issfr_1"), None),
        ("sk_test_1", Ref(Kind.REFUND, "re_1"), None),
    ],
)
def test_dashboard_addresses(key: str, ref: Ref, url: str | None) -> None:
    """Test mode has its own; what has no page has no address."""
    provider = StripeProvider(p.settings(STRIPE_SECRET_KEY=key), None)  # type: ignore[arg-type]  # it is not asked for anything
    assert provider.dashboard_url(ref) == url


async def test_another_base_takes_every_call(http: httpx.AsyncClient, httpx_mock: HTTPXMock) -> None:
    """Nothing goes to Stripe when STRIPE_API_BASE names a simulator, and no Dashboard link misleads."""
    provider = StripeProvider(p.settings(STRIPE_API_BASE="http://127.0.0.1:12111/"), http)
    httpx_mock.add_response(url="http://127.0.0.1:12111/v1/customers/cus_1", json=p.customer())
    await provider.fetch(Ref(Kind.CUSTOMER, "cus_1"))
    bases = provider._client._stripe._requestor.base_addresses
    assert set(bases.values()) == {"http://127.0.0.1:12111"}
    assert provider.dashboard_url(Ref(Kind.CUSTOMER, "cus_1")) is None


async def test_a_notice_of_stripes_is_no_warning(provider: StripeProvider, httpx_mock: HTTPXMock) -> None:
    """The SDK would turn the header into a Python warning, an error here."""
    httpx_mock.add_response(json=p.customer(), headers={"Stripe-Notice": "Upgrade now."})
    assert await provider.fetch(Ref(Kind.CUSTOMER, "cus_1"))


async def test_closing_leaves_the_callers_client_open(
    provider: StripeProvider, http: httpx.AsyncClient
) -> None:
    """Who opened it closes it."""
    await provider.aclose()
    assert not http.is_closed


async def test_personal_data_is_not_logged(
    provider: StripeProvider, httpx_mock: HTTPXMock, caplog: pytest.LogCaptureFixture
) -> None:
    """Not even at DEBUG, where the SDK would log request and answer."""
    caplog.set_level(logging.DEBUG)
    httpx_mock.add_response(json=p.customer())
    await provider.create_customer(CustomerRequest(email="ada@example.com"), idempotency_key="k")
    assert "ada" not in caplog.text
    assert p.KEY not in caplog.text


_WITH_HOME = """
import asyncio, httpx, stripe
from overseer_payment.provider import CustomerRequest, Kind, Ref
from overseer_payment.provider_plugins.stripe import register_providers

seen = []

def answer(request):
    seen.append(request.headers)
    return httpx.Response(200, json={"id": "cus_1", "object": "customer"}, headers={"Request-Id": "req_1"})

async def main():
    (spec,) = register_providers()
    async with httpx.AsyncClient(transport=httpx.MockTransport(answer)) as http:
        provider = spec.factory(spec.settings.model_validate({"STRIPE_SECRET_KEY": "sk_test_1"}), http)
        await provider.create_customer(CustomerRequest(name="Ada"), idempotency_key="k")
        await provider.fetch(Ref(Kind.CUSTOMER, "cus_1"))

asyncio.run(main())
assert len(seen) == 2
assert not any("telemetry" in f"{name}{value}" for headers in seen for name, value in headers.items())
assert "overseer-payment" in seen[0]["user-agent"]
"""


def test_a_call_leaves_no_trace_at_home(tmp_path: Path) -> None:
    """No telemetry file, no telemetry header, no warning, nothing on stderr."""
    environ = clean_environment({"HOME": str(tmp_path), "XDG_CONFIG_HOME": str(tmp_path / "config")})
    done = subprocess.run(
        [sys.executable, "-W", "error", "-c", _WITH_HOME],
        capture_output=True,
        text=True,
        timeout=60,
        env=environ,
    )
    assert (done.returncode, done.stderr) == (0, "")
    assert os.listdir(tmp_path) == []  # noqa: PTH208  (names alone)
