"""The shop of quick-start.md sells: from the button to the money, against a simulated Stripe."""

from __future__ import annotations

import sys
from collections.abc import AsyncIterator
from importlib import import_module
from pathlib import Path
from typing import Any

import httpx
import pytest
from starlette.testclient import TestClient

from overseer_payment.composition import payments_for
from overseer_payment.simulator.scenario import offer, pay
from overseer_payment.testing import stripe_simulator
from overseer_payment.testing.simulator import StripeSimulator
from tests.docs.pages import DOCS, blocks

URL = "http://127.0.0.1:8000"
WEBHOOK = f"{URL}/api/v1/payment/webhook"


@pytest.fixture
def shop(
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    empty_sqlite_url: str,
    stripe_simulator: StripeSimulator,
) -> Any:
    """The page's `shop` and `unpaid` modules as a reader has them, with a price of the simulator's."""
    for block in blocks(DOCS / "quick-start.md", "python"):
        if block.file is not None:
            with (tmp_path / block.file).open("a", encoding="utf-8") as file:
                file.write(block.code)
    for name, value in {**stripe_simulator.environ, "OVERSEER_DATABASE_URL": empty_sqlite_url}.items():
        monkeypatch.setenv(name, value)
    for name in ("shop", "unpaid"):
        monkeypatch.delitem(sys.modules, name, raising=False)
    monkeypatch.syspath_prepend(tmp_path)
    shop = import_module("shop")
    payments_for(shop.host, http_factory=stripe_simulator.client)
    shop.PRICES["tea"] = offer(stripe_simulator.world, "Tea", 2000)["id"]
    stripe_simulator.listen(WEBHOOK)
    yield shop
    for name in ("shop", "unpaid"):
        sys.modules.pop(name, None)


@pytest.fixture
async def buyer(shop: Any) -> AsyncIterator[httpx.AsyncClient]:
    """The browser of a buyer, signed in, at the running shop."""
    transport = httpx.ASGITransport(shop.app)
    async with (
        shop.app.router.lifespan_context(shop.app),
        httpx.AsyncClient(transport=transport, base_url=URL) as buyer,
    ):
        await buyer.get("/sign-in/ben")
        yield buyer


async def _opened(buyer: httpx.AsyncClient) -> tuple[str, str]:
    """Press the button; answers the hosted page's address and the session's id."""
    sent = await buyer.post("/buy/tea")
    assert sent.status_code == 303
    shop = import_module("shop")
    (session_id,) = shop.ORDERS
    return sent.headers["location"], session_id


def _pay(stripe_simulator: StripeSimulator, session_id: str) -> None:
    """Pay a few seconds later: news of one second would be in doubt, and be read again after a while."""
    stripe_simulator.world.clock.advance(5)
    pay(stripe_simulator.world, stripe_simulator.world.get("checkout.session", session_id))


@pytest.mark.anyio
async def test_a_buyer_pays_and_is_thanked(
    buyer: httpx.AsyncClient,
    shop: Any,
    stripe_simulator: StripeSimulator,
) -> None:
    """The button leads to the provider; after paying, the return page thanks, before any webhook came."""
    address, session_id = await _opened(buyer)
    session = stripe_simulator.world.get("checkout.session", session_id)
    assert address == session["url"]
    assert session["metadata"]["what"] == "tea"
    back = session["success_url"].replace("{CHECKOUT_SESSION_ID}", session_id)
    assert "We wait" in (await buyer.get(back)).text
    _pay(stripe_simulator, session_id)
    assert "Thank you" in (await buyer.get(back)).text


@pytest.mark.anyio
async def test_the_buyer_sees_their_own_payment(
    buyer: httpx.AsyncClient,
    shop: Any,
    stripe_simulator: StripeSimulator,
) -> None:
    """Once the webhooks have come, the payment is the buyer's own in REST."""
    _, session_id = await _opened(buyer)
    _pay(stripe_simulator, session_id)
    await stripe_simulator.deliver(buyer, WEBHOOK)
    await payments_for(shop.host).worker.drain()
    [row] = (await buyer.get("/api/v1/payment/transactions?status=succeeded")).json()["transactions"]
    assert (row["amount"], row["currency"]) == (2000, "usd")


@pytest.mark.anyio
async def test_an_order_is_told_as_paid_once(
    buyer: httpx.AsyncClient,
    shop: Any,
    stripe_simulator: StripeSimulator,
) -> None:
    """`newly_paid` names an order after its payment, also if the browser never came back; and never again."""
    unpaid = import_module("unpaid")
    _, session_id = await _opened(buyer)
    assert await unpaid.newly_paid() == []
    _pay(stripe_simulator, session_id)
    await stripe_simulator.deliver(buyer, WEBHOOK)
    await payments_for(shop.host).worker.drain()
    assert await unpaid.newly_paid() == ["tea"]
    assert await unpaid.newly_paid() == []


def test_strangers_and_strange_wares_are_refused(shop: Any) -> None:
    """Nobody buys without signing in, and nobody chooses a price that the shop doesn't offer."""
    with TestClient(shop.app) as client:
        assert "Buy tea" in client.get("/").text
        assert client.post("/buy/tea").status_code == 401
        client.get("/sign-in/ben")
        assert client.post("/buy/gold").status_code == 404


def test_a_refusal_is_said_in_its_own_words(shop: Any) -> None:
    """What the provider refuses is answered with our status and sentence, not with a 500."""
    shop.PRICES["tea"] = "price_that_is_gone"
    with TestClient(shop.app, follow_redirects=False) as client:
        client.get("/sign-in/ben")
        answer = client.post("/buy/tea")
    assert 400 <= answer.status_code < 500
    assert answer.json()["detail"]
