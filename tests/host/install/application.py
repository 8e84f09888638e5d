"""An application of a stranger's, whose users and permissions are few."""

from __future__ import annotations

from collections.abc import Callable

from starlette.applications import Starlette
from starlette.requests import Request
from starlette.responses import PlainTextResponse, Response
from starlette.testclient import TestClient

from tests.host.conftest import HEAD

MakeApp = Callable[..., Starlette]
PAGES = {"accept": "text/html"}
SHED = (
    HEAD
    + """
from overseer_payment.host_contract import Card

async def _render(host, request):
    return f"at {request.scope['root_path']} for {(await host.user(request)).id}"

@hookimpl
def register_permissions():
    return {"shed.view": "look into the shed"}

@hookimpl
def register_cards(host):
    return [Card("rake", "Rake", "shed.view", _render, _render, "/rake", "/rake")]
"""
)


def alice(request: Request) -> str:
    return "alice"


def grants(request: Request, permission: str) -> bool:
    return True


def client_of(app: Starlette, **headers: str) -> TestClient:
    return TestClient(
        app, follow_redirects=False, headers={k.replace("_", "-"): v for k, v in headers.items()}
    )


def own(request: Request) -> Response:
    return PlainTextResponse("own")


def water(client: TestClient, token: str, **headers: str) -> int:
    named = {name.replace("_", "-"): value for name, value in headers.items()}
    return client.post("/garden/water", data={"csrf_token": token}, headers=named).status_code
