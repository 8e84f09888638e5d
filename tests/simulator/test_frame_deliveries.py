"""Webhook deliveries: signed, retried, logged, and disturbed on demand."""

from __future__ import annotations

import json
import time
from collections.abc import AsyncIterator, Callable
from typing import Any

import anyio
import httpx
import pytest
import stripe

from overseer_payment.simulator import Deliverer, World
from overseer_payment.simulator.deliveries import RETRY_AFTER_SECONDS

pytestmark = pytest.mark.anyio
Emit = Callable[[], dict[str, Any]]
SECRET = "whsec_test"
URL = "http://app/webhook"


class Receiver:
    """An application that notes what it is sent and answers the statuses it is told to, then 200."""

    def __init__(self) -> None:
        self.requests: list[httpx.Request] = []
        self.statuses: list[int] = []
        self.running = self.most_running = 0
        self.arrived = anyio.Event()

    async def __call__(self, request: httpx.Request) -> httpx.Response:
        self.requests.append(request)
        self.arrived.set()
        self.running += 1
        self.most_running = max(self.most_running, self.running)
        await anyio.lowlevel.checkpoint()
        self.running -= 1
        status = self.statuses.pop(0) if self.statuses else 200
        if status == 0:
            raise httpx.ConnectError("refused", request=request)
        return httpx.Response(status, headers={"Location": URL})

    def ids(self) -> list[str]:
        return [json.loads(request.content)["id"] for request in self.requests]


@pytest.fixture
def receiver() -> Receiver:
    return Receiver()


@pytest.fixture
async def deliverer(world: World, receiver: Receiver) -> AsyncIterator[Deliverer]:
    async with httpx.AsyncClient(transport=httpx.MockTransport(receiver)) as client:
        yield Deliverer(world, client)


@pytest.fixture
def emit(world: World) -> Emit:
    """Emit an event of some balance, the smallest object that Stripe's types know."""
    balance = {"object": "balance", "available": [], "pending": [], "livemode": False}
    return lambda: world.emit("balance.available", balance)


def signature_of(request: httpx.Request) -> str:
    return str(request.headers["stripe-signature"])


async def test_the_signature_verifies_with_the_sdk(
    world: World, receiver: Receiver, deliverer: Deliverer, emit: Emit
) -> None:
    """The SDK accepts the raw body with the right secret only, though the simulator signs by itself."""
    world.add_endpoint(URL, SECRET)
    event = emit()
    assert await deliverer.deliver_due() == 1
    body, header = receiver.requests[0].content, signature_of(receiver.requests[0])
    assert stripe.WebhookSignature.verify_header(body, header, SECRET, tolerance=300)
    assert stripe.Webhook.construct_event(body, header, SECRET).id == event["id"]
    with pytest.raises(stripe.SignatureVerificationError):
        stripe.WebhookSignature.verify_header(body, header, "whsec_other", tolerance=300)


async def test_during_a_rotation_every_secret_signs(
    world: World, receiver: Receiver, deliverer: Deliverer, emit: Emit
) -> None:
    """One `v1` per secret, so a receiver that knows either of them accepts."""
    endpoint = world.add_endpoint(URL, SECRET)
    world.webhook_secrets[endpoint["id"]].append("whsec_new")
    emit()
    await deliverer.deliver_due()
    header = signature_of(receiver.requests[0])
    for secret in (SECRET, "whsec_new"):
        assert stripe.WebhookSignature.verify_header(receiver.requests[0].content, header, secret)


