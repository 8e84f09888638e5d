"""Webhook deliveries: signed, retried with back-off by the simulated clock, and logged attempt by attempt."""

from __future__ import annotations

import hashlib
import hmac
import json
import time
from collections.abc import Iterable
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any, Literal

import anyio
import httpx

from overseer_payment.simulator.webhook_endpoints import listens

if TYPE_CHECKING:
    from overseer_payment.simulator.world import World

Json = dict[str, Any]
State = Literal["pending", "delivered", "failed", "dropped"]

# In a sandbox Stripe retries three times over a few hours ("Receive Stripe events in your webhook endpoint").
RETRY_AFTER_SECONDS = (600, 3_600, 10_800)
_TIMEOUT_SECONDS = 20.0
_MAX_ROUNDS = 1_000


@dataclass(frozen=True, slots=True)
class Attempt:
    """One try: when by the simulated clock, and what came back (`status` None: no answer)."""

    at: int
    status: int | None
    error: str | None = None


@dataclass(slots=True)
class Delivery:
    """One event on its way to one endpoint."""

    id: int
    event: Json
    endpoint_id: str
    due_at: float
    state: State = "pending"
    attempts: list[Attempt] = field(default_factory=list)

    def described(self) -> Json:
        """Return the delivery as plain values, newest attempt last."""
        return {
            "id": self.id,
            "event": self.event["id"],
            "type": self.event["type"],
            "endpoint": self.endpoint_id,
            "due_at": int(self.due_at),
            "state": self.state,
            "attempts": [{"at": a.at, "status": a.status, "error": a.error} for a in self.attempts],
        }


class DeliveryQueue:
    """Every delivery ever queued, and those that are still to be made."""

    def __init__(self) -> None:
        self.log: list[Delivery] = []
        self._pending: list[Delivery] = []
        self._by_event: dict[str, list[Delivery]] = {}

    def queue(self, world: World, event: Json) -> int:
        """Queue `event` for every endpoint that listens to it; return how many deliveries are pending."""
        endpoints = [e for e in world.find("webhook_endpoint") if listens(e, event["type"])]
        for endpoint in endpoints:
            self._queue_one(world, event, endpoint["id"])
        return sum(d.state == "pending" for d in self._by_event.get(event["id"], []))

    def resend(self, world: World, event: Json, endpoint_id: str | None = None) -> int:
        """Queue `event` once more by hand; return to how many endpoints."""
        endpoints = world.find("webhook_endpoint") if endpoint_id is None else [
            world.get("webhook_endpoint", endpoint_id)
        ]  # fmt: skip
        for endpoint in endpoints:
            self._add(event, endpoint["id"], world.now())
        return len(endpoints)

    def pending(self) -> list[Delivery]:
        """Return what is still to be made, soonest first."""
        return sorted(self._pending, key=lambda d: (d.due_at, d.id))

    def of_event(self, event_id: str) -> list[Delivery]:
        """Return the deliveries of one event."""
        return self._by_event.get(event_id, [])

    def succeeded(self, event_id: str) -> bool:
        """Say whether everything that was to be delivered of an event has been (`delivery_success`)."""
        states: dict[str, set[State]] = {}
        for delivery in self.of_event(event_id):
            states.setdefault(delivery.endpoint_id, set()).add(delivery.state)
        return all("delivered" in found for found in states.values())

    def take_due(self, now: float) -> list[Delivery]:
        """Take what is due out of the queue, soonest first."""
        due = [d for d in self._pending if d.due_at <= now]
        if due:
            self._pending = [d for d in self._pending if d.due_at > now]
        return sorted(due, key=lambda d: (d.due_at, d.id))

    def put_back(self, delivery: Delivery) -> None:
        """Queue a delivery again that was taken."""
        self._pending.append(delivery)

    def _queue_one(self, world: World, event: Json, endpoint_id: str) -> None:
        copies, due_at = 1, float(world.now())
        state: State = "pending"
        for fault in world.faults.hit_event(event["type"]):
            if fault.kind == "drop":
                state = "delivered" if fault.acknowledged else "dropped"
            elif fault.kind == "duplicate":
                copies += fault.copies
            elif fault.kind == "delay":
                due_at += fault.seconds
        for _ in range(copies if state == "pending" else 1):
            self._add(event, endpoint_id, due_at, state)

    def _add(self, event: Json, endpoint_id: str, due_at: float, state: State = "pending") -> None:
        delivery = Delivery(len(self.log) + 1, event, endpoint_id, due_at, state)
        self.log.append(delivery)
        self._by_event.setdefault(event["id"], []).append(delivery)
        if state == "pending":
            self._pending.append(delivery)


