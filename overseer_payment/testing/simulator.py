"""`stripe_simulator`: a Stripe of one's own for a test, by way of pytest."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING

import httpx
import pytest

if TYPE_CHECKING:
    from overseer_payment.simulator import World

WEBHOOK_SECRET = "whsec_simulated_account"


@dataclass(frozen=True, slots=True)
class StripeSimulator:
    """A simulated Stripe account, and what an application needs to use it instead of the real one."""

    world: World
    environ: Mapping[str, str]
    """`STRIPE_*` variables for the application under test."""

    def client(self, key: str = "stripe") -> httpx.AsyncClient:  # noqa: ARG002  (shape of an HTTP factory)
        """An HTTP client whose every request ends in the simulator, whatever host it names."""
        from overseer_payment.simulator import transport

        return httpx.AsyncClient(transport=transport(self.world))

    async def deliver(self, app: httpx.AsyncClient, url: str) -> None:
        """Send every event that is due, signed, to the webhook at `url`, which `app` reaches."""
        from overseer_payment.simulator import Deliverer

        if not any(endpoint["url"] == url for endpoint in self.world.find("webhook_endpoint")):
            raise LookupError(f"First listen({url!r}): an endpoint gets the events from then on.")
        await Deliverer(self.world, app).deliver_due()

    def listen(self, url: str) -> None:
        """Register `url` for every event from now on, signed with the secret in `environ`."""
        self.world.add_endpoint(url, WEBHOOK_SECRET)


@pytest.fixture
def stripe_simulator() -> Iterator[StripeSimulator]:
    """A Stripe-compatible account in memory. Import it into a conftest.py, then ask for it by name.

    The test fails if anything that the simulator answered or sent contradicts Stripe's own types.
    """
    from overseer_payment.simulator import World, assert_contract

    world = World()
    environ = {
        "STRIPE_SECRET_KEY": world.secret_key,
        "STRIPE_WEBHOOK_SECRET": WEBHOOK_SECRET,
        "STRIPE_API_BASE": "http://simulator.invalid",
    }
    yield StripeSimulator(world, environ)
    assert_contract(world)
