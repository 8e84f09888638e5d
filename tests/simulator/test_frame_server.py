"""The simulator over real HTTP, below another application's path, and driven from outside."""

from __future__ import annotations

import json
import os
import re
import subprocess
import sys
from collections.abc import AsyncIterator

import anyio
import httpx
import pytest
import stripe
from starlette.applications import Starlette
from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import Mount, Route

from overseer_payment.simulator import Deliverer, World, create_app, serving, transport
from overseer_payment.simulator.serving import listening

pytestmark = pytest.mark.anyio
KEY = {"Authorization": "Bearer sk_test_sim"}


@pytest.fixture
async def control(world: World) -> AsyncIterator[httpx.AsyncClient]:
    """The control endpoints of a world that delivers to an application which always answers 200."""
    answers = httpx.MockTransport(lambda _request: httpx.Response(200))
    async with httpx.AsyncClient(transport=answers) as webhook:
        app = create_app(world, Deliverer(world, webhook))
        inside = transport(world, app=app)
        async with httpx.AsyncClient(transport=inside, base_url="http://simulator", headers=KEY) as client:
            yield client


async def test_served_it_answers_and_delivers_over_http() -> None:
    """A request over a socket causes a signed delivery over a socket to another server."""
    received: list[tuple[bytes, str]] = []
    arrived = anyio.Event()

    async def webhook(request: Request) -> Response:
        received.append((await request.body(), request.headers["stripe-signature"]))
        arrived.set()
        return Response()

    world = World()
    app = Starlette(routes=[Route("/webhook", webhook, methods=["POST"])])
    async with listening(app) as target, serving(world) as base, httpx.AsyncClient(headers=KEY) as client:
        world.add_endpoint(f"{target}/webhook", "whsec_test")
        answer = await client.post(f"{base}/v1/products", content="name=a")
        assert answer.status_code == 200
        with anyio.fail_after(10):
            await arrived.wait()
    assert world.public_url == base
    assert stripe.WebhookSignature.verify_header(*received[0], "whsec_test", tolerance=300)


async def test_served_a_time_out_closes_the_connection() -> None:
    """The client sees a broken connection, the effect has happened, and the next request works."""
    world = World()
    world.faults.time_out("POST", after_effect=True)
    async with serving(world) as base, httpx.AsyncClient(headers=KEY) as client:
        with pytest.raises(httpx.TransportError):
            await client.post(f"{base}/v1/products", content="name=a")
        listed = await client.get(f"{base}/v1/products")
    assert len(listed.json()["data"]) == 1


async def test_it_works_below_another_applications_path(world: World) -> None:
    """Mounted at /_stripe, the API and the control endpoints are there."""
    outer = Starlette(routes=[Mount("/_stripe", create_app(world))])
    inside = httpx.ASGITransport(outer)
    async with httpx.AsyncClient(transport=inside, base_url="http://host", headers=KEY) as client:
        assert (await client.post("/_stripe/v1/products", content="name=a")).status_code == 200
        listed = (await client.get("/_stripe/v1/products")).json()
        assert (listed["url"], len(listed["data"])) == ("/v1/products", 1)
        assert (await client.get("/_stripe/_sim/")).json()["objects"] == {"product": 1}


async def test_control_can_be_left_out(world: World) -> None:
    """Without it nothing answers below /_sim."""
    inside = transport(world, app=create_app(world, control=False))
    async with httpx.AsyncClient(transport=inside, base_url="http://simulator") as client:
        assert (await client.get("/_sim/")).status_code == 404


async def test_control_moves_the_clock(world: World, control: httpx.AsyncClient) -> None:
    """What falls due runs, and the answer says how much."""
    before = world.now()
    world.schedule(before + 60, lambda _world: None, "something")
    assert (await control.get("/_sim/")).json()["scheduled"] == [{"at": before + 60, "label": "something"}]
    answer = await control.post("/_sim/clock", json={"advance": 60})
    assert answer.json() == {"now": before + 60, "jobs": 1}
    assert (await control.post("/_sim/clock", json={"advance": -1})).status_code == 400
    assert (await control.post("/_sim/clock", json={"advnce": 1})).status_code == 400