class Deliverer:
    """Makes the deliveries of one world through `client`, whose transport decides where they arrive."""

    def __init__(
        self,
        world: World,
        client: httpx.AsyncClient,
        *,
        concurrency: int = 1,
        retry_after: Iterable[int] = RETRY_AFTER_SECONDS,
    ) -> None:
        self._world = world
        self._client = client
        self._concurrency = concurrency
        self._retry_after = tuple(retry_after)

    async def deliver_due(self) -> int:
        """Make every delivery that is due now, also those that come due meanwhile; return the attempts."""
        attempts = 0
        for _ in range(_MAX_ROUNDS):
            self._world.clock.run_due()
            due = self._world.faults.ordered(self._world.deliveries.take_due(self._world.now()))
            if not due:
                break
            await self._deliver_all(due)
            attempts += len(due)
        return attempts

    async def run(self, *, interval: float = 0.05) -> None:
        """Deliver what falls due until cancelled, looking every `interval` seconds of real time."""
        while True:
            await self.deliver_due()
            await anyio.sleep(interval)

    async def _deliver_all(self, due: list[Delivery]) -> None:
        if self._concurrency == 1:
            for delivery in due:
                await self._attempt(delivery)
            return
        limiter = anyio.CapacityLimiter(self._concurrency)

        async def one(delivery: Delivery) -> None:
            async with limiter:
                await self._attempt(delivery)

        async with anyio.create_task_group() as group:
            for delivery in due:
                group.start_soon(one, delivery)

    async def _attempt(self, delivery: Delivery) -> None:
        endpoint = self._world.peek("webhook_endpoint", delivery.endpoint_id)
        if endpoint is None or endpoint["status"] != "enabled":
            delivery.state = "failed"
            return
        attempt = await self._post(delivery, endpoint)
        delivery.attempts.append(attempt)
        if attempt.status is not None and 200 <= attempt.status < 300:
            delivery.state = "delivered"
        elif len(delivery.attempts) <= len(self._retry_after):
            delivery.due_at = self._world.now() + self._retry_after[len(delivery.attempts) - 1]
            self._world.deliveries.put_back(delivery)
        else:
            delivery.state = "failed"
        self._count_pending(delivery.event)

    async def _post(self, delivery: Delivery, endpoint: Json) -> Attempt:
        payload = json.dumps(delivery.event).encode()
        secrets = self._world.webhook_secrets[delivery.endpoint_id]
        headers = {
            "Content-Type": "application/json; charset=utf-8",
            "User-Agent": "Stripe/1.0 (+https://stripe.com/docs/webhooks)",
            # Signed anew for every attempt and with real time: receivers bound the age of a signature.
            "Stripe-Signature": signature(payload, secrets, int(time.time())),
        }
        try:
            answer = await self._client.post(
                endpoint["url"], content=payload, headers=headers,
                timeout=_TIMEOUT_SECONDS, follow_redirects=False,
            )  # fmt: skip
        except httpx.HTTPError as error:
            return Attempt(self._world.now(), None, f"{type(error).__name__}: {error}")
        return Attempt(self._world.now(), answer.status_code)

    def _count_pending(self, event: Json) -> None:
        deliveries = self._world.deliveries.of_event(event["id"])
        event["pending_webhooks"] = sum(d.state == "pending" for d in deliveries)


def signature(payload: bytes, secrets: Iterable[str], timestamp: int) -> str:
    """Return the `Stripe-Signature` header: one `v1` per secret, so that a secret can be rolled."""
    signed = f"{timestamp}.".encode() + payload
    digests = [hmac.new(secret.encode(), signed, hashlib.sha256).hexdigest() for secret in secrets]
    return ",".join([f"t={timestamp}", *(f"v1={digest}" for digest in digests)])
