"""Payments themselves in both hosts: mounted, guarded, started and stopped."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from typing import Any

import pytest
from fastapi import Depends, FastAPI, HTTPException
from starlette.applications import Starlette
from starlette.requests import Request
from starlette.routing import BaseRoute, Mount, Route
from starlette.testclient import TestClient

from overseer_payment.host import create_app, install
from overseer_payment.host.installed import InstalledHost
from overseer_payment.provider_plugins.stripe.evidence import LARGEST_FILE
from tests.host.conftest import TOKEN

API = "/api/v1/payment"
READS = [
    "status",
    "transactions",
    "transactions/1",
    "subscriptions",
    "customers",
    "catalog",
    "revenue-timeseries",
]


@pytest.fixture
def payment_config(config: dict[str, Any]) -> dict[str, Any]:
    """A configuration with the payment plugin on, and no provider configured."""
    return {name: value for name, value in config.items() if name != "OVERSEER_DISABLE_PLUGINS"}


def embedded(config: dict[str, Any]) -> Starlette:
    return create_app(config)


def denied() -> None:
    raise HTTPException(418)


def in_fastapi(config: dict[str, Any]) -> Starlette:
    app = FastAPI(dependencies=[Depends(denied)])
    install(app, config=config, user=_user, authorize=_may)
    return app


def _user(request: Request) -> str | None:
    return {f"Bearer {TOKEN}": "operator", "Bearer buyer": "buyer"}.get(
        request.headers.get("authorization", "")
    )


def _may(request: Request, permission: str) -> bool:
    return request.headers.get("authorization") == f"Bearer {TOKEN}"


@pytest.fixture(params=[embedded, in_fastapi])
def client(request: pytest.FixtureRequest, payment_config: dict[str, Any]) -> Iterator[TestClient]:
    """A running host with payments."""
    make: Callable[[dict[str, Any]], Starlette] = request.param
    with TestClient(make(payment_config), follow_redirects=False) as client:
        yield client


@pytest.mark.parametrize("path", [*READS, "events", "nothing-like-that"])
def test_stranger_gets_nothing(client: TestClient, path: str) -> None:
    """Anonymous calls of any guarded path get 401 as a problem."""
    response = client.get(f"{API}/{path}")

    assert (response.status_code, response.headers["content-type"]) == (401, "application/problem+json")


def test_strangers_problem_is_that_of_the_interface(client: TestClient) -> None:
    """The host's own 401 is the problem that REST describes, to the letter."""
    response = client.get(f"{API}/status")

    assert response.json() == {
        "type": "urn:overseer-payment:problem:unauthenticated",
        "title": "Sign in first",
        "status": 401,
        "detail": "Sign in, or send `Authorization: Bearer <token>`.",
        "code": "unauthenticated",
    }
    assert response.headers["www-authenticate"] == "Bearer"


@pytest.mark.parametrize("path", ["checkout", "refund/1"])
def test_stranger_can_do_nothing(client: TestClient, path: str) -> None:
    """Anonymous writes get 401, with a foreign cookie too."""
    assert client.post(f"{API}/{path}", json={}).status_code == 401
    assert client.post(f"{API}/{path}", json={}, headers={"cookie": "session=x"}).status_code == 401


@pytest.mark.parametrize("path", ["/payment/modal", "/payment/card", "/payment/card.json"])
def test_stranger_sees_no_page(client: TestClient, path: str) -> None:
    """Card and modal are not shown to strangers."""
    assert client.get(path).status_code == 401


def test_operator_sees_status(client: TestClient) -> None:
    """With the right token the status is answered from a database that was just brought up to date."""
    response = client.get(f"{API}/status", headers={"authorization": f"Bearer {TOKEN}"})

    assert (
        response.status_code,
        response.json()["enabled"],
        response.json()["total_transactions"],
    ) == (200, False, 0)


def test_webhook_is_open_and_closed_without_secret(client: TestClient) -> None:
    """A delivery needs no login; without a signing secret it is refused with 503, never accepted."""
    assert client.post(f"{API}/webhook", content=b"{}").status_code == 503


def test_description_and_landing_pages_are_public(client: TestClient) -> None:
    """The OpenAPI document and the page for a buyer who gave up need no login."""
    assert "3.1" in client.get(f"{API}/openapi.json").json()["openapi"]
    assert client.get("/payment/cancel").status_code == 200


def test_a_file_as_large_as_banks_take_gets_through(client: TestClient) -> None:
    """No limit in front of the routes is below theirs: such a file is read, and its dispute isn't there."""
    headers = {"authorization": f"Bearer {TOKEN}", "content-type": "application/pdf"}
    answer = client.post(f"{API}/disputes/1/files", content=b"." * LARGEST_FILE, headers=headers)

    assert (answer.status_code, answer.json()["code"]) == (404, "not_found")


def test_buyer_sees_no_totals(payment_config: dict[str, Any]) -> None:
    """Somebody who is signed in without any permission gets an empty list, and is refused a refund."""
    with TestClient(in_fastapi(payment_config), headers={"authorization": "Bearer buyer"}) as client:
        assert client.get(f"{API}/transactions").json()["transactions"] == []
        assert client.post(f"{API}/refund/1", json={}).status_code == 404


def test_card_stands_on_both_dashboards(payment_config: dict[str, Any]) -> None:
    """The embedded host shows the card; an application gets it as HTML for a page of its own."""
    headers = {"authorization": f"Bearer {TOKEN}", "accept": "text/html"}
    with TestClient(create_app(payment_config), headers=headers) as client:
        assert "op-card" in client.get("/").text

    async def home(request: Request) -> Any:
        from starlette.responses import HTMLResponse

        return HTMLResponse("".join(str(tile.html) for tile in await host.cards(request)))

    app = FastAPI(routes=[Route("/", home)])
    host: InstalledHost = install(app, config=payment_config, user=_user, authorize=_may)
    with TestClient(app, headers=headers) as client:
        assert "op-card" in client.get("/").text
        assert client.get("/", headers={"authorization": "Bearer buyer"}).text == ""


def _paths(routes: list[BaseRoute], prefix: str = "") -> Iterator[str]:
    for route in routes:
        if isinstance(route, Mount):
            yield from _paths(route.routes, prefix + route.path)
        elif isinstance(route, Route):
            yield prefix + route.path


def test_every_guarded_route_is_guarded(payment_config: dict[str, Any]) -> None:
    """Whatever routes the plugin brings today or tomorrow: those not given as public answer 401."""
    app = create_app(payment_config)
    guarded = list(_paths(list(app.state.host.contributions.routes)))
    assert len(guarded) > 10

    client = TestClient(app)
    for path in guarded:
        concrete = path.replace("{path:path}", "x").replace("{", "").replace("}", "").replace(":path", "")
        for method in ("GET", "POST"):
            assert client.request(method, concrete).status_code == 401, (method, concrete)
