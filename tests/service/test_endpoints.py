"""Webhook endpoints over REST, on the real service, database and plugin; Stripe is the simulator."""

from __future__ import annotations

import asyncio
import json
from collections.abc import AsyncIterator
from dataclasses import replace
from typing import Any, cast

import httpx
import pytest

from overseer_payment import operations, tables
from overseer_payment.asking import endpoints
from overseer_payment.committing import committed
from overseer_payment.database import utcnow
from overseer_payment.errors import Conflict, Forbidden, NotFound, NotSupported, ProviderRejected
from overseer_payment.ledger import accounts
from overseer_payment.operations import Intent
from overseer_payment.provider import Capability, EndpointRequest, ManagesEndpoints
from overseer_payment.provider_plugins.stripe.endpoints import handled_types
from overseer_payment.schemas import EndpointBody, RotationBody, Viewer
from overseer_payment.service import Payments
from overseer_payment.settings import Settings
from tests.routes.fake_payments import TOKEN, FakeHost, FakePayments, application
from tests.service.shop import OPERATOR, SECRET, Shop, service, settings_of

pytestmark = pytest.mark.anyio

ENDPOINTS = "/webhook-endpoints"
URL = "https://shop.example/api/v1/payment/webhook"


@pytest.fixture
async def rest(shop: Shop) -> AsyncIterator[httpx.AsyncClient]:
    """REST for the holder of the host's token; `user-staff` may see, but not administer."""
    host = FakeHost(granted={"staff": frozenset({"payment.view", "payment.manage"})})
    async with httpx.AsyncClient(
        transport=httpx.ASGITransport(application(cast(FakePayments, shop.payments), host)),
        base_url="http://app.test/api/v1/payment",
        headers={"Authorization": f"Bearer {TOKEN}"},
    ) as client:
        yield client


async def _listed(rest: httpx.AsyncClient) -> dict[str, dict[str, Any]]:
    answer = await rest.get(ENDPOINTS)
    assert answer.status_code == 200, answer.text
    return {row["id"]: row for row in answer.json()["webhook_endpoints"]}


async def _made(rest: httpx.AsyncClient, path: str, body: dict[str, Any], key: str = "") -> dict[str, Any]:
    headers = {"Idempotency-Key": key} if key else {}
    answer = await rest.post(ENDPOINTS + path, json=body, headers=headers)
    assert answer.status_code == 200, answer.text
    return dict(answer.json())


async def test_an_endpoint_is_exactly_what_is_needed(shop: Shop, rest: httpx.AsyncClient) -> None:
    """It listens to what is handled, at the pinned version; its deliveries are taken with its secret."""
    made = await _made(rest, "", {"url": URL})
    assert set(made["event_types"]) == handled_types()
    assert made["api_version"] == "2026-10-28.endive"
    (stored,) = shop.world.find("webhook_endpoint", url=URL)
    assert [made["secret"]] == shop.world.webhook_secrets[stored["id"]]
    assert "secret" not in stored
    assert made["secret_set"] is False


async def test_the_secret_is_told_once_and_stored_nowhere(
    shop: Shop, rest: httpx.AsyncClient, caplog: pytest.LogCaptureFixture
) -> None:
    """Neither the list, nor the same key again, nor the database, nor the log holds it."""
    caplog.set_level("DEBUG")
    made = await _made(rest, "", {"url": URL}, "once")
    again = await _made(rest, "", {"url": URL}, "once")
    assert (again["id"], again["secret"]) == (made["id"], None)
    listed = await _listed(rest)
    assert all(row["secret"] is None for row in listed.values())
    rows = [row for row in await shop.rows(tables.operation) if row["kind"] == endpoints.KIND]
    assert [(row["status"], row["result"]) for row in rows] == [("succeeded", made["id"])]
    assert made["secret"] not in json.dumps(rows, default=str) + caplog.text
    assert len(shop.world.find("webhook_endpoint", url=URL)) == 1


async def test_an_address_gets_one_endpoint(rest: httpx.AsyncClient) -> None:
    """A second endpoint for the same address would deliver everything twice: 409."""
    await _made(rest, "", {"url": URL})
    refused = await rest.post(ENDPOINTS, json={"url": URL})
    assert (refused.status_code, refused.json()["code"]) == (409, "endpoint_exists")