async def test_a_retry_is_signed_anew_with_the_real_time(
    world: World,
    receiver: Receiver,
    deliverer: Deliverer,
    emit: Emit,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    """Hours later the signature is fresh, so a tolerance of five minutes never refuses a retry."""
    world.add_endpoint(URL, SECRET)
    receiver.statuses = [500]
    emit()
    await deliverer.deliver_due()
    real = time.time
    monkeypatch.setattr("overseer_payment.simulator.deliveries.time.time", lambda: real() + 7_200)
    world.clock.advance(RETRY_AFTER_SECONDS[0])
    assert await deliverer.deliver_due() == 1
    first, second = map(signature_of, receiver.requests)
    stamps = [int(header.split(",")[0].removeprefix("t=")) for header in (first, second)]
    assert stamps[1] - stamps[0] >= 7_200
    assert first.split(",")[1] != second.split(",")[1]
    assert stripe.WebhookSignature.verify_header(receiver.requests[1].content, second, SECRET, tolerance=300)


@pytest.mark.parametrize("status", [500, 404, 302, 0])
async def test_what_is_not_2xx_is_retried_three_times_and_given_up(
    world: World,
    receiver: Receiver,
    deliverer: Deliverer,
    emit: Emit,
    status: int,
) -> None:
    """Errors, redirects and refused connections alike, by the account's clock and never early."""
    world.add_endpoint(URL, SECRET)
    receiver.statuses = [status] * 4
    event = emit()
    await deliverer.deliver_due()
    for wait in RETRY_AFTER_SECONDS:
        assert event["pending_webhooks"] == 1
        world.clock.advance(wait - 1)
        assert await deliverer.deliver_due() == 0
        world.clock.advance(1)
        assert await deliverer.deliver_due() == 1
    [delivery] = world.deliveries.log
    assert delivery.state == "failed"
    assert [attempt.status for attempt in delivery.attempts] == [status or None] * 4
    assert event["pending_webhooks"] == 0
    world.clock.advance(10 * 86_400)
    assert await deliverer.deliver_due() == 0


async def test_a_retry_that_succeeds_ends_the_delivery(
    world: World, receiver: Receiver, deliverer: Deliverer, emit: Emit
) -> None:
    """The same event arrives again, and nothing is pending afterwards."""
    world.add_endpoint(URL, SECRET)
    receiver.statuses = [503]
    event = emit()
    await deliverer.deliver_due()
    world.clock.advance(RETRY_AFTER_SECONDS[0])
    await deliverer.deliver_due()
    assert receiver.ids() == [event["id"]] * 2
    assert world.deliveries.succeeded(event["id"])
    assert event["pending_webhooks"] == 0


async def test_endpoints_get_only_what_they_listen_to(
    world: World, sdk: stripe.StripeClient, emit: Emit
) -> None:
    """A disabled or deleted endpoint and one for other types get nothing; `*` gets everything."""
    world.add_endpoint("http://other-type", SECRET, ("charge.succeeded",))
    everything = world.add_endpoint("http://everything", SECRET)
    disabled = world.add_endpoint("http://disabled", SECRET)
    await sdk.v1.webhook_endpoints.update_async(disabled["id"], {"disabled": True})
    deleted = world.add_endpoint("http://deleted", SECRET)
    await sdk.v1.webhook_endpoints.delete_async(deleted["id"])
    assert emit()["pending_webhooks"] == 1
    assert [delivery.endpoint_id for delivery in world.pending_deliveries()] == [everything["id"]]


async def test_an_endpoint_shows_its_secret_once(
    world: World, sdk: stripe.StripeClient, receiver: Receiver, deliverer: Deliverer
) -> None:
    """Creation answers with the secret that signs; reading and listing do not show it."""
    made = await sdk.v1.webhook_endpoints.create_async({"url": URL, "enabled_events": ["product.created"]})
    assert made.secret is not None
    assert made.secret.startswith("whsec_")
    read = await sdk.v1.webhook_endpoints.retrieve_async(made.id)
    listed = (await sdk.v1.webhook_endpoints.list_async()).data[0]
    assert "secret" not in read
    assert "secret" not in listed
    await sdk.v1.products.create_async({"name": "a"})
    await deliverer.deliver_due()
    request = receiver.requests[0]
    assert stripe.WebhookSignature.verify_header(request.content, signature_of(request), made.secret)


async def test_an_endpoint_needs_known_events_and_a_url(sdk: stripe.StripeClient) -> None:
    """A misspelt event type would silently never arrive; it is refused like in the API."""
    with pytest.raises(stripe.InvalidRequestError) as misspelt:
        await sdk.v1.webhook_endpoints.create_async(
            {"url": URL, "enabled_events": ["checkout.session.complete"]}  # type: ignore[list-item]  # wrong on purpose
        )
    assert misspelt.value.param == "enabled_events[0]"
    with pytest.raises(stripe.InvalidRequestError) as no_url:
        await sdk.v1.webhook_endpoints.create_async({"url": "app/webhook", "enabled_events": ["*"]})
    assert no_url.value.code == "url_invalid"


async def test_many_deliveries_can_run_at_once(world: World, receiver: Receiver, emit: Emit) -> None:
    """As many as the bound allows, and never more."""
    world.add_endpoint(URL, SECRET)
    for _ in range(10):
        emit()
    async with httpx.AsyncClient(transport=httpx.MockTransport(receiver)) as client:
        assert await Deliverer(world, client, concurrency=4).deliver_due() == 10
    assert 2 <= receiver.most_running <= 4


async def test_the_background_loop_delivers_what_is_emitted_later(
    world: World, deliverer: Deliverer, receiver: Receiver, emit: Emit
) -> None:
    """`run` needs no further call."""
    world.add_endpoint(URL, SECRET)
    async with anyio.create_task_group() as group:
        group.start_soon(lambda: deliverer.run(interval=0.001))
        event = emit()
        with anyio.fail_after(5):
            await receiver.arrived.wait()
        group.cancel_scope.cancel()
    assert receiver.ids() == [event["id"]]


async def test_resending_by_hand_delivers_once_more(
    world: World, receiver: Receiver, deliverer: Deliverer, emit: Emit
) -> None:
    """The same event id, as after a click on Resend in the dashboard."""
    world.add_endpoint(URL, SECRET)
    event = emit()
    await deliverer.deliver_due()
    assert world.deliveries.resend(world, event) == 1
    await deliverer.deliver_due()
    assert receiver.ids() == [event["id"]] * 2


async def test_a_dropped_delivery_never_arrives(
    world: World, receiver: Receiver, deliverer: Deliverer, emit: Emit
) -> None:
    """Not now and not later; whether the sender knows depends on the fault."""
    world.add_endpoint(URL, SECRET)
    world.faults.drop("balance.*")
    lost = emit()
    world.faults.drop(acknowledged=True)
    swallowed = emit()
    arrived = emit()
    await deliverer.deliver_due()
    world.clock.advance(10 * 86_400)
    await deliverer.deliver_due()
    assert receiver.ids() == [arrived["id"]]
    assert not world.deliveries.succeeded(lost["id"])
    assert world.deliveries.succeeded(swallowed["id"])


async def test_a_duplicated_delivery_arrives_again(
    world: World, receiver: Receiver, deliverer: Deliverer, emit: Emit
) -> None:
    """The same event id, as often as asked."""
    world.add_endpoint(URL, SECRET)
    world.faults.duplicate(2)
    twice, once = emit(), emit()
    assert await deliverer.deliver_due() == 4
    assert sorted(receiver.ids()) == sorted([twice["id"]] * 3 + [once["id"]])


async def test_a_delayed_delivery_waits_for_the_clock(
    world: World, receiver: Receiver, deliverer: Deliverer, emit: Emit
) -> None:
    """What was emitted later arrives first."""
    world.add_endpoint(URL, SECRET)
    world.faults.delay(60)
    late, prompt = emit(), emit()
    await deliverer.deliver_due()
    world.clock.advance(60)
    await deliverer.deliver_due()
    assert receiver.ids() == [prompt["id"], late["id"]]


async def test_reordering_shuffles_within_its_window_and_repeatably() -> None:
    """Every window holds its own events in another order, the same order for the same seed."""

    async def delivered(seed: int) -> list[int]:
        world, receiver = World(seed=seed), Receiver()
        world.add_endpoint(URL, SECRET)
        world.faults.reorder(window=5)
        balance = {"object": "balance", "available": [], "pending": [], "livemode": False}
        order = [world.emit("balance.available", balance)["id"] for _ in range(10)]
        async with httpx.AsyncClient(transport=httpx.MockTransport(receiver)) as client:
            await Deliverer(world, client).deliver_due()
        return [order.index(id) for id in receiver.ids()]

    seen = await delivered(7)
    assert seen != list(range(10))
    assert (sorted(seen[:5]), sorted(seen[5:])) == ([0, 1, 2, 3, 4], [5, 6, 7, 8, 9])
    assert await delivered(7) == seen
