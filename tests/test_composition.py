"""One service for each host, as long as the host runs."""

from __future__ import annotations

import gc
import weakref
from collections.abc import AsyncIterator
from typing import Any, cast

import httpx
import pytest

from overseer_payment.composition import payments_for, running
from overseer_payment.database import create_engine
from overseer_payment.errors import ConfigurationError
from overseer_payment.host_contract import Host


class PlainHost:
    """As much of a host as the service needs."""

    def __init__(self, url: str, **config: str) -> None:
        self.config, self.engine = config, create_engine(url)


@pytest.fixture
async def host(sqlite_url: str) -> AsyncIterator[Host]:
    """A host with an up-to-date database."""
    plain = PlainHost(sqlite_url)
    yield cast(Host, plain)
    await plain.engine.dispose()


@pytest.mark.anyio
async def test_host_has_one_service(host: Host, sqlite_url: str) -> None:
    """Routes, cards and lifespan of one host share a service; another host has another."""
    other = cast(Host, PlainHost(sqlite_url))

    assert payments_for(host) is payments_for(host)
    assert payments_for(host) is not payments_for(other)


@pytest.mark.anyio
async def test_service_runs_with_its_host(host: Host) -> None:
    """The service that routes get is the one that runs; after the host stopped a new one is made."""
    async with running(host) as payments:
        assert payments_for(host) is payments

    assert payments_for(host) is not payments


@pytest.mark.anyio
async def test_service_that_fails_is_forgotten_too(host: Host) -> None:
    """A host that ends with an error gets a new service when it starts again."""
    with pytest.raises(RuntimeError, match="host fell"):
        async with running(host) as payments:
            raise RuntimeError("host fell")

    assert payments_for(host) is not payments


def test_service_does_not_keep_its_host(sqlite_url: str) -> None:
    """A host that is gone is not kept in memory by having had a service."""
    host = PlainHost(sqlite_url)
    payments_for(cast(Host, host))
    gone = weakref.ref(host)
    del host
    gc.collect()

    assert gone() is None


def test_wrong_setting_is_named(sqlite_url: str) -> None:
    """A host's wrong setting is an error that names it."""
    host = PlainHost(sqlite_url, PAYMENT_SUCCESS_URL="shop/thanks")

    with pytest.raises(ConfigurationError, match="PAYMENT_SUCCESS_URL"):
        payments_for(cast(Host, host))


@pytest.mark.anyio
async def test_http_clients_can_be_replaced(sqlite_url: str) -> None:
    """Tests and the demo bring their own HTTP clients for providers."""
    asked: list[str] = []

    def client(key: str) -> httpx.AsyncClient:
        asked.append(key)
        return httpx.AsyncClient(transport=httpx.MockTransport(lambda _: httpx.Response(503)))

    config: dict[str, Any] = {"STRIPE_SECRET_KEY": "sk_test_x", "STRIPE_WEBHOOK_SECRET": "whsec_x"}
    host = PlainHost(sqlite_url, **config)
    payments = payments_for(cast(Host, host), http_factory=client)

    assert not (await payments.health()).healthy
    assert asked == ["stripe"]
    await payments.aclose()
    await host.engine.dispose()
