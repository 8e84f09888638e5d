"""Where the routes go: both parts together, in any order, beside a host's own."""

from __future__ import annotations

import subprocess
import sys
from collections.abc import Sequence
from typing import cast

import pytest
from fastapi import FastAPI
from starlette.applications import Starlette
from starlette.requests import Request
from starlette.responses import PlainTextResponse, Response
from starlette.routing import BaseRoute, Route
from starlette.testclient import TestClient

from overseer_payment.host_contract import Host
from overseer_payment.routes.api import api_routes, public_api_routes
from overseer_payment.routes.op import PREFIX
from overseer_payment.service import Payments
from tests.routes.fake_payments import TOKEN, FakeHost, FakePayments


async def _own(request: Request) -> Response:
    return PlainTextResponse("own")


def _routes(payments: FakePayments, host: FakeHost, *, public_first: bool) -> Sequence[BaseRoute]:
    def payments_for(_: Host) -> Payments:
        return cast(Payments, payments)

    guarded, public = api_routes(host, payments_for), public_api_routes(host, payments_for)
    own = [Route(f"{PREFIX}/own", _own), Route("/other", _own)]
    return [*public, *guarded, *own] if public_first else [*guarded, *public, *own]


@pytest.mark.parametrize("public_first", [True, False])
@pytest.mark.parametrize("framework", [Starlette, FastAPI])
def test_order_of_the_parts_doesnt_matter(
    payments: FakePayments, host: FakeHost, framework: type[Starlette], public_first: bool
) -> None:
    """Our answer to unknown paths hides no route, ours or the host's, in Starlette and FastAPI."""
    app = framework(routes=_routes(payments, host, public_first=public_first))
    client = TestClient(app, headers={"Authorization": f"Bearer {TOKEN}"})
    assert client.post(f"{PREFIX}/webhook", content=b"x").status_code == 200
    assert client.get(f"{PREFIX}/webhook").status_code == 405
    assert client.get(f"{PREFIX}/status").status_code == 200
    assert client.get(f"{PREFIX}/own").text == "own"
    assert client.get(f"{PREFIX}/nothing").json()["code"] == "not_found"
    assert client.get("/other").text == "own"


def test_importing_the_package_of_routes_is_light() -> None:
    """A host that only lists its plugins loads neither Starlette nor SQLAlchemy for our routes."""
    script = (
        "import sys, overseer_payment.routes; "
        "print([m for m in ('starlette', 'sqlalchemy', 'stripe', 'pydantic') if m in sys.modules])"
    )
    done = subprocess.run(
        [sys.executable, "-c", script], capture_output=True, text=True, timeout=60, check=True
    )
    assert done.stdout.strip() == "[]"
