"""Idempotency keys, as Stripe documents them ("Idempotent requests")."""

from __future__ import annotations

import anyio
import httpx
import pytest
import stripe

from overseer_payment.simulator import World

pytestmark = pytest.mark.anyio
KEY = {"Idempotency-Key": "key-1"}


async def test_the_same_request_under_the_same_key_happens_once(
    world: World, sdk: stripe.StripeClient
) -> None:
    """The second call gets the first one's answer, marked as replayed, and changes nothing."""
    first = await sdk.v1.products.create_async({"name": "a"}, {"idempotency_key": "key-1"})
    second = await sdk.v1.products.create_async({"name": "a"}, {"idempotency_key": "key-1"})
    assert second.id == first.id
    assert first.last_response is not None
    assert second.last_response is not None
    assert second.last_response.headers["idempotent-replayed"] == "true"
    assert "idempotent-replayed" not in first.last_response.headers
    assert len(world.find("product")) == 1


async def test_other_parameters_under_the_same_key_are_refused(sdk: stripe.StripeClient) -> None:
    """The SDK raises IdempotencyError."""
    await sdk.v1.products.create_async({"name": "a"}, {"idempotency_key": "key-1"})
    with pytest.raises(stripe.IdempotencyError, match="same parameters"):
        await sdk.v1.products.create_async({"name": "b"}, {"idempotency_key": "key-1"})


async def test_another_endpoint_under_the_same_key_is_refused(http: httpx.AsyncClient) -> None:
    """A key belongs to the endpoint that it was first used with."""
    await http.post("/v1/products", content="name=a", headers=KEY)
    answer = await http.post("/v1/customers", content="name=a", headers=KEY)
    assert answer.status_code == 400
    assert "'/v1/products'" in answer.json()["error"]["message"]


async def test_a_parallel_request_under_the_same_key_is_409(world: World, http: httpx.AsyncClient) -> None:
    """While the first is still executing, the second is told so; afterwards it is replayed."""
    world.faults.slow(0.2, "POST", "/v1/products")
    answers: list[httpx.Response] = []

    async def create() -> None:
        answers.append(await http.post("/v1/products", content="name=a", headers=KEY))

    async with anyio.create_task_group() as group:
        group.start_soon(create)
        group.start_soon(create)
    assert sorted(answer.status_code for answer in answers) == [200, 409]
    refused = next(answer for answer in answers if answer.status_code == 409)
    assert refused.json()["error"]["code"] == "idempotency_key_in_use"
    assert (await http.post("/v1/products", content="name=a", headers=KEY)).status_code == 200
    assert len(world.find("product")) == 1


async def test_a_refused_parameter_does_not_use_up_the_key(http: httpx.AsyncClient) -> None:
    """Validation happens before execution: the corrected request may use the key."""
    assert (await http.post("/v1/products", content="nme=a", headers=KEY)).status_code == 400
    assert (await http.post("/v1/products", content="name=a", headers=KEY)).status_code == 200


async def test_an_error_of_the_execution_is_remembered(world: World, http: httpx.AsyncClient) -> None:
    """Once execution began the answer stands, even if the reason for the error is gone."""
    body = "currency=usd&unit_amount=1&product=prod_late"
    first = await http.post("/v1/prices", content=body, headers=KEY)
    await http.post("/v1/products", content="name=a&id=prod_late")
    second = await http.post("/v1/prices", content=body, headers=KEY)
    assert (first.status_code, second.status_code) == (400, 400)
    assert second.headers["idempotent-replayed"] == "true"
    assert second.json() == first.json()


async def test_a_500_after_the_effect_is_remembered_but_a_503_is_not(
    world: World, http: httpx.AsyncClient
) -> None:
    """Stripe stores its own 500; a gateway's 503 it never hears of, so the retry sees the true result."""
    for status, retried in ((500, 500), (503, 200)):
        headers = {"Idempotency-Key": f"key-{status}"}
        world.faults.answer(status, "POST", after_effect=True)
        assert (await http.post("/v1/products", content="name=a", headers=headers)).status_code == status
        assert (await http.post("/v1/products", content="name=a", headers=headers)).status_code == retried
    assert len(world.find("product")) == 2


async def test_a_key_is_forgotten_after_a_day(world: World, http: httpx.AsyncClient) -> None:
    """Keys live 24 hours of the account's clock; then the same request is a new one."""
    await http.post("/v1/products", content="name=a", headers=KEY)
    world.clock.advance(86_399)
    await http.post("/v1/products", content="name=a", headers=KEY)
    assert len(world.find("product")) == 1
    world.clock.advance(1)
    await http.post("/v1/products", content="name=a", headers=KEY)
    assert len(world.find("product")) == 2


async def test_a_key_longer_than_255_is_refused(http: httpx.AsyncClient) -> None:
    """Stripe bounds the length of keys."""
    answer = await http.post("/v1/products", content="name=a", headers={"Idempotency-Key": "k" * 256})
    assert answer.status_code == 400


async def test_events_name_the_key_of_their_request(world: World, sdk: stripe.StripeClient) -> None:
    """`event.request` links an event to the call that caused it."""
    product = await sdk.v1.products.create_async({"name": "a"}, {"idempotency_key": "key-1"})
    assert product.last_response is not None
    assert world.events[0]["request"] == {
        "id": product.last_response.request_id,
        "idempotency_key": "key-1",
    }