async def test_two_at_the_same_moment_make_one(shop: Shop, rest: httpx.AsyncClient) -> None:
    """Of two administrators who do the same at once, one makes the endpoint and the other is told."""
    old = shop.world.find("webhook_endpoint")[0]["id"]
    for path, body in (("", {"url": URL}), (f"/{old}/rotate", {})):
        asked = [rest.post(ENDPOINTS + path, json=body) for _ in range(3)]
        statuses = sorted([answer.status_code for answer in await asyncio.gather(*asked)])
        assert statuses == [200, 409, 409]
    assert len(shop.world.find("webhook_endpoint")) == 3


async def test_what_is_made_after_one_looked_is_not_made_again(shop: Shop, rest: httpx.AsyncClient) -> None:
    """Another administrator does all of it between our look and our request: 409, and one endpoint."""
    old = shop.world.find("webhook_endpoint")[0]["id"]
    for made, path, body in ((2, "", {"url": URL}), (3, f"/{old}/rotate", {})):
        others = [(path, body)]

        async def amid(request: httpx.Request, others: list[Any] = others) -> None:
            if request.method == "GET" and others:
                await _made(rest, *others.pop())

        shop.wire.after = amid
        assert (await rest.post(ENDPOINTS + path, json=body)).status_code == 409
        assert len(shop.world.find("webhook_endpoint")) == made


async def test_a_secret_is_replaced_without_a_gap(shop: Shop, rest: httpx.AsyncClient) -> None:
    """While both endpoints deliver, each event is applied once; finishing waits for the new secret."""
    old = shop.world.find("webhook_endpoint")[0]["id"]
    new = await _made(rest, f"/{old}/rotate", {}, "replace")
    assert (new["replaces"], new["url"]) == (old, shop.world.get("webhook_endpoint", old)["url"])
    assert (await _made(rest, f"/{old}/rotate", {}, "replace"))["id"] == new["id"]
    twice = await rest.post(f"{ENDPOINTS}/{old}/rotate", json={})
    assert (twice.status_code, twice.json()["code"]) == (409, "rotation_open")
    early = await rest.post(f"{ENDPOINTS}/{old}/rotate", json={"finish": True})
    assert (early.status_code, early.json()["code"]) == (409, "secret_not_set")

    restarted = service(
        shop.wire, shop.engine, settings_of(shop.world, STRIPE_WEBHOOK_SECRET=f"{new['secret']},{SECRET}")
    )
    finish = RotationBody(finish=True)
    left = await endpoints.rotate(restarted, OPERATOR, old, finish, "finish")
    assert (left.id, left.secret, left.secret_set) == (new["id"], None, True)
    assert shop.world.peek("webhook_endpoint", old) is None
    assert (await endpoints.rotate(restarted, OPERATOR, old, finish, "finish")).id == new["id"]
    with pytest.raises(Conflict, match="Nothing replaces"):
        await endpoints.rotate(restarted, OPERATOR, left.id, finish)
    await restarted.aclose()


async def test_finishing_can_be_forced(shop: Shop, rest: httpx.AsyncClient) -> None:
    """Where the secret is set on another machine, `force` ends the overlap; either id names it."""
    old = shop.world.find("webhook_endpoint")[0]["id"]
    new = (await _made(rest, f"/{old}/rotate", {}))["id"]
    done = await _made(rest, f"/{new}/rotate", {"finish": True, "force": True})
    assert done["id"] == new
    assert [one["id"] for one in shop.world.find("webhook_endpoint")] == [new]


async def test_faults_are_seen_and_corrected(shop: Shop, rest: httpx.AsyncClient) -> None:
    """What differs is named; an update mends what can be mended, a replacement the version."""
    id = (await _made(rest, "", {"url": URL}))["id"]
    shop.world.put(
        shop.world.get("webhook_endpoint", id)
        | {"status": "disabled", "enabled_events": ["charge.refunded"], "api_version": "2024-06-20"}
    )
    row = (await _listed(rest))[id]
    assert row["faults"] == ["disabled", "missing_events", "api_version", "other_url"]
    assert set(row["missing_events"]) == handled_types() - {"charge.refunded"}
    assert (await _made(rest, f"/{id}/update", {}))["faults"] == ["api_version", "other_url"]


async def test_an_endpoint_goes(shop: Shop, rest: httpx.AsyncClient) -> None:
    """Deleted, and the same key again says so; a new request finds nothing: 404."""
    id = (await _made(rest, "", {"url": URL}))["id"]
    for _ in range(2):
        assert await _made(rest, f"/{id}/delete", {}, "gone") == {"id": id, "deleted": True}
    for what in ("delete", "update", "rotate"):
        assert (await rest.post(f"{ENDPOINTS}/{id}/{what}")).status_code == 404
    assert shop.world.peek("webhook_endpoint", id) is None