async def test_control_arms_and_clears_faults(world: World, control: httpx.AsyncClient) -> None:
    """Faults of both kinds by plain values; misspelt ones are refused."""
    fault = {"target": "api", "kind": "answer", "status": 503, "path": "/v1/*", "times": 1}
    assert (await control.post("/_sim/faults", json=fault)).status_code == 200
    assert (
        await control.post("/_sim/faults", json={"target": "delivery", "kind": "drop"})
    ).status_code == 200
    for wrong in ({"target": "api", "kind": "slow", "tims": 1}, {"target": "x"}, {"kind": "drop"}):
        assert (await control.post("/_sim/faults", json=wrong)).status_code == 400
    assert (await control.get("/v1/products")).status_code == 503
    armed = (await control.get("/_sim/faults")).json()
    assert ([f["kind"] for f in armed["api"]], [f["kind"] for f in armed["delivery"]]) == ([], ["drop"])
    assert (await control.delete("/_sim/faults")).json() == {"api": [], "delivery": []}


async def test_control_takes_json_only(control: httpx.AsyncClient) -> None:
    """A form that a page of another origin could submit is refused."""
    assert (await control.post("/_sim/clock", data={"advance": "60"})).status_code == 415


async def test_control_delivers_and_shows_deliveries(world: World, control: httpx.AsyncClient) -> None:
    """Delivering now, the log of attempts, resending, and the log of requests."""
    world.add_endpoint("http://app/webhook", "whsec_test")
    await control.post("/v1/products", content="name=a")
    assert (await control.get("/_sim/deliveries?state=pending")).json()["count"] == 1
    assert (await control.post("/_sim/deliveries")).json() == {"attempts": 1}
    [delivery] = (await control.get("/_sim/deliveries")).json()["deliveries"]
    assert (delivery["type"], delivery["state"]) == ("product.created", "delivered")
    assert [attempt["status"] for attempt in delivery["attempts"]] == [200]
    again = await control.post(f"/_sim/events/{delivery['event']}/resend")
    assert again.json() == {"queued": 1}
    assert (await control.post("/_sim/events/evt_none/resend")).status_code == 404
    [request] = (await control.get("/_sim/requests")).json()["requests"]
    assert (request["method"], request["path"], request["status"]) == ("POST", "/v1/products", 200)


async def test_without_a_deliverer_control_says_so(world: World, http: httpx.AsyncClient) -> None:
    """Delivering by hand needs something that delivers."""
    assert (await http.post("/_sim/deliveries")).status_code == 409


def test_the_command_serves_until_it_is_ended() -> None:
    """`python -m overseer_payment.simulator` prints what to set, on a free port, and answers there."""
    command = [
        sys.executable,
        "-m",
        "overseer_payment.simulator",
        "--port",
        "0",
        "--webhook",
        "http://127.0.0.1:9/w",
    ]
    process = subprocess.Popen(
        command, stdout=subprocess.PIPE, text=True, env={**os.environ, "PYTHONUNBUFFERED": "1"}
    )
    try:
        assert process.stdout is not None
        printed = dict(process.stdout.readline().strip().split("=", 1) for _ in range(3))
        assert re.fullmatch(r"whsec_\w{32}", printed["STRIPE_WEBHOOK_SECRET"])
        with httpx.Client(headers={"Authorization": f"Bearer {printed['STRIPE_SECRET_KEY']}"}) as client:
            answer = client.get(f"{printed['STRIPE_API_BASE']}/v1/webhook_endpoints")
        assert json.loads(answer.content)["data"][0]["url"] == "http://127.0.0.1:9/w"
    finally:
        process.terminate()
        process.communicate(timeout=20)
    assert process.returncode == 0