async def test_only_administrators_know_endpoints(shop: Shop, rest: httpx.AsyncClient) -> None:
    """Without `payment.admin` everything is 403, and Stripe is never asked."""
    before = len(shop.world.requests)
    rest.headers["Authorization"] = "Bearer user-staff"
    assert (await rest.get(ENDPOINTS)).status_code == 403
    for path in ("", "/we_1/rotate", "/we_1/update", "/we_1/delete"):
        assert (await rest.post(ENDPOINTS + path)).status_code == 403
    with pytest.raises(Forbidden):
        await endpoints.delete(shop.payments, Viewer("user:1"), "we_1")
    assert len(shop.world.requests) == before


async def test_a_refusal_is_written_down(shop: Shop, rest: httpx.AsyncClient) -> None:
    """An address that Stripe can't reach is refused before anything is sent, and the trail says so."""
    refused = await rest.post(
        ENDPOINTS, json={"url": "http://127.0.0.1:8000/webhook"}, headers={"Idempotency-Key": "k"}
    )
    assert (refused.status_code, refused.json()["code"]) == (422, "url_invalid")
    assert "payment webhook listen" in refused.json()["detail"]
    assert (endpoints.KIND, "failed") in await shop.operations()
    # Nothing happened, so the same key may be used for a better address.
    await _made(rest, "", {"url": URL}, "k")


async def test_what_broke_off_is_not_made_later(shop: Shop) -> None:
    """A crash before the answer leaves no endpoint whose secret nobody has: it is settled as failed."""
    account = shop.payments.home()

    def crash(connection: Any) -> None:
        id = accounts.ensure(connection, [account])[account]
        intent = Intent(kind=endpoints.KIND, actor="cli:tests", target=URL, request={"do": "create"})
        operations.begin(connection, id, intent, now=utcnow())

    await committed(shop.engine, crash)
    shop.later(600)
    assert await shop.payments.sender.settle() == 1
    (row,) = [row for row in await shop.rows(tables.operation) if row["kind"] == endpoints.KIND]
    assert (row["status"], row["error_code"]) == ("failed", "not_repeated")
    assert not shop.world.find("webhook_endpoint", url=URL)


async def test_a_live_endpoint_is_https(shop: Shop) -> None:
    """In live mode an address in clear text is refused before any call."""
    key, base = "sk_live_4eC39HqLyjWDarjtT1", "https://simulator.invalid"
    config = settings_of(shop.world, STRIPE_SECRET_KEY=key, STRIPE_API_BASE=base)
    live, before = service(shop.wire, shop.engine, config), len(shop.world.requests)
    built = live.registry.get("stripe")
    assert isinstance(built, ManagesEndpoints)
    with pytest.raises(ProviderRejected, match="https"):
        await built.create_endpoint(EndpointRequest(url="http://shop.example/webhook"), idempotency_key="k")
    assert len(shop.world.requests) == before
    await live.aclose()


async def test_a_provider_without_endpoints_says_so(shop: Shop) -> None:
    """Where the capability isn't declared, NotSupported names the provider's own dashboard."""
    claim = shop.payments.registry._sound["stripe"]
    assert claim.spec is not None
    spec = replace(claim.spec, capabilities=claim.spec.capabilities - {Capability.WEBHOOK_ENDPOINTS})
    shop.payments.registry._sound["stripe"] = replace(claim, spec=spec)
    with pytest.raises(NotSupported, match="own dashboard"):
        await endpoints.create(shop.payments, OPERATOR, EndpointBody(url=URL))


async def test_our_own_address_is_the_default(shop: Shop) -> None:
    """Without a URL the endpoint leads to the public URL, and has no fault but its secret."""
    config = settings_of(shop.world)
    public = Settings.model_validate({"OVERSEER_PUBLIC_URL": "https://shop.example/"})
    here = Payments(shop.engine, shop.payments.registry, public)
    row = await endpoints.create(here, OPERATOR, EndpointBody())
    assert (row.url, row.faults) == (URL, ["secret_not_set"])
    assert config["STRIPE_WEBHOOK_SECRET"] != row.secret
    with pytest.raises(NotFound):
        await endpoints.update(here, OPERATOR, "we_unknown")
